"""Mean-variance utility of a mixed strategy, where the variance is that over the opponents' draw.

After Slumbers et al. 2023, by our own specification. Against the others' joint mix q, player i's strategy x has

    m(x, q) = x' M q                                 the mean payoff,
    V(x, q) = sum_b q_b (x' M_b - x' M q)^2          the variance of the payoff averaged over the own draw,
    r(x, q) = m(x, q) - risk_aversion * V(x, q)      the utility,

so V is convex in x, r concave, and a best response is a convex quadratic program. The variance over both draws would
make r convex in x: best responses would be pure, and there are games without any equilibrium (`total_variance` shows
them).

    symbol  variable       shape
    M       own            [K_i, B] payoffs of player i, B joint actions of the others
    q       mix            [B] product of the others' strategies
    x       strategy       [K_i]
    gamma   risk_aversion  scalar >= 0, in units of 1 / payoff
    eps     floor          scalar in [0, 1 / max K_i): the least probability of every action
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import piqp

from marl.equilibrium.payoffs import Profile, contract

# Added to the quadratic form, which has a lower rank than rows: less than what the gap can see.
REGULARISATION = 1e-12
QP_TOLERANCE = 1e-12


def _own_matrix(payoffs: np.ndarray, player: int) -> np.ndarray:
    """Returns [K_i, B] a player's payoffs, with the others' joint actions as columns."""
    return np.moveaxis(payoffs[player], player, 0).reshape(payoffs.shape[1 + player], -1)


def _others_mix(profile: Sequence[np.ndarray], player: int) -> np.ndarray:
    """Returns [B] the probabilities of the others' joint actions."""
    mix = np.ones(1)
    for other, strategy in enumerate(profile):
        if other != player:
            mix = (mix[:, None] * strategy).ravel()
    return mix


def mean_and_variance(payoffs: np.ndarray, profile: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns [P] the mean payoffs of a profile, and [P] their variances over the opponents' draws."""
    means, variances = np.zeros(len(payoffs)), np.zeros(len(payoffs))
    for player in range(len(payoffs)):
        mix, worth = _others_mix(profile, player), profile[player] @ _own_matrix(payoffs, player)
        means[player] = mix @ worth
        variances[player] = mix @ (worth - means[player]) ** 2
    return means, variances


def total_variance(payoffs: np.ndarray, profile: Sequence[np.ndarray]) -> np.ndarray:
    """Returns [P] the variances of the payoffs over all players' draws, the own one too."""
    means = [float(contract(own, profile, ())) for own in payoffs]
    return np.array([float(contract((own - mean) ** 2, profile, ())) for own, mean in zip(payoffs, means, strict=True)])


def risk_gradients(payoffs: np.ndarray, profile: Sequence[np.ndarray], risk_aversion: float) -> list[np.ndarray]:
    """Returns for each player [K_i] the derivative of its utility with respect to its own strategy."""
    gradients = []
    for player, strategy in enumerate(profile):
        own, mix = _own_matrix(payoffs, player), _others_mix(profile, player)
        worth, means = strategy @ own, own @ mix
        gradients.append(means - 2 * risk_aversion * (own @ (mix * (worth - mix @ worth))))
    return gradients


def risk_jacobian(payoffs: np.ndarray, profile: Sequence[np.ndarray], risk_aversion: float) -> np.ndarray:
    """Returns [N, N] the derivative of all players' gradients with respect to all strategies, N = K_1 + ... + K_P."""
    counts = payoffs.shape[1:]
    starts = np.r_[0, np.cumsum(counts)]
    jacobian = np.zeros((starts[-1], starts[-1]))
    for i, strategy in enumerate(profile):
        own, mix = _own_matrix(payoffs, i), _others_mix(profile, i)
        worth, means = strategy @ own, own @ mix
        rows = slice(starts[i], starts[i + 1])
        if risk_aversion:
            centred = own - means[:, None]
            jacobian[rows, rows] = -2 * risk_aversion * ((centred * mix) @ centred.T)
        # The derivative with respect to the mix, then to each of its factors.
        per_column = own * (1 - 2 * risk_aversion * (worth - mix @ worth)) + 2 * risk_aversion * np.outer(means, worth)
        others = [j for j in range(len(counts)) if j != i]
        if len(others) == 1:
            jacobian[rows, starts[others[0]] : starts[others[0] + 1]] = per_column
            continue
        tensor = per_column.reshape(counts[i], *(counts[j] for j in others))
        rest = [np.ones(counts[i]) / counts[i], *(profile[j] for j in others)]
        for axis, j in enumerate(others, start=1):
            jacobian[rows, starts[j] : starts[j + 1]] = contract(tensor, rest, (0, axis))
    return jacobian


def best_risk_response(
    payoffs: np.ndarray, profile: Sequence[np.ndarray], player: int, risk_aversion: float, floor: float = 0.0
) -> np.ndarray:
    """Returns [K_i] the strategy with the largest utility against the others', by one convex quadratic program.

    Args:
        payoffs: [P, K_1, ..., K_P].
        profile: P strategies; the player's own is not read.
        player: Who answers.
        risk_aversion: Weight of the variance, >= 0.
        floor: The least probability of every action.
    """
    own, mix = _own_matrix(payoffs, player), _others_mix(profile, player)
    count, means = len(own), own @ mix
    if risk_aversion == 0:
        pure = np.full(count, floor)
        pure[means.argmax()] += 1 - count * floor
        return pure
    # Utilities in units of the payoffs' differences, so that the solver's tolerances are shares of these.
    scale = max(float(np.ptp(own)), np.finfo(float).tiny)
    centred = (own - means[:, None]) / scale
    form = 2 * risk_aversion * scale * ((centred * mix) @ centred.T) + REGULARISATION * np.eye(count)
    solver = piqp.DenseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = QP_TOLERANCE
    solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = QP_TOLERANCE
    ones = np.ones((1, count))
    linear = -(means - means.max()) / scale
    solver.setup(np.asfortranarray(form), linear, np.asfortranarray(ones), np.ones(1), x_l=np.full(count, floor))
    solver.solve()
    answer = np.maximum(np.asarray(solver.result.x) - floor, 0)
    return floor + answer * (1 - count * floor) / answer.sum()


def risk_utility(payoffs: np.ndarray, profile: Sequence[np.ndarray], player: int, risk_aversion: float) -> float:
    """Returns the mean payoff of a player less `risk_aversion` times its variance."""
    own, mix = _own_matrix(payoffs, player), _others_mix(profile, player)
    worth = profile[player] @ own
    mean = mix @ worth
    return float(mean - risk_aversion * (mix @ (worth - mean) ** 2))


def _linear_gain(gradient: np.ndarray, strategy: np.ndarray, floor: float) -> float:
    """Returns what a concave utility can at most rise by, from its gradient at a strategy."""
    best = (1 - len(gradient) * floor) * gradient.max() + floor * gradient.sum()
    return max(float(best - strategy @ gradient), 0.0)


def risk_gaps(payoffs: np.ndarray, profile: Profile, risk_aversion: float, floor: float = 0.0) -> np.ndarray:
    """Returns [P] certified bounds of what each player could gain in utility by deviating alone.

    The utility is concave in the own strategy, so its gradient at any strategy bounds all of it: the smaller of the
    bounds at the profile and at the program's answer is returned. It is exact at an equilibrium, and never too small.

    Args:
        payoffs: [P, K_1, ..., K_P].
        profile: P strategies with no probability below the floor.
        risk_aversion: Weight of the variance, >= 0.
        floor: The least probability of every action.
    """
    here = risk_gradients(payoffs, profile, risk_aversion)
    gaps = np.array([_linear_gain(g, x, floor) for g, x in zip(here, profile, strict=True)])
    for player in range(len(payoffs)):
        if gaps[player] == 0 or risk_aversion == 0:
            continue
        moved = list(profile)
        moved[player] = best_risk_response(payoffs, profile, player, risk_aversion, floor)
        gained = risk_utility(payoffs, moved, player, risk_aversion)
        gained -= risk_utility(payoffs, profile, player, risk_aversion)
        gradient = risk_gradients(payoffs, moved, risk_aversion)[player]
        gaps[player] = min(gaps[player], max(gained, 0.0) + _linear_gain(gradient, moved[player], floor))
    return gaps
