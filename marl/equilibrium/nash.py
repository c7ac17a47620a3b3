"""One Nash equilibrium of any game, by the best of our methods for its kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marl.equilibrium.bimatrix import solve_lemke_howson
from marl.equilibrium.payoffs import check_payoffs
from marl.equilibrium.record import TOLERANCE, Solution
from marl.equilibrium.risk_averse import solve_nash_path
from marl.equilibrium.zero_sum import is_zero_sum, solve_zero_sum


def solve_nash(payoffs: Any, tolerance: float = TOLERANCE) -> Solution:
    """Returns a Nash equilibrium: by a linear program, by pivots, or at the end of the logit path.

    Two players whose payoffs sum to 0 need the program; two others pivots, and the path if those give up; more players
    the path. The record's `method` says which it was.

    Args:
        payoffs: [P, K_1, ..., K_P].
        tolerance: Of the regret, as a share of the largest difference between payoffs.
    """
    array = check_payoffs(payoffs)
    if is_zero_sum(array):
        return solve_zero_sum(array, tolerance)
    tried = []
    if len(array) == 2:
        pivoted = solve_lemke_howson(array, tolerance=tolerance)
        if pivoted.converged:
            return pivoted
        tried.append(pivoted)
    followed = solve_nash_path(array, tolerance)
    best = min([followed, *tried], key=lambda solution: solution.regret)
    return replace(best, iterations=sum(solution.iterations for solution in [followed, *tried]))
