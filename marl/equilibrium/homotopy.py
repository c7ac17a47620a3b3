"""Follows the path of logit equilibria from full randomness towards an equilibrium, whichever way it bends.

At rationality lambda every player plays z_i proportional to exp(lambda * dr_i/dx_i), with r_i its utility: the payoff
(McKelvey and Palfrey 1995) or mean less variance (risk.py). At lambda = 0 all are uniform; for generic payoffs one path
leads from there to an equilibrium as lambda grows. It is traced in the logarithms y of the probabilities, as by Turocy
2005, by pseudo-arclength: predict along the tangent, correct by Newton on

    y_ia - mu_i - lambda * g_ia(x) = 0,   sum_a exp(y_ia) - 1 = 0.

Lengths are measured by the Fisher metric and by the relative change of lambda, sum z dy^2 + (dlambda / (1 + lambda))^2:
probabilities that vanish have logarithms that run away in proportion to lambda, which a tangent predicts exactly.

    symbol  variable     shape
    x       profile      x = floor + (1 - K floor) z, per player [K_i]
    z, y    free, y      [N], N = K_1 + ... + K_P; y = log z
    mu      multipliers  [P]
    lambda  rationality  scalar >= 0, in units of 1 / utility
    g       gradients    [N]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marl.equilibrium.payoffs import Profile
from marl.equilibrium.risk import risk_gradients, risk_jacobian

# All chosen by trial on random games of 2 to 50 actions; lengths are in the metric above.
FIRST_STEP, LONGEST_STEP, SHORTEST_STEP = 0.1, 1.0, 1e-9
MAX_CORRECTIONS = 6
LARGEST_CORRECTION = 0.1  # of a step, by its first correction; longer ones may end on another branch
RESIDUAL = 1e-9  # of the logarithms
EXACT, NEARLY_EXACT = 1e-13, 1e-9  # residuals at a rationality, over 1 + rationality: aimed at, and still taken
MAX_HALVINGS = 40  # of the way between two neighbours on the path
LEAST_COSINE = 0.8  # between tangents of successive points; a sharper bend halves the step
STRAIGHT_COSINE = 0.97  # above it, with quick corrections, steps grow


@dataclass(frozen=True, eq=False)
class FlooredGame:
    """A game in which every action keeps a least probability, seen from the probabilities above it.

    Attributes:
        payoffs: [P, K_1, ..., K_P].
        risk_aversion: Weight of the variance in the utility.
        floor: Least probability of every action.
    """

    payoffs: np.ndarray
    risk_aversion: float = 0.0
    floor: float = 0.0

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of actions K_i."""
        return self.payoffs.shape[1:]

    @cached_property
    def owner(self) -> np.ndarray:
        """[N] the player of each entry."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @cached_property
    def membership(self) -> np.ndarray:
        """[N, P] 1 where an entry is the player's."""
        return np.eye(len(self.counts))[self.owner]

    @cached_property
    def shares(self) -> np.ndarray:
        """[N] dx/dz: what the floors leave to be chosen."""
        return 1 - self.floor * np.repeat(self.counts, self.counts)

    def profile(self, free: np.ndarray) -> Profile:
        """Returns the strategies of probabilities above the floor [N]."""
        return tuple(np.split(self.floor + self.shares * free, np.cumsum(self.counts)[:-1]))

    def gradients(self, free: np.ndarray) -> np.ndarray:
        """Returns [N] the derivatives of the players' utilities with respect to their own x."""
        return np.concatenate(risk_gradients(self.payoffs, self.profile(free), self.risk_aversion))

    def jacobian(self, free: np.ndarray) -> np.ndarray:
        """Returns [N, N] the derivatives of `gradients` with respect to z."""
        return risk_jacobian(self.payoffs, self.profile(free), self.risk_aversion) * self.shares


@dataclass(frozen=True, eq=False)
class PathPoint:
    """A logit equilibrium on the path.

    Attributes:
        vector: [N + P + 1] y, multipliers, rationality.
        free: [N] probabilities above the floor.
        steps: How many were tried to get here.
    """

    vector: np.ndarray
    free: np.ndarray
    steps: int

    @property
    def rationality(self) -> float:
        """The lambda of the equations."""
        return float(self.vector[-1])


def _residual(game: FlooredGame, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the equations' residual [N + P], the gradients [N] and z [N]."""
    num = len(game.owner)
    y, multipliers, rationality = vector[:num], vector[num:-1], vector[-1]
    free = np.exp(y)
    gradients = game.gradients(free)
    return np.r_[y - multipliers[game.owner] - rationality * gradients, free @ game.membership - 1], gradients, free


def _linearise(game: FlooredGame, vector: np.ndarray, gradients: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Returns [N + P, N + P + 1] the residual's derivative."""
    num, players = len(game.owner), len(game.counts)
    system = np.zeros((num + players, num + players + 1))
    system[:num, :num] = -vector[-1] * game.jacobian(free) * free
    system[np.arange(num), np.arange(num)] += 1
    system[:num, num:-1] = -game.membership
    system[:num, -1] = -gradients
    system[num:, :num] = game.membership.T * free
    return system


def _metric(game: FlooredGame, vector: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Returns [N + P + 1] the weights of squares in the length of a step."""
    return np.r_[free, np.zeros(len(game.counts)), 1 / (1 + vector[-1]) ** 2]


def _tangent(system: np.ndarray, metric: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Returns the direction of length 1 in which the path goes on from `before`."""
    bordered = np.vstack([system, metric * before])
    direction = np.linalg.solve(bordered, np.r_[np.zeros(len(system)), 1.0])
    return direction / np.sqrt(metric @ direction**2)


@np.errstate(over="ignore", invalid="ignore")  # guesses may be far off
def _correct(
    game: FlooredGame, guess: np.ndarray, normal: np.ndarray, longest: float, metric: np.ndarray
) -> tuple[np.ndarray, int] | None:
    """Returns the point of the path in the plane through the guess, and how many Newton steps led there.

    None where Newton's method does not get there quickly: the guess was too far.
    """
    point = guess
    for correction in range(MAX_CORRECTIONS):
        if point[-1] < 0:
            return None
        residual, gradients, free = _residual(game, point)
        error = np.abs(residual).max()
        if not error < 1e3:
            return None
        if error < RESIDUAL:
            return point, correction
        bordered = np.vstack([_linearise(game, point, gradients, free), normal])
        step = np.linalg.solve(bordered, -np.r_[residual, 0.0])
        if correction == 0 and not np.sqrt(metric @ step**2) <= longest:
            return None
        point = point + step
    return None


def logit_path(game: FlooredGame, max_steps: int = 5000) -> Iterator[PathPoint]:
    """Yields points of the path, from lambda = 0 on, until steps run out or become too small.

    Args:
        game: With utilities of about unit size: the metric counts rationality from 1.
        max_steps: To try.
    """
    counts = np.array(game.counts)
    vector = np.r_[-np.log(counts[game.owner]), -np.log(counts), 0.0]
    _, gradients, free = _residual(game, vector)
    metric = _metric(game, vector, free)
    forward = np.eye(len(vector))[-1]
    tangent = _tangent(_linearise(game, vector, gradients, free), metric, forward)
    yield PathPoint(vector, free, 0)
    length = FIRST_STEP
    for step in range(1, max_steps + 1):
        if length < SHORTEST_STEP:
            return
        found = _correct(game, vector + length * tangent, metric * tangent, LARGEST_CORRECTION * length, metric)
        if found is None:
            length /= 3
            continue
        _, gradients, free = _residual(game, found[0])
        new_metric = _metric(game, found[0], free)
        ahead = _tangent(_linearise(game, found[0], gradients, free), new_metric, tangent)
        cosine = float(new_metric @ (ahead * tangent) / np.sqrt(new_metric @ tangent**2))
        if cosine < LEAST_COSINE and length > 1e-4:
            length /= 2
            continue
        vector, metric, tangent = found[0], new_metric, ahead
        if found[1] <= 2 and cosine > STRAIGHT_COSINE:
            length = min(1.6 * length, LONGEST_STEP)
        elif found[1] >= 4:
            length *= 0.7
        yield PathPoint(vector, free, step)


def at_rationality(game: FlooredGame, before: PathPoint, after: PathPoint, rationality: float) -> np.ndarray:
    """Returns [N] the logit equilibrium at a rationality between those of two neighbours on the path.

    Newton's method at this rationality may go astray near a turn of the path; then the neighbours are brought closer.
    Where that does not help, the result is the nearer of what was found, not the equilibrium: its regret tells.

    Args:
        game: As of the path.
        before: With at most the rationality.
        after: With at least the rationality.
        rationality: lambda.
    """
    low, high = before.vector, after.vector
    for _ in range(MAX_HALVINGS):
        between = high[-1] - low[-1]
        share = (rationality - low[-1]) / between if between > 0 else 0.0
        found = _solve_at(game, low + share * (high - low), rationality)
        if found is not None:
            return np.exp(found[: len(game.owner)])
        middle = (low + high) / 2
        metric = _metric(game, middle, np.exp(middle[: len(game.owner)]))
        halved = _correct(game, middle, metric * (high - low), np.inf, metric)
        if halved is None:
            break
        low, high = (halved[0], high) if halved[0][-1] <= rationality else (low, halved[0])
    return np.exp(low[: len(game.owner)])


@np.errstate(over="ignore", invalid="ignore")  # guesses may be far off
def _solve_at(game: FlooredGame, guess: np.ndarray, rationality: float) -> np.ndarray | None:
    """Returns the point with this rationality that Newton's method finds from the guess, or None."""
    point = np.r_[guess[:-1], rationality]
    fixed = np.eye(len(point))[-1]
    error = np.inf
    for _ in range(50):
        residual, gradients, free = _residual(game, point)
        error = np.abs(residual).max() / (1 + rationality)
        if not EXACT < error < 1e3:
            break
        bordered = np.vstack([_linearise(game, point, gradients, free), fixed])
        point = point + np.linalg.solve(bordered, -np.r_[residual, 0.0])
    return point if error < NEARLY_EXACT else None
