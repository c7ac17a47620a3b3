"""A defence at test time: which policy of a pool plays the next episode is a bandit's choice (Exp3).

As in PROTECTED (Liu et al. 2024, arXiv 2402.12673): policies are arms, an episode's return is the reward, and whoever
attacks may change. Of T rounds with K policies, with losses l = 1 - reward in [0, 1] and implicit exploration
(Neu 2015, "Explore no more", Exp3-IX):

    p_k ~ exp(-eta sum_s l'_s,k)    l'_t,k = l_t / (p_k + gamma) for the policy that played, else 0
    eta = rate sqrt(ln K / (K T))   gamma = eta / 2

With rate = sqrt(2), the regret against the best fixed policy is at most
2 sqrt(2 K T ln K) + (sqrt(2 K T / ln K) + 1) ln(2 / delta), with probability 1 - delta (Neu 2015, theorem 1), whatever
the attacks are, if they do not answer to the bandit's own draws. PROTECTED's release estimates rewards instead of
losses, with rates of 2 and 5, and takes returns / 6000 for rewards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

RATE = math.sqrt(2)


class Exp3:
    """Chooses among arms, learning from the rewards of those it chose.

    Args:
        num_arms: K, at least 2.
        rounds: T, how many are going to be played, at least 1.
        rate: Of learning, above 0, in units of sqrt(ln K / (K T)).
        seed: Of the draws.

    Raises:
        ValueError: A number out of range.
    """

    def __init__(self, num_arms: int, rounds: int, rate: float = RATE, seed: int = 0) -> None:
        if num_arms < 2 or rounds < 1 or not rate > 0:
            raise ValueError(
                f"at least 2 arms, 1 round and a rate above 0, got {num_arms} arms, {rounds} rounds, rate {rate}"
            )
        self._step = rate * math.sqrt(math.log(num_arms) / (num_arms * rounds))
        self._losses = np.zeros(num_arms)  # estimates, summed over rounds
        self._rng = np.random.default_rng(seed)

    @property
    def probabilities(self) -> np.ndarray:
        """[K] of the next draw."""
        weights = np.exp(-self._step * (self._losses - self._losses.min()))
        chances: np.ndarray = weights / weights.sum()
        return chances

    def draw(self) -> int:
        """Returns an arm."""
        return int(self._rng.choice(len(self._losses), p=self.probabilities))

    def learn(self, arm: int, reward: float) -> None:
        """Takes note of what an arm brought that was drawn with the probabilities of now.

        Raises:
            ValueError: A reward outside [0, 1].
        """
        if not 0 <= reward <= 1:
            raise ValueError(f"rewards must be in [0, 1], got {reward}")
        self._losses[arm] += (1 - reward) / (self.probabilities[arm] + self._step / 2)


def regret_bound(num_arms: int, rounds: int, failure: float) -> float:
    """Returns what the regret exceeds with at most the probability `failure`, at the rate sqrt(2) (Neu 2015)."""
    logarithm, size = math.log(num_arms), num_arms * rounds
    return 2 * math.sqrt(2 * size * logarithm) + (math.sqrt(2 * size / logarithm) + 1) * math.log(2 / failure)


def switch_periodically(rounds: int, num_attacks: int, interval: int) -> np.ndarray:
    """Returns [T] which attack comes in each round: the next one, in turn, every `interval` rounds."""
    if min(rounds, num_attacks, interval) < 1:
        raise ValueError(f"all must be at least 1, got {rounds} rounds, {num_attacks} attacks, interval {interval}")
    return np.arange(rounds) // interval % num_attacks


def switch_randomly(rounds: int, num_attacks: int, probability: float, seed: int = 0) -> np.ndarray:
    """Returns [T] which attack comes in each round: before each, with a probability, one of the others takes over."""
    if min(rounds, num_attacks) < 1 or not 0 <= probability <= 1:
        raise ValueError(
            f"at least 1 round and 1 attack and a probability, got {rounds}, {num_attacks} and {probability}"
        )
    rng = np.random.default_rng(seed)
    steps = np.where(rng.random(rounds) < probability, rng.integers(1, max(2, num_attacks), rounds), 0)
    return np.cumsum(steps) % num_attacks


@dataclass(frozen=True, eq=False)
class BanditPlay:
    """What became of a pool of K policies in T rounds.

    Attributes:
        arms: [T] which policy played.
        probabilities: [T, K] from which it was drawn.
        returns: [T] what it got.
        possible: [T, K] what each would have got.
    """

    arms: np.ndarray
    probabilities: np.ndarray
    returns: np.ndarray
    possible: np.ndarray

    @property
    def best_policy(self) -> int:
        """The best fixed one in hindsight."""
        return int(self.possible.sum(axis=0).argmax())

    @property
    def regret(self) -> float:
        """By how much the best fixed policy would have got more in all, in units of return."""
        return float(self.possible.sum(axis=0).max() - self.returns.sum())


def play_pool(
    returns: np.ndarray, attacks: np.ndarray, scale: tuple[float, float], *, rate: float = RATE, seed: int = 0
) -> BanditPlay:
    """Lets Exp3 choose among policies while attacks change.

    Episodes do not depend on each other, so all that may be asked for are played before (marl/robustness/cross_play.py,
    with as many episodes as rounds), many at a time; the bandit learns of those alone that it chose.

    Args:
        returns: [K, Q, T] of policy k against attack q in the episode of round t.
        attacks: [T] int, which attack comes in each round.
        scale: Lowest and highest possible return, which become the rewards 0 and 1.
        rate: Of learning.
        seed: Of the draws.

    Raises:
        ValueError: Arrays that do not fit together, an attack that is not there, returns outside the scale.
    """
    table, order, (low, high) = np.asarray(returns, float), np.asarray(attacks), scale
    if table.ndim != 3 or order.shape != table.shape[2:] or order.dtype.kind not in "iu":
        raise ValueError(f"returns must be [K, Q, T] and attacks [T] int, got {table.shape} and {order.shape}")
    if not ((order >= 0) & (order < table.shape[1])).all():
        raise ValueError(f"attacks must be in [0, {table.shape[1]}), got {order.min()} to {order.max()}")
    if not low < high or not ((table >= low) & (table <= high)).all():
        raise ValueError(f"returns must be in scale, got {table.min():g} to {table.max():g} and the scale {scale}")
    possible = table[:, order, np.arange(len(order))].T
    bandit = Exp3(len(table), len(order), rate, seed)
    arms, chances = np.zeros(len(order), np.int64), np.zeros((len(order), len(table)))
    for turn, offered in enumerate(possible):
        chances[turn], arms[turn] = bandit.probabilities, bandit.draw()
        bandit.learn(arms[turn], float((offered[arms[turn]] - low) / (high - low)))
    return BanditPlay(arms, chances, possible[np.arange(len(order)), arms], possible)
