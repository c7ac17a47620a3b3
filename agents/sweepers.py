"""A scripted robot for sweeping the floor: both go to the same wanted cube, sweep it, and dump once at the end."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.sweep import IN_PAN, ON_FLOOR, SweepConfig

ALICE, BOB = range(2)


class Sweeper(Memoryless):
    """Does its part of the shortest plan: k wanted cubes take 2 k + 1 steps."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the robot's actions, [E] int32."""
        config = cast(SweepConfig, batch.config)
        _, me = find_agent(batch, agent)
        return np.array([_choose(batch.fields(env), config, me) for env in range(batch.num_envs)], np.int32)


def _choose(fields: dict[str, Any], config: SweepConfig, me: int) -> int:
    cubes, places, num = fields["cubes"], [int(place) for place in fields["places"]], len(config.cubes)
    wanted = np.flatnonzero(config.wanted & (cubes == ON_FLOOR)).tolist()
    wait, first_move, first_sweep, dump = 0, 1, 1 + num, 1 + 2 * num
    if not wanted:
        return dump if me == ALICE and IN_PAN in cubes else wait
    target = next((place for place in places if place in wanted), wanted[0])
    if places[me] != target:
        return first_move + target
    return first_sweep + target if me == BOB and places[ALICE] == target else wait
