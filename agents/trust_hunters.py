"""Scripted players of the trust dilemma: one who hunts the stag, trusting the other, and one who gathers plants.

Both look at their observation alone, which shows the full state, and keep no memory; chance decides only between
equally good steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import cast

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch
from games.trust import ACTIONS, TrustConfig

MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (0, 0)])  # x, y of each action
LEFT, DOWN, RIGHT, UP, STAND = range(len(ACTIONS))
FAR = 1 << 16  # more than any sum of distances


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns the steps between cells, [..., 2] each."""
    return np.abs(a - b).sum(axis=-1)


@dataclass(frozen=True)
class _Scenes:
    """Some envs as one agent sees them now: cells are x and y.

    Attributes:
        config: Of the world.
        here: [n, 2] where the agent is.
        other: [n, 2] where the other one is.
        stag: [n, 2].
        plants: [n, H * W] bool: where plants are, row by row.
    """

    config: TrustConfig
    here: np.ndarray
    other: np.ndarray
    stag: np.ndarray
    plants: np.ndarray

    @classmethod
    def seen(cls, config: TrustConfig, observations: np.ndarray) -> _Scenes:
        """Reads observations of either kind, [n, ...] uint8."""
        num, width, num_cells = len(observations), config.width, config.width * config.height
        if config.observation == "coordinates":
            pairs = observations.reshape(num, -1, 2).astype(np.int64)
            plants = np.zeros((num, num_cells), bool)
            np.put_along_axis(plants, pairs[:, 3:, 1] * width + pairs[:, 3:, 0], True, axis=1)
            return cls(config, pairs[:, 0], pairs[:, 1], pairs[:, 2], plants)
        layers = observations.reshape(num, num_cells, -1).astype(bool)
        here, other, stag = (np.stack(divmod(layers[:, :, i].argmax(axis=1), width)[::-1], axis=-1) for i in range(3))
        return cls(config, here, other, stag, layers[:, :, 3])

    def cells(self) -> np.ndarray:
        """[H * W, 2] all cells, row by row."""
        rows, columns = np.divmod(np.arange(self.config.width * self.config.height), self.config.width)
        return np.stack([columns, rows], axis=-1)

    def after(self, cells: np.ndarray) -> np.ndarray:
        """[n, 5, 2] where each action leads from a cell; the border stops it."""
        moved = cells[:, None] + MOVES
        return np.clip(moved, 0, [self.config.width - 1, self.config.height - 1])

    def dangers(self) -> tuple[np.ndarray, np.ndarray]:
        """[n, 4, 2] where the stag's moves lead, and [n, 4] bool whether it may make them now."""
        moved = self.after(self.stag)[:, :STAND]
        inside = (moved != self.stag[:, None]).any(axis=-1)
        if self.config.follow_probability < 1:
            return moved, inside
        agents = np.stack([self.here, self.other], axis=1)  # [n, 2, 2]
        gaps = ((agents - self.stag[:, None]) ** 2).sum(axis=-1)
        nearest = gaps == gaps.min(axis=1, keepdims=True)
        nearer = _distance(moved[:, :, None], agents[:, None]) < _distance(self.stag[:, None], agents)[:, None]
        stands_on_one = gaps.min(axis=1) == 0
        return moved, inside & (stands_on_one[:, None] | (nearer & nearest[:, None]).any(axis=-1))


class _Player(GeneratorAlone, ABC):
    """Acts in every env by `_values`: the larger, the better an action; chance among the best."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32."""
        return self.act_rows(batch, agent, np.arange(batch.num_envs))

    def act_rows(self, batch: Batch, agent: str, envs: np.ndarray) -> np.ndarray:
        """Returns the agent's actions in some envs, [n] int32."""
        name, me = find_agent(batch, agent)
        scenes = _Scenes.seen(cast(TrustConfig, batch.config), batch.groups[name].observations[envs, me])
        values = self._values(scenes)
        best = values == values.max(axis=1, keepdims=True)
        which = self._rng.integers(best.sum(axis=1))
        return (best.cumsum(axis=1) > which[:, None]).argmax(axis=1).astype(np.int32)

    @abstractmethod
    def _values(self, scenes: _Scenes) -> np.ndarray:
        """Returns the worth of each action, [n, 5]: the largest is chosen."""


class StagHunter(_Player):
    """Meets the other agent and meets the stag together with it, whatever a stag does to those who are alone.

    The meeting place is the cell that both reach soonest, the nearest to the stag among equals: both can work it out.
    Where both stand, they go to the stag on the way that both would take, and let it come when it is beside them.

    Args:
        seed: Of the generator that chooses between equally good steps.
    """

    def _values(self, scenes: _Scenes) -> np.ndarray:
        here, stag, cells = scenes.here, scenes.stag, scenes.cells()
        of_both = np.maximum(*(_distance(cells, agent[:, None]) for agent in (here, scenes.other)))
        place = cells[(of_both * FAR + _distance(cells, stag[:, None])).argmin(axis=1)]
        to_place = -_distance(scenes.after(here), place[:, None])
        apart = (here != scenes.other).any(axis=1, keepdims=True)
        return np.where(apart, to_place, np.eye(len(ACTIONS), dtype=int)[_towards(here, stag)])


def _towards(here: np.ndarray, stag: np.ndarray) -> np.ndarray:
    """[n] the action on the longer way to the stag, or to stand where it is beside."""
    dx, dy = (stag - here).T
    along_x, along_y = np.where(dx > 0, RIGHT, LEFT), np.where(dy > 0, DOWN, UP)
    return np.where(np.abs(dx) + np.abs(dy) <= 1, STAND, np.where(np.abs(dx) >= np.abs(dy), along_x, along_y))


class PlantGatherer(_Player):
    """Walks to the nearest plant and keeps clear of every cell that the stag may step on.

    Args:
        seed: Of the generator that chooses between equally good steps.
    """

    def _values(self, scenes: _Scenes) -> np.ndarray:
        reached = scenes.after(scenes.here)  # [n, 5, 2]
        far = np.where(scenes.plants[:, None], _distance(reached[:, :, None], scenes.cells()), FAR)  # [n, 5, H * W]
        to_plant = np.where(scenes.plants.any(axis=1, keepdims=True), far.min(axis=-1), 0)
        moved, may = scenes.dangers()
        meets = (reached[:, :, None] == moved[:, None]).all(axis=-1)  # [n, 5, 4]
        size = scenes.config.width + scenes.config.height
        return -to_plant - size * (meets & may[:, None]).any(axis=-1)
