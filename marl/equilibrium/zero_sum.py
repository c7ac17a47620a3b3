"""Two-player zero-sum matrix games: value and both strategies from one linear program and its dual.

von Neumann 1928. The row player maximises the least column payoff,

    max_{x, v} v   with   v <= sum_a x_a M_ab for all b,   x in the simplex,

and the multipliers of the inequalities are the column player's strategy y. HiGHS solves it through SciPy.

    symbol  variable  shape
    M       payoffs   [A, B] of the row player; the column player gets -M
    x, y    profile   ([A], [B])
    v       value     scalar
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

# HiGHS's smallest; its default of 1e-7 would show in the value.
FEASIBILITY = 1e-10


@dataclass(frozen=True, eq=False)
class ZeroSumSolution:
    """A pair of maximin strategies.

    Attributes:
        method: "saddle point" where pure strategies suffice, else "linear program".
        parameters: What the solver was told, by name.
        value: What the row player gets, between the two strategies' guarantees.
        profile: Mixed strategies [A] and [B].
        regret: The guarantees' distance, max_a (M y)_a - min_b (x M)_b; 0 for an exact solution.
        iterations: Of the simplex method.
        converged: Whether the regret is within the tolerance.
    """

    method: str
    parameters: dict[str, Any]
    value: float
    profile: tuple[np.ndarray, np.ndarray]
    regret: float
    iterations: int
    converged: bool


def solve_zero_sum(payoffs: Any, tolerance: float = 1e-8) -> ZeroSumSolution:
    """Returns the value of a matrix game and an optimal strategy for each player.

    Args:
        payoffs: [A, B] what the column player pays to the row player.
        tolerance: Of the regret, as a share of the largest difference between payoffs.

    Raises:
        ValueError: Not a matrix of finite numbers.
    """
    matrix = np.asarray(payoffs, np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape or not np.isfinite(matrix).all():
        raise ValueError(f"payoffs must be a matrix of finite numbers, got an array {list(matrix.shape)}")
    parameters = {"tolerance": tolerance}
    row, column = int(matrix.min(axis=1).argmax()), int(matrix.max(axis=0).argmin())
    if matrix[row].min() == matrix[:, column].max():
        profile = np.eye(matrix.shape[0])[row], np.eye(matrix.shape[1])[column]
        return ZeroSumSolution("saddle point", parameters, float(matrix[row, column]), profile, 0.0, 0, True)
    low, spread = matrix.min(), float(np.ptp(matrix))
    profile, iterations = _solve_program((matrix - low) / spread)
    guarantees = (profile[0] @ matrix).min(), (matrix @ profile[1]).max()
    regret = float(guarantees[1] - guarantees[0])
    value = float(profile[0] @ matrix @ profile[1])
    is_solved = regret <= tolerance * spread
    return ZeroSumSolution("linear program", parameters, value, profile, regret, iterations, is_solved)


def _solve_program(matrix: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], int]:
    """Solves the program of the module's docstring for payoffs in [0, 1]."""
    num_rows, num_columns = matrix.shape
    result = linprog(
        np.r_[np.zeros(num_rows), -1.0],
        A_ub=np.c_[-matrix.T, np.ones(num_columns)],
        b_ub=np.zeros(num_columns),
        A_eq=np.r_[np.ones(num_rows), 0.0][None],
        b_eq=[1.0],
        bounds=[(0, None)] * num_rows + [(None, None)],
        method="highs-ds",
        options={"primal_feasibility_tolerance": FEASIBILITY, "dual_feasibility_tolerance": FEASIBILITY},
    )
    if result.x is None:
        raise RuntimeError(f"HiGHS could not solve a feasible, bounded program: {result.message}")
    return (_to_simplex(result.x[:num_rows]), _to_simplex(-result.ineqlin.marginals)), int(result.nit)


def _to_simplex(strategy: np.ndarray) -> np.ndarray:
    """Removes what rounding left below 0 or above a sum of 1."""
    clipped = np.maximum(strategy, 0)
    return clipped / clipped.sum()
