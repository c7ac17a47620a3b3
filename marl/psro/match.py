"""Whole episodes between chosen players, many envs at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import games
from agents.protocol import Player
from games.batch import Batch

DEFAULT_ENVS = 2048


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

    The episodes that begin first are the ones that count, and all of them are played to the end, however long they are:
    taking the first that end would prefer short ones.

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
    return _play_first(batch, players, episodes)


def _play_first(batch: Batch, players: Mapping[str, Player], episodes: int) -> Episodes:
    """Plays until the episodes that began first have ended; of those of one step, lower envs come first."""
    counts = np.ones(batch.num_envs, bool)  # whether the episode under way is one of them
    begun, left = batch.num_envs, episodes
    parts = []
    while left:
        for name, group in batch.groups.items():
            for row, agent in enumerate(group.agents):
                batch.groups[name].actions[:, row] = players[agent].act(batch, agent)
        batch.step()
        ended = np.flatnonzero(batch.ended.view(bool))
        if not len(ended):
            continue
        wanted = counts[ended]
        statistics = batch.episode_statistics
        read = batch.episode_returns, batch.episode_lengths, *statistics.values()  # a row for each of `ended`
        parts.append([rows[wanted] for rows in read])
        left -= int(np.count_nonzero(wanted))
        counts[ended[episodes - begun :]] = False
        begun = min(episodes, begun + len(ended))
    returns, lengths, *numbers = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    return Episodes(returns, lengths, dict(zip(statistics, numbers, strict=True)))
