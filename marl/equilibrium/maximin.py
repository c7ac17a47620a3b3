"""Maximin: the strategy with the largest payoff that is certain, whatever the others do.

A linear program for each player against the joint actions of all others (von Neumann 1928). No equilibrium in general;
in two-player zero-sum games it is one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl.equilibrium.payoffs import Profile, check_payoffs, nash_conv, spread
from marl.equilibrium.record import TOLERANCE, Solution
from marl.equilibrium.zero_sum import solve_zero_sum


def solve_maximin(payoffs: Any, tolerance: float = TOLERANCE) -> Solution:
    """Returns every player's maximin strategy.

    `values` are what the strategies guarantee, not what the profile pays; `regret` is the largest amount by which a
    guarantee may fall short of the best one, from the program's dual.

    Args:
        payoffs: [P, K_1, ..., K_P].
        tolerance: Of the regret, as a share of the largest difference between payoffs.
    """
    array = check_payoffs(payoffs)
    strategies, values, shortfalls, iterations = [], [], [], 0
    for player, own in enumerate(array):
        matrix = np.moveaxis(own, player, 0).reshape(own.shape[player], -1)
        solved = solve_zero_sum(matrix, tolerance)
        strategies.append(solved.profile[0])
        values.append((solved.profile[0] @ matrix).min())
        shortfalls.append((matrix @ solved.profile[1]).max() - values[-1])
        iterations += solved.iterations
    profile, regret = tuple(strategies), max(0.0, float(max(shortfalls)))
    conv = nash_conv(array, profile)
    is_solved = regret <= tolerance * spread(array)
    parameters = {"tolerance": tolerance}
    return Solution("maximin", parameters, profile, np.array(values), regret, conv, iterations, is_solved)


def guarantees(payoffs: np.ndarray, profile: Profile) -> np.ndarray:
    """Returns [P] the least that each strategy can pay, over all the others' joint actions."""
    return np.array(
        [
            np.tensordot(strategy, np.moveaxis(own, player, 0), 1).min()
            for player, (own, strategy) in enumerate(zip(payoffs, profile, strict=True))
        ]
    )
