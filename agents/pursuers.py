"""A scripted pursuer: all share one plan, which sends them around the evaders that are easiest to surround."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch
from games.pursuit import GONE, STEPS, PursuitConfig

FAR = 10_000  # cells


class _Town:
    """What never changes: walking distances between cells, numbered y W + x."""

    def __init__(self, config: PursuitConfig) -> None:
        self.width, self.height = config.x_size, config.y_size
        self.is_open = config.walls().ravel() == 0
        self.beside = np.full((self.is_open.size, len(STEPS)), -1)
        for cell in np.flatnonzero(self.is_open):
            for action, (dx, dy) in enumerate(STEPS):
                x, y = cell % self.width + dx, cell // self.width + dy
                if 0 <= x < self.width and 0 <= y < self.height and self.is_open[y * self.width + x]:
                    self.beside[cell, action] = y * self.width + x
        self.distances = np.stack([self._distances_from(cell) for cell in range(self.is_open.size)])

    def _distances_from(self, start: int) -> np.ndarray:
        distances = np.full(self.is_open.size, FAR)
        front, distance = np.array([start]), 0
        while front.size:
            distances[front] = distance
            distance += 1
            around = np.unique(self.beside[front])
            front = around[(around >= 0) & (distances[around] > distance)]
        return distances


class GreedyPursuer(GeneratorAlone):
    """Goes where the common plan sends it.

    The plan takes the evader whose free neighbouring cells the pursuers left over reach soonest, gives each of these
    cells its nearest pursuer, and goes on with the others. Who is needed nowhere goes to the nearest evader.

    Args:
        seed: Of the generator that chooses between equally good steps.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._town: tuple[PursuitConfig, _Town] | None = None

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the pursuer's actions, [E] int32."""
        config = cast(PursuitConfig, batch.config)
        if self._town is None or self._town[0] is not config:
            self._town = (config, _Town(config))
        _, me = find_agent(batch, agent)
        return np.array([self._act_in(batch.fields(env), config, me) for env in range(batch.num_envs)], np.int32)

    def _act_in(self, fields: dict[str, Any], config: PursuitConfig, me: int) -> int:
        assert self._town is not None
        town = self._town[1]
        pursuers = fields["pursuers"].astype(int) @ (1, town.width)
        evaders = [int(x) + int(y) * town.width for x, y in fields["evaders"] if x != GONE]
        target = _plan(town, pursuers, evaders, config).get(me)
        if target is None:
            return STEPS.index((0, 0))
        cells = town.beside[pursuers[me]]
        gaps = np.where(cells >= 0, town.distances[target][cells], FAR)
        best = np.flatnonzero(gaps == gaps.min())
        return int(best[self._rng.integers(len(best))])


def _plan(town: _Town, pursuers: np.ndarray, evaders: list[int], config: PursuitConfig) -> dict[int, int]:
    """Returns the cell that each pursuer should go to."""
    plan: dict[int, int] = {}
    idle, hunted = list(range(len(pursuers))), list(dict.fromkeys(evaders))
    while idle and hunted:
        teams = [_team(town, pursuers, idle, evader, config) for evader in hunted]
        costs = [max(town.distances[cell][pursuers[k]] for k, cell in team) if team else FAR for team in teams]
        best = int(np.argmin(costs))
        if costs[best] >= FAR:
            break
        plan.update(teams[best])
        idle = [k for k in idle if k not in plan]
        del hunted[best]
    for k in idle:
        if evaders:
            plan[k] = min(evaders, key=lambda evader, here=pursuers[k]: int(town.distances[evader][here]))  # type: ignore[misc]
    return plan


def _team(
    town: _Town, pursuers: np.ndarray, idle: list[int], evader: int, config: PursuitConfig
) -> list[tuple[int, int]]:
    """Returns (pursuer, cell) for all cells that must be taken, none where the pursuers left over are too few."""
    cells = (
        [int(cell) for cell in town.beside[evader][:4] if cell >= 0] if config.surround else [evader] * config.n_catch
    )
    if len(cells) > len(idle):
        return []
    free, team = list(idle), []
    for cell in cells:
        nearest = min(free, key=lambda k: int(town.distances[cell][pursuers[k]]))
        free.remove(nearest)
        team.append((nearest, cell))
    return team
