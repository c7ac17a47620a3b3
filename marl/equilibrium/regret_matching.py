"""Regret matching and regret matching+: play in proportion to what one regrets not having played.

Hart and Mas-Colell 2000; Tammelin 2014 for the plus. With regrets R_i(a) summed over iterations,

    x_i^{t+1}(a) = max(R_i^t(a), 0) / sum_b max(R_i^t(b), 0),   uniform where all are at most 0,
    R^t = R^{t-1} + u_i(., x_-i^t) - u_i(x^t),                  plus: R^t = max(R^t, 0).

The average strategies are returned: in two-player zero-sum games they lead to an equilibrium. In other games the
average joint play leads to the coarse correlated equilibria, and the averages need not become an equilibrium.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from games.names import unknown_name
from marl.equilibrium.payoffs import Profile, check_payoffs, deviation_payoffs, uniform_profile
from marl.equilibrium.record import Solution, settle

VARIANTS = ("plain", "plus")


def match_regrets(regrets: np.ndarray) -> np.ndarray:
    """Returns [K] the strategy in proportion to positive regrets [K]."""
    positive = np.maximum(regrets, 0)
    total = positive.sum()
    return positive / total if total > 0 else np.full(len(regrets), 1 / len(regrets))


def regret_matching_profiles(payoffs: np.ndarray, variant: Literal["plain", "plus"] = "plain") -> Iterator[Profile]:
    """Yields the average profile after each iteration.

    With "plus", iterations are weighted by their number and players take turns, as in CFR+.

    Args:
        payoffs: [P, K_1, ..., K_P].
        variant: "plain" or "plus".
    """
    is_plus = variant == "plus"
    profile = list(uniform_profile(payoffs))
    regrets = [np.zeros(len(x)) for x in profile]
    sums = [np.zeros(len(x)) for x in profile]
    weight = 0.0
    iteration = 0
    while True:
        iteration += 1
        share = float(iteration) if is_plus else 1.0
        weight += share
        for total, strategy in zip(sums, profile, strict=True):
            total += share * strategy
        if is_plus:
            for player in range(len(profile)):
                worth = deviation_payoffs(payoffs, profile)[player]
                regrets[player] = np.maximum(regrets[player] + worth - profile[player] @ worth, 0)
                profile[player] = match_regrets(regrets[player])
        else:
            worths = deviation_payoffs(payoffs, profile)
            for player, worth in enumerate(worths):
                regrets[player] += worth - profile[player] @ worth
            profile = [match_regrets(r) for r in regrets]
        yield tuple(total / weight for total in sums)


def solve_regret_matching(
    payoffs: Any,
    variant: Literal["plain", "plus"] = "plus",
    max_iterations: int = 10_000,
    tolerance: float = 1e-4,
) -> Solution:
    """Returns the average strategies of regret matching.

    Args:
        payoffs: [P, K_1, ..., K_P].
        variant: "plain" or "plus".
        max_iterations: After which it gives up.
        tolerance: Of the regret, as a share of the largest difference between payoffs.
    """
    array = check_payoffs(payoffs)
    if variant not in VARIANTS:
        raise unknown_name("variant", variant, VARIANTS)
    parameters = {"variant": variant, "max_iterations": max_iterations, "tolerance": tolerance}
    profiles = regret_matching_profiles(array, variant)
    method = "regret matching" + ("+" if variant == "plus" else "")
    return settle(method, parameters, array, profiles, max_iterations, tolerance)
