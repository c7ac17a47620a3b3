"""What solvers return: frozen records that say how they were made, how good they are, and whether to trust them.

A solver that did not get there returns its last profile with `converged` False and the regret that it has; none returns
False or NaN for "not found".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marl.equilibrium.payoffs import Profile, expected_payoffs, gains, joint_distribution, spread

# Of the regret, as a share of the largest difference between payoffs of a player.
TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class Solution:
    """A profile that a solver found.

    Attributes:
        method: Name of the algorithm.
        parameters: What it was told, by name.
        profile: Mixed strategies [K_i], one a player.
        values: [P] what the players get.
        regret: The largest gain that any player could have by deviating alone, in the utility that the method is about:
            the payoff, or what the solver's docstring says (logit: payoff and entropy; RAE: mean and variance).
        nash_conv: Sum of the players' gains in bare payoffs.
        iterations: How many there were.
        converged: Whether the condition that defines the result holds within the tolerance.
    """

    method: str
    parameters: Mapping[str, Any]
    profile: Profile
    values: np.ndarray
    regret: float
    nash_conv: float
    iterations: int
    converged: bool

    @property
    def value(self) -> float:
        """What the first player gets."""
        return float(self.values[0])

    @property
    def joint(self) -> np.ndarray:
        """[K_1, ..., K_P] probability of each joint action."""
        return joint_distribution(self.profile)


@dataclass(frozen=True, eq=False)
class JointSolution:
    """A distribution over joint actions that a solver found.

    Attributes:
        method: Name of the algorithm.
        parameters: What it was told, by name.
        joint: [K_1, ..., K_P] probability of each joint action.
        profile: The marginals of `joint`, [K_i] one a player; drawn from alone, they are another distribution.
        values: [P] what the players get.
        regret: The largest gain of a deviation that the method is about: from what is recommended (correlated), or from
            the draw as a whole (coarse, alpha-rank, which does not bound it). Below 0 where all deviations lose.
        iterations: How many there were.
        converged: Whether the condition that defines the result holds within the tolerance.
    """

    method: str
    parameters: Mapping[str, Any]
    joint: np.ndarray
    profile: Profile
    values: np.ndarray
    regret: float
    iterations: int
    converged: bool


def nash_solution(
    method: str,
    parameters: Mapping[str, Any],
    payoffs: np.ndarray,
    profile: Sequence[np.ndarray],
    iterations: int,
    tolerance: float = TOLERANCE,
) -> Solution:
    """Returns a profile with its regret in payoffs; converged where that is within the tolerance.

    Args:
        method: Name of the algorithm.
        parameters: What it was told.
        payoffs: [P, K_1, ..., K_P].
        profile: P distributions.
        iterations: How many there were.
        tolerance: As a share of `spread(payoffs)`.
    """
    cleaned = tuple(to_simplex(strategy) for strategy in profile)
    won = gains(payoffs, cleaned)
    regret = float(won.max())
    is_solved = regret <= tolerance * spread(payoffs)
    values = expected_payoffs(payoffs, cleaned)
    return Solution(method, dict(parameters), cleaned, values, regret, float(won.sum()), iterations, is_solved)


def to_simplex(strategy: np.ndarray) -> np.ndarray:
    """Removes what rounding left below 0 or above a sum of 1."""
    clipped = np.maximum(strategy, 0)
    return clipped / clipped.sum()


def joint_solution(
    method: str,
    parameters: Mapping[str, Any],
    payoffs: np.ndarray,
    joint: np.ndarray,
    regret: float,
    iterations: int,
    converged: bool,
) -> JointSolution:
    """Returns a joint distribution with its marginals and values."""
    num_players = joint.ndim
    profile = tuple(
        joint.sum(axis=tuple(other for other in range(num_players) if other != player)) for player in range(num_players)
    )
    values = (payoffs * joint).reshape(num_players, -1).sum(axis=1)
    return JointSolution(method, dict(parameters), joint, profile, values, regret, iterations, converged)


def settle(
    method: str,
    parameters: Mapping[str, Any],
    payoffs: np.ndarray,
    profiles: Iterator[Profile],
    max_iterations: int,
    tolerance: float,
    regret_of: Callable[[Profile], float] | None = None,
) -> Solution:
    """Follows a learning rule until the regret of its profile is within the tolerance, or the iterations are used up.

    Args:
        method: Name of the rule.
        parameters: What it was told.
        payoffs: [P, K_1, ..., K_P].
        profiles: The profile after each iteration, endlessly.
        max_iterations: At least 1.
        tolerance: As a share of `spread(payoffs)`; 0: run through.
        regret_of: The regret of a profile in the rule's own utility; None: in payoffs.
    """
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1, got {max_iterations}")
    bound = tolerance * spread(payoffs)
    measure = regret_of if regret_of is not None else lambda profile: float(gains(payoffs, profile).max())
    look_at = 1  # the regret costs as much as an iteration, so it is looked at ever more rarely
    for iteration in range(1, max_iterations + 1):
        profile = next(profiles)
        if iteration in (look_at, max_iterations):
            regret = measure(profile)
            if regret <= bound:
                break
            look_at += max(1, iteration // 20)
    won, values = gains(payoffs, profile), expected_payoffs(payoffs, profile)
    return Solution(
        method, dict(parameters), profile, values, regret, float(won.sum()), iteration, bool(regret <= bound)
    )
