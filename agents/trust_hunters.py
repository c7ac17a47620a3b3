"""Scripted players of the trust dilemma: one who hunts the stag, trusting the other, and one who gathers plants.

Both look at the full state and keep no memory; chance decides only between equally good steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import product
from typing import Any, cast

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch
from games.trust import ACTIONS, TrustConfig

Cell = tuple[int, int]

STEPS: dict[str, Cell] = {"left": (-1, 0), "down": (0, 1), "right": (1, 0), "up": (0, -1), "stand": (0, 0)}


def _distance(a: Cell, b: Cell) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


class _Scene:
    """One env as one agent sees it now."""

    def __init__(self, config: TrustConfig, fields: dict[str, Any], me: int) -> None:
        self.config = config
        agents = [_cell(position) for position in fields["agents"]]
        self.here, self.other = agents[me], agents[1 - me]
        self.stag = _cell(fields["stag"])
        self.plants = [_cell(plant) for plant in fields["plants"]]

    def cells(self) -> list[Cell]:
        return [(x, y) for y, x in product(range(self.config.height), range(self.config.width))]

    def after(self, cell: Cell, action: str) -> Cell:
        """Where an action leads; the border stops it."""
        x, y = cell[0] + STEPS[action][0], cell[1] + STEPS[action][1]
        return (x, y) if 0 <= x < self.config.width and 0 <= y < self.config.height else cell

    def stag_may_go_to(self) -> set[Cell]:
        """Where the stag can be when this step's rewards are given."""
        moves = [self.after(self.stag, action) for action in ACTIONS[:4]]
        inside = {cell for cell in moves if cell != self.stag}
        if self.config.follow_probability < 1:
            return inside
        gaps = {
            agent: (agent[0] - self.stag[0]) ** 2 + (agent[1] - self.stag[1]) ** 2 for agent in (self.here, self.other)
        }
        nearest = [agent for agent, gap in gaps.items() if gap == min(gaps.values())]
        closer = {cell for cell in inside for agent in nearest if _distance(cell, agent) < _distance(self.stag, agent)}
        return inside if self.stag in nearest else closer


def _cell(position: np.ndarray) -> Cell:
    return int(position[0]), int(position[1])


class _Player(GeneratorAlone, ABC):
    """Acts in every env by `_values`: the larger, the better an action; chance among the best."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32."""
        config = cast(TrustConfig, batch.config)
        _, me = find_agent(batch, agent)
        scenes = (_Scene(config, batch.fields(env), me) for env in range(batch.num_envs))
        return np.array([self._choose(self._values(scene)) for scene in scenes], np.int32)

    @abstractmethod
    def _values(self, scene: _Scene) -> list[float]:
        """Returns the worth of each action: the largest is chosen."""

    def _choose(self, values: list[float]) -> int:
        best = [action for action, value in enumerate(values) if value == max(values)]
        return best[int(self._rng.integers(len(best)))]


class StagHunter(_Player):
    """Meets the other agent and meets the stag together with it, whatever a stag does to those who are alone.

    The meeting place is the cell that both reach soonest, the nearest to the stag among equals: both can work it out.
    Where both stand, they go to the stag on the way that both would take, and let it come when it is beside them.

    Args:
        seed: Of the generator that chooses between equally good steps.
    """

    def _values(self, scene: _Scene) -> list[float]:
        if scene.here != scene.other:
            place = min(
                scene.cells(),
                key=lambda cell: (
                    max(_distance(cell, scene.here), _distance(cell, scene.other)),
                    _distance(cell, scene.stag),
                ),
            )
            return [-_distance(scene.after(scene.here, action), place) for action in ACTIONS]
        if _distance(scene.here, scene.stag) <= 1:
            return [float(action == "stand") for action in ACTIONS]
        dx, dy = scene.stag[0] - scene.here[0], scene.stag[1] - scene.here[1]
        along_x, along_y = ("right" if dx > 0 else "left"), ("down" if dy > 0 else "up")
        return [float(action == (along_x if abs(dx) >= abs(dy) else along_y)) for action in ACTIONS]


class PlantGatherer(_Player):
    """Walks to the nearest plant and keeps clear of every cell that the stag may step on.

    Args:
        seed: Of the generator that chooses between equally good steps.
    """

    def _values(self, scene: _Scene) -> list[float]:
        danger = scene.stag_may_go_to()
        return [self._value(scene, scene.after(scene.here, action), danger) for action in ACTIONS]

    def _value(self, scene: _Scene, cell: Cell, danger: set[Cell]) -> float:
        size = scene.config.width + scene.config.height
        return -min((_distance(cell, plant) for plant in scene.plants), default=0) - size * (cell in danger)
