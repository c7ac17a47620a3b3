"""Random normal-form games of the classes that theorems are about.

Every function takes the numbers of actions and a generator and returns payoffs [P, A_0, ..., A_{P-1}].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def general_sum(num_actions: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Draws every payoff from the standard normal distribution.

    Args:
        num_actions: A_i of each of the P players.
        rng: Where the chance comes from.
    """
    return rng.normal(size=(len(num_actions), *num_actions))


def zero_sum(num_actions: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Draws normal payoffs and takes from each player the mean of all, so that every profile sums to 0.

    Args:
        num_actions: A_i of each of the P >= 2 players.
        rng: Where the chance comes from.
    """
    if len(num_actions) < 2:
        raise ValueError(f"a zero-sum game needs at least 2 players, got num_actions {list(num_actions)}")
    payoffs = general_sum(num_actions, rng)
    payoffs -= payoffs.mean(axis=0)
    payoffs[-1] = -payoffs[:-1].sum(axis=0)
    return payoffs


def common_payoff(num_actions: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Draws one normal payoff for each profile, which every player gets.

    Args:
        num_actions: A_i of each of the P players.
        rng: Where the chance comes from.
    """
    shared = rng.normal(size=tuple(num_actions))
    return np.broadcast_to(shared, (len(num_actions), *num_actions)).copy()


def potential(num_actions: Sequence[int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws an exact potential game (Monderer and Shapley 1996).

    u_i(a) = potential(a) + dummy_i(a_{-i}), all normal.

    Args:
        num_actions: A_i of each of the P players.
        rng: Where the chance comes from.

    Returns:
        Payoffs [P, A_0, ..., A_{P-1}] and the potential [A_0, ..., A_{P-1}]: when one player changes its action, its
        payoff changes by as much as the potential.
    """
    shared = rng.normal(size=tuple(num_actions))
    others = [[1 if j == i else a for j, a in enumerate(num_actions)] for i in range(len(num_actions))]
    return np.stack([shared + rng.normal(size=shape) for shape in others]), shared


def symmetric(num_players: int, num_actions: int, rng: np.random.Generator) -> np.ndarray:
    """Draws a symmetric game: a payoff depends on the own action and on how often the others choose each action.

    Args:
        num_players: P.
        num_actions: Of every player.
        rng: Where the chance comes from.
    """
    base = rng.normal(size=(num_actions,) * num_players)
    profiles = np.indices(base.shape)
    payoffs = []
    for player in range(num_players):
        others = np.sort(np.delete(profiles, player, axis=0), axis=0)
        payoffs.append(base[(profiles[player], *others)])
    return np.stack(payoffs)
