"""Uniformly random actions inside the space and the mask: the floor of every comparison."""

from __future__ import annotations

import gymnasium
import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch


class RandomPlayer(GeneratorAlone):
    """Draws each action uniformly, among the legal ones where the world has masks.

    Args:
        seed: Of the player's own generator.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns random actions, [E] or [E, A]."""
        return self.act_rows(batch, agent, np.arange(batch.num_envs))

    def act_rows(self, batch: Batch, agent: str, envs: np.ndarray) -> np.ndarray:
        """Returns random actions in some envs, [n] or [n, A]."""
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        space, shape = group.action_space, (len(envs), *group.actions.shape[2:])
        if isinstance(space, gymnasium.spaces.Box):
            return self._rng.uniform(space.low, space.high, shape).astype(np.float32)
        choices = [int(space.n)] if isinstance(space, gymnasium.spaces.Discrete) else space.nvec.tolist()
        masks = np.ones((len(envs), sum(choices)), np.uint8)
        if group.action_masks is not None:
            masks = group.action_masks[envs, row]
        parts = np.split(masks, np.cumsum(choices)[:-1], axis=1)
        actions = np.stack([self._draw_legal(part) for part in parts], axis=-1)
        return actions.reshape(shape).astype(np.int32)

    def _draw_legal(self, masks: np.ndarray) -> np.ndarray:
        """Returns one legal choice per row of [E, K] masks; 0 where none is legal (an agent that is out)."""
        return np.argmax(np.where(masks, self._rng.random(masks.shape), -1.0), axis=1)
