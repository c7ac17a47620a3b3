"""Zero-sum Markov games between players whose rationality is bounded: stationary quantal response equilibria, exactly.

Both are paid for the entropy of their own choice, by temperatures beta (player 0) and alpha (player 1):

    V(s) = max_mu min_nu  mu' Q_s nu + beta H(mu) - alpha H(nu),   Q_s(a, b) = r(s, a, b) + discount E V(s').

Its saddle point is mu = softmax(Q nu / beta), nu = softmax(-Q' mu / alpha), unique for positive temperatures, and the
right side is a contraction in V: Shapley's iteration (1953) with a soft value of every stage. With both temperatures
towards 0 the policies go to a maximin pair; `nash_gap` of markov_games says how far they are from one. This is what
learners with an adversary of bounded rationality (Reddi et al. 2024) can be measured by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp, xlogy

from games.markov.game import MarkovGame
from marl.equilibrium.markov_games import check_discount, is_zero_sum, nash_gap, stage_payoffs

SMALLEST = 1e-290  # of a probability in Newton's method
INSIDE = 0.99  # share of the way to the border of the simplex that a Newton step may go
SLOPE = 1e-4  # share of the promised decrease that a step must bring
MOST_NEWTON_STEPS = 200


@dataclass(frozen=True, eq=False)
class SoftSolution:
    """A stationary quantal response equilibrium.

    Attributes:
        temperatures: Of player 0 and player 1.
        discount: Of the game.
        values: [S] soft values, to player 0; 0 in terminal states.
        profile: [S, A] and [S, B]; uniform over legal actions in terminal states.
        regret: The most that either could gain by answering best, entropies counted, in any state.
        nash_conv: What both together could gain by best responses in bare rewards, from the initial distribution.
        residual: Largest change of a value in the last iteration.
        iterations: How many there were.
        converged: Whether the residual came within the tolerance.
    """

    temperatures: tuple[float, float]
    discount: float
    values: np.ndarray
    profile: tuple[np.ndarray, np.ndarray]
    regret: float
    nash_conv: float
    residual: float
    iterations: int
    converged: bool


def _softmax(values: np.ndarray) -> np.ndarray:
    weights: np.ndarray = np.exp(values - values.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _entropy(chances: np.ndarray) -> np.ndarray:
    """Returns [S] -sum p log p."""
    total: np.ndarray = -xlogy(chances, chances).sum(axis=1)
    return total


def _worth_of_rows(payoffs: np.ndarray, legal: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns [S, A] what the rows get; -inf for illegal ones."""
    return np.where(legal, np.einsum("sab,sb->sa", payoffs, second), -np.inf)


def solve_soft_stages(
    payoffs: np.ndarray,
    temperatures: tuple[float, float],
    legal: tuple[np.ndarray, np.ndarray],
    start: np.ndarray,
    tolerance: float = 1e-12,
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Solves the entropy-regularised matrix games of all states at once.

    The column player's strategy nu minimises F(nu) = beta logsumexp(Q nu / beta) - alpha H(nu), strictly convex, by
    Newton's method with a line search, scaled by nu, until the gap to the row player's side is small, and
    once more, because the strategies' error is like the root of the gap.

    Args:
        payoffs: [S, A, B] to the row player.
        temperatures: beta and alpha, both positive.
        legal: [S, A] and [S, B] bool; at least one action of each.
        start: [S, B] strategies of the column player to begin with, positive where legal.
        tolerance: Of the gap, times the largest payoff or 1.

    Returns:
        [S] values, and [S, A] and [S, B] strategies.
    """
    beta, alpha = temperatures
    rows, columns = legal
    second = np.where(columns, np.maximum(start, SMALLEST), 0)
    second /= second.sum(axis=1, keepdims=True)
    bound = tolerance * max(1.0, float(np.abs(payoffs).max()))

    def upper(of: np.ndarray) -> np.ndarray:
        soft: np.ndarray = beta * logsumexp(_worth_of_rows(payoffs, rows, of) / beta, axis=1)
        return soft - alpha * _entropy(of)

    for _ in range(MOST_NEWTON_STEPS):
        first = _softmax(_worth_of_rows(payoffs, rows, second) / beta)
        cost = np.einsum("sab,sa->sb", payoffs, first)
        lower = beta * _entropy(first) - alpha * logsumexp(np.where(columns, -cost / alpha, -np.inf), axis=1)
        value = upper(second)
        is_close = bool((value - lower <= bound).all())
        direction, slope = _newton(payoffs, first, second, cost, columns, temperatures)
        second = _search(upper, second, direction, slope, value)
        if is_close:
            break
    first = _softmax(_worth_of_rows(payoffs, rows, second) / beta)
    return upper(second), (first, second)


def _newton(
    payoffs: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    cost: np.ndarray,
    columns: np.ndarray,
    temperatures: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns [S, B] Newton directions along the simplex and [S] slopes of F along them."""
    beta, alpha = temperatures
    states, count = second.shape
    gradient = np.where(columns, cost + alpha * (np.log(np.maximum(second, SMALLEST)) + 1), 0)
    centred = payoffs - cost[:, None, :]  # about the row player's mean
    curvature = np.einsum("sa,sab,sac->sbc", first, centred, centred) / beta
    scale = np.sqrt(second)  # unknowns are divided by it, which keeps the system well conditioned
    system = np.zeros((states, count + 1, count + 1))
    system[:, :count, :count] = scale[:, :, None] * curvature * scale[:, None, :] + alpha * np.eye(count)
    system[:, :count, count] = system[:, count, :count] = scale
    right = np.concatenate([-scale * gradient, np.zeros((states, 1))], axis=1)
    direction = scale * np.linalg.solve(system, right[:, :, None])[:, :count, 0]
    return direction, np.einsum("sb,sb->s", gradient, direction)


def _search(upper: Any, second: np.ndarray, direction: np.ndarray, slope: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Returns [S, B] strategies a step further, each by as much as its state bears."""
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(direction < 0, -second / direction, np.inf).min(axis=1)
    step = np.minimum(1.0, INSIDE * room)
    for _ in range(60):
        further = np.maximum(second + step[:, None] * direction, np.where(second > 0, SMALLEST, 0))
        further /= further.sum(axis=1, keepdims=True)
        is_short = upper(further) > value + SLOPE * step * slope + 1e-15 * np.maximum(1, np.abs(value))
        if not is_short.any():
            return further
        step = np.where(is_short, step / 2, step)
    return np.where(is_short[:, None], second, further)


def _legal(game: MarkovGame) -> tuple[np.ndarray, np.ndarray]:
    flags = game.legal or [np.ones((game.num_states, count), bool) for count in game.num_actions]
    open_rows = [np.where(game.terminal[:, None], True, own) for own in flags]
    return open_rows[0], open_rows[1]


def _uniform(legal: np.ndarray) -> np.ndarray:
    share: np.ndarray = legal / legal.sum(axis=1, keepdims=True)
    return share


def solve_soft_markov(
    game: MarkovGame,
    temperatures: tuple[float, float],
    discount: float,
    tolerance: float = 1e-9,
    max_iterations: int = 10_000,
    start: SoftSolution | None = None,
) -> SoftSolution:
    """Returns the quantal response equilibrium of a two-player zero-sum game.

    Args:
        game: Two players whose expected rewards sum to 0.
        temperatures: Of player 0 and of player 1, in units of reward; both positive.
        discount: In [0, 1); 1 only where every way of playing ends.
        tolerance: Of the largest change of a value in an iteration.
        max_iterations: After which it gives up.
        start: Of the same game, to begin with.

    Raises:
        ValueError: A temperature that is not positive, not two players, or rewards that do not sum to 0.
    """
    check_discount(game, discount)
    if not all(np.isfinite(each) and each > 0 for each in temperatures):
        raise ValueError(f"temperatures must be positive, got {temperatures}; solve_zero_sum_markov is for 0")
    if not is_zero_sum(game):
        raise ValueError("a zero-sum game has two players whose rewards sum to 0 under every joint action")
    legal = _legal(game)
    values = np.zeros(game.num_states) if start is None else start.values.copy()
    profile = (_uniform(legal[0]), _uniform(legal[1]) if start is None else start.profile[1])
    residual, iterations = np.inf, 0
    while residual > tolerance and iterations < max_iterations:
        stages = stage_payoffs(game, values, discount).reshape(game.num_states, *game.num_actions)
        updated, profile = solve_soft_stages(stages, temperatures, legal, profile[1])
        updated = np.where(game.terminal, 0, updated)
        residual, values, iterations = float(np.abs(updated - values).max()), updated, iterations + 1
    played = [np.where(game.terminal[:, None], _uniform(own), each) for own, each in zip(legal, profile, strict=True)]
    pair = (played[0], played[1])
    regret = soft_regret(game, pair, temperatures, discount)
    nash_conv = nash_gap(game, pair, discount).nash_conv
    return SoftSolution(
        temperatures, discount, values, pair, regret, nash_conv, residual, iterations, residual <= tolerance
    )


def soft_regret(
    game: MarkovGame,
    profile: tuple[np.ndarray, np.ndarray],
    temperatures: tuple[float, float],
    discount: float,
    tolerance: float = 1e-12,
) -> float:
    """Returns the most that either player could gain in any state by answering best, entropies counted.

    Args:
        game: Two players, zero-sum.
        profile: [S, A] and [S, B].
        temperatures: beta and alpha.
        discount: Below 1, or the game always ends.
        tolerance: Of the values' last change.
    """
    beta, alpha = temperatures
    legal, (first, second) = _legal(game), profile
    bonus = beta * _entropy(first) - alpha * _entropy(second)

    def of_both(stages: np.ndarray) -> np.ndarray:
        return np.einsum("sa,sab,sb->s", first, stages, second) + bonus

    def of_best_first(stages: np.ndarray) -> np.ndarray:
        worth = _worth_of_rows(stages, legal[0], second) / beta
        soft: np.ndarray = beta * logsumexp(worth, axis=1)
        return soft - alpha * _entropy(second)

    def of_best_second(stages: np.ndarray) -> np.ndarray:
        cost = np.where(legal[1], -np.einsum("sab,sa->sb", stages, first) / alpha, -np.inf)
        soft: np.ndarray = alpha * logsumexp(cost, axis=1)
        return beta * _entropy(first) - soft

    own, best_first, best_second = (
        _iterate(game, discount, each, tolerance) for each in (of_both, of_best_first, of_best_second)
    )
    return float(max((best_first - own).max(), (own - best_second).max()))


def _iterate(game: MarkovGame, discount: float, worth: Any, tolerance: float) -> np.ndarray:
    values, change = np.zeros(game.num_states), np.inf
    while change > tolerance * max(1.0, float(np.abs(values).max())):
        stages = stage_payoffs(game, values, discount).reshape(game.num_states, *game.num_actions)
        updated = np.where(game.terminal, 0, worth(stages))
        change, values = float(np.abs(updated - values).max()), updated
    return values


def anneal(
    game: MarkovGame, temperatures: Sequence[tuple[float, float]], discount: float, tolerance: float = 1e-9
) -> list[SoftSolution]:
    """Returns the equilibria along falling temperatures, each begun at the one before.

    Args:
        game: Two players whose expected rewards sum to 0.
        temperatures: Pairs of positive ones.
        discount: As of `solve_soft_markov`.
        tolerance: The same.
    """
    found: list[SoftSolution] = []
    for pair in temperatures:
        found.append(solve_soft_markov(game, pair, discount, tolerance, start=found[-1] if found else None))
    return found
