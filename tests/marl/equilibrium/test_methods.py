"""What holds for every solver that can be called by name: its condition, its record, and properties of games."""

import dataclasses
import pickle

import numpy as np
import pytest
from quantecon.game_theory import NormalFormGame, Player

from games.matrix import generators
from games.names import UnknownNameError
from marl.equilibrium import METHODS, solve
from marl.equilibrium.correlated import joint_regret
from marl.equilibrium.payoffs import PayoffError, gains, spread
from marl.equilibrium.quantal_response import logit_regret
from marl.equilibrium.record import JointSolution, Solution
from marl.equilibrium.risk import risk_gaps

NEEDED = {"rae": {"risk_aversion": 1.0, "floor": 0.01}, "quantal_response": {"rationality": 5.0}}
# Tolerances that can be had in the time of a test.
LOOSE = {"tolerance": 0.02, "max_iterations": 4000}
LEARNING = ("regret_matching", "fictitious_play", "replicator", "prd", "multiplicative_weights")
NASH = ("nash", "lemke_howson", "nash_path", "gambit", "trembling_hand", "zero_sum", "maximin", *LEARNING)
# Which of several equilibria a pivot finds depends on the names of actions, so only its condition carries over.
BY_NAMES = ("nash", "lemke_howson", "gambit")
IN_UNITS = {"rae": "risk_aversion", "quantal_response": "rationality", "alpha_rank": "alpha"}


def options(method):
    rounds = {"max_iterations": 500} if method == "mirror_descent" else {}
    return {**NEEDED.get(method, {}), **rounds, **(LOOSE if method in LEARNING else {})}


def zero_sum(shape=(3, 4), seed=11):
    return generators.zero_sum(shape, np.random.default_rng(seed))


def general_sum(shape=(3, 4), seed=11):
    return generators.general_sum(shape, np.random.default_rng(seed))


def game_for(method):
    return zero_sum() if method == "zero_sum" else general_sum()


@pytest.mark.parametrize("method", METHODS)
def test_records_are_frozen_whole_and_travel_between_processes(method):
    solution = solve(game_for(method), method, **options(method))
    assert {"method", "parameters", "profile", "regret", "iterations", "converged"} <= {
        field.name for field in dataclasses.fields(solution)
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        solution.regret = 0.0
    assert [strategy.shape for strategy in solution.profile] == [(3,), (4,)]
    for player, strategy in enumerate(solution.profile):
        assert strategy.min() >= 0
        np.testing.assert_allclose(strategy, solution.joint.sum(axis=1 - player), atol=1e-12)
    assert solution.joint.sum() == pytest.approx(1)
    assert np.isfinite([solution.regret, *solution.values]).all()
    assert isinstance(solution.converged, bool)
    again = pickle.loads(pickle.dumps(solution))
    assert again.regret == solution.regret
    assert dict(again.parameters) == dict(solution.parameters)


@pytest.mark.parametrize("method", NASH)
def test_zero_sum_games_are_solved_for_their_value_as_quantecon_finds_it(method):
    payoffs = zero_sum()
    game = NormalFormGame([Player(payoffs[0]), Player(payoffs[1].T.copy())])
    solution = solve(payoffs, method, **options(method))
    assert solution.converged
    # Quantecon's own test of equilibrium, with the slack that the method was given.
    assert game.is_nash([x / x.sum() for x in solution.profile], tol=0.04 * spread(payoffs))
    value = solve(payoffs, "zero_sum").value
    slack = 0.04 if method in LEARNING else 1e-6
    assert solution.value == pytest.approx(value, abs=slack * spread(payoffs))


@pytest.mark.parametrize("method", METHODS)
def test_what_a_method_calls_regret_is_its_condition(method):
    payoffs = game_for(method)
    solution = solve(payoffs, method, **options(method))
    if method == "rae":
        expected = risk_gaps(payoffs, solution.profile, 1.0, 0.01).max()
    elif method == "quantal_response":
        expected = logit_regret(payoffs, solution.profile, 5.0)
    elif method == "mirror_descent":
        expected = logit_regret(payoffs, solution.profile, 10.0)
    elif isinstance(solution, JointSolution):
        expected = joint_regret(payoffs, solution.joint, "correlated" if method == "correlated" else "coarse")
    elif method == "maximin":
        shortfalls = []
        for player, own in enumerate(payoffs):
            worst = (solution.profile[player] @ np.moveaxis(own, player, 0)).min()
            best = solve(own if player == 0 else own.T, "zero_sum").value
            shortfalls.append(best - worst)
        expected = max(shortfalls)
    else:
        expected = gains(payoffs, solution.profile).max()
    assert solution.regret == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_other_names_of_players_and_actions_give_the_same_result_under_these(method):
    payoffs, rows, columns = game_for(method), [2, 0, 1], [1, 3, 0, 2]
    found = solve(payoffs, method, **options(method))
    renamed = payoffs[:, rows][:, :, columns][::-1].transpose(0, 2, 1)
    if method == "zero_sum":
        assert solve(renamed, method).value == pytest.approx(-found.value)
    other = solve(renamed, method, **options(method))
    assert other.converged == found.converged
    if method in BY_NAMES:
        assert other.regret == pytest.approx(found.regret, abs=1e-8)
        return
    atol = 0.05 if method in LEARNING else 1e-5
    np.testing.assert_allclose(other.profile[0], found.profile[1][columns], atol=atol)
    np.testing.assert_allclose(other.profile[1], found.profile[0][rows], atol=atol)
    np.testing.assert_allclose(other.joint, found.joint[rows][:, columns].T, atol=atol)


@pytest.mark.parametrize("method", METHODS)
def test_other_units_and_zeros_of_the_payoffs_change_no_profile(method):
    payoffs, chosen, factor = game_for(method), options(method), 4.0
    found = solve(payoffs, method, **chosen)
    if method in IN_UNITS:
        name = IN_UNITS[method]
        chosen[name] = chosen.get(name, 100.0) / factor
    if method == "mirror_descent":
        chosen["temperature"] = 0.1 * factor
    shift = [3.0, -3.0] if method == "zero_sum" else [3.0, -1.0]
    other = solve(factor * payoffs + np.reshape(shift, (2, 1, 1)), method, **chosen)
    for one, two in zip(other.profile, found.profile, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    assert other.regret == pytest.approx(factor * found.regret, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize(
    "method", [name for name in METHODS if name not in ("uniform", "alpha_rank", "rae", "maximin")]
)
def test_a_dominated_action_is_left_alone(method):
    if method == "zero_sum":
        row = zero_sum()[0]
        matrix = np.concatenate([row, row[:1] - 1])
        payoffs = np.stack([matrix, -matrix])
    else:
        payoffs = general_sum()
        payoffs = np.concatenate([payoffs, payoffs[:, :1] - [[[2.0]], [[0.0]]]], axis=1)
    chosen = options(method) | ({"rationality": 500.0} if method == "quantal_response" else {})
    chosen |= {"temperature": 0.02, "step": 0.05} if method == "mirror_descent" else {}
    # A coarse correlated equilibrium may use it, unless it is the one with the most welfare or none of its own.
    chosen |= {"objective": "welfare"} if method == "coarse_correlated" else {}
    assert solve(payoffs, method, **chosen).profile[0][3] < 0.03


@pytest.mark.parametrize("method", METHODS)
def test_every_method_refuses_what_are_no_payoffs(method):
    broken = game_for(method)
    broken[0, 1, 2] = np.nan
    with pytest.raises(PayoffError, match=r"must be .*finite"):
        solve(broken, method, **options(method))
    with pytest.raises(PayoffError, match=r"got the shape|an array"):
        solve(np.zeros((3, 2, 2)), method, **options(method))


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("zero_sum", "lemke_howson")])
def test_three_players_are_served_too(method):
    rounds = {"max_iterations": 500} if method in (*LEARNING, "mirror_descent") else {}
    solution = solve(general_sum((2, 3, 2), 3), method, **NEEDED.get(method, {}), **rounds)
    assert [x.shape for x in solution.profile] == [(2,), (3,), (2,)]
    if not rounds:  # learning rules need not settle there
        assert solution.converged
    assert isinstance(solution, Solution | JointSolution)


def test_nash_picks_the_solver_by_the_game():
    assert solve(zero_sum()).method == "linear program"
    assert solve(general_sum()).method == "Lemke-Howson"
    assert solve(general_sum((2, 2, 2))).method == "Nash equilibrium, by homotopy"


def test_a_solver_that_is_stopped_early_says_that_it_has_not_converged():
    payoffs = general_sum((8, 8), 5)
    for method, few in {
        "lemke_howson": {"max_pivots": 2},
        "nash_path": {"max_steps": 2},
        "rae": {**NEEDED["rae"], "max_steps": 2},
        "quantal_response": {"rationality": 100.0, "max_steps": 2},
        **{name: {"max_iterations": 2, "tolerance": 1e-6} for name in (*LEARNING, "mirror_descent")},
    }.items():
        stopped = solve(payoffs, method, **few)
        assert not stopped.converged
        assert stopped.regret > 1e-6


def test_names_that_are_unknown_and_parameters_that_are_missing_are_said():
    with pytest.raises(UnknownNameError, match="unknown method 'nahs'; did you mean 'nash'"):
        solve(zero_sum(), "nahs")
    with pytest.raises(
        UnknownNameError, match="unknown parameter of rae 'risk_aversoin'; did you mean 'risk_aversion'"
    ):
        solve(zero_sum(), "rae", risk_aversoin=1.0)
    with pytest.raises(ValueError, match="rae needs floor"):
        solve(zero_sum(), "rae", risk_aversion=1.0)


@pytest.mark.parametrize(
    ("method", "parameters", "said"),
    [
        ("rae", {"risk_aversion": "x", "floor": 0.0}, "risk_aversion of rae must be a number, got 'x'"),
        ("rae", {"risk_aversion": 1, "floor": True}, "floor of rae must be a number, got True"),
        ("lemke_howson", {"capping": 2.5}, "capping of lemke_howson must be a whole number, got 2.5"),
        ("trembling_hand", {"trembles": 3}, "trembles of trembling_hand must be a list of numbers, got 3"),
        ("correlated", {"objective": [1]}, r"objective of correlated must be a name, got \[1\]"),
        ("prd", {"averaged": "x"}, "averaged of prd must be true or false, got 'x'"),
    ],
)
def test_parameters_of_another_kind_are_named(method, parameters, said):
    with pytest.raises(ValueError, match=said):
        solve(general_sum(), method, **parameters)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "gambit"])
def test_what_is_no_array_of_numbers_is_refused_by_all(method):
    with pytest.raises(PayoffError):
        solve(np.array([[object()]]), method, **options(method))
