"""The studies qarl and qarl_robustness: runs that go on, judges that agree, sums by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from agents.swingers import ConstantPusher
from agents.trained import load_policy
from experiments.run_folder import RunError, RunFolder
from experiments.studies.qarl import STUDY, training
from experiments.studies.qarl.evaluation import attack, attacker_path, evaluate, load_player, make_arena, read_measures
from experiments.studies.qarl.report import draw_grids
from experiments.studies.qarl.settings import QarlSettings
from experiments.studies.qarl_robustness import STUDY as ROBUSTNESS
from experiments.studies.qarl_robustness.analysis import CROSS_PLAYED, compare_arms
from experiments.studies.qarl_robustness.analysis import evaluate as judge_all
from experiments.studies.qarl_robustness.calibration import RESULTS as CALIBRATION
from experiments.studies.qarl_robustness.calibration import arena_actions, describe_settings
from experiments.studies.qarl_robustness.curricula import curriculum_table, follow_seed, warn_unfinished
from experiments.studies.qarl_robustness.figures import COLOURS, draw_cross_play, draw_learning, style_of
from experiments.studies.qarl_robustness.report import measure_table, report
from experiments.studies.qarl_robustness.settings import RobustnessSettings, make_jobs
from experiments.studies.qarl_robustness.tasks import TASKS
from experiments.studies.qarl_robustness.verdicts import judge_worlds
from marl.qarl import checkpoint
from marl.qarl.attack import CommonAttack, FrozenProtagonists
from marl.qarl.methods import METHODS
from marl.robustness.exp3 import switch_periodically
from marl.robustness.grid import fixed_ratio_grid
from marl.robustness.smoothing import SmoothedPlayer, lower_bound
from marl.robustness.statistics import sign_flip_test
from marl.robustness.worst_case import search_cma_es

TINY = {
    "world": "control/cartpole_balance_v0",
    "world_settings": {"horizon": 20},
    "seeds": 2,
    "iterations": 3,
    "episodes": 2,
    "hidden_sizes": [8],
    "warm_up": 20,  # so that everybody learns
    "judged_episodes": 2,
    "cell_episodes": 1,
    "grid_points": 2,
    "generations": 1,
    "population": 4,
    "attack_budgets": [1, 2],
    "restarts": 2,
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def make_run(path, **changes):
    settings = QarlSettings(**{**TINY, **changes})
    return RunFolder.create(path, "qarl", settings.model_dump()), settings


def open_actor(trainer):
    return trainer.students["protagonist"].learners.actor.weights[0].detach().clone()


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(tmp_path):
    whole, settings = make_run(tmp_path / "whole")
    assert training.train(whole, settings, None)
    halted, _ = make_run(tmp_path / "halted")
    trainer = training.make_trainer(settings)
    trainer.iterate()
    halted.save_checkpoint(settings.iteration_steps, lambda folder: checkpoint.save(trainer, folder))
    assert training.train(halted, settings, None)
    for name in ("protagonist/policy.safetensors", "adversary/policy.safetensors"):
        paths = [run.path / "policies" / "seed-1" / name for run in (whole, halted)]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    before = open_actor(training.make_trainer(settings))
    assert not torch.equal(open_actor(training.open_trainer(whole, settings)), before), "it learned"
    assert halted.read_metrics()[-1] == whole.read_metrics()[-1]
    assert whole.trained_steps() == settings.total_steps == 3 * 2 * 2 * 20


def test_measures_are_those_of_the_policy_files(tmp_path):
    run, settings = make_run(tmp_path / "run")
    with pytest.raises(RunError, match="training is not complete: agora resume"):
        evaluate(run, settings)
    training.train(run, settings, None)
    evaluate(run, settings)
    measures = read_measures(run)
    arena = make_arena(settings, 2)
    player = load_player(run, "protagonist", 1)
    assert measures["nominal"][1] == pytest.approx(arena.play(player).mean(), rel=1e-5)
    assert measures["nominal"][1] == measures["nominal, told 0"][1]
    attacker = load_player(run, "attacker", 1)
    assert measures["attack 2, force 1"][1] == pytest.approx(arena.play(player, attacker).mean(), rel=1e-5)
    assert measures["grid worst_cell"][1] <= measures["grid worst_tenth"][1] <= measures["grid mean"][1]
    sought = search_cma_es(make_arena(settings, 1), player, settings.axes(), generations=1, population=4, seed=1)
    assert measures["worst body"][1] == pytest.approx(sought.fresh_return, rel=1e-5)
    STUDY.report(run, settings)
    assert "attack 2" in run.report_path.read_text()


def test_the_attacker_of_a_seed_is_the_one_that_hurt_it_most(tmp_path):
    """The same attack once more, by hand: equal draws, and of two budgets and two restarts the lowest mean return.

    What it is reported by are the common starts, on which nobody was chosen.
    """
    run, settings = make_run(tmp_path / "run")
    training.train(run, settings, None)
    rows = {(seed, measure): value for seed, measure, value in attack(run, settings)}
    learners = training.open_trainer(run, settings).students["protagonist"].learners
    frozen = FrozenProtagonists(learners.actor, context=0.0)
    again = CommonAttack(settings.world, settings.world_settings, frozen, settings.attack_settings(), [0, 1])
    observations = torch.randn(1, 5, 5)
    means, answers = [], []
    for _ in settings.attack_budgets:
        again.iterate()
        means.append(again.judge().mean(axis=2))
        answers.append(again.student.learners.actor(observations.repeat(4, 1, 1)).reshape(2, 2, 5, -1))
    for seed in (0, 1):
        budget, worst = np.unravel_index(int(np.array(means)[:, seed].argmin()), (2, 2))
        _, network = load_policy(attacker_path(run, seed))
        torch.testing.assert_close(network(observations[0]), answers[budget][seed, worst])
        player, attacker = load_player(run, "protagonist", seed), load_player(run, "attacker", seed)
        assert rows[seed, "attack 2"] == make_arena(settings, 2).play(player, attacker).mean()
        assert rows[seed, "attack 2"] == rows[seed, "attack 2, force 1"]


def test_settings_out_of_range_are_named():
    for given, message in (
        ({"method": "qual"}, "unknown method 'qual'; did you mean 'qarl'"),
        ({"attack_budgets": [4, 2]}, r"attack_budgets must rise from at least 1, got \[4, 2\]"),
        ({"world": "control/acrobat_v0"}, "acrobat_v0"),
        ({"threshold": np.nan, "method": "point"}, "threshold: Input should be a finite number, got nan"),
        ({"learning_rate": np.inf}, "learning_rate: Input should be a finite number, got inf"),
        ({"hidden_sizes": [8, -3]}, "hidden_sizes.1: Input should be greater than 0, got -3"),
        ({"first_seed": 2**64}, "first_seed: Input should be less than 4294967296"),
        ({"warm_up": 10**9}, "warm_up must be at most 25000, or somebody never learns; got 1000000000"),
        (
            {"method": "sac", "world_settings": {"shows_context": True}},
            "world_settings must leave shows_context to the method sac",
        ),
    ):
        with pytest.raises(RunError, match=message):
            STUDY.read_settings(given)
    for given, message in (
        ({"tasks": ["cartpol"]}, "unknown task 'cartpol'; did you mean 'cartpole'"),
        (
            {"overrides": {"threshold": 1, "first_seed": 100}},
            "overrides must leave threshold, first_seed to tasks.py, methods, seeds and iterations",
        ),
        ({"overrides": {"warmup": 10}}, "unknown setting of study qarl 'warmup'; did you mean 'warm_up'"),
        ({"overrides": {"grid_ratio": 0.5}}, "grid_ratio: Input should be greater than 1, got 0.5"),
    ):
        with pytest.raises(RunError, match=message):
            ROBUSTNESS.read_settings(given)


def test_the_grid_is_around_the_own_body():
    """Half to twice the settings' masses: kg, the pole first."""
    settings = QarlSettings(world_settings={"masses": [2.0, 0.3]}, grid_points=3)
    np.testing.assert_allclose([axis.values for axis in settings.axes()], [(0.15, 0.3, 0.6), (1.0, 2.0, 4.0)])


def test_every_protagonist_has_equal_samples_and_some_as_many_in_all():
    settings = RobustnessSettings(seeds=2, iterations=4)
    assert [arm.name for arm in settings.arms()][-3:] == ["sac x 2", "cat x 2", "mixed_ne_ld x 2"]
    for task in settings.tasks:
        steps = {arm.name: settings.run_settings(task, arm).total_steps for arm in settings.arms()}
        assert steps["qarl"] == steps["rarl"] == 2 * steps["sac"] == steps["sac x 2"]


def test_comparisons_by_hand():
    """Ten pairs of which all favour the first: the exact test counts 2 of 2^10 sign patterns, Holm doubles it."""
    settings = RobustnessSettings(methods=["qarl", "rarl", "force"], tasks=["cartpole"], doubles=False)
    rows = []
    for measure in ("attack 20", "grid mean", "grid worst_tenth", "nominal", CROSS_PLAYED):
        for seed in range(10):
            values = {"qarl": 10.0 + seed, "rarl": 9.0 + 0.5 * seed, "force": 10.0 + seed + (-1) ** seed}
            rows += [
                {"task": "cartpole", "arm": arm, "seed": seed, "measure": measure, "value": value}
                for arm, value in values.items()
            ]
    comparisons = compare_arms(pd.DataFrame(rows), settings)
    assert set(comparisons["budget"]) == {"protagonist"}
    found = comparisons.set_index(["measure", "arm"]).loc["attack 20"]
    assert found.loc["qarl", "iqm"] == pytest.approx(np.mean([12, 13, 14, 15, 16, 17]))
    assert found.loc["rarl", "improvement"] == 1
    assert found.loc["rarl", "p_value"] == pytest.approx(2 * 2 / 2**10)
    assert found.loc["rarl", "verdict"] == "better"
    assert found.loc["force", "verdict"] == "inconclusive"
    assert sign_flip_test(np.arange(10) + 1.0, np.zeros(10)) == pytest.approx(2 / 2**10)
    verdict = judge_worlds(comparisons).iloc[0]
    assert (verdict["verdict"], verdict["better"], verdict["inconclusive"]) == ("inconclusive", "rarl", "force")


def table_of(values, settings):
    """Measures of every world: each arm's value in it, plus the seed's hundredth."""
    measures = ("attack 20", "grid mean", "grid worst_tenth", "nominal", CROSS_PLAYED)
    rows = [
        {"task": task, "arm": arm, "seed": seed, "measure": measure, "value": value + seed / 100}
        for (task, arm), value in values.items()
        for seed in range(settings.seeds)
        for measure in measures
    ]
    return pd.DataFrame(rows)


def test_equal_samples_of_protagonists_and_equal_samples_in_all_are_two_tables():
    """QARL beats SAC and loses against SAC with twice the samples: Holm counts one test in each, 2 of 2^8 patterns."""
    settings = RobustnessSettings(methods=["qarl", "sac"], tasks=["cartpole"], seeds=8)
    values = {("cartpole", "qarl"): 10.0, ("cartpole", "sac"): 9.0, ("cartpole", "sac x 2"): 11.0}
    comparisons = compare_arms(table_of(values, settings), settings)
    rivals = comparisons[(comparisons["measure"] == "attack 20") & (comparisons["arm"] != "qarl")].set_index("budget")
    assert rivals["arm"].to_dict() == {"protagonist": "sac", "total": "sac x 2"}
    np.testing.assert_allclose(rivals["p_value"], 2 / 2**8)
    verdicts = judge_worlds(comparisons).set_index("budget")["verdict"]
    assert verdicts.to_dict() == {"protagonist": "reproduces", "total": "reversed"}


def test_worlds_together_are_scores_between_idle_and_plain_sac():
    """Scale of the cart-pole: 0.003 to 171.45, of the pendulum: 0.4 to 210.28. Of 0.5 and 1 in equal numbers the middle
    half has as many of each."""
    settings = RobustnessSettings(methods=["qarl", "rarl"], tasks=["cartpole", "pendulum"], doubles=False)
    values = {("cartpole", "qarl"): 85.7265, ("pendulum", "qarl"): 210.28}
    values |= {("cartpole", "rarl"): 0.003, ("pendulum", "rarl"): 0.4}
    comparisons = compare_arms(table_of(values, settings), settings)
    found = comparisons[(comparisons["task"] == "all") & (comparisons["measure"] == "nominal")].set_index("arm")
    assert found.loc["qarl", "iqm"] == pytest.approx(0.75, abs=1e-3)
    assert found.loc["rarl", "iqm"] == pytest.approx(0, abs=1e-3)
    assert found.loc["rarl", "p_value"] == pytest.approx(2 / (2**14 + 1)), "of 2^20 patterns 2^14 are drawn"


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        (["better", "better"], "reproduces"),
        (["better", "inconclusive"], "inconclusive"),
        (["inconclusive", "inconclusive"], "inconclusive"),
        (["better", "worse"], "reversed"),
        ([], "inconclusive"),
    ],
)
def test_a_world_is_judged_by_the_rule_of_the_readme(verdicts, word):
    rows = [{"arm": "qarl"}, *({"arm": str(number), "verdict": each} for number, each in enumerate(verdicts))]
    comparisons = pd.DataFrame(rows).assign(task="pendulum", budget="protagonist", measure="attack 20")
    assert judge_worlds(comparisons)["verdict"].tolist() == [word]


def test_how_far_a_schedule_came_by_hand():
    settings = QarlSettings(method="qarl", threshold=20.0, iterations=4)
    metrics = pd.DataFrame({"iteration": [1.0, 2.0, 3.0, 4.0]})
    for seed, discounted, end in ((0, [10.0, 20.0, 19.0, 30.0], 0.001), (1, [10.0, 12.0, 19.0, 19.9], 0.02)):
        metrics = metrics.assign(**{f"discounted_{seed}": discounted, f"temperature_{seed}": end * 1.1})
        metrics[f"scheduled_{seed}"] = np.linspace(0.05, end, 4)
    found = pd.DataFrame(
        [{"task": "pendulum", "arm": "qarl", **follow_seed(metrics, settings, seed)} for seed in (0, 1)]
    )
    assert found["met_at"].tolist() == pytest.approx([2.0, np.nan], nan_ok=True)
    assert found["is_finished"].tolist() == [True, False]
    assert curriculum_table(found, "pendulum")[1] == [
        "qarl", "2 (2 to 2)", "1", "0.0105 (0.001 to 0.02)", "0.012 (0.0011 to 0.022)", "1",
    ]  # fmt: skip
    (line,) = warn_unfinished(found, "pendulum")
    assert line.startswith("Curriculum not finished: qarl, in 1 of 2 seeds")
    metrics = metrics.drop(columns=["scheduled_0", "scheduled_1"])
    rarl = follow_seed(metrics, settings.model_copy(update={"method": "rarl"}), 0)
    assert (rarl["is_finished"], rarl["temperature"]) == (None, pytest.approx(0.0011))


def test_too_few_seeds_for_a_verdict_are_said_beforehand():
    """Five rivals and 7 seeds: 5 * 2 / 2^7 = 0.078; with 8 half of it."""
    assert RobustnessSettings(seeds=8).doubts() == []
    lines = RobustnessSettings(seeds=7).doubts()
    assert len(lines) == 2
    assert "no p-value of one world can be below 0.078" in lines[0]


def test_all_runs_together_are_judged_and_reported(tmp_path):
    small = {name: TINY[name] for name in ("episodes", "hidden_sizes", "warm_up", "judged_episodes", "cell_episodes")}
    small |= {"grid_points": 2, "generations": 1, "population": 4, "attack_budgets": [1], "restarts": 1}
    given = {"methods": ["qarl", "sac"], "tasks": ["point_mass"], "seeds": 2, "iterations": 1, "doubles": False}
    settings = RobustnessSettings(**given, cross_play_episodes=1, rounds=8, overrides=small)
    run = RunFolder.create(tmp_path / "run", "qarl_robustness", settings.model_dump())
    with pytest.raises(RunError, match="2 runs are not complete"):
        judge_all(run, settings)
    for job in make_jobs(run, settings):
        own, single = RunFolder.create(job.path, "qarl", job.settings), QarlSettings(**job.settings)
        training.train(own, single, None)
        evaluate(own, single)
        own.report_path.write_text("")
    judge_all(run, settings)
    report(run, settings)
    page = run.report_path.read_text(encoding="utf-8")
    assert "a pool at test time" in page
    assert page.count("<svg") == 5, "measures, forces, everybody against everybody, learning, bodies"
    measures = pd.read_csv(run.path / "measures.csv")
    rows = {row[0]: row[1:] for row in measure_table(measures, "point_mass")}
    assert {"nominal", "random pushes", "constant pushes", "own adversary 1", "worst body", "attack 1"} <= rows.keys()
    assert rows["own adversary 1"][1] == "", "nobody pushes plain SAC"

    learning = pd.read_csv(run.path / "learning.csv").set_index("arm").loc["sac"]
    metrics = RunFolder(make_jobs(run, settings)[1].path).read_metrics()[-1]
    quartiles = np.percentile([metrics["return_0"], metrics["return_1"]], (25, 75))
    np.testing.assert_allclose(learning[["return_low", "return_high"]].to_numpy(float), quartiles, rtol=1e-4)

    pools = pd.read_csv(run.path / "pools.csv").set_index(["seed", "attackers"])
    arena = make_arena(single, 8)
    runs = [RunFolder(job.path) for job in make_jobs(run, settings)]
    player, attackers = load_player(runs[0], "protagonist", 1), [load_player(own, "attacker", 1) for own in runs]
    order = switch_periodically(8, 2, 1)
    alone = np.mean([arena.play(player, attackers[attack])[0, turn] for turn, attack in enumerate(order)])
    assert pools.loc[(1, "in turn"), "qarl"] == pytest.approx(alone, rel=1e-4)
    assert (pools["best fixed"] >= pools[["qarl", "uniform"]].max(axis=1)).all()

    certificates = pd.read_csv(run.path / "certificates.csv").set_index(["arm", "seed", "sigma", "budget"])["guarantee"]
    returns = arena.play(SmoothedPlayer(player, 0.1, seed=1))[0]
    bound = lower_bound(int((returns >= -120).sum()), 8, 1 - 0.05 / 3)
    assert certificates["qarl", 1, 0.1, 0.0] == pytest.approx(bound, rel=1e-4)
    assert certificates["qarl", 1, 0.1, 0.2] <= certificates["qarl", 1, 0.1, 0.0]


def test_the_calibrated_force_robs_plain_sac_of_a_part_of_its_return():
    """The protocol's 20 to 60 %, by other seeds than the study's."""
    rows = pd.read_csv(CALIBRATION)
    assert set(rows["seed"]).isdisjoint(range(RobustnessSettings().seeds))
    for task, own in rows.groupby("task"):
        chosen = own[own["force"] == TASKS[task].settings["force"]]
        lost = 1 - (chosen["attacked"] - chosen["idle"]).mean() / (chosen["nominal"] - chosen["idle"]).mean()
        assert 0.2 <= lost <= 0.6
        assert set(own["settings"]) == {describe_settings(task)}
        np.testing.assert_allclose(TASKS[task].scale, (own["idle"].mean(), own["nominal"].mean()), atol=0.01)


def test_heatmaps_of_a_world_have_one_scale_and_mark_the_own_body():
    axes = fixed_ratio_grid("control/cartpole_swingup_v0", 2.0, 3)
    assert [axis.title for axis in axes] == ["pole's mass (kg)", "cart's mass (kg)"]
    cells = {"low": np.arange(9.0).reshape(3, 3), "high": np.arange(9.0).reshape(3, 3) + 100}
    figure = draw_grids(cells, axes, (0.1, 1.0))  # kg, the world's own
    panels = figure.axes[:2]
    assert [panel.images[0].get_clim() for panel in panels] == [(0.0, 108.0)] * 2
    assert [panel.lines[0].get_xydata().tolist() for panel in panels] == [[[1.0, 1.0]]] * 2
    assert figure.get_supxlabel() == "cart's mass (kg)"


def test_every_method_has_a_colour_of_its_own():
    assert len(set(COLOURS.values())) == len(METHODS)
    assert style_of("sac x 2") == {"color": COLOURS["sac"], "linestyle": "--"}


def test_all_arms_are_drawn_however_many():
    arms = [*METHODS, "sac x 2"]
    numbers = {"task": "pendulum", "steps": [1000.0, 2000.0], "return": 1.0, "return_low": 0.5, "return_high": 2.0}
    heat = {"temperature": 0.0, "temperature_low": 0.0, "temperature_high": 0.0}
    learning = pd.concat([pd.DataFrame({**numbers, **heat, "arm": arm}) for arm in arms])
    (axes,) = draw_learning(learning, "pendulum").axes
    assert len(axes.lines) == len(arms), "one panel: there is no adversary whose temperature could be drawn"
    warm = learning.assign(**dict.fromkeys(heat, 0.01))
    assert [len(axes.lines) for axes in draw_learning(warm, "pendulum").axes] == [len(arms)] * 2


def test_everybody_against_everybody_is_a_table_of_means():
    values = {
        ("qarl", "qarl"): 5.0,
        ("qarl", "attacker of sac"): 3.0,
        ("sac", "qarl"): 2.0,
        ("sac", "attacker of sac"): 0.0,
    }
    pairs = pd.DataFrame([{"task": "pendulum", "arm": a, "adversary": b, "value": v} for (a, b), v in values.items()])
    axes = draw_cross_play(pairs, "pendulum").axes[0]
    assert axes.images[0].get_array().tolist() == [[5.0, 3.0], [2.0, 0.0]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["qarl", "attacker of sac"]


@pytest.mark.parametrize("task", TASKS)
def test_doing_nothing_brings_what_the_calibration_says(task):
    """Played once more: the committed rows are those of the worlds that are settled, their horizon and substeps."""
    about, rows = TASKS[task], pd.read_csv(CALIBRATION)
    settings = QarlSettings(world=about.world, world_settings=dict(about.settings))
    idle = make_arena(settings, settings.judged_episodes).play(ConstantPusher((0.0,) * arena_actions(settings))).mean()
    assert float(f"{idle:.5g}") == rows.loc[rows["task"] == task, "idle"].iloc[0]
