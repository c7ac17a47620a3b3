"""Trembling-hand refinement: equilibria that survive when every action is played a little.

Selten 1975. A profile is perfect if it is the limit of equilibria of games in which every action keeps a probability of
at least eps, as eps goes to 0. `solve_trembling_hand` solves the first of these games by the logit path, those of
smaller eps by pivots from the last one's support, and returns the limit. `undominated` is the test for two players: an
equilibrium is perfect there exactly where neither strategy is weakly dominated (van Damme 1991, theorem 3.2.2), one
linear program a player.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import linprog

from marl.equilibrium.active_set import polish
from marl.equilibrium.homotopy import FlooredGame
from marl.equilibrium.payoffs import check_payoffs, spread
from marl.equilibrium.record import Solution, nash_solution
from marl.equilibrium.risk_averse import solve_risk_averse

TREMBLES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # eps as a share of 1 / max K_i


def solve_trembling_hand(
    payoffs: Any, trembles: Sequence[float] = TREMBLES, tolerance: float = 1e-8, max_steps: int = 5000
) -> Solution:
    """Returns the limit of equilibria under trembles that vanish.

    Args:
        payoffs: [P, K_1, ..., K_P].
        trembles: Falling least probabilities, as shares of 1 / max K_i.
        tolerance: Of the regret, as a share of the largest difference between payoffs.
        max_steps: Of each path.

    Returns:
        The limit, in which actions that only trembled have probability 0; converged where every game on the way was
        solved, the last two have one limit up to ten times the last but one tremble, and the limit is an equilibrium.
    """
    array = check_payoffs(payoffs)
    falling = list(trembles)
    if len(falling) < 2 or falling != sorted(set(falling), reverse=True) or not 0 < falling[-1] < falling[0] < 1:
        raise ValueError(f"trembles must be two or more falling numbers in (0, 1), got {falling}")
    most = max(array.shape[1:])
    scaled = (array - array.min()) / spread(array)
    free, steps, is_settled, apart = None, 0, True, 0.0
    for share in falling:
        game = FlooredGame(scaled, floor=share / most)
        nearby = None if free is None else polish(game, free, 0.0)
        if nearby is None:  # the support has changed beyond a few pivots
            found = solve_risk_averse(array, 0.0, share / most, tolerance, max_steps)
            steps, is_settled = steps + found.iterations, is_settled and found.converged
            nearby = np.maximum(np.concatenate(found.profile) - game.floor, 0) / game.shares
        apart = 1.0 if free is None else float(np.abs(nearby - free).max())
        free = nearby
    assert free is not None
    limit = FlooredGame(scaled).profile(_without_rest(scaled, free, 10 * falling[-1]))
    parameters = {"trembles": tuple(falling), "tolerance": tolerance, "max_steps": max_steps}
    solution = nash_solution("trembling-hand refinement", parameters, array, limit, steps, tolerance)
    if solution.converged and not (is_settled and apart <= 10 * falling[-2]):
        return replace(solution, converged=False)
    return solution


def _without_rest(payoffs: np.ndarray, free: np.ndarray, nearest: float) -> np.ndarray:
    """Returns the exact equilibrium of a support, where there is one as near as that; else the probabilities given."""
    exact = polish(FlooredGame(payoffs), free, 0.0)
    return free if exact is None or np.abs(exact - free).max() > nearest else exact


def undominated(payoffs: Any, strategy: Any, player: int, tolerance: float = 1e-9) -> bool:
    """Returns whether no strategy of a player's is at least as good everywhere and better somewhere.

    Args:
        payoffs: [P, K_1, ..., K_P].
        strategy: [K_i] of the player.
        player: Whose.
        tolerance: Of "better", summed over the others' joint actions, as a share of the payoffs' spread.
    """
    array = check_payoffs(payoffs)
    matrix = np.moveaxis(array[player], player, 0).reshape(array.shape[1 + player], -1) / spread(array)
    worth = np.asarray(strategy, np.float64) @ matrix
    result = linprog(
        -matrix.sum(axis=1),
        A_ub=-matrix.T,
        b_ub=-worth + 1e-12,
        A_eq=np.ones((1, len(matrix))),
        b_eq=[1.0],
        method="highs",
    )
    if result.x is None:
        raise RuntimeError(f"HiGHS could not solve a feasible, bounded program: {result.message}")
    return bool(-result.fun - worth.sum() <= max(tolerance, 1e-8) * matrix.shape[1])
