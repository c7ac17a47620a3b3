"""Whole episodes between chosen players, many envs at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import games
from agents.protocol import Player
from games.batch import Batch

DEFAULT_ENVS = 1024


@dataclass(frozen=True, eq=False)
class Episodes:
    """What became of some episodes.

    Attributes:
        returns: [m, N] undiscounted returns of all agents.
        lengths: [m] steps.
        statistics: The world's own numbers by name, [m].
    """

    returns: np.ndarray
    lengths: np.ndarray
    statistics: dict[str, np.ndarray]


def play_episodes(
    env_id: str,
    players: Mapping[str, Player],
    episodes: int,
    *,
    seed: int,
    settings: Mapping[str, Any] | None = None,
    num_envs: int = DEFAULT_ENVS,
    num_threads: int = 1,
) -> Episodes:
    """Plays episodes and returns what became of each.

    Every env plays its share of episodes to the end, however long they are: taking the first that end would prefer
    short ones.

    Args:
        env_id: One of `games.env_ids()`.
        players: By agent, who plays.
        episodes: How many, at least 1.
        seed: Of the envs; players have their own.
        settings: Of the world, beyond the id's.
        num_envs: At most, at a time.
        num_threads: Of the batch.

    Raises:
        ValueError: An agent without a player or a player without an agent; fewer than one episode.
    """
    if episodes < 1:
        raise ValueError(f"at least 1 episode, got {episodes}")
    sizes = min(num_envs, episodes)
    batch = games.make_batch(env_id, sizes, seed=seed, num_threads=num_threads, **(settings or {}))
    if players.keys() != set(batch.agents):
        raise ValueError(f"{env_id} has the agents {list(batch.agents)}, the players are for {list(players)}")
    batch.reset()
    shares = np.full(sizes, episodes // sizes)
    shares[: episodes % sizes] += 1
    return _play_shares(batch, players, shares)


def _play_shares(batch: Batch, players: Mapping[str, Player], shares: np.ndarray) -> Episodes:
    """Plays until env e has ended shares[e] episodes; what envs play beyond that is not counted."""
    left = shares.copy()
    parts = []
    while left.any():
        for name, group in batch.groups.items():
            for row, agent in enumerate(group.agents):
                batch.groups[name].actions[:, row] = players[agent].act(batch, agent)
        batch.step()
        if not batch.ended.any():
            continue
        ended = np.flatnonzero(batch.ended)
        wanted = left[ended] > 0
        left[ended[wanted]] -= 1
        statistics = batch.episode_statistics
        read = batch.episode_returns, batch.episode_lengths, *statistics.values()  # a row for each of `ended`
        parts.append([rows[wanted] for rows in read])
    returns, lengths, *numbers = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    return Episodes(returns, lengths, dict(zip(statistics, numbers, strict=True)))
