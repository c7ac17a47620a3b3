"""Quantal response equilibria of zero-sum Markov games: by hand, by their fixed point, and towards Nash."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq

from games.markov import from_arrays, garnet
from games.markov.classics import soccer
from games.matrix import PRISONERS_DILEMMA
from marl.equilibrium import solve
from marl.equilibrium.markov_games import solve_zero_sum_markov
from marl.equilibrium.soft_markov import anneal, soft_regret, solve_soft_markov


def one_stage(payoffs):
    """One state for ever."""
    payoffs = np.asarray(payoffs, float)
    return from_arrays(np.ones((1, *payoffs.shape, 1)), np.stack([payoffs, -payoffs])[:, None])


def test_a_biased_game_of_pennies_by_hand():
    """Rows get 2, 0 / 0, 1. With p, q the chances of the first actions, p = 1 / (1 + exp((1 - 3 q) / beta)) and
    q = 1 / (1 + exp((3 p - 1) / alpha)): one equation in p, solved by Brent's method."""
    beta, alpha = 0.5, 0.2

    def column(p):
        return 1 / (1 + np.exp((3 * p - 1) / alpha))

    p = brentq(lambda x: x - 1 / (1 + np.exp((1 - 3 * column(x)) / beta)), 0, 1, xtol=1e-14)
    found = solve_soft_markov(one_stage([[2, 0], [0, 1]]), (beta, alpha), 0.0)
    assert found.profile[0][0] == pytest.approx([p, 1 - p], abs=1e-9)
    assert found.profile[1][0] == pytest.approx([column(p), 1 - column(p)], abs=1e-9)
    assert found.regret < 1e-9


def test_single_stages_are_those_of_logit_equilibria():
    """At equal temperatures it is the logit equilibrium with rationality 1 / temperature, found by another method."""
    rng = np.random.default_rng(0)
    for shape in ((3, 3), (2, 5), (6, 4)):
        payoffs = rng.normal(size=shape)
        logit = solve(np.stack([payoffs, -payoffs]), "quantal_response", rationality=4.0)
        found = solve_soft_markov(one_stage(payoffs), (0.25, 0.25), 0.0)
        for ours, theirs in zip(found.profile, logit.profile, strict=True):
            np.testing.assert_allclose(ours[0], theirs, atol=1e-6)


@pytest.mark.parametrize("temperatures", [(1.0, 1.0), (0.3, 0.01), (0.01, 0.3), (0.02, 0.02)])
def test_policies_answer_each_other_softly_in_every_state(temperatures):
    """mu = softmax(Q nu / beta) and nu = softmax(-Q' mu / alpha), with Q built here from the game's own rows."""
    game, discount = garnet(12, (3, 4), 3, np.random.default_rng(1), utility="zero_sum"), 0.9
    found = solve_soft_markov(game, temperatures, discount)
    assert found.converged
    stages = game.rewards[0].reshape(12, 12) + discount * (game.transition_matrix @ found.values).reshape(12, 12)
    stages = stages.reshape(12, 3, 4)
    (beta, alpha), (first, second) = temperatures, found.profile
    rows = np.exp((np.einsum("sab,sb->sa", stages, second) - found.values[:, None]) / beta)
    columns = np.exp(-(np.einsum("sab,sa->sb", stages, first) - found.values[:, None]) / alpha)
    np.testing.assert_allclose(first, rows / rows.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(second, columns / columns.sum(axis=1, keepdims=True), atol=1e-5)
    assert found.regret < 1e-7


def test_cooling_leads_to_the_maximin_policies():
    """NashConv falls with the temperatures, and the value goes to the one that Shapley's iteration finds: per step the
    entropies are worth at most temperature log A, so values differ by at most that over 1 - discount."""
    game, discount = garnet(10, (3, 3), 3, np.random.default_rng(2), utility="zero_sum"), 0.8
    path = anneal(game, [(t, t) for t in (1.0, 0.1, 0.01, 0.001)], discount)
    convs = [each.nash_conv for each in path]
    assert all(later < earlier for earlier, later in pairwise(convs))
    exact = solve_zero_sum_markov(game, discount)
    for each in path:
        bound = each.temperatures[0] * np.log(3) / (1 - discount)
        assert np.abs(each.values - exact.values[0]).max() <= bound
    assert convs[-1] < 0.02


def test_a_random_adversary_is_the_limit_of_great_temperatures():
    """And a player who is not bounded answers it as a decision problem: the Shapley value against uniform play."""
    game, discount = garnet(8, (3, 3), 2, np.random.default_rng(3), utility="zero_sum"), 0.9
    hot = solve_soft_markov(game, (1e-3, 1e4), discount)
    np.testing.assert_allclose(hot.profile[1], 1 / 3, atol=1e-3)
    assert hot.regret < 1e-6


def test_soccer_ends_in_goals_and_keeps_its_symmetry():
    """Littman's soccer has terminal states; from the start neither is ahead: at equal temperatures it is worth 0."""
    game = soccer()
    found = solve_soft_markov(game, (0.1, 0.1), 0.9, tolerance=1e-7)
    assert found.converged
    assert game.initial @ found.values == pytest.approx(0, abs=1e-6)
    assert (found.values[game.terminal] == 0).all()
    uniform = tuple(np.full_like(policy, 1 / policy.shape[1]) for policy in found.profile)
    assert soft_regret(game, uniform, (0.1, 0.1), 0.9) > 0.1 > found.regret


def test_what_cannot_be_solved_is_refused():
    game = one_stage([[1, -1], [-1, 1]])
    with pytest.raises(ValueError, match=r"temperatures must be positive, got \(0.0, 1.0\)"):
        solve_soft_markov(game, (0.0, 1.0), 0.5)
    with pytest.raises(ValueError, match="zero-sum"):
        solve_soft_markov(from_arrays(np.ones((1, 2, 2, 1)), PRISONERS_DILEMMA[:, None]), (1.0, 1.0), 0.5)
    with pytest.raises(ValueError, match="discount must be below 1"):
        solve_soft_markov(game, (1.0, 1.0), 1.0)
