"""Scripted players who see a particle world as the sets of entities that observations are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.particles import CrowdConfig, EntityViews


class Viewer(Memoryless, ABC):
    """Plays for all agents of a group at once, each by nothing but its observation; absent ones do anything."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32 or [E, 5] float32."""
        name, me = find_agent(batch, agent)
        return self.act_group(batch, name)[:, me]

    def act_group(self, batch: Batch, name: str) -> np.ndarray:
        """Returns the actions of a group's agents, [E, P] int32 or [E, P, 5] float32.

        Args:
            batch: As the last reset or step left it.
            name: Of the group.
        """
        config, group = cast(CrowdConfig, batch.config), batch.groups[name]
        return self._act(config.layout.split(group.observations), group.alive == 1, config)

    @abstractmethod
    def _act(self, views: EntityViews, is_there: np.ndarray, config: CrowdConfig) -> np.ndarray:
        """Returns the actions.

        Args:
            views: Of the observations, [E, P, ...].
            is_there: [E, P].
            config: Of the world.
        """


def find_nearest(offsets: np.ndarray, is_eligible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which of many entities is nearest, [...], and how far it is; infinitely far where none is eligible.

    Args:
        offsets: [..., M, 2] from the viewer.
        is_eligible: [..., M].
    """
    if offsets.shape[-2] == 0:
        return np.zeros(offsets.shape[:-2], np.int64), np.full(offsets.shape[:-2], np.inf)
    distances = np.where(is_eligible, np.linalg.norm(offsets, axis=-1), np.inf)
    nearest = np.argmin(distances, axis=-1)
    return nearest, np.take_along_axis(distances, nearest[..., None], axis=-1)[..., 0]


def pick(rows: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Returns one row of each set: [..., F] of [..., M, F]; zeros of empty sets."""
    if rows.shape[-2] == 0:
        return np.zeros((*rows.shape[:-2], rows.shape[-1]))
    return np.take_along_axis(rows, index[..., None, None], axis=-2)[..., 0, :]
