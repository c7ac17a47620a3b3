"""The coordination game as a finite Markov game: what exact solvers take."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.markov.game import MarkovGame, from_arrays

MAX_TABLE_AGENTS = 7  # tables grow eightfold with each agent


def band_of(num_agents: int) -> int:
    """Returns the largest lead that is no clear majority: a third of the agents, rounded, at least 1.

    The release lists 1, 1, 2 and 3 for 2, 3, 5 and 10 agents; between them the rule is ours.
    """
    return max(1, round(num_agents / 3))


def bit_rows(num_agents: int) -> np.ndarray:
    """Returns [2^n, n] the bits of each number, agent 0's first: states, and joint actions alike."""
    return np.arange(2**num_agents)[:, None] >> np.arange(num_agents)[::-1] & 1


def lead_reward(lead: Any, band: int) -> np.ndarray:
    """Returns what is paid where there are `lead` more zeros than ones, of any shape."""
    lead = np.asarray(lead)
    return np.where(np.abs(lead) <= band, np.where(lead < 0, 1.0, 0.0), np.where(lead > 0, 3.0, 2.0))


def state_rewards(num_agents: int, band: int) -> np.ndarray:
    """Returns [2^n] what each state pays."""
    return lead_reward(num_agents - 2 * bit_rows(num_agents).sum(axis=1), band)


def bits_game(
    num_agents: int,
    band: int | None = None,
    flip: float = 0.1,
    zero_share: float = 0.5,
    pays_next: bool = False,
) -> MarkovGame:
    """Returns the game as arrays; by default as the authors' exact experiment has it.

    Args:
        num_agents: n, at most 7.
        band: Largest lead that is no clear majority; None: `band_of`.
        flip: Probability that a bit is turned by chance.
        zero_share: Probability that a bit starts as 0; 0.5: all states alike.
        pays_next: Whether a step is paid for the bits after it; otherwise for those before it.

    Raises:
        ValueError: Too many agents, a negative band, or what is no probability.
    """
    if band is not None and band < 0:
        raise ValueError(f"band must be 0 or more, got {band}")
    for name, share in (("flip", flip), ("zero_share", zero_share)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must be a probability, got {share}")
    if not 1 <= num_agents <= MAX_TABLE_AGENTS:
        raise ValueError(f"num_agents must be in [1, {MAX_TABLE_AGENTS}] for tables, got {num_agents}")
    rows, size = bit_rows(num_agents), 2**num_agents
    differ = rows[:, None, :] != rows[None, :, :]  # [joint action, next state, n]
    reach = np.where(differ, flip, 1 - flip).prod(axis=-1)
    paid = state_rewards(num_agents, band_of(num_agents) if band is None else band)
    rewards = np.broadcast_to(reach @ paid if pays_next else paid[:, None], (size, size))
    shape = (2,) * num_agents
    return from_arrays(
        np.broadcast_to(reach, (size, size, size)).reshape(size, *shape, size),
        np.broadcast_to(rewards, (num_agents, size, size)).reshape(num_agents, size, *shape),
        np.where(rows == 0, zero_share, 1 - zero_share).prod(axis=-1),
        state_names=["".join(map(str, row)) for row in rows],
    )
