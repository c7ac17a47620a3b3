"""Where players are judged: episodes of a protagonist and an adversary, in one body or in many, from common starts."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import games
from agents.protocol import Player
from games.batch import Batch
from games.config import WorldConfig

PROTAGONIST, ADVERSARY = "protagonist", "adversary"
Body = Mapping[str, Any]  # changes of a world's physical parameters, by name
Setter = Callable[[Batch, Sequence[Body]], None]


@dataclass(frozen=True, eq=False)
class Arena:
    """A world, and which episodes are played in it.

    Starts are common: episode k of every body, player and setting begins where the seed and k alone say. Players are
    put back to where they were after each call of `play`, so no result depends on what was played before it, and
    policies that draw do so with the same numbers in two calls.

    Attributes:
        env_id: A world with one agent in each of the groups protagonist and adversary.
        settings: Of it, beyond the id's.
        episodes: In each body, at least 1.
        seed: Of the envs; players have their own.
        num_threads: Of the batches.
        num_envs: At most, at a time; bodies that do not fit wait. Whoever draws actions draws anew for those.

    Raises:
        UnknownNameError: No such world.
        ValueError: Fewer than one episode, or a world of other groups.
    """

    env_id: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    episodes: int = 5
    seed: int = 0
    num_threads: int = 1
    num_envs: int = 4096

    def __post_init__(self) -> None:
        """Makes one env, so that what cannot be played is known now."""
        if self.episodes < 1:
            raise ValueError(f"at least 1 episode, got {self.episodes}")
        groups = games.make_batch(self.env_id, **self.settings).groups
        sizes = {name: len(group.agents) for name, group in groups.items()}
        if sizes != {PROTAGONIST: 1, ADVERSARY: 1}:
            raise ValueError(
                f"{self.env_id} must have one agent in each of the groups protagonist and adversary, has {sizes}"
            )

    @property
    def config(self) -> WorldConfig:
        """Of the world."""
        config: WorldConfig = games.spec(self.env_id).config(**self.settings)
        return config

    def change(self, *, episodes: int | None = None, seed: int | None = None, **settings: Any) -> Arena:
        """Returns an arena with other episodes, another seed or other settings of the world; the rest is as here."""
        return replace(
            self,
            settings={**self.settings, **settings},
            episodes=self.episodes if episodes is None else episodes,
            seed=self.seed if seed is None else seed,
        )

    def play(self, protagonist: Player, adversary: Player | None = None, bodies: Sequence[Body] = ({},)) -> np.ndarray:
        """Returns [C, K] undiscounted returns of the protagonist, of K episodes in each of C bodies.

        Args:
            protagonist: Who moves.
            adversary: Who pushes. None: nobody, the world's force is 0.
            bodies: [C] changes of physical parameters, as the world's `set_parameters` takes them.

        Raises:
            ValueError: No body, or parameters that the world refuses.
        """
        if not bodies:
            raise ValueError("at least 1 body, got none")
        at_once = max(1, self.num_envs // self.episodes)
        parts = [bodies[first : first + at_once] for first in range(0, len(bodies), at_once)]
        return np.concatenate([self._play_bodies(protagonist, adversary, part) for part in parts])

    def _play_bodies(self, protagonist: Player, adversary: Player | None, bodies: Sequence[Body]) -> np.ndarray:
        settings = {**self.settings, "force": 0.0} if adversary is None else self.settings
        size = len(bodies) * self.episodes
        batch = games.make_batch(self.env_id, size, seed=self.seed, num_threads=self.num_threads, **settings)
        batch.reset()
        starts = [batch.state_bytes(episode) for episode in range(self.episodes)]
        for env in range(self.episodes, size):
            batch.load_state(env, starts[env % self.episodes])
        if any(bodies):
            find_setter(batch)(batch, [body for body in bodies for _ in range(self.episodes)])
        return _play_once(batch, protagonist, adversary).reshape(len(bodies), self.episodes)


def find_setter(batch: Batch) -> Setter:
    """Returns the function `set_parameters` of a batch's world: of its config's module, or of a package around it.

    Raises:
        ValueError: The world has none, so all its envs have the same body.
    """
    name = type(batch.config).__module__
    while name:
        setter: Setter | None = getattr(sys.modules.get(name), "set_parameters", None)
        if setter is not None:
            return setter
        name = name.rpartition(".")[0]
    raise ValueError(f"{batch.spec.id} has no set_parameters: its envs cannot have bodies of their own")


def _play_once(batch: Batch, protagonist: Player, adversary: Player | None) -> np.ndarray:
    """Plays the episodes that have just begun to their ends; returns [E] what the protagonist got."""
    groups = {PROTAGONIST: protagonist} if adversary is None else {PROTAGONIST: protagonist, ADVERSARY: adversary}
    before = [(player, copy.deepcopy(player.get_state())) for player in groups.values()]
    returns, is_open = np.zeros(batch.num_envs), np.ones(batch.num_envs, bool)
    while is_open.any():
        for name, player in groups.items():
            group = batch.groups[name]
            group.actions[:, 0] = player.act(batch, group.agents[0])
        batch.step()
        returns[is_open] += batch.groups[PROTAGONIST].rewards[is_open, 0]
        is_open &= batch.ended == 0
    for player, state in before:
        player.set_state(state)
    return returns
