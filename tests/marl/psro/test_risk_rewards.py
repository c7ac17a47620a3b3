"""Rewards that make a learner risk-averse: their expected gradients are those of mean minus gamma times variance."""

import numpy as np
import pytest

from marl.psro.risk_rewards import RiskAverseRewards, RiskAversion


def episodes_of_one_step(rewards, opponents):
    """[T, E] rewards, each an episode of its own."""
    rewards = np.asarray(rewards, float)
    return rewards, np.ones(rewards.shape, bool), np.asarray(opponents)


def test_weights_by_hand():
    """Opponents 0 and 1, equally likely, paid 4 and 0 on average: U = 2, so weights 1 - 2 g 2 and 1 + 2 g 2."""
    rewards = RiskAverseRewards(RiskAversion(gamma=0.1), [0.5, 0.5])
    np.testing.assert_array_equal(rewards.weights(), [1, 1])
    rewards.change(*episodes_of_one_step([[4, 0]], [[0, 1]]))
    np.testing.assert_allclose(rewards.means(), [4, 0])
    np.testing.assert_allclose(rewards.weights(), [0.6, 1.4])
    np.testing.assert_allclose(rewards.change(*episodes_of_one_step([[3, 1]], [[0, 1]])), [[1.8, 1.4]])
    np.testing.assert_allclose(rewards.means(), [3.5, 0.5])


def test_returns_are_those_of_whole_episodes_also_across_fragments():
    rewards = RiskAverseRewards(RiskAversion(gamma=1.0), [1.0])
    ended = np.array([[False], [True], [False]])
    rewards.change(np.array([[1.0], [2.0], [5.0]]), ended, np.zeros((3, 1), int))
    np.testing.assert_allclose(rewards.means(), [3])
    rewards.change(np.array([[10.0]]), np.array([[True]]), np.zeros((1, 1), int))
    np.testing.assert_allclose(rewards.means(), [9])  # of 3 and 15


@pytest.mark.parametrize("kind", ["opponents", "paired", "total"])
def test_the_expected_gradient_is_that_of_mean_minus_variance(kind):
    """One parameter p = P(first action), payoffs M[action, opponent]; score-function estimates over many episodes.

    d/dp of U - g V is taken by finite differences of the closed forms: between opponents
    V = sum_b q_b (u_b - U)^2; in total V = E[G^2] - U^2.
    """
    payoffs, q, p, gamma = np.array([[3.0, -1.0, 0.5], [0.0, 1.0, 2.0]]), np.array([0.5, 0.3, 0.2]), 0.4, 0.3

    def objective(p):
        mix = np.array([p, 1 - p])
        u = mix @ payoffs
        mean = u @ q
        second = mix @ payoffs**2 @ q
        return mean - gamma * ((second - mean**2) if kind == "total" else (q @ (u - mean) ** 2))

    expected = (objective(p + 1e-5) - objective(p - 1e-5)) / 2e-5
    generator, estimates = np.random.default_rng(0), []
    rewards = RiskAverseRewards(RiskAversion(gamma, kind, memory=10**9), q)
    for fragment in range(40):
        first = generator.random((5, 1000)) < p
        opponents = generator.choice(3, first.shape, p=q)
        got = payoffs[np.where(first, 0, 1), opponents]
        changed = rewards.change(got, np.ones(got.shape, bool), opponents)
        score = np.where(first, 1 / p, -1 / (1 - p))
        if fragment >= 4:  # running means have settled
            estimates.append((changed * score).mean())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert error < 0.05
    assert abs(np.mean(estimates) - expected) < 4 * error + 0.005


def test_single_rewards_are_weighed_by_their_own_mean():
    """y = 2 after the first fragment: r - g r^2 + 4 g r, so 1 becomes 1 - 0.1 + 0.4 and 3 becomes 3 - 0.9 + 1.2."""
    rewards = RiskAverseRewards(RiskAversion(0.1, "steps"), [1.0])
    step = episodes_of_one_step([[1, 3]], [[0, 0]])
    np.testing.assert_allclose(rewards.change(*step), [[0.9, 2.1]])
    np.testing.assert_allclose(rewards.change(*step), [[1.3, 3.3]])


def test_without_aversion_rewards_stay_as_they_are():
    generator = np.random.default_rng(1)
    for kind in ("opponents", "paired", "total", "steps"):
        rewards = RiskAverseRewards(RiskAversion(0.0, kind), [0.5, 0.5])
        for _ in range(2):
            step = generator.normal(size=(4, 6)), generator.random((4, 6)) < 0.3, generator.integers(0, 2, (4, 6))
            np.testing.assert_array_equal(rewards.change(*step), step[0])


@pytest.mark.parametrize("wrong", [{"gamma": -1}, {"gamma": np.nan}, {"memory": 0}, {"clip": 0}, {"kind": "between"}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        RiskAversion(**{"gamma": 1.0} | wrong)
