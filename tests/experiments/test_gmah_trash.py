"""The study gmah_trash: a small cell that is stopped and goes on, its pictures, its arms and its scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from stop_after import StopAfter

import games
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder
from experiments.studies.gmah_trash import STUDY
from experiments.studies.gmah_trash.analysis import (
    COLOURS,
    MAIN,
    describe_claims,
    late_scores,
    make_ends_table,
    make_table,
)
from experiments.studies.gmah_trash.replay import draw_timeline
from experiments.studies.gmah_trash.settings import (
    ENDS,
    FLAT,
    GMAH,
    LABELS,
    NUM_ENVS,
    POLICY_GRADIENT,
    VALUES,
    TrashCell,
)
from experiments.studies.gmah_trash.training import make_config, open_cell, train
from marl.gmah import find_tree
from marl.gmah.goals import CAUSES
from marl.gmah.play import Played

# Three rounds of 16 episodes of 8 steps.
SMALL = {"arms": ["gmah_mixer"], "seeds": [3], "steps": 384, "evaluations": 3, "episodes": 4, "horizon": 8}


def test_a_cell_that_was_stopped_ends_as_one_that_was_not(tmp_path, local_ray):
    settings = STUDY.read_settings(SMALL)
    whole, stopped = (RunFolder.create(tmp_path / name, STUDY.name, SMALL) for name in ("whole", "stopped"))
    assert train(whole, settings)
    (cell,) = settings.cells()
    own = RunFolder(cell.path(stopped.path))
    with TrainingProgress("test", cell.steps, 0, Console()) as progress:
        assert not open_cell(cell, stopped.path, settings).train(StopAfter(), progress, 0)
    assert own.trained_steps() == 2 * NUM_ENVS * 8
    assert not cell.is_done(stopped.path)
    assert len(open_cell(cell, stopped.path, settings).algorithm.replay) == 2 * NUM_ENVS
    assert train(stopped, settings)
    assert len(list(own.checkpoints_path.iterdir())) == 1, "who is done needs one checkpoint"
    assert len(open_cell(cell, stopped.path, settings).algorithm.replay) == 0, "and no replay in it"
    for run in (whole, stopped):
        STUDY.evaluate(run, settings)
    assert whole.evaluation_path.read_text() == stopped.evaluation_path.read_text()
    rows = pd.read_csv(whole.evaluation_path)
    assert rows["steps"].tolist() == [128, 256, 384]
    assert rows["steps_above"].tolist() == [128 - 96, 256 - 96, 384 - 96]
    assert set(rows[list(ENDS)].sum(axis=1).round(3)) <= {0.0, 1.0}, "of eight steps few subgoals end in their episode"
    STUDY.render(whole, settings)
    STUDY.report(whole, settings)
    assert {path.name for path in whole.replay_path.iterdir()} >= {"episode.mp4", "episode.gif", "timeline.svg"}
    report = whole.report_path.read_text()
    assert "Subgoals of an episode" in report
    assert "GMAH with mixer, seed 3" in report
    assert "How subgoals ended" in report
    assert train(whole, settings), "nothing is left to do"


def test_runs_that_are_not_there_yet_say_how_to_go_on(tmp_path):
    run = RunFolder.create(tmp_path / "run", STUDY.name, SMALL)
    with pytest.raises(RunError, match="no cell is trained to its end yet: agora resume"):
        STUDY.evaluate(run, STUDY.read_settings(SMALL))
    with pytest.raises(RunError, match="no arm with subgoals is trained"):
        STUDY.render(run, STUDY.read_settings(SMALL))
    STUDY.render(run, STUDY.read_settings({**SMALL, "arms": ["qmix", "mappo"]}))
    assert not run.replay_path.exists(), "arms without subgoals have no replay, and nothing is wrong with that"


def write_cell(cell, run: RunFolder, share: float) -> None:
    """A cell with four evaluations, trained so far."""
    folder = RunFolder(cell.path(run.path))
    folder.path.mkdir(parents=True)
    for step in range(1, 5):
        row = {"steps": step * cell.steps // 4, "delivered": 1.0, "judged_delivered": 2.0, "judged_length": 8.0}
        folder.append_metrics(row | dict.fromkeys((*ENDS, "length"), 0.2))
    folder.save_checkpoint(int(share * cell.steps), lambda path: None)


def test_cells_that_are_not_done_are_left_out_and_named(tmp_path):
    told = {**SMALL, "arms": ["gmah", "qmix"]}
    run, settings = RunFolder.create(tmp_path / "run", STUDY.name, told), STUDY.read_settings(told)
    for cell, share in zip(settings.cells(), (1.0, 0.5), strict=True):
        write_cell(cell, run, share)
    STUDY.evaluate(run, settings)
    assert set(pd.read_csv(run.evaluation_path)["arm"]) == {"gmah"}
    STUDY.report(run, settings)
    assert "1 of 2 cells are not trained to their end and left out" in run.report_path.read_text()


def test_arms_differ_in_what_they_say():
    settings = STUDY.read_settings({"seeds": [0]})
    assert [cell.arm for cell in settings.cells()] == list(LABELS)
    configs = {cell.arm: make_config(cell, settings) for cell in settings.cells()}
    whole = vars(configs["gmah_mixer"].factorization_settings())
    for arm, own in GMAH.items():
        assert vars(configs[arm].factorization_settings()) == whole | own
    for arm in FLAT:
        found = vars(configs[arm].factorization_settings())
        assert {name: found[name] for name in VALUES} == {name: whole[name] for name in VALUES}
        assert configs[arm].lr == configs["gmah_mixer"].lr
        assert found["mixer"] == {"qmix": "qmix", "vdn": "vdn", "iql": "none"}[arm]
    told = STUDY.read_settings(
        {"seeds": [0], "lr": 5e-4, "policy_lr": 1e-4, "gamma": 0.9, "epsilon": 0.2, "epsilon_share": 0.5}
    )
    told_configs = {cell.arm: make_config(cell, told) for cell in told.cells()}
    for arm, config in told_configs.items():
        assert config.lr == (1e-4 if arm in POLICY_GRADIENT else 5e-4)
        assert config.gamma == 0.9
    assert told_configs["qmix"].epsilon == told_configs["gmah"].low_epsilon == ((0, 1.0), (150_000, 0.2))
    assert TrashCell("gmah", 0, 1000).low_level_steps == 250
    assert TrashCell("qmix", 0, 1000).low_level_steps == 0


def made_up(levels: dict[str, float]) -> pd.DataFrame:
    """Curves that rise in a straight line to a level, and to one piece more with each seed."""
    steps = np.arange(1, 11) * 100
    return pd.concat(
        pd.DataFrame({"arm": arm, "seed": seed, "steps": steps, "judged_delivered": steps / 1000 * (level + seed)})
        for arm, level in levels.items()
        for seed in (0, 1)
    ).assign(judged_length=100.0, delivered=1.25)


def test_scores_are_means_over_the_last_fifth():
    curves = made_up({"gmah_mixer": 8.0, "qmix": 2.0})
    assert late_scores(curves)["judged_delivered"].tolist() == pytest.approx([7.2, 8.1, 1.8, 2.7])  # 0.8, 0.9, 1
    table = make_table(curves)
    assert table[1][:5] == ["GMAH with mixer", "7.65", "7.20 to 8.10", "1.25", "100"]
    assert table[2][-1].startswith("1.00")


def test_the_claims_are_told_as_they_came_out():
    """To 8 and 9 or to 2 and 3 in straight lines: what QMIX reaches is passed early, or never."""
    found = describe_claims(made_up({"gmah_mixer": 8.0, "qmix": 2.0}))
    assert found[0].startswith("GMAH with mixer delivers more pieces than QMIX: a difference of 5.40")
    assert found[0].endswith("more in 100% of 2 seeds.")
    assert found[1].startswith("In 100% of seeds")
    lost = describe_claims(made_up({"gmah_mixer": 2.0, "qmix": 8.0}))
    assert lost[0].startswith("GMAH with mixer delivers fewer pieces than QMIX")
    assert lost[1].startswith("In 0% of seeds")


def test_what_says_nothing_is_not_claimed():
    """A rival that delivers nothing; one lucky evaluation; one seed; no seed in common."""
    curves = made_up({"gmah_mixer": 8.0, "qmix": 2.0})
    nothing = curves.assign(judged_delivered=curves["judged_delivered"].where(curves["arm"] != "qmix", 0.0))
    assert describe_claims(nothing)[1].startswith("QMIX delivers nothing")
    lucky = made_up({"gmah_mixer": 1.0, "qmix": 8.0})
    lucky.loc[(lucky["arm"] == "gmah_mixer") & (lucky["steps"] == 300), "judged_delivered"] = 9.0
    assert describe_claims(lucky)[1].startswith("In 0% of seeds")
    assert describe_claims(curves[curves["seed"] == 0])[0].startswith("In one seed, which says little")
    apart = curves[(curves["arm"] == "qmix") == (curves["seed"] == 0)]
    assert "no seed in common" in describe_claims(apart)[0]


def test_ends_of_subgoals_are_those_of_the_last_fifth():
    """Shares 0 to 0.9 in ten evaluations: the last three count, flat arms have none."""
    curves = made_up({"gmah": 1.0, "qmix": 1.0})
    for name in (*ENDS, "length"):
        curves[name] = ((curves["steps"] - 100) / 1000).where(curves["arm"] == "gmah")
    assert make_ends_table(curves)[1:] == [["GMAH without mixer", *["80.0%"] * len(ENDS), "0.8"]]


@pytest.mark.parametrize("told", [{"arms": ["qmix", "qmix"]}, {"seeds": [0, 0]}, {"seeds": [-1]}, {"arms": []}])
def test_cells_are_named_once(told):
    with pytest.raises(RunError, match=r"arms|seeds"):
        STUDY.read_settings(told)


def test_every_arm_has_its_colour():
    assert set(COLOURS) == set(LABELS)
    for arms in (set(MAIN), set(LABELS) - set(MAIN) | {"gmah_mixer"}):
        assert len({COLOURS[arm] for arm in arms}) == len(arms)


def test_a_timeline_has_a_bar_for_each_subgoal_and_a_mark_for_each_end():
    """Two agents, five steps: the first changes its subgoal once, having completed it; the second keeps its own."""
    tree = find_tree(games.spec("grid/trash_v0").config(num_small=1, num_big=1))  # take 0, take 1, split 1, deliver
    completed = CAUSES.index("completed")
    subgoals, causes = [[0, 2], [0, 2], [3, 2], [3, 2], [3, 2]], [[1, 1], [0, 0], [completed, 0], [0, 0], [0, 0]]
    played = [Played(*(np.array([row]) for row in (s, s, c))) for s, c in zip(subgoals, causes, strict=True)]
    axes = draw_timeline(played, tree).axes[0]
    assert sorted((bar.get_y() + 0.35, bar.get_x(), bar.get_width()) for bar in axes.patches) == [
        (0, 0, 2),
        (0, 2, 3),
        (1, 0, 5),
    ]
    marks = {str(line.get_label()): line.get_xdata().tolist() for line in axes.lines}
    assert marks == {name: [2] if name == "completed" else [] for name in ENDS}
