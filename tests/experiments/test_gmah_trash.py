"""The study gmah_trash: a small cell that is stopped and goes on, its pictures, its arms and its scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder
from experiments.studies.gmah_trash import STUDY
from experiments.studies.gmah_trash.analysis import describe_claims, late_scores, make_table
from experiments.studies.gmah_trash.replay import draw_timeline
from experiments.studies.gmah_trash.settings import FLAT, GMAH, LABELS, NUM_ENVS, VALUES, Cell
from experiments.studies.gmah_trash.training import CellTraining, make_config, run_cells
from marl.gmah.play import Played

# Three rounds of 16 episodes of 8 steps.
SMALL = {"arms": ["gmah_mixer"], "seeds": [3], "steps": 384, "evaluations": 3, "episodes": 4, "horizon": 8}


class StopAfter(StopRequest):
    """Asks for a stop from the second round on."""

    asked = 0

    @property
    def is_made(self) -> bool:
        self.asked += 1
        return self.asked > 2

    @is_made.setter
    def is_made(self, value: bool) -> None:
        pass


def test_a_cell_that_was_stopped_ends_as_one_that_was_not(tmp_path, local_ray):
    settings = STUDY.read_settings(SMALL)
    whole, stopped = (RunFolder.create(tmp_path / name, STUDY.name, SMALL) for name in ("whole", "stopped"))
    assert run_cells(whole, settings)
    (cell,) = settings.cells()
    with TrainingProgress("test", cell.steps, 0, Console()) as progress:
        assert not CellTraining(cell, stopped.path, settings).train(StopAfter(), progress, 0)
    assert RunFolder(cell.path(stopped.path)).trained_steps() == 2 * NUM_ENVS * 8
    assert run_cells(stopped, settings)
    for run in (whole, stopped):
        STUDY.evaluate(run, settings)
    assert whole.evaluation_path.read_text() == stopped.evaluation_path.read_text()
    rows = pd.read_csv(whole.evaluation_path)
    assert rows["steps"].tolist() == [128, 256, 384]
    assert rows["steps_above"].tolist() == [128 - 96, 256 - 96, 384 - 96]
    STUDY.render(whole, settings)
    STUDY.report(whole, settings)
    assert {path.name for path in whole.replay_path.iterdir()} >= {"episode.mp4", "episode.gif", "timeline.svg"}
    assert "Subgoals of an episode" in whole.report_path.read_text()
    assert run_cells(whole, settings), "nothing is left to do"


def test_runs_that_are_not_there_yet_say_how_to_go_on(tmp_path):
    run = RunFolder.create(tmp_path / "run", STUDY.name, SMALL)
    with pytest.raises(RunError, match="gmah_mixer-3 has no rows: agora resume"):
        STUDY.evaluate(run, STUDY.read_settings(SMALL))
    with pytest.raises(RunError, match="no arm with subgoals is trained"):
        STUDY.render(run, STUDY.read_settings(SMALL))


def test_arms_differ_in_what_they_say():
    settings = STUDY.read_settings({"seeds": [0]})
    assert [cell.arm for cell in settings.cells()] == list(LABELS)
    configs = {cell.arm: make_config(cell, settings) for cell in settings.cells()}
    whole = vars(configs["gmah_mixer"].factorization_settings())
    for arm, own in GMAH.items():
        assert vars(configs[arm].factorization_settings()) == whole | own
    for arm in FLAT:
        found = vars(configs[arm].factorization_settings())
        assert {name: found[name] for name in VALUES if name != "lr"} == {
            name: whole[name] for name in VALUES if name != "lr"
        }
        assert configs[arm].lr == configs["gmah_mixer"].lr
        assert found["mixer"] == {"qmix": "qmix", "vdn": "vdn", "iql": "none"}[arm]
    assert Cell("gmah", 0, 1000).low_level_steps == 250
    assert Cell("qmix", 0, 1000).low_level_steps == 0


def made_up(levels: dict[str, float]) -> pd.DataFrame:
    """Curves that rise in a straight line to a level, and to one piece more with each seed."""
    steps = np.arange(1, 11) * 100
    return pd.concat(
        pd.DataFrame({"arm": arm, "seed": seed, "steps": steps, "greedy_delivered": steps / 1000 * (level + seed)})
        for arm, level in levels.items()
        for seed in (0, 1)
    ).assign(greedy_length=100.0)


def test_scores_are_means_over_the_last_fifth():
    curves = made_up({"gmah_mixer": 8.0, "qmix": 2.0})
    assert late_scores(curves)["greedy_delivered"].tolist() == pytest.approx([7.2, 8.1, 1.8, 2.7])  # 0.8, 0.9, 1
    table = make_table(curves)
    assert table[1][:3] == ["GMAH with mixer", "7.65", "7.20 to 8.10"]
    assert table[2][-1].startswith("1.00")


def test_the_claims_are_told_as_they_came_out():
    """To 8 and 9 or to 2 and 3 in straight lines: what QMIX reaches is passed early, or never."""
    found = describe_claims(made_up({"gmah_mixer": 8.0, "qmix": 2.0}))
    assert found[0].startswith("GMAH with mixer delivers more pieces than QMIX: a difference of 5.40")
    assert found[1].startswith("In 100% of seeds")
    lost = describe_claims(made_up({"gmah_mixer": 2.0, "qmix": 8.0}))
    assert lost[0].startswith("GMAH with mixer delivers fewer pieces than QMIX")
    assert lost[1].startswith("In 0% of seeds")


def test_a_timeline_has_a_bar_for_each_subgoal():
    """Two agents, five steps: the first changes its subgoal once, having completed it; the second keeps its own."""
    subgoals, causes = [[0, 1], [0, 1], [2, 1], [2, 1], [2, 1]], [[1, 1], [0, 0], [2, 0], [0, 0], [0, 0]]
    played = [Played(*(np.array([row]) for row in (s, s, c))) for s, c in zip(subgoals, causes, strict=True)]
    axes = draw_timeline(played, ("take 0", "split 1", "deliver")).axes[0]
    assert sorted((bar.get_y() + 0.35, bar.get_x(), bar.get_width()) for bar in axes.patches) == [
        (0, 0, 2),
        (0, 2, 3),
        (1, 0, 5),
    ]
    assert [line.get_xdata()[0] for line in axes.lines] == [2]
