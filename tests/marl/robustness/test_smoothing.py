"""Policy smoothing: bounds by hand, and attacks that reach the certificate but do not pass it."""

import numpy as np
import pytest
from scipy import stats

import games
from agents.memory import Memoryless
from agents.random_player import RandomPlayer
from marl.robustness.arena import Arena
from marl.robustness.smoothing import SmoothedPlayer, certify, certify_policy, lower_bound, shown

SIGMA, LEVEL = 0.2, -1.7  # the point mass starts at y = -1.5, one deviation above the level
START = "control/point_mass_gap_v0"


class Climber(Memoryless):
    """Pushes up where it believes to be above a level, and down below it."""

    def act(self, batch, agent):
        up = np.where(batch.groups["protagonist"].observations[:, 0, 1] > LEVEL, 1.0, -1.0)
        return np.stack([np.zeros_like(up), up], axis=1).astype(np.float32)


class Shifted(Memoryless):
    """Shows another player an observation that is shifted along y in each step."""

    def __init__(self, player, shift):
        self._player, self._shift = player, np.float32(shift)

    def act(self, batch, agent):
        own = batch.groups["protagonist"].observations[:, 0]
        with shown(batch, agent, own + self._shift * np.array([0, 1, 0, 0], np.float32)):
            return self._player.act(batch, agent)


def test_lower_bounds_by_hand():
    """All of n: alpha^(1/n). Five of ten: 0.2224 in the tables of Clopper and Pearson, two-sided 90 %."""
    assert lower_bound(100, 100) == pytest.approx(0.05**0.01)
    assert lower_bound(5, 10) == pytest.approx(0.2224, abs=5e-5)
    assert lower_bound(0, 10) == 0
    for successes, trials in ((1, 7), (180, 200), (33, 50)):
        exact = stats.binomtest(successes, trials).proportion_ci(0.98, method="exact")
        assert lower_bound(successes, trials, 0.99) == pytest.approx(exact.low)


def test_certificates_by_hand():
    """100 of 100: p = 0.97049, whose quantile is 1.8880; one sigma less is Phi(0.8880) = 0.8127."""
    found = certify(np.full(100, 3.0), 3.0, 0.5, (0.0, 0.5, 1.0))
    assert (found.successes, found.episodes) == (100, 100)
    assert found.probability == pytest.approx(0.97049, abs=1e-5)
    assert found.guarantees == pytest.approx((0.97049, 0.8127, 0.4554), abs=1e-4)
    assert certify(np.zeros(9), 1.0, 0.5, (0.0, 0.1)).guarantees == (0, 0)


def test_the_strongest_attack_on_one_step_reaches_the_certificate_and_no_more():
    """Up with probability Phi(1); shown to be lower by sigma, with Phi(0): what the certificate says."""
    arena = Arena(START, {"horizon": 1}, episodes=4000, seed=1)
    smoothed = SmoothedPlayer(Climber(), SIGMA, seed=2)
    values = np.unique(arena.play(smoothed)[0])
    assert len(values) == 2
    found = certify_policy(arena, Climber(), values[1], SIGMA, (0.5 * SIGMA, SIGMA), seed=2)
    assert found.probability == pytest.approx(stats.norm.cdf(1), abs=0.02)
    for budget, guarantee in zip(found.budgets, found.guarantees, strict=True):
        attacked = (arena.play(Shifted(smoothed, -budget))[0] >= values[1]).mean()
        assert guarantee < attacked < guarantee + 0.04


def test_an_attack_that_is_spread_over_an_episode_stays_above_the_certificate():
    """A shift of epsilon / sqrt(T) in each of T steps has the length epsilon."""
    steps, budget = 6, 1.5 * SIGMA
    arena = Arena(START, {"horizon": steps}, episodes=1500, seed=4)
    smoothed = SmoothedPlayer(Climber(), SIGMA, seed=5)
    clean = arena.play(smoothed)[0]
    threshold = float(np.quantile(clean, 0.2))
    (guarantee,) = certify_policy(arena.change(seed=9), Climber(), threshold, SIGMA, (budget,), seed=6).guarantees
    attacked = arena.play(Shifted(smoothed, -budget / np.sqrt(steps)))[0] >= threshold
    assert guarantee < attacked.mean() < (clean >= threshold).mean() - 0.2


def test_noise_is_seen_by_the_player_and_by_nobody_else():
    class Keeper(RandomPlayer):
        def act(self, batch, agent):
            self.seen = batch.groups["protagonist"].observations[:, 0].copy()
            return super().act(batch, agent)

    batch = games.make_batch(START, 3000)
    batch.reset()
    before, keeper = batch.groups["protagonist"].observations.copy(), Keeper(0)
    smoothed = SmoothedPlayer(keeper, 0.3, seed=1)
    state = smoothed.get_state()
    first = smoothed.act(batch, "protagonist_0")
    np.testing.assert_array_equal(batch.groups["protagonist"].observations, before)
    noise = keeper.seen - before[:, 0]
    assert noise.std() == pytest.approx(0.3, abs=4 * 0.3 / np.sqrt(2 * noise.size))
    again = SmoothedPlayer(Keeper(5), 0.3, seed=7)
    again.set_state(state)
    np.testing.assert_array_equal(again.act(batch, "protagonist_0"), first)


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="sigma must be positive, got 0"):
        SmoothedPlayer(Climber(), 0)
    with pytest.raises(ValueError, match=r"budgets at least 0, got 1 and \[-1\]"):
        certify(np.zeros(3), 0.0, 1, (-1,))
    with pytest.raises(ValueError, match="got 4 of 3"):
        lower_bound(4, 3)
    batch = games.make_batch("grid/trust_v0")
    batch.reset()
    with pytest.raises(ValueError, match="those of grid/trust_v0 are uint8"):
        SmoothedPlayer(RandomPlayer(0), 0.1).act(batch, batch.agents[0])
