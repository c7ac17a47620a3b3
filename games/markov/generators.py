"""Random Markov games: Garnets, general-sum or of the classes that theorems are about.

A Garnet (Archibald, McKinnon and Thomas 1995; Bhatnagar et al. 2009) has a few successors for each state and joint
action, drawn without replacement, with probabilities cut from the unit interval by uniform points. Rewards are
standard normal for each state and joint action.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from games.markov.game import MarkovGame, from_arrays
from games.names import unknown_name

if TYPE_CHECKING:
    from scipy import sparse

UTILITIES = ("general", "zero_sum", "common", "potential")


def garnet(
    num_states: int, num_actions: Sequence[int], branching: int, rng: np.random.Generator, utility: str = "general"
) -> MarkovGame:
    """Draws a Garnet.

    Args:
        num_states: S.
        num_actions: A_i of each player.
        branching: Successors of each state and joint action, in [1, S].
        rng: Where the chance comes from.
        utility: "general": rewards of their own for all players; "zero_sum": they sum to 0; "common": all get the same;
            "potential": see `potential`.
    """
    if utility == "potential":
        return potential(num_states, num_actions, branching, rng)[0]
    shape = (num_states, *num_actions)
    transitions = _rows(num_states, int(np.prod(shape)), branching, rng)
    num_players = len(num_actions)
    if utility == "general":
        rewards = rng.normal(size=(num_players, *shape))
    elif utility == "zero_sum":
        rewards = _zero_sum(num_players, shape, rng)
    elif utility == "common":
        rewards = np.broadcast_to(rng.normal(size=shape), (num_players, *shape))
    else:
        raise unknown_name("utility", utility, UTILITIES)
    return from_arrays(transitions, rewards, np.full(num_states, 1 / num_states))


def potential(
    num_states: int, num_actions: Sequence[int], branching: int, rng: np.random.Generator
) -> tuple[MarkovGame, np.ndarray]:
    """Draws a Markov potential game (Leonardos et al. 2022) with transitions that no action changes.

    r_i(s, a) = phi(s, a) + dummy_i(s, a_{-i}), and the next state depends on s alone. So at each state and for all
    stationary policies, when one player changes its policy, its value changes by as much as the value of phi would:
    the dummies and the visits to states are beyond that player's influence.

    Args:
        num_states: S.
        num_actions: A_i of each player.
        branching: Successors of each state, in [1, S].
        rng: Where the chance comes from.

    Returns:
        The game, and phi [S, A_0, ..., A_{P-1}].
    """
    shape = (num_states, *num_actions)
    rows = _rows(num_states, num_states, branching, rng)
    transitions = rows[np.repeat(np.arange(num_states), int(np.prod(num_actions)))]
    phi = rng.normal(size=shape)
    others = [(num_states, *(1 if j == i else a for j, a in enumerate(num_actions))) for i in range(len(num_actions))]
    rewards = np.stack([phi + rng.normal(size=each) for each in others])
    return from_arrays(transitions, rewards, np.full(num_states, 1 / num_states)), phi


def _rows(num_states: int, num_rows: int, branching: int, rng: np.random.Generator) -> sparse.csr_array:
    from scipy import sparse

    if not 1 <= branching <= num_states:
        raise ValueError(f"branching must be in [1, {num_states}], the number of states, got {branching}")
    successors = np.argsort(rng.random((num_rows, num_states)), axis=1)[:, :branching]
    cuts = np.sort(rng.random((num_rows, branching - 1)), axis=1)
    probabilities = np.diff(cuts, axis=1, prepend=0, append=1)
    starts = np.arange(num_rows + 1) * branching
    return sparse.csr_array((probabilities.ravel(), successors.ravel(), starts), shape=(num_rows, num_states))


def _zero_sum(num_players: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if num_players < 2:
        raise ValueError("a zero-sum game needs at least 2 players, got 1")
    rewards = rng.normal(size=(num_players, *shape))
    rewards -= rewards.mean(axis=0)
    rewards[-1] = -rewards[:-1].sum(axis=0)
    return rewards
