"""Replicator dynamics and projected replicator dynamics: actions that do better than the average spread.

Taylor and Jonker 1978; the projection onto strategies with a least probability is that of Lanctot et al. 2017:

    x_i <- project(x_i + step * x_i * (u_i(., x_-i) - u_i(x)))

With floor 0 the projection changes nothing but rounding. The time average is returned, as in PSRO; along paths that do
not settle it can still be an equilibrium (zero-sum games with an interior one).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from marl.equilibrium.payoffs import PayoffError, Profile, check_payoffs, deviation_payoffs, spread, uniform_profile
from marl.equilibrium.record import Solution, settle
from marl.equilibrium.risk_averse import check_floor

OPEN_SPIEL_FLOOR = 1e-10  # the least probability that its psro_v2 asks for


def project(strategy: np.ndarray, floor: float) -> np.ndarray:
    """Returns [K] the nearest distribution, in Euclidean distance, with no probability below the floor.

    Held, Wolfe and Crowder 1974: all entries fall by one amount, those that would fall below the floor stay on it.

    Args:
        strategy: [K] any numbers.
        floor: In [0, 1 / K].
    """
    falling = np.sort(strategy)[::-1]
    count = len(strategy)
    ranks = np.arange(1, count + 1)
    amounts = (1 - np.cumsum(falling) - (count - ranks) * floor) / ranks
    last = np.flatnonzero(falling + amounts > floor)
    amount = amounts[last[-1]] if len(last) else 0.0
    return np.maximum(strategy + amount, floor)


def replicator_profiles(
    payoffs: np.ndarray, step: float, floor: float = 0.0, start: Profile | None = None
) -> Iterator[Profile]:
    """Yields the profile after each step.

    Args:
        payoffs: [P, K_1, ..., K_P].
        step: Of time, in units of 1 / payoff.
        floor: Least probability of every action.
        start: The first profile; None: uniform.
    """
    profile = uniform_profile(payoffs) if start is None else start
    while True:
        worths = deviation_payoffs(payoffs, profile)
        profile = tuple(
            project(x * (1 + step * (worth - x @ worth)), floor) for x, worth in zip(profile, worths, strict=True)
        )
        yield profile


def time_average(profiles: Iterator[Profile], first: Profile) -> Iterator[Profile]:
    """Yields the mean of `first` and of all profiles so far."""
    sums, count = [x.copy() for x in first], 1
    for profile in profiles:
        count += 1
        for total, strategy in zip(sums, profile, strict=True):
            total += strategy
        yield tuple(total / count for total in sums)


def solve_replicator(
    payoffs: Any,
    step: float = 0.1,
    floor: float = 0.0,
    max_iterations: int = 50_000,
    tolerance: float = 1e-3,
    averaged: bool = True,
) -> Solution:
    """Returns the time average, or the last profile, of (projected) replicator dynamics from the uniform profile.

    Args:
        payoffs: [P, K_1, ..., K_P].
        step: Of time, in (0, 1], for payoffs scaled to a spread of 1.
        floor: Least probability of every action, in [0, 1 / max K_i); above 0 this is the projected kind.
        max_iterations: After which it gives up.
        tolerance: Of the regret, as a share of the largest difference between payoffs; below the floor's own cost it
            is never reached.
        averaged: Whether to return the time average.
    """
    array = check_payoffs(payoffs)
    check_floor(array, floor)
    if not 0 < step <= 1:
        raise ValueError(f"step must be in (0, 1], got {step!r}")
    parameters = {
        **{"step": step, "floor": floor, "max_iterations": max_iterations},
        **{"tolerance": tolerance, "averaged": averaged},
    }
    profiles = replicator_profiles(array, step / spread(array), floor)
    if averaged:
        profiles = time_average(profiles, uniform_profile(array))
    method = "projected replicator dynamics" if floor > 0 else "replicator dynamics"
    return settle(method, parameters, array, profiles, max_iterations, tolerance)


def solve_projected_replicator(
    payoffs: Any,
    step: float = 0.1,
    floor: float = OPEN_SPIEL_FLOOR,
    max_iterations: int = 50_000,
    tolerance: float = 1e-3,
    averaged: bool = True,
) -> Solution:
    """Returns what projected replicator dynamics lead to; arguments and result are those of `solve_replicator`."""
    if not floor > 0:
        raise PayoffError(f"projected replicator dynamics need a floor above 0, got {floor!r}")
    return solve_replicator(payoffs, step, floor, max_iterations, tolerance, averaged)
