"""Policy smoothing (Kumar, Levine and Feizi 2022, arXiv 2106.11420): a bound of what attacks on observations can do.

The policy sees every observation with Gaussian noise of deviation sigma. If it then reaches a return of tau with a
probability of at least p, it does so with at least

    Phi(Phi^-1(p) - epsilon / sigma)

against an adversary who shifts what it is shown, step by step and knowing all that has happened, by vectors whose
squared lengths sum to at most epsilon^2 over the episode. p is bounded from below by n episodes without an attack
(Clopper and Pearson 1934, exact), so all of it holds with the confidence of that bound. It says nothing of pushes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from agents.protocol import Player, find_agent
from games.batch import Batch
from marl.robustness.arena import Arena


@contextmanager
def shown(batch: Batch, agent: str, observations: np.ndarray) -> Iterator[None]:
    """Shows an agent other observations meanwhile.

    Args:
        batch: Whose world observes float32.
        agent: Who is shown them.
        observations: [E, D...] instead of its own.
    """
    name, row = find_agent(batch, agent)
    array = batch.groups[name].observations
    own = array[:, row].copy()
    array[:, row] = observations
    try:
        yield
    finally:
        array[:, row] = own


class SmoothedPlayer:
    """Plays as another player does that sees everything through Gaussian noise.

    The other must look at its observations alone: what it reads of the world's state has no noise, and no bound.

    Args:
        player: Who plays.
        sigma: Deviation of the noise in each number of the observation, above 0.
        seed: Of the noise.

    Raises:
        ValueError: `sigma` is not positive.
    """

    def __init__(self, player: Player, sigma: float, seed: int = 0) -> None:
        if not (np.isfinite(sigma) and sigma > 0):
            raise ValueError(f"sigma must be positive, got {sigma}")
        self._player, self._sigma = player, sigma
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the player's actions, [E] or [E, A].

        Raises:
            ValueError: The world's observations are whole numbers, which noise would leave.
        """
        name, row = find_agent(batch, agent)
        own = batch.groups[name].observations[:, row]
        if own.dtype != np.float32:
            raise ValueError(f"smoothing needs float32 observations, those of {batch.spec.id} are {own.dtype}")
        noise = self._sigma * self._rng.standard_normal(own.shape, np.float32)
        with shown(batch, agent, own + noise):
            return self._player.act(batch, agent)

    def get_state(self) -> dict[str, Any]:
        """Returns the generator's state and the player's."""
        return {"generator": self._rng.bit_generator.state, "player": self._player.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal player returned."""
        self._rng.bit_generator.state = state["generator"]
        self._player.set_state(state["player"])


def lower_bound(successes: int, trials: int, confidence: float = 0.95) -> float:
    """Returns the exact lower confidence bound of a probability, one-sided (Clopper and Pearson 1934).

    Raises:
        ValueError: More successes than trials, no trial, or a confidence outside (0, 1).
    """
    if not 0 <= successes <= trials or trials < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"successes must be in [0, trials] and the confidence in (0, 1), "
            f"got {successes} of {trials} and {confidence}"
        )
    return float(stats.beta.ppf(1 - confidence, successes, trials - successes + 1)) if successes else 0.0


@dataclass(frozen=True, eq=False)
class Certificate:
    """How often a smoothed policy reaches a return, whatever an attack within a budget shows it.

    Attributes:
        threshold: tau, the return.
        sigma: Deviation of the noise.
        confidence: With which all of it holds.
        successes: Episodes without an attack that reached the threshold.
        episodes: Of all.
        probability: Lower bound of reaching it without an attack.
        budgets: [B] epsilon, lengths of an attack on a whole episode, in units of the observation.
        guarantees: [B] lower bounds of the probability under such attacks.
    """

    threshold: float
    sigma: float
    confidence: float
    successes: int
    episodes: int
    probability: float
    budgets: tuple[float, ...]
    guarantees: tuple[float, ...]


def certify(
    returns: np.ndarray, threshold: float, sigma: float, budgets: Sequence[float], confidence: float = 0.95
) -> Certificate:
    """Bounds how often a return is reached under attacks, from returns without one.

    Args:
        returns: [n] of independent episodes of the smoothed policy.
        threshold: The return to be reached; chosen before looking at the returns.
        sigma: Deviation of the noise they were played with.
        budgets: epsilon, at least 0 each.
        confidence: Of the lower bound; one-sided.

    Raises:
        ValueError: No return, a sigma that is not positive, a negative budget, a confidence outside (0, 1).
    """
    if not sigma > 0 or not all(budget >= 0 for budget in budgets):
        raise ValueError(f"sigma must be positive and budgets at least 0, got {sigma} and {list(budgets)}")
    successes = int(np.count_nonzero(np.asarray(returns) >= threshold))
    probability = lower_bound(successes, len(returns), confidence)
    shifted = stats.norm.ppf(probability) - np.asarray(budgets, float) / sigma
    guarantees = tuple(stats.norm.cdf(shifted).tolist())
    return Certificate(threshold, sigma, confidence, successes, len(returns), probability, tuple(budgets), guarantees)


def certify_policy(
    arena: Arena,
    protagonist: Player,
    threshold: float,
    sigma: float,
    budgets: Sequence[float],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Certificate:
    """Plays a policy under noise, with nobody who pushes, and bounds what attacks on its observations can do.

    Args:
        arena: Where; its episodes are what the bound rests on, some hundreds.
        protagonist: Who looks at its observations alone.
        threshold: As `certify`.
        sigma: As `certify`.
        budgets: As `certify`.
        confidence: As `certify`.
        seed: Of the noise.
    """
    returns = arena.play(SmoothedPlayer(protagonist, sigma, seed))[0]
    return certify(returns, threshold, sigma, budgets, confidence)
