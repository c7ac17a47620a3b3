"""Exp3 over a pool: its probabilities by hand, its regret below the bound of its paper, schedules of attacks."""

import math

import numpy as np
import pytest

from marl.robustness.exp3 import Exp3, play_pool, regret_bound, switch_periodically, switch_randomly


def test_probabilities_by_hand():
    """K = 2, T = 8, rate 2: eta = 2 sqrt(ln 2 / 16) = 0.41628, gamma = 0.20814.

    A loss of 1 at probability 1/2 is estimated as 1 / 0.70814 = 1.41215; then exp(-0.58785) = 0.55552 against 1.
    """
    bandit = Exp3(2, 8, rate=2.0)
    assert bandit.probabilities.tolist() == [0.5, 0.5]
    bandit.learn(0, 0.0)
    np.testing.assert_allclose(bandit.probabilities, [0.55552 / 1.55552, 1 / 1.55552], atol=1e-5)
    bandit.learn(1, 1.0)
    np.testing.assert_allclose(bandit.probabilities, [0.55552 / 1.55552, 1 / 1.55552], atol=1e-5)


def test_draws_follow_the_probabilities():
    bandit = Exp3(3, 10, seed=3)
    bandit.learn(1, 0.0)
    drawn = np.bincount([bandit.draw() for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(drawn, bandit.probabilities, atol=0.03)  # four standard errors


@pytest.mark.parametrize("kind", ["steady", "switching"])
def test_regret_is_below_its_bound_as_often_as_the_paper_says(kind):
    """Neu 2015, theorem 1, at delta = 0.1. Who draws uniformly would exceed it where one arm is always the best."""
    rounds, arms, failure = 1500, 4, 0.1
    table = np.full((arms, 2, rounds), 0.05)
    table[2] = 0.95
    if kind == "switching":  # arm 2 is the best at first, arm 1 later and more so: 750 x 0.05 + 750 x 0.95
        table[2, 1], table[1, 1] = 0.0, 1.0
    attacks = np.arange(rounds) // 750
    bound = regret_bound(arms, rounds, failure)
    regrets = [play_pool(table, attacks, (0, 1), seed=seed).regret for seed in range(12)]
    assert np.mean(np.array(regrets) > bound) <= failure
    if kind == "steady":
        assert 0.9 * 0.75 * rounds > bound
        assert max(regrets) < 0.5 * bound
        assert play_pool(table, attacks, (0, 1)).best_policy == 2


def test_returns_become_rewards_of_the_attack_that_comes():
    """Policy 0 gets 40 from attack 0 and nothing from attack 1; policy 1 always 20."""
    table = np.stack([np.stack([np.full(6, 40.0), np.zeros(6)]), np.full((2, 6), 20.0)])
    played = play_pool(table, np.array([0, 1, 0, 1, 1, 1]), (0, 40), seed=1)
    assert played.possible.tolist() == [[40, 20], [0, 20], [40, 20], [0, 20], [0, 20], [0, 20]]
    assert played.returns.tolist() == [row[arm] for row, arm in zip(played.possible, played.arms, strict=True)]
    assert played.best_policy == 1
    assert played.regret == 120 - played.returns.sum()
    np.testing.assert_allclose(played.probabilities.sum(axis=1), 1)
    assert played.probabilities[0].tolist() == [0.5, 0.5]


def test_attacks_take_turns():
    assert switch_periodically(7, 3, 2).tolist() == [0, 0, 1, 1, 2, 2, 0]


def test_attacks_switch_at_random_to_another():
    order = switch_randomly(4000, 3, 0.25, seed=2)
    assert set(order) == {0, 1, 2}
    assert (np.diff(order) != 0).mean() == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 4000))
    assert (switch_randomly(50, 3, 1.0)[1:] != switch_randomly(50, 3, 1.0)[:-1]).all()
    assert not switch_randomly(50, 3, 0.0).any()
    assert not switch_randomly(50, 1, 1.0).any(), "one attack has no other"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Exp3(1, 5), "at least 2 arms"),
        (lambda: Exp3(2, 5).learn(0, 1.5), r"rewards must be in \[0, 1\], got 1.5"),
        (lambda: play_pool(np.zeros((2, 1, 3)), np.zeros(3, int), (0, 0)), "returns must be in scale"),
        (lambda: play_pool(np.ones((2, 1, 3)), np.zeros(3, int), (0, 0.5)), "got 1 to 1 and the scale"),
        (lambda: play_pool(np.zeros((2, 1, 3)), np.ones(3, int), (0, 1)), r"attacks must be in \[0, 1\), got 1 to 1"),
        (lambda: play_pool(np.zeros((2, 1, 3)), np.zeros(2, int), (0, 1)), r"returns must be \[K, Q, T\]"),
        (lambda: switch_periodically(5, 2, 0), "interval 0"),
        (lambda: switch_randomly(5, 2, 1.5), "a probability, got 5, 2 and 1.5"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
