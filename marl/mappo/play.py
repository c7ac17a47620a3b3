"""Episodes of a trained team, without an algorithm around it: for studies and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import games
from marl.mappo.module import TeamModule


@dataclass(frozen=True, eq=False)
class Played:
    """What n episodes came to.

    Attributes:
        returns: [n] undiscounted mean over agents, which is the team's return where all are paid alike.
        statistics: The world's own numbers of each episode, [n] by name.
    """

    returns: np.ndarray
    statistics: dict[str, np.ndarray]


def play_episodes(
    module: TeamModule, env_id: str, settings: dict[str, Any], *, episodes: int, seed: int, is_greedy: bool
) -> Played:
    """Plays whole episodes of a world with one group, an env each.

    Args:
        module: Plays all agents.
        env_id: The world.
        settings: Its settings.
        episodes: How many.
        seed: Of the world and of the draws.
        is_greedy: Takes the likeliest actions, and graphs without noise.
    """
    batch = games.make_batch(env_id, episodes, seed=seed, autoreset="same_step", **settings)
    batch.reset()
    group, rng = batch.only_group, np.random.default_rng(seed)
    scores, statistics = np.full(episodes, np.nan), dict[str, np.ndarray]()
    running = np.zeros(episodes)
    while np.isnan(scores).any():
        group.actions[:] = _choose(module, group, None if is_greedy else rng)
        batch.step()
        running += group.rewards.mean(axis=1)
        ended = np.flatnonzero(batch.ended)
        told = batch.episode_statistics
        for name, values in told.items():
            own = statistics.setdefault(name, np.full(episodes, np.nan))
            own[ended] = np.where(np.isnan(own[ended]), values, own[ended])
        scores[ended] = np.where(np.isnan(scores[ended]), running[ended], scores[ended])
        running[ended] = 0
    return Played(scores, statistics)


def _choose(module: TeamModule, group: Any, rng: np.random.Generator | None) -> np.ndarray:
    num_envs, num_agents = group.alive.shape
    drawn = module.draw_noise(rng or np.random.default_rng(0), 1, num_envs)
    further = {name: torch.from_numpy(array[0] * (rng is not None)) for name, array in drawn.items()}
    noise = None if rng is None else module.kind.draw_noise(rng, (num_envs, num_agents))
    observations = torch.from_numpy(group.observations.reshape(num_envs, num_agents, -1).astype(np.float32))
    mask = None if group.action_masks is None else torch.from_numpy(group.action_masks.copy())
    with torch.inference_mode():
        _, actions = module.choose(observations, mask, torch.from_numpy(group.alive.astype(bool)), noise, further)
    return module.kind.for_env(actions.numpy())
