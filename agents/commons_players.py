"""Scripted players of the commons: foragers that take all, foragers that leave enough, and cleaners.

They look at the full state and walk without turning (sidewards, backwards); chance decides between equally good steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Any, cast

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch
from games.commons import ACTIONS, CommonsConfig
from games.commons.maps import APPLE, RIVER, WALL, WASTE

STAY, CLEAN = ACTIONS.index("stay"), ACTIONS.index("clean")
TURN_RIGHT, TURN_LEFT = ACTIONS.index("turn_right"), ACTIONS.index("turn_left")
# Steps up, right, down and left on the map, as (row, column); and the action for each quarter turn away from ahead.
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))
WALKS = tuple(ACTIONS.index(name) for name in ("forward", "right", "backward", "left"))
NOWHERE = 255
# Of a random step, so that players who block each other part again.
SIDESTEP_PROBABILITY = 0.1


class _Country:
    """What never changes on a map: walking distances, and which apples are near which cells."""

    def __init__(self, config: CommonsConfig) -> None:
        self.terrain = config.ground.terrain
        self.height, self.width = self.terrain.shape
        self.is_open = (self.terrain != WALL).ravel()
        self.num_river = int((self.terrain == RIVER).sum())
        self.distances = np.stack([self._distances_from(cell) for cell in range(self.is_open.size)])
        rows, columns = np.divmod(np.arange(self.is_open.size), self.width)
        squared = (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
        self.is_near = (squared <= config.regrowth_distance) & (squared > 0)

    def _distances_from(self, start: int) -> np.ndarray:
        distances = np.full(self.is_open.size, np.iinfo(np.int32).max // 2, np.int32)
        if not self.is_open[start]:
            return distances
        distances[start] = 0
        queue = deque([start])
        while queue:
            cell = queue.popleft()
            for step in (-self.width, 1, self.width, -1):
                if self.is_open[cell + step] and distances[cell + step] > distances[cell] + 1:
                    distances[cell + step] = distances[cell] + 1
                    queue.append(cell + step)
        return distances


class _Scene:
    """One env as one agent sees it now; cells are numbered row by row."""

    def __init__(self, config: CommonsConfig, country: _Country, fields: dict[str, Any], me: int) -> None:
        self.config, self.country = config, country
        columns, rows = fields["positions"].astype(int).T
        self.is_out = bool(columns[me] == NOWHERE)
        self.here = int(rows[me] * country.width + columns[me])
        self.orientation = int(fields["orientations"][me])
        self.apples = (fields["items"] & APPLE).ravel() > 0
        self.waste = (fields["items"] & WASTE).ravel() > 0
        self.bodies = {int(row * country.width + column) for row, column in zip(rows, columns, strict=True)}

    def ahead(self, direction: int) -> int:
        return self.here + STEPS[direction][0] * self.country.width + STEPS[direction][1]

    def waste_share(self) -> float:
        return float(self.waste.sum()) / max(self.country.num_river, 1)

    def would_clean(self, direction: int) -> bool:
        """Whether the middle ray of a cleaning beam meets waste before it meets a wall or an agent."""
        cell, step = self.ahead(direction), self.ahead(direction) - self.here
        for _ in range(self.config.beam_length):
            if not self.country.is_open[cell] or self.waste[cell] or cell in self.bodies:
                return bool(self.waste[cell])
            cell += step
        return False


class _Player(GeneratorAlone, ABC):
    """Acts env by env with `_choose`."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._country: tuple[CommonsConfig, _Country] | None = None

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32."""
        config = cast(CommonsConfig, batch.config)
        if self._country is None or self._country[0] is not config:
            self._country = (config, _Country(config))
        _, me = find_agent(batch, agent)
        scenes = (_Scene(config, self._country[1], batch.fields(env), me) for env in range(batch.num_envs))
        return np.array([STAY if scene.is_out else self._choose(scene) for scene in scenes], np.int32)

    @abstractmethod
    def _choose(self, scene: _Scene) -> int:
        """Returns the number of the action."""

    def _walk(self, scene: _Scene, targets: np.ndarray, forbidden: np.ndarray) -> int:
        """Returns a step towards the nearest target, around bodies and forbidden cells; a stay where there is none."""
        ways = [
            direction
            for direction in range(4)
            if scene.country.is_open[cell := scene.ahead(direction)]
            and cell not in scene.bodies
            and not forbidden[cell]
        ]
        if not ways:
            return STAY
        if self._rng.random() < SIDESTEP_PROBABILITY:
            return self._step(scene, ways[int(self._rng.integers(len(ways)))])
        if not targets.any():
            return STAY
        gaps = [int(scene.country.distances[scene.ahead(direction)][targets].min()) for direction in ways]
        best = [direction for direction, gap in zip(ways, gaps, strict=True) if gap == min(gaps)]
        return self._step(scene, best[int(self._rng.integers(len(best)))])

    def _step(self, scene: _Scene, direction: int) -> int:
        return WALKS[(direction - scene.orientation) % 4]


class GreedyForager(_Player):
    """Walks to the nearest apple, whatever is left behind.

    Args:
        seed: Of the generator that chooses between equally good steps.
    """

    def _choose(self, scene: _Scene) -> int:
        return self._walk(scene, scene.apples, np.zeros_like(scene.apples))


class SustainableForager(_Player):
    """Eats only apples that have others near, so that something is left to grow from.

    Args:
        seed: Of the generator that chooses between equally good steps.
        min_near: Apples that must be near an apple before it is eaten.
    """

    def __init__(self, seed: int = 0, min_near: int = 2) -> None:
        super().__init__(seed)
        self.min_near = min_near

    def _choose(self, scene: _Scene) -> int:
        may_eat = scene.apples & (scene.country.is_near @ scene.apples.astype(np.int32) >= self.min_near)
        return self._walk(scene, may_eat, scene.apples & ~may_eat)


class Cleaner(GreedyForager):
    """Cleans the river while there is more waste in it than it tolerates, and forages otherwise.

    Args:
        seed: Of the generator that chooses between equally good steps.
        tolerated_waste: Share of waste in the river that it accepts.
    """

    def __init__(self, seed: int = 0, tolerated_waste: float = 0.1) -> None:
        super().__init__(seed)
        self.tolerated_waste = tolerated_waste

    def _choose(self, scene: _Scene) -> int:
        if scene.waste_share() <= self.tolerated_waste:
            return super()._choose(scene)
        turns = [turn for turn in (0, 1, 3, 2) if scene.would_clean((scene.orientation + turn) % 4)]
        if turns:
            return CLEAN if turns[0] == 0 else TURN_LEFT if turns[0] == 3 else TURN_RIGHT
        return self._walk(scene, scene.waste, np.zeros_like(scene.waste))
