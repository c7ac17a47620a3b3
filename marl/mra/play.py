"""Episodes of trained relational policies, without an algorithm around them: for studies, adaptation and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import games
from games.batch import Batch, Group
from marl.mra.module import MRAModule

Latents = int | Sequence[float] | np.ndarray | None  # whom an agent is, by one of the ways of `play_episodes`


@dataclass(frozen=True, eq=False)
class Played:
    """What n episodes came to.

    Attributes:
        returns: [n] by group, undiscounted mean over the agents that began the episode: where all are paid what all get
            together, that is the team's return.
        populations: [n] agents that each began with.
        latents: [n, P] by group; the latent of each agent, -1 for an empty slot.
        statistics: The world's own numbers of each episode, [n] by name.
    """

    returns: dict[str, np.ndarray]
    populations: np.ndarray
    latents: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]

    @property
    def team_returns(self) -> np.ndarray:
        """[n] mean over groups."""
        returns: np.ndarray = np.mean(list(self.returns.values()), axis=0)
        return returns

    def latent_shares(self, group: str, num_latents: int) -> np.ndarray:
        """Returns [H], how many of a group's agents had each latent, over all."""
        drawn = self.latents[group]
        counts = np.bincount(drawn[drawn >= 0], minlength=num_latents)
        shares: np.ndarray = counts / counts.sum()
        return shares


def play_episodes(
    modules: Mapping[str, MRAModule],
    env_id: str,
    settings: dict[str, Any],
    *,
    episodes: int,
    seed: int,
    is_greedy: bool = False,
    latents: Latents | Mapping[str, Latents] = None,
) -> Played:
    """Plays whole episodes, an env each.

    The modules may have been trained with other numbers of agents than play here.

    Args:
        modules: By group.
        env_id: The world.
        settings: Its settings.
        episodes: How many.
        seed: Of the world and of the draws.
        is_greedy: Takes the likeliest actions; latents are drawn all the same.
        latents: None: each agent draws its own from the prior. A number: everybody has that one. H numbers: each agent
            draws its own by these logits. Or one of these by group.

    Raises:
        ValueError: No such latent, or another number of logits than latents.
    """
    batch = games.make_batch(env_id, episodes, seed=seed, autoreset="same_step", **settings)
    batch.reset()
    rng, layout = np.random.default_rng(seed), batch.config.layout  # type: ignore[attr-defined]
    alive = {name: group.alive.astype(bool) for name, group in batch.groups.items()}
    chosen = latents if isinstance(latents, Mapping) else dict.fromkeys(batch.groups, latents)
    drawn = {name: _draw(modules[name], batch, group, rng, chosen[name]) for name, group in batch.groups.items()}
    running = {name: np.zeros(episodes) for name in alive}
    is_over, told = np.zeros(episodes, bool), dict[str, np.ndarray]()
    while not is_over.all():
        for name, group in batch.groups.items():
            views = layout.split(torch.from_numpy(group.observations))
            with torch.inference_mode():
                logits = modules[name].actor(views, drawn[name]).numpy()
            if group.action_masks is not None:
                logits = np.where(group.action_masks, logits, -np.inf)
            noise = 0.0 if is_greedy else rng.gumbel(size=logits.shape)
            group.actions[:] = (logits + noise).argmax(axis=-1)
        batch.step()
        for name, group in batch.groups.items():
            running[name] += np.where(is_over, 0, group.rewards.sum(axis=1) / alive[name].sum(axis=1).clip(min=1))
        ended = np.flatnonzero(batch.ended)
        for name, values in batch.episode_statistics.items():
            own = told.setdefault(name, np.full(episodes, np.nan))
            own[ended] = np.where(is_over[ended], own[ended], values)
        is_over[ended] = True
    taken = {name: np.where(alive[name], z.argmax(dim=-1).numpy(), -1) for name, z in drawn.items()}
    populations = sum(own.sum(axis=1) for own in alive.values())
    return Played(running, np.asarray(populations), taken, told)


def _draw(module: MRAModule, batch: Batch, group: Group, rng: np.random.Generator, latents: Latents) -> torch.Tensor:
    """Returns the latents of a group's agents, [E, P, H]."""
    count, shape = module.num_latents, group.alive.shape
    noise = rng.gumbel(size=(*shape, count)).astype(np.float32)
    if isinstance(latents, int):
        if not 0 <= latents < count:
            raise ValueError(f"latents must be in [0, {count}), got {latents}")
        return torch.eye(count)[latents].expand(*shape, -1)
    if latents is not None:
        logits = np.asarray(latents, np.float32)
        if logits.shape != (count,):
            raise ValueError(f"latents must be {count} logits, got {list(logits.shape)}")
        return torch.eye(count)[torch.from_numpy((logits + noise).argmax(axis=-1))]
    views = batch.config.layout.split(torch.from_numpy(group.observations))  # type: ignore[attr-defined]
    with torch.inference_mode():
        return module.actor.draw_latents(views, torch.from_numpy(noise))
