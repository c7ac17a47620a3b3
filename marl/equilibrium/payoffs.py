"""Payoff arrays and mixed profiles: what they must look like, and what deviations from a profile are worth.

symbol  variable    shape
u       payoffs     [P, K_1, ..., K_P], u_i of every pure profile
x       profile     P arrays; x_i [K_i] is a distribution over the actions of player i
u_i(a)  deviations  P arrays; entry a of array i: what i gets by action a while the others play the profile
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Profile = tuple[np.ndarray, ...]

SUM_TOLERANCE = 1e-6  # how far from 1 the probabilities of a given strategy may sum


class PayoffError(ValueError):
    """Payoffs, or a profile, that are none; the message says what was given and what was expected."""


def check_payoffs(payoffs: Any, num_players: int | None = None) -> np.ndarray:
    """Returns payoffs as a float64 array [P, K_1, ..., K_P].

    Args:
        payoffs: Anything that NumPy reads as numbers.
        num_players: How many players there have to be; None: any number.

    Raises:
        PayoffError: Not numbers, not finite, or of a rank that is not one more than the number of players.
    """
    expected = "one array [P, K_1, ..., K_P]: a payoff of each of P players under each joint action"
    try:
        array = np.asarray(payoffs, np.float64)
    except (TypeError, ValueError):
        raise PayoffError(f"payoffs must be {expected}, got what NumPy cannot read as such") from None
    if array.ndim < 2 or array.ndim != array.shape[0] + 1:
        raise PayoffError(f"payoffs must be {expected}, got the shape {list(array.shape)}")
    if 0 in array.shape:
        raise PayoffError(f"every player needs an action, got payoffs of the shape {list(array.shape)}")
    if num_players is not None and len(array) != num_players:
        raise PayoffError(f"this solver is for {num_players} players, got payoffs of {len(array)}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        player, *actions = bad[0].tolist()
        value = array[tuple(bad[0])]
        raise PayoffError(f"payoffs must be finite, got {value} for player {player} under the joint action {actions}")
    return array


def check_profile(payoffs: np.ndarray, profile: Sequence[Any]) -> Profile:
    """Returns a profile as distributions that fit the payoffs, scaled to sum to 1.

    Args:
        payoffs: [P, K_1, ..., K_P].
        profile: P distributions [K_i].

    Raises:
        PayoffError: Wrong shapes, negative numbers, or sums that are not 1.
    """
    strategies = [np.asarray(strategy, np.float64) for strategy in profile]
    shapes, expected = [list(s.shape) for s in strategies], [[k] for k in payoffs.shape[1:]]
    if shapes != expected:
        raise PayoffError(f"a profile of this game has the shapes {expected}, got {shapes}")
    for player, strategy in enumerate(strategies):
        if not (strategy >= 0).all() or not abs(strategy.sum() - 1) <= SUM_TOLERANCE:
            raise PayoffError(f"the strategy of player {player} is no distribution: {strategy.tolist()}")
    return tuple(strategy / strategy.sum() for strategy in strategies)


def uniform_profile(payoffs: np.ndarray) -> Profile:
    """Returns the profile in which every player draws among all actions."""
    return tuple(np.full(count, 1 / count) for count in payoffs.shape[1:])


def as_game(matrix: Any) -> np.ndarray:
    """Returns [2, A, B] of a two-player zero-sum game from what the row player gets, [A, B]."""
    row = np.asarray(matrix, np.float64)
    return np.stack([row, -row])


def spread(payoffs: np.ndarray) -> float:
    """Returns the largest difference between two payoffs of one player; 1 where all are equal."""
    largest = float(
        (payoffs.reshape(len(payoffs), -1).max(axis=1) - payoffs.reshape(len(payoffs), -1).min(axis=1)).max()
    )
    return largest if largest > 0 else 1.0


def contract(tensor: np.ndarray, profile: Sequence[np.ndarray], keep: Sequence[int]) -> np.ndarray:
    """Returns the expectation of `tensor` [K_1, ..., K_P] over the actions of all players but those in `keep`.

    Args:
        tensor: [K_1, ..., K_P].
        profile: P strategies.
        keep: Players whose axes stay, in the order of the players.
    """
    for player in reversed(range(len(profile))):
        if player not in keep:
            # Kept axes of later players stand behind this one.
            behind = sum(1 for other in keep if other > player)
            tensor = np.moveaxis(tensor, -1 - behind, -1) @ profile[player] if behind else tensor @ profile[player]
    return tensor


def deviation_payoffs(payoffs: np.ndarray, profile: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns for each player [K_i] what each of its actions is worth against the others' strategies."""
    if len(payoffs) == 2:
        return [payoffs[0] @ profile[1], profile[0] @ payoffs[1]]
    return [contract(own, profile, (player,)) for player, own in enumerate(payoffs)]


def expected_payoffs(payoffs: np.ndarray, profile: Sequence[np.ndarray]) -> np.ndarray:
    """Returns [P] what the players get under a profile."""
    deviations = deviation_payoffs(payoffs, profile)
    return np.array([x @ worth for x, worth in zip(profile, deviations, strict=True)])


def gains(payoffs: np.ndarray, profile: Sequence[np.ndarray]) -> np.ndarray:
    """Returns [P] what each player could gain by deviating alone; 0 in a Nash equilibrium."""
    deviations = deviation_payoffs(payoffs, profile)
    return np.array([max(worth.max() - x @ worth, 0.0) for x, worth in zip(profile, deviations, strict=True)])


def joint_distribution(profile: Sequence[np.ndarray]) -> np.ndarray:
    """Returns [K_1, ..., K_P] how often each joint action is met where each player draws alone."""
    joint = np.ones(())
    for strategy in profile:
        joint = np.multiply.outer(joint, strategy)
    return joint


def coarse_gains(payoffs: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Returns [P] what each player could gain by one action of its own in place of its part of a joint draw.

    Args:
        payoffs: [P, K_1, ..., K_P].
        joint: [K_1, ..., K_P] a distribution over joint actions.
    """
    won = np.zeros(len(payoffs))
    for player, own in enumerate(payoffs):
        by_action = np.moveaxis(own, player, 0).reshape(own.shape[player], -1)
        won[player] = (by_action @ joint.sum(axis=player).ravel()).max() - float((own * joint).sum())
    return won


def nash_conv(payoffs: np.ndarray, profile: Sequence[np.ndarray]) -> float:
    """Returns the sum of the players' gains from deviating alone (Lanctot et al. 2017)."""
    return float(gains(payoffs, profile).sum())


def best_responses(payoffs: np.ndarray, profile: Sequence[np.ndarray], slack: float = 0.0) -> list[np.ndarray]:
    """Returns for each player the numbers of its actions that are best against the others' strategies.

    Args:
        payoffs: [P, K_1, ..., K_P].
        profile: P strategies.
        slack: How much worse than the best an action may be.
    """
    deviations = deviation_payoffs(payoffs, profile)
    return [np.flatnonzero(worth >= worth.max() - slack) for worth in deviations]


def pure_equilibria(payoffs: np.ndarray, slack: float = 0.0) -> np.ndarray:
    """Returns [N, P] all joint actions from which nobody gains more than `slack` by deviating alone."""
    stable = np.ones(payoffs.shape[1:], bool)
    for player, own in enumerate(payoffs):
        stable &= own >= own.max(axis=player, keepdims=True) - slack
    return np.argwhere(stable)
