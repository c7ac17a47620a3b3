"""What payoff arrays must look like, and what deviations from a profile are worth: sums by hand, loops, OpenSpiel."""

import dataclasses
import itertools

import numpy as np
import pytest
from open_spiel.python.algorithms import projected_replicator_dynamics

from marl.equilibrium import payoffs as game
from marl.equilibrium.bimatrix import solve_lemke_howson
from marl.equilibrium.payoffs import PayoffError
from marl.equilibrium.risk_averse import solve_risk_averse
from marl.equilibrium.zero_sum import solve_zero_sum

CHICKEN = np.array([[[0, 7], [2, 6]], [[0, 2], [7, 6]]], float)


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        (np.zeros((2, 2)), r"got the shape \[2, 2\]"),
        (np.zeros((3, 2, 2)), r"got the shape \[3, 2, 2\]"),
        (np.zeros((2, 0, 2)), "every player needs an action"),
        ([["a", "b"]], "cannot read"),
        ([[[1, 2], [3, np.nan]], [[0, 0], [0, 0]]], r"got nan for player 0 under the joint action \[1, 1\]"),
        ([[[1, 2], [3, 4]], [[np.inf, 0], [0, 0]]], r"got inf for player 1 under the joint action \[0, 0\]"),
    ],
)
def test_what_is_no_payoff_array_is_refused_by_name(payoffs, message):
    with pytest.raises(PayoffError, match=message):
        game.check_payoffs(payoffs)


def test_solvers_say_which_games_they_are_for():
    three = np.zeros((3, 2, 2, 2))
    with pytest.raises(PayoffError, match="for 2 players, got payoffs of 3"):
        solve_lemke_howson(three)
    with pytest.raises(PayoffError, match="sum to 0"):
        solve_zero_sum(CHICKEN)
    with pytest.raises(PayoffError, match=r"floor must be in \[0, 1 / 2\)"):
        solve_risk_averse(CHICKEN, 1.0, 0.5)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ([[1, 0]], "has the shapes"),
        ([[1, 0], [0.5, 0.6]], "player 1 is no distribution"),
        ([[2, -1], [0.5, 0.5]], "player 0 is no distribution"),
        ([[np.nan, 1], [0.5, 0.5]], "player 0 is no distribution"),
    ],
)
def test_what_is_no_profile_is_refused(profile, message):
    with pytest.raises(PayoffError, match=message):
        game.check_profile(CHICKEN, profile)


def test_chicken_by_hand():
    profile = game.check_profile(CHICKEN, [[0.5, 0.5], [0.25, 0.75]])
    # Daring pays 7 * 3/4; swerving 2 * 1/4 + 6 * 3/4. The second player's daring pays 7/2, its swerving 2/2 + 6/2.
    np.testing.assert_allclose(game.deviation_payoffs(CHICKEN, profile)[0], [5.25, 5])
    np.testing.assert_allclose(game.deviation_payoffs(CHICKEN, profile)[1], [3.5, 4])
    np.testing.assert_allclose(game.expected_payoffs(CHICKEN, profile), [5.125, 3.875])
    assert game.nash_conv(CHICKEN, profile) == pytest.approx(0.125 + 0.125)
    assert [r.tolist() for r in game.best_responses(CHICKEN, profile)] == [[0], [1]]
    assert game.pure_equilibria(CHICKEN).tolist() == [[0, 1], [1, 0]]


def test_deviations_of_four_players_are_the_sums_over_joint_actions():
    rng = np.random.default_rng(0)
    payoffs = rng.normal(size=(4, 2, 3, 4, 2))
    profile = [rng.dirichlet(np.ones(k)) for k in payoffs.shape[1:]]
    expected = [np.zeros(k) for k in payoffs.shape[1:]]
    for actions in itertools.product(*map(range, payoffs.shape[1:])):
        for i, action in enumerate(actions):
            others = np.prod([profile[j][actions[j]] for j in range(4) if j != i])
            expected[i][action] += others * payoffs[(i, *actions)]
    for found, summed in zip(game.deviation_payoffs(payoffs, profile), expected, strict=True):
        np.testing.assert_allclose(found, summed)


def test_deviations_are_openspiels():
    rng = np.random.default_rng(1)
    payoffs = rng.normal(size=(3, 3, 2, 4))
    profile = [rng.dirichlet(np.ones(k)) for k in payoffs.shape[1:]]
    for i, found in enumerate(game.deviation_payoffs(payoffs, profile)):
        theirs = projected_replicator_dynamics._partial_multi_dot(payoffs[i], profile, i)
        np.testing.assert_allclose(found, theirs)


def test_records_do_not_change():
    solution = solve_zero_sum([[1, 0], [0, 1]])
    with pytest.raises(dataclasses.FrozenInstanceError):
        solution.converged = True
