"""Studies of populations: their numbers, and one of them from training to report."""

import numpy as np
import pandas as pd
import pytest

from agents.trained import PolicyError
from experiments.intervals import mean_interval
from experiments.populations.errors import as_run_errors
from experiments.populations.figures import draw_frontier
from experiments.populations.settings import Arm
from experiments.populations.tournament import variance_between, worst_mean
from experiments.populations.training import do_epoch, open_psro, run_path
from experiments.run_folder import RunError, RunFolder
from experiments.studies.rae_driving.analysis import compare_crashes, crashes_table, describe_safe_runs
from experiments.studies.rae_trust.analysis import coincidence_table, foretold, settled
from experiments.study import find_study
from marl.psro.workers import Workers


def test_the_worst_outcomes_are_the_worst_twentieth():
    """Of 1..100 these are 1 to 5, mean 3; of fewer than 20 it is the worst one."""
    assert worst_mean(np.random.default_rng(0).permutation(np.arange(1.0, 101.0))) == 3
    assert worst_mean(np.array([4.0, -2.0, 7.0])) == -2


def test_an_interval_over_seeds_covers_the_mean_and_is_a_point_without_spread():
    """For 0 and 1, half each, of 8 seeds: the mean of 8 draws has deviation 0.177, so about +- 0.35."""
    low, high = mean_interval(np.array([0.0, 1.0] * 4))
    assert 0.1 < low < 0.25
    assert 0.75 < high < 0.9
    assert mean_interval(np.array([2.0, 2.0])) == (2, 2)


def test_partners_who_are_all_alike_have_no_variance_between_them():
    """Means 0 and 3 vary by 2.25; noise adds half of the mean of 2 / 2 and 8 / 2, which is 1.25."""
    assert variance_between([np.array([-1.0, 1.0]), np.array([1.0, 5.0])]) == pytest.approx(2.25 - 1.25)
    draws = np.random.default_rng(0).normal(size=(400, 12, 50))
    assert np.mean([variance_between(list(each)) for each in draws]) < 0.005  # 0.018 with the noise of 50 draws


def test_hunters_who_learned_are_measured_with_partners_and_strangers(local_ray, tmp_path):
    study = find_study("rae_trust")
    settings = study.read_settings(
        {
            "gammas": [0.1],
            "others": ["uniform"],
            "seeds": 1,
            "epochs": 1,
            "env_steps": 256,
            "cell_episodes": 10,
            "group_episodes": 20,
            "oracle_settings": {"num_envs": 16, "fragment_steps": 16},
        }
    )
    run = RunFolder.create(tmp_path / "run", "rae_trust", settings.model_dump(mode="json"))
    for arm in settings.arms():
        do_epoch(run, settings, arm, 0)
    with pytest.raises(RunError, match="is not complete: agora resume"):
        study.evaluate(run, settings)
    for arm in settings.arms():
        do_epoch(run, settings, arm, 0)
        closed = open_psro(run, settings, arm, 0)
        assert closed.epochs[-1].sizes == [3, 3], "both conventions, and the response that was learned"
    study.evaluate(run, settings)
    study.report(run, settings)
    runs = pd.read_csv(run.path / "runs.csv")
    assert runs[["arm", "group"]].drop_duplicates().shape == (6, 2)
    assert (runs["episodes"] == [20, 20, 24] * 2).all()
    pairs = pd.read_csv(run.path / "pairs.csv")
    assert set(pairs[pairs["group"] == "strangers"]["partner"]) == {"random", "clumsy hunter", "clumsy gatherer"}
    for _, row in runs.iterrows():  # an encounter has at most one catch; the stag mauls at most both once
        assert 0 <= row["catches"] <= 1
        assert row["worst"] <= row["mean"] <= 5 + 2 * 10
        assert row["variance_between"] >= 0
    assert "Who gets what beside whom" in run.report_path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["rae_trust", "rae_driving"])
def test_a_damaged_epoch_is_one_line_to_whoever_trains_or_evaluates(tmp_path, name):
    study = find_study(name)
    settings = study.read_settings({"seeds": 1})
    run = RunFolder.create(tmp_path / "run", name, settings.model_dump(mode="json"))
    record = run_path(run, settings.arms()[0], 0) / "epochs" / "0000.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    for command in (lambda: study.train(run, settings, None), lambda: study.evaluate(run, settings)):
        with pytest.raises(RunError, match=r"0000\.json is damaged"):
            command()
    assert record.read_text() == "{"


def test_errors_of_ray_tasks_come_without_their_traceback(local_ray):
    def lose_a_policy():
        raise PolicyError("no policy folder here")

    with pytest.raises(RunError, match=r"^no policy folder here$"), as_run_errors():
        list(Workers(1).run([lose_a_policy]))


def test_each_seed_turns_the_first_policies_one_further():
    """Self-play answers the last of them first, so that either convention has to come last."""
    settings = find_study("rae_trust").read_settings({})
    arm = settings.arms()[0]
    firsts = [settings.run_settings(arm, seed).first_policies for seed in range(3)]
    assert firsts == [("hunter", "gatherer"), ("gatherer", "hunter"), ("hunter", "gatherer")]


def test_crashes_beside_the_best_other_arm_by_hand():
    """Nash crashes least of those that arrive, 0.72 and 0.9; the averse arm 0.1, and it arrives 2 points less often.

    With either seed alone the ratio is 7.2 or 9, the ends of its interval.
    """
    rows = [
        {"arm": arm, "seed": seed, "group": group, "crashes": crashes, "arrivals": arrivals}
        for group in ("own", "strangers")
        for arm, seed, crashes, arrivals in (
            *(("nash", 0, 0.72, 1.5), ("nash", 1, 0.9, 1.7), ("uniform", 0, 1.0, 1.6), ("uniform", 1, 1.0, 1.6)),
            *(("parked", 0, 0.0, 0.0), ("parked", 1, 0.0, 0.0)),
            *(("rae 0.1", 0, 0.1, 1.46), ("rae 0.1", 1, 0.1, 1.66), ("rae 1", 0, 0.0, 0.0), ("rae 1", 1, 0.0, 0.0)),
        )
    ]
    found = compare_crashes(pd.DataFrame(rows), ["rae 0.1", "rae 1"], ["parked", "nash", "uniform"], "own")
    found = found.set_index("arm")
    assert found["best_other"].tolist() == ["nash", "nash"]
    first = found.loc["rae 0.1", ["ratio", "low", "high", "arrival_points"]].tolist()
    assert first == pytest.approx([8.1, 7.2, 9.0, -2.0])
    assert found.loc["rae 1", "ratio"] == np.inf
    assert found["holds"].tolist() == [True, False]  # who never arrives does not crash either


def test_a_ratio_that_one_seed_makes_does_not_hold():
    """7.5 on average; with the second seed alone 1."""
    rows = [
        {"arm": arm, "seed": seed, "group": "own", "crashes": crashes, "arrivals": 2.0}
        for arm, both in (("nash", (1.4, 0.1)), ("rae 1", (0.1, 0.1)))
        for seed, crashes in enumerate(both)
    ]
    found = compare_crashes(pd.DataFrame(rows), ["rae 1"], ["nash"], "own").iloc[0]
    assert (found["ratio"], found["low"], found["high"]) == pytest.approx((7.5, 1.0, 14.0))
    assert not found["holds"]


def test_safe_runs_are_counted_by_arm():
    crashes = {"nash": [0.01, 0.2, 0.049], "uniform": [0.05, 0.6, 0.5]}
    rows = [
        {"arm": arm, "seed": seed, "group": group, "crashes": value if group == "own" else 0.0}
        for arm, values in crashes.items()
        for seed, value in enumerate(values)
        for group in ("own", "strangers")
    ]
    assert describe_safe_runs(pd.DataFrame(rows)).endswith("their own partners: nash 2, uniform 0.")


def test_the_table_of_crashes_has_a_row_for_each_risk_averse_arm():
    settings = find_study("rae_driving").settings(others=["nash"], gammas=[0.1])
    rows = [
        {"arm": arm, "seed": seed, "group": "own", "crashes": 0.5, "arrivals": 1.0}
        for arm in ("nash", "rae 0.1")
        for seed in (0, 1)
    ]
    table = crashes_table(pd.DataFrame(rows), settings, "own")
    assert table[1:] == [["rae 0.1", "0.5000", "nash", "0.5000", "1.00 (1.00 to 1.00)", "+0.0", "no"]]


def test_runs_settle_on_a_convention_or_on_none():
    rows = [
        {"arm": "nash", "seed": seed, "group": group, "catches": catches}
        for group in ("own", "trained")
        for seed, catches in enumerate((0.95, 0.9, 0.5, 0.1, 0.0))
    ]
    assert settled(pd.DataFrame(rows)).loc["nash"].tolist() == ["hunt", "hunt", "neither", "gather", "gather"]


@pytest.mark.parametrize(
    ("hunter", "gatherer", "expected"),
    [
        ((5, -5), (1, 3), ["gather", "gather"]),  # deviating costs 4 hunters and 8 gatherers: gathering is safer
        ((8, -2), (1, 3), ["hunt", "gather"]),  # 7 and 5; a hunter's payoff varies by 10, a gatherer's by 2
    ],
)
def test_scripts_alone_foretell_the_safer_convention_and_aversion_turns_it(hunter, gatherer, expected):
    """Without aversion the path from uniform play ends at the risk-dominant equilibrium of a 2 x 2 game."""
    settings = find_study("rae_trust").settings(gammas=[0, 1], others=[])
    row = np.array([hunter, gatherer], float)
    assert list(foretold(settings, np.stack([row, row.T])).values()) == expected


def test_differences_of_arms_are_paired_by_seed():
    measures = ("mean", "variance", "worst", "catches", "maulings")
    rows = [
        {"arm": arm, "seed": seed, "group": group, **dict.fromkeys(measures, value)}
        for group in ("own", "trained", "strangers")
        for arm, values in (("rae 0", (1.0, 5.0, 3.0)), ("nash_path", (0.0, 4.0, 2.0)))
        for seed, value in enumerate(values)
    ]
    table = coincidence_table(pd.DataFrame(rows), "rae 0", "nash_path")
    assert table[1:] == [[group, *["+1.00 (+1.00 to +1.00)"] * 5] for group in ("own", "trained", "strangers")]


def intervals_of(places):
    rows = [
        {"arm": name, "group": "own", "measure": measure, "mean": value, "low": value - 0.01, "high": value + 0.01}
        for name, place in places.items()
        for measure, value in zip(("crashes", "arrivals"), place, strict=True)
    ]
    return pd.DataFrame(rows)


def test_arms_that_are_close_together_have_a_panel_of_their_own_with_names_apart():
    near = {"nash": (0.02, 1.98), "prd": (0.03, 1.97), "uniform": (0.02, 1.97)}
    for far, panels in (({"self_play": (1.0, 0.5)}, 2), ({}, 1)):
        places = near | far
        figure = draw_frontier(intervals_of(places), [Arm(name, name) for name in places], "own", "crashes", "arrivals")
        assert len(figure.axes) == panels
        heights = sorted(text.get_position()[1] for text in figure.axes[-1].texts)
        assert len(heights) == len(near)
        assert min(np.diff(heights)) > 0.05
        assert heights[-1] <= 1
        if far:
            assert [text.get_text() for text in figure.axes[0].texts] == ["self_play"]
