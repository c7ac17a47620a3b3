"""Alpha-rank: how often a population that now and then tries another action is found at each joint action.

Omidshafiei et al. 2019. One population a player, each of m copies of one action; a mutant of player i's takes over with
the fixation probability of its gain d = u_i(b, a_-i) - u_i(a),

    rho(d) = (1 - exp(-alpha d)) / (1 - exp(-alpha m d)),   1 / m at d = 0,

so the chain over joint actions moves to each neighbour with eta rho(d), eta = 1 / sum_i (K_i - 1). Its stationary
distribution is the result. With `noise` instead of alpha it is the limit of strong selection (Rowland et al. 2019):
rho = 1 - noise for gains, noise for losses, 1 / 2 between equals.

The chain has one row a joint action and sum_i (K_i - 1) entries a row, so it stays sparse: 100 actions of two players
are 10,000 rows and 2 million entries. Small chains are solved by elimination without subtractions (Grassmann, Taksar
and Heyman 1985) in logarithms, which keeps its digits however rare some moves are; larger ones by aggregation and
disaggregation (Koury, McAllister and Stewart 1984) over the basins in which the chain stays for long, these solved by
elimination.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.special import expm1, logsumexp

from marl.equilibrium.payoffs import check_payoffs, coarse_gains
from marl.equilibrium.record import JointSolution, joint_solution

SMALL_CHAIN = 400  # joint actions up to which the dense elimination is used
SELDOM = 0.1  # a state left less often than this, as a share of eta, is a basin's end
SMOOTHING = 10  # sweeps between aggregations


def response_chain(payoffs: np.ndarray, alpha: float | None, population: int, noise: float) -> sparse.csr_array:
    """Returns [S, S] the chance of each move over eta, S = K_1 * ... * K_P, with an empty diagonal.

    Args:
        payoffs: [P, K_1, ..., K_P].
        alpha: Selection; None: the limit with noise.
        population: m.
        noise: Of the limit.
    """
    size = payoffs[0].size
    rows, columns, gains = _deviations(payoffs)
    chances = _strong(gains, noise) if alpha is None else np.exp(_log_fixation(gains, alpha, population))
    moves = sparse.csr_array((chances, (rows, columns)), shape=(size, size))
    moves.eliminate_zeros()  # too rare for floating point
    return moves


def _log_response_chain(payoffs: np.ndarray, alpha: float, population: int) -> np.ndarray:
    """Returns [S, S] the logarithm of it, which no move is too rare for."""
    size = payoffs[0].size
    rows, columns, gains = _deviations(payoffs)
    chain = np.full((size, size), -np.inf)
    chain[rows, columns] = _log_fixation(gains, alpha, population)
    return chain


def _deviations(payoffs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the joint actions from which and to which one player deviates, and what it gains, [D] each."""
    counts = payoffs.shape[1:]
    states = np.arange(int(np.prod(counts))).reshape(counts)
    rows, columns, gains = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
    for player, own in enumerate(payoffs):
        worth = np.moveaxis(own, player, 0).reshape(counts[player], -1)
        index = np.moveaxis(states, player, 0).reshape(counts[player], -1)
        for shift in range(1, counts[player]):
            to = np.roll(np.arange(counts[player]), -shift)
            rows.append(index.ravel())
            columns.append(index[to].ravel())
            gains.append((worth[to] - worth).ravel())
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(gains)


def _log_fixation(gain: np.ndarray, alpha: float, population: int) -> np.ndarray:
    # Written for |d|: rho(-d) = exp(-alpha (m - 1) d) rho(d), so nothing overflows.
    size = np.maximum(np.abs(alpha * gain), 1e-300)
    of_gain = np.log(expm1(-size) / expm1(-population * size))
    return np.where(gain < 0, of_gain - (population - 1) * size, of_gain)


def _strong(gain: np.ndarray, noise: float) -> np.ndarray:
    return np.where(gain > 0, 1 - noise, np.where(gain < 0, noise, 0.5))


def _eliminate(log_moves: np.ndarray) -> np.ndarray:
    """Returns [S] the logarithm of a chain's stationary distribution, by elimination without subtractions.

    In logarithms, because a way out in several rare steps soon is too rare for floating point, and what is lost with it
    shows nowhere: a state that is wrongly held for the end of all ways balances as well.

    Args:
        log_moves: [S, S] logarithms of chances or rates; state 0 can be reached from all others.
    """
    chain = log_moves.copy()
    np.fill_diagonal(chain, -np.inf)
    for last in range(len(chain) - 1, 0, -1):
        chain[:last, last] -= logsumexp(chain[last, :last])
        chain[:last, :last] = np.logaddexp(chain[:last, :last], chain[:last, last, None] + chain[last, :last])
    weights = np.zeros(len(chain))
    for state in range(1, len(chain)):
        weights[state] = logsumexp(weights[:state] + chain[:state, state])
    return np.asarray(weights - logsumexp(weights))


def _distribution(moves: np.ndarray) -> np.ndarray:
    """Returns [S] the stationary distribution of chances or rates [S, S] themselves."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(_eliminate(np.log(moves))))


def _solve_in_logs(log_moves: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Returns what `stationary_distribution` does, for logarithms of chances [S, S]."""
    if len(log_moves) == 1:  # nothing flows
        return np.ones(1), 0.0, 1
    weights = _eliminate(log_moves)
    out = weights + logsumexp(log_moves, axis=1)
    into = logsumexp(weights[:, None] + log_moves, axis=0)
    imbalance = float(np.exp(out - logsumexp(out)) @ np.abs(np.expm1(into - out)))
    return np.exp(weights), imbalance, len(weights)


def _closed_state(moves: sparse.csr_array) -> int | None:
    """Returns a state that can be reached from all others; None where there is none."""
    count, labels = connected_components(moves, directed=True, connection="strong")
    rows, columns = moves.nonzero()
    is_left = np.zeros(count, bool)
    is_left[labels[rows[labels[rows] != labels[columns]]]] = True
    closed = np.flatnonzero(~is_left)
    return int(np.flatnonzero(labels == closed[0])[0]) if len(closed) == 1 else None


def _first(order: int, size: int) -> np.ndarray:
    """Returns [size] the numbers 0, 1, ... with one of them in front."""
    return np.r_[order, np.delete(np.arange(size), order)]


def _basins(moves: sparse.csr_array, leaving: np.ndarray) -> np.ndarray:
    """Returns [S] the basin of each state: states are tied to where they most probably go, unless they seldom go."""
    size = len(leaving)
    likeliest = np.asarray(moves.argmax(axis=1)).ravel()
    going = np.flatnonzero(leaving >= SELDOM)
    ties = sparse.csr_array((np.ones(len(going)), (going, likeliest[going])), shape=(size, size))
    return connected_components(ties, directed=False)[1]


def stationary_distribution(
    moves: sparse.csr_array, max_iterations: int = 1000, tolerance: float = 1e-12
) -> tuple[np.ndarray, float, int]:
    """Returns [S] the stationary distribution of a chain, its imbalance, and how many iterations it took.

    The imbalance is the sum of differences between what flows into a state and out of it, as a share of all that flows;
    infinite for a chain that does not have one stationary distribution, up to rounding.

    Args:
        moves: [S, S] chances or rates of moves between states, without the diagonal.
        max_iterations: Of aggregation and smoothing.
        tolerance: Of the imbalance.
    """
    size, closed = moves.shape[0], _closed_state(moves)
    if closed is None:
        return np.full(size, 1 / size), np.inf, 0
    leaving = np.asarray(moves.sum(axis=1)).ravel()
    incoming = sparse.csr_array(moves.T)
    if size <= SMALL_CHAIN:
        order = _first(closed, size)
        guess = np.empty(size)
        guess[order] = _distribution(moves.toarray()[np.ix_(order, order)])
        return guess, _imbalance(incoming, leaving, guess), size
    basins = _basins(moves, leaving)
    num_basins = int(basins.max()) + 1
    members = sparse.csr_array((np.ones(size), (basins, np.arange(size))), shape=(num_basins, size))
    order = _first(int(basins[closed]), num_basins)
    outflow = np.maximum(leaving, np.finfo(float).tiny)
    guess, imbalance, iteration = np.full(size, 1 / size), np.inf, 0
    while imbalance > tolerance and iteration < max_iterations:
        iteration += 1
        within = guess / np.maximum(members @ guess, np.finfo(float).tiny)[basins]
        between = (members @ (moves * within[:, None]) @ members.T).toarray()
        masses = np.empty(num_basins)
        masses[order] = _distribution(between[np.ix_(order, order)])
        guess = within * masses[basins]
        for _ in range(SMOOTHING):
            # Half of it, so that cycles of even length die out.
            guess = 0.5 * guess + 0.5 * (incoming @ guess) / outflow
        guess /= guess.sum()
        imbalance = _imbalance(incoming, leaving, guess)
    return guess, imbalance, iteration


def _imbalance(incoming: sparse.csr_array, leaving: np.ndarray, guess: np.ndarray) -> float:
    outflow = leaving * guess
    total = outflow.sum()
    return float(np.abs(incoming @ guess - outflow).sum() / total) if total != 0 else 0.0


def solve_alpha_rank(
    payoffs: Any,
    alpha: float | None = 100.0,
    population: int = 50,
    noise: float = 1e-6,
    max_iterations: int = 1000,
    tolerance: float = 1e-8,
) -> JointSolution:
    """Returns the stationary distribution of alpha-rank over joint actions, with a population a player.

    Args:
        payoffs: [P, K_1, ..., K_P].
        alpha: Strength of selection, > 0, in units of 1 / payoff; None: the limit of strong selection with `noise`.
        population: m >= 2.
        noise: In (0, 0.5); read where alpha is None.
        max_iterations: Of aggregation and disaggregation.
        tolerance: Of the flows' imbalance, as a share of all that flows.

    Returns:
        The joint distribution and its marginals; `converged` is False for a chain of more than 400 joint actions whose
        rare moves are too rare for floating point, so that it falls into parts.
    """
    array = check_payoffs(payoffs)
    if alpha is not None and not (np.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha must be a finite number > 0, or None for the limit, got {alpha!r}")
    if population < 2:
        raise ValueError(f"population must be at least 2, got {population!r}")
    if not 0 < noise < 0.5:
        raise ValueError(f"noise must be in (0, 0.5), got {noise!r}")
    if alpha is not None and array[0].size <= SMALL_CHAIN:
        weights, imbalance, iterations = _solve_in_logs(_log_response_chain(array, alpha, population))
    else:
        moves = response_chain(array, alpha, population, noise)
        weights, imbalance, iterations = stationary_distribution(moves, max_iterations, tolerance)
    parameters = {
        **{"alpha": alpha, "population": population, "noise": noise},
        **{"max_iterations": max_iterations, "tolerance": tolerance},
    }
    joint = weights.reshape(array.shape[1:])
    method = "alpha-rank" if alpha is not None else "alpha-rank, strong selection"
    regret = float(coarse_gains(array, joint).max())
    return joint_solution(method, parameters, array, joint, regret, iterations, imbalance <= tolerance)
