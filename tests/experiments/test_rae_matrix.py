"""The study rae_matrix: its numbers by hand, and a kill in the middle of a line."""

import numpy as np
import pandas as pd
import pytest

from experiments.run_folder import RunFolder
from experiments.studies.rae_matrix.analysis import RESULTS, compare
from experiments.studies.rae_matrix.play import METHODS, games_path, make_game, solve_game, solve_games, worst_outcomes
from experiments.studies.rae_matrix.settings import RaeMatrixSettings


def test_worst_outcomes_are_the_mean_of_the_lowest_five_percent():
    """The other's rare action (2 %) costs 10: of the worst 5 %, two parts are 0 and three are 10."""
    payoffs = np.array([[[0.0, 10.0]], [[1.0, 1.0]]])
    worst = worst_outcomes(payoffs, (np.array([1.0]), np.array([0.02, 0.98])))
    np.testing.assert_allclose(worst, [6.0, 1.0])


@pytest.mark.parametrize("kind", ["general_sum", "potential", "zero_sum"])
def test_games_are_of_their_kind_and_have_a_spread_of_one(kind):
    payoffs = make_game(kind, 4, 0)
    assert max(np.ptp(own) for own in payoffs) == pytest.approx(1)
    np.testing.assert_array_equal(payoffs, make_game(kind, 4, 0))
    if kind == "zero_sum":
        np.testing.assert_allclose(payoffs.sum(axis=0), 0, atol=1e-12)
    if kind == "potential":  # deviations around any square sum to 0 (Monderer and Shapley 1996)
        first, second = payoffs
        around = first[1, 0] - first[0, 0] + second[1, 1] - second[1, 0] + first[0, 1] - first[1, 1]
        assert around + second[0, 0] - second[0, 1] == pytest.approx(0)


def test_in_zero_sum_games_risk_aversion_changes_nothing():
    """At an equilibrium of a zero-sum game the payoff does not depend on what the other draws."""
    rows = pd.DataFrame(solve_game("zero_sum", 3, 1)).set_index(3)
    assert rows.loc["nash", 4] == 1
    assert float(rows.loc["nash", 6]) < 1e-12
    for method in ("rae 0.5", "rae 2", "rae 10"):
        assert float(rows.loc[method, 6]) < 0.02  # the trembles of all others remain


def test_a_kill_in_the_middle_of_a_game_costs_that_game_alone(tmp_path):
    settings = RaeMatrixSettings(sizes=[2], seeds=2, parallel=1)
    run = RunFolder.create(tmp_path / "run", "rae_matrix", {})
    assert solve_games(run, settings)
    path = games_path(run)
    whole = pd.read_csv(path).sort_values(["kind", "seed", "method"], ignore_index=True)
    assert len(whole) == 6 * len(METHODS)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]) + lines[-3][:9])
    assert solve_games(run, settings)
    again = pd.read_csv(path).sort_values(["kind", "seed", "method"], ignore_index=True)
    pd.testing.assert_frame_equal(again, whole)


def test_differences_are_over_games_that_both_solved():
    games = pd.DataFrame(
        [
            {"kind": "potential", "actions": 2, "seed": seed, "method": method, "solved": solved, "mean": mean}
            | {"variance": 0.0, "worst": 0.0}
            for seed, method, solved, mean in [
                (0, "nash with trembles", 1, 1.0),
                (1, "nash with trembles", 0, 9.0),
                (2, "nash with trembles", 1, 2.0),
                (0, "rae 2", 1, 0.5),
                (1, "rae 2", 1, 0.5),
                (2, "rae 2", 0, 0.5),
            ]
        ]
    )
    row = compare(games).set_index("method").loc["rae 2"]
    assert (row["games"], row["solved"], row["mean_difference"]) == (3, 2, -0.5)


@pytest.mark.parametrize("gamma", ["2", "10"])
def test_the_claim_of_the_readme_holds_in_the_committed_games(gamma):
    rows = compare(pd.read_csv(RESULTS / "games.csv")).set_index(["kind", "method"])
    general = rows.loc["general_sum", f"rae {gamma}"]
    assert general["actions"].tolist() == [5, 10, 20, 50]
    assert (general["variance_high"] < 0).all()
    if gamma == "2":
        assert ((general["mean_low"] < 0) & (general["mean_high"] > 0)).all()
    for number in ("mean", "variance", "worst"):  # of a spread of 1
        assert (rows.loc["zero_sum", f"rae {gamma}"][f"{number}_difference"].abs() < 0.0025).all()
    assert (rows.loc["potential", f"rae {gamma}"]["mean_high"] < 0).all()
    if gamma == "10":
        assert (rows.loc["potential", "rae 10"]["variance_high"] > 0).all()


def test_every_method_solved_every_committed_game_but_trembling_hand_three():
    games = pd.read_csv(RESULTS / "games.csv")
    failed = games[games["solved"] == 0]
    assert set(failed["method"]) == {"trembling hand"}
    assert len(failed) == 3
    assert games.groupby("method").size().eq(1200).all()
