"""Correlated and coarse correlated equilibria by linear and quadratic programs over joint actions.

Aumann 1974 and Moulin and Vial 1978. A distribution s over joint actions is a correlated equilibrium (CE) where no
player gains by another action than the one recommended, and a coarse one (CCE) where none gains by ignoring it:

    CE:   sum_{a: a_i = k} s(a) (u_i(l, a_-i) - u_i(a)) <= epsilon    for all i, k, l
    CCE:  sum_a            s(a) (u_i(l, a_-i) - u_i(a)) <= epsilon    for all i, l

Which of the many is meant is the objective's choice (Marris et al. 2021):

    "welfare"      the largest sum of payoffs, epsilon given (0 by default): a linear program
    "gini"         the largest Gini impurity 1 - sum s(a)^2, so the only one: a quadratic program
    "min_epsilon"  the smallest epsilon, which may be below 0, then it gives incentives to spare: a linear program
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import piqp
from scipy import sparse
from scipy.optimize import linprog

from games.names import unknown_name
from marl.equilibrium.payoffs import check_payoffs, spread
from marl.equilibrium.record import JointSolution, joint_solution, to_simplex

CONCEPTS = ("correlated", "coarse")
OBJECTIVES = ("welfare", "gini", "min_epsilon")
FEASIBILITY = 1e-10


def incentives(payoffs: np.ndarray, concept: Literal["correlated", "coarse"] = "correlated") -> sparse.csr_array:
    """Returns [R, K_1 * ... * K_P] such that its product with a joint distribution is what each deviation gains.

    Args:
        payoffs: [P, K_1, ..., K_P].
        concept: "correlated": a row for each player and pair of different actions; "coarse": for each own action.
    """
    counts, blocks = payoffs.shape[1:], []
    profiles = np.arange(int(np.prod(counts))).reshape(counts)
    for player, own in enumerate(payoffs):
        by_action = np.moveaxis(own, player, 0).reshape(counts[player], -1)  # [K_i, others]
        columns = np.moveaxis(profiles, player, 0).reshape(counts[player], -1)
        for action in range(counts[player]):
            gained = by_action[action] - by_action  # [K_i, others]: what playing `action` instead would bring
            if concept == "coarse":
                rows = np.zeros(gained.size, int)
                blocks.append(sparse.csr_array((gained.ravel(), (rows, columns.ravel())), (1, profiles.size)))
                continue
            others = np.delete(np.arange(counts[player]), action)
            rows = np.repeat(np.arange(len(others)), gained.shape[1])
            shape = (len(others), profiles.size)
            blocks.append(sparse.csr_array((gained[others].ravel(), (rows, columns[others].ravel())), shape))
    return sparse.csr_array(sparse.vstack(blocks)) if blocks else sparse.csr_array((0, profiles.size))


def joint_regret(
    payoffs: np.ndarray, joint: np.ndarray, concept: Literal["correlated", "coarse"] = "correlated"
) -> float:
    """Returns the largest gain of any deviation that the concept forbids; below 0 where all of them lose."""
    rows = incentives(payoffs, concept)
    return float((rows @ joint.ravel()).max()) if rows.shape[0] else 0.0


def solve_correlated(
    payoffs: Any,
    concept: Literal["correlated", "coarse"] = "correlated",
    objective: Literal["welfare", "gini", "min_epsilon"] = "gini",
    epsilon: float = 0.0,
    tolerance: float = 1e-7,
) -> JointSolution:
    """Returns a (coarse) correlated equilibrium of any number of players.

    Args:
        payoffs: [P, K_1, ..., K_P].
        concept: "correlated" or "coarse".
        objective: Which one, as the module's docstring lists them.
        epsilon: The gain that is allowed, in units of payoff; not read by "min_epsilon".
        tolerance: Of the gain beyond epsilon, as a share of the largest difference between payoffs.

    Returns:
        The joint distribution; `regret` is the largest gain of a deviation, below 0 where all lose.
    """
    array = check_payoffs(payoffs)
    if concept not in CONCEPTS:
        raise unknown_name("concept", concept, CONCEPTS)
    if objective not in OBJECTIVES:
        raise unknown_name("objective", objective, OBJECTIVES)
    if not np.isfinite(epsilon):
        raise ValueError(f"epsilon must be a finite number, got {epsilon!r}")
    scale = spread(array)
    rows = incentives(array / scale, concept)
    if objective == "gini":
        joint, iterations, is_optimal = _most_mixed(rows, epsilon / scale)
    else:
        welfare = array.sum(axis=0).ravel() / scale
        joint, iterations, is_optimal = _linear(rows, welfare, epsilon / scale, objective == "min_epsilon")
    joint = joint.reshape(array.shape[1:])
    regret = joint_regret(array, joint, concept)
    allowed = np.inf if objective == "min_epsilon" else epsilon + tolerance * scale
    parameters = {"concept": concept, "objective": objective, "epsilon": epsilon, "tolerance": tolerance}
    method = f"{'coarse ' if concept == 'coarse' else ''}correlated equilibrium, {objective}"
    is_solved = is_optimal and regret <= allowed
    return joint_solution(method, parameters, array, joint, regret, iterations, is_solved)


def solve_coarse_correlated(
    payoffs: Any,
    objective: Literal["welfare", "gini", "min_epsilon"] = "gini",
    epsilon: float = 0.0,
    tolerance: float = 1e-7,
) -> JointSolution:
    """Returns a coarse correlated equilibrium; arguments and result are those of `solve_correlated`."""
    return solve_correlated(payoffs, "coarse", objective, epsilon, tolerance)


def _linear(
    rows: sparse.csr_array, welfare: np.ndarray, epsilon: float, is_epsilon_free: bool
) -> tuple[np.ndarray, int, bool]:
    """Maximises welfare for a given epsilon, or minimises epsilon."""
    num_rows, size = rows.shape
    column = -np.ones((num_rows, 1)) if is_epsilon_free else np.zeros((num_rows, 1))
    cost = np.r_[np.zeros(size), 1.0] if is_epsilon_free else np.r_[-welfare, 0.0]
    # Without a deviation the smallest epsilon is 0.
    free = (None, None) if is_epsilon_free and num_rows else (0, 0)
    result = linprog(
        cost,
        A_ub=sparse.csr_array(sparse.hstack([rows, column])),
        b_ub=np.full(num_rows, 0.0 if is_epsilon_free else epsilon),
        A_eq=np.r_[np.ones(size), 0.0][None],
        b_eq=[1.0],
        bounds=[(0, None)] * size + [free],
        method="highs",
        options={"primal_feasibility_tolerance": FEASIBILITY, "dual_feasibility_tolerance": FEASIBILITY},
    )
    if result.x is None:  # an epsilon below what is possible
        return np.full(size, 1 / size), int(result.nit), False
    return to_simplex(result.x[:size]), int(result.nit), result.status == 0


def _most_mixed(rows: sparse.csr_array, epsilon: float) -> tuple[np.ndarray, int, bool]:
    """Minimises the sum of squares."""
    size = rows.shape[1]
    solver = piqp.SparseSolver()
    # Probabilities in units of the uniform one, so that tolerances are relative.
    solver.settings.eps_abs, solver.settings.eps_rel = 1e-10, 1e-10
    ones = sparse.csc_matrix(np.full((1, size), 1 / size))
    unequal = sparse.csc_matrix(rows / size)
    bound = np.full(rows.shape[0], epsilon)
    form = sparse.csc_matrix(sparse.eye(size) / size)
    solver.setup(form, np.zeros(size), ones, np.ones(1), unequal, None, bound, np.zeros(size), None)
    status = solver.solve()
    answer = np.asarray(solver.result.x) / size
    if status != piqp.PIQP_SOLVED and not np.isfinite(answer).all():
        return np.full(size, 1 / size), int(solver.result.info.iter), False
    return to_simplex(answer), int(solver.result.info.iter), status == piqp.PIQP_SOLVED
