"""CFR over flat games: OpenSpiel's solvers iteration by iteration, its best responses, and known values."""

import numpy as np
import pyspiel
import pytest
from open_spiel.python.algorithms import discounted_cfr

import games.open_spiel
from marl.equilibrium.counterfactual import CounterfactualRegrets, solve_counterfactual
from marl.equilibrium.game_tree import GameTreeError, flatten

GOOFSPIEL = {"num_cards": 4, "imp_info": True, "points_order": "descending"}
TREES = [
    ("kuhn_poker", {}, 30),
    ("kuhn_poker", {"players": 3}, 20),
    ("leduc_poker", {}, 6),
    ("goofspiel", GOOFSPIEL, 10),
    ("liars_dice", {"dice_sides": 3}, 10),
]


def turn_based(name, params):
    game = pyspiel.load_game(name, params)
    if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        game = pyspiel.convert_to_turn_based(game)
    return game


def assert_equal_policies(flat, policy, profile):
    for theirs, ours in zip(flat.from_policy(policy), profile, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize(("name", "params", "iterations"), TREES)
@pytest.mark.parametrize("variant", ["cfr", "cfr+"])
def test_every_iteration_is_openspiels(name, params, iterations, variant):
    game, flat = turn_based(name, params), flatten(name, **params)
    theirs = (pyspiel.CFRSolver if variant == "cfr" else pyspiel.CFRPlusSolver)(game)
    ours = CounterfactualRegrets(flat, variant)
    for _ in range(iterations):
        theirs.evaluate_and_update_policy()
        ours.iterate()
    assert_equal_policies(flat, theirs.current_policy(), ours.current())
    assert_equal_policies(flat, theirs.average_policy(), ours.average())


def test_discounted_cfr_is_openspiels():
    game, flat = turn_based("kuhn_poker", {}), flatten("kuhn_poker")
    theirs, ours = discounted_cfr.DCFRSolver(game), CounterfactualRegrets(flat, "dcfr")
    for _ in range(20):
        theirs.evaluate_and_update_policy()
        ours.iterate()
    table = theirs.average_policy().to_dict()
    assert_equal_policies(flat, table, ours.average())


@pytest.mark.parametrize(("name", "params", "iterations"), TREES)
def test_values_and_best_responses_are_openspiels(name, params, iterations):
    game, flat = turn_based(name, params), flatten(name, **params)
    rng = np.random.default_rng(iterations)
    profile = tuple(tree.scaled(rng.uniform(size=tree.num_sequences)) for tree in flat.players)
    policy = flat.to_policy(profile)
    if game.num_players() == 2:
        assert flat.nash_conv(profile) == pytest.approx(pyspiel.nash_conv(game, policy, True), abs=1e-9)
    theirs = pyspiel.expected_returns(game.new_initial_state(), policy, -1, True)
    np.testing.assert_allclose(flat.values(profile), theirs, atol=1e-9)
    for player in range(game.num_players()):
        best = pyspiel.TabularBestResponse(game, player, policy).value(game.new_initial_state().history_str())
        assert flat.best_values(profile)[player] == pytest.approx(best, abs=1e-9)
    for there, back in zip(flat.from_policy(policy), profile, strict=True):
        np.testing.assert_allclose(there, back)


def test_uniform_kuhn_poker_can_be_exploited_by_eleven_twelfths():
    flat = flatten("kuhn_poker")  # Lanctot et al. 2019, OpenSpiel
    assert flat.nash_conv(flat.uniform()) == pytest.approx(11 / 12)


@pytest.mark.parametrize(("variant", "iterations"), [("cfr", 3000), ("cfr+", 300), ("dcfr", 300)])
def test_kuhn_poker_is_worth_minus_one_eighteenth(variant, iterations):
    # Kuhn 1950; the first player's bets with a king are thrice those with a jack.
    solution = solve_counterfactual(flatten("kuhn_poker"), variant, iterations, tolerance=5e-3)
    assert solution.converged
    assert solution.value == pytest.approx(-1 / 18, abs=3e-3)
    assert solution.nash_conv <= 5e-3


def test_leduc_poker_by_cfr_plus():
    solution = solve_counterfactual(flatten("leduc_poker"), "cfr+", 500, tolerance=0.0)
    # OpenSpiel's C++ solver after 500 iterations: 0.00188, of which rounding, amplified after a hundred, leaves two
    # digits; the value -0.0856 by its sequence-form program.
    assert solution.nash_conv == pytest.approx(0.00188, rel=0.05)
    assert solution.value == pytest.approx(-0.0856, abs=5e-4)
    assert solution.iterations == 500
    assert not solution.converged


def test_our_own_worlds_are_flattened_too():
    ours, theirs = flatten(games.open_spiel.game("cards/kuhn_poker_v0")), flatten("kuhn_poker")
    assert sorted(tree.num_sequences for tree in ours.players) == sorted(t.num_sequences for t in theirs.players)
    one, other = CounterfactualRegrets(ours), CounterfactualRegrets(theirs)
    one.iterate(200)
    other.iterate(200)
    assert ours.nash_conv(one.average()) == pytest.approx(theirs.nash_conv(other.average()), abs=1e-5)


def test_a_game_of_one_decision_each_is_a_matrix_game():
    solution = solve_counterfactual(flatten("matrix_rps"), "cfr+", 50)
    for strategy in solution.profile:
        np.testing.assert_allclose(strategy[1:], 1 / 3)


def test_players_who_forget_are_refused():
    with pytest.raises(GameTreeError, match="player 0 forgets what it knew"):
        flatten("goofspiel", num_cards=4)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="did you mean 'cfr\\+'"):
        CounterfactualRegrets(flatten("kuhn_poker"), "cfr++")
    with pytest.raises(ValueError, match="max_iterations must be at least 1"):
        solve_counterfactual(flatten("kuhn_poker"), max_iterations=0)
