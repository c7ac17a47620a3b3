"""A scripted player of level-based foraging: alone to what it can load alone, with all others to what it cannot."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch
from games.foraging import ACTIONS, ForagingConfig

# (row, column) of the four walks, in the order of their actions from 1 on.
WALKS = ((-1, 0), (1, 0), (0, -1), (0, 1))
NONE, LOAD = ACTIONS.index("none"), ACTIONS.index("load")
# Of a random walk, so that players in each other's way part again.
SIDESTEP_PROBABILITY = 0.1


class LevelForager(GeneratorAlone):
    """Goes for the nearest food that its own level suffices for; else for the one that all reach soonest together.

    It looks at the full state, whatever its sight. All work out the same common food, so they meet at it.

    Args:
        seed: Of the generator that chooses between equally good steps.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the player's actions, [E] int32."""
        config = cast(ForagingConfig, batch.config)
        _, me = find_agent(batch, agent)
        return np.array([self._act_in(config, batch.fields(env), me) for env in range(batch.num_envs)], np.int32)

    def _act_in(self, config: ForagingConfig, fields: dict[str, Any], me: int) -> int:
        players, foods = fields["players"].astype(int), fields["foods"].astype(int)
        foods = foods[foods[:, 2] > 0]
        target = _choose_food(players, foods, me)
        if target is None:
            return NONE
        here = players[me, :2]
        if np.abs(here - target).sum() == 1:
            return LOAD
        taken = {(int(row), int(column)) for row, column, _ in np.concatenate([players, foods])}
        ways = [
            (int(np.abs(cell - target).sum()), 1 + direction)
            for direction, step in enumerate(WALKS)
            if _is_free(cell := here + step, config, taken)
        ]
        if not ways:
            return NONE
        nearest = min(gap for gap, _ in ways)
        if self._rng.random() >= SIDESTEP_PROBABILITY:
            ways = [way for way in ways if way[0] == nearest]
        return ways[int(self._rng.integers(len(ways)))][1]


def _choose_food(players: np.ndarray, foods: np.ndarray, me: int) -> np.ndarray | None:
    """Returns row and column of the food to go for; None where all of them together could load none."""
    gaps = np.abs(players[:, None, :2] - foods[None, :, :2]).sum(axis=2)
    alone = np.flatnonzero(foods[:, 2] <= players[me, 2])
    if alone.size:
        return foods[alone[gaps[me, alone].argmin()], :2]
    together = np.flatnonzero(foods[:, 2] <= players[:, 2].sum())
    if together.size:
        return foods[together[gaps[:, together].sum(axis=0).argmin()], :2]
    return None


def _is_free(cell: np.ndarray, config: ForagingConfig, taken: set[tuple[int, int]]) -> bool:
    row, column = int(cell[0]), int(cell[1])
    return 0 <= row < config.rows and 0 <= column < config.columns and (row, column) not in taken
