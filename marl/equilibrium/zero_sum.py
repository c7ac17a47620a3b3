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

from typing import Any

import numpy as np
from scipy.optimize import linprog

from marl.equilibrium.payoffs import PayoffError, as_game, check_payoffs, spread
from marl.equilibrium.record import TOLERANCE, Solution, nash_solution, to_simplex

# HiGHS's smallest; its default of 1e-7 would show in the value.
FEASIBILITY = 1e-10
# Of the payoffs' sums to 0, as a share of their spread.
SUM_SLACK = 1e-9


def is_zero_sum(payoffs: np.ndarray) -> bool:
    """Returns whether two players' payoffs sum to 0 under every joint action, up to rounding."""
    return len(payoffs) == 2 and bool(np.abs(payoffs.sum(axis=0)).max() <= SUM_SLACK * spread(payoffs))


def solve_zero_sum(payoffs: Any, tolerance: float = TOLERANCE) -> Solution:
    """Returns the value of a matrix game and an optimal strategy for each player.

    The method is "saddle point" where pure strategies suffice, else "linear program"; the guarantees of the two
    strategies differ by the record's `nash_conv`, and the value lies between them.

    Args:
        payoffs: [A, B] what the column player pays to the row player, or [2, A, B] with sums of 0.
        tolerance: Of the regret, as a share of the largest difference between payoffs.

    Raises:
        PayoffError: Not a matrix of finite numbers, or two that do not sum to 0.
    """
    matrix = _row_payoffs(payoffs)
    game, parameters = as_game(matrix), {"tolerance": tolerance}
    row, column = int(matrix.min(axis=1).argmax()), int(matrix.max(axis=0).argmin())
    if matrix[row].min() == matrix[:, column].max():
        profile = np.eye(matrix.shape[0])[row], np.eye(matrix.shape[1])[column]
        return nash_solution("saddle point", parameters, game, profile, 0, tolerance)
    profile, iterations = _solve_program((matrix - matrix.min()) / np.ptp(matrix))
    return nash_solution("linear program", parameters, game, profile, iterations, tolerance)


def _row_payoffs(payoffs: Any) -> np.ndarray:
    try:
        matrix = np.asarray(payoffs, np.float64)
    except (TypeError, ValueError):
        raise PayoffError("payoffs must be a matrix of finite numbers, got what NumPy cannot read as such") from None
    if matrix.ndim == 3:
        game = check_payoffs(matrix, num_players=2)
        if not is_zero_sum(game):
            raise PayoffError("a zero-sum game has payoffs that sum to 0 under every joint action; these do not")
        return game[0]
    if matrix.ndim != 2 or 0 in matrix.shape or not np.isfinite(matrix).all():
        raise PayoffError(f"payoffs must be a matrix of finite numbers, got an array {list(matrix.shape)}")
    return matrix


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
    return (to_simplex(result.x[:num_rows]), to_simplex(-result.ineqlin.marginals)), int(result.nit)
