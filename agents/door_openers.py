"""A scripted player for door and key: fetches the key, opens the door and goes to the goal, by the shortest ways."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from agents.ways import Cell, Place, ways_to
from games.batch import Batch
from games.door_key import ACTIONS, CARRIED, CLOSED, OPEN, STEPS, DoorKeyConfig

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE, DONE = range(len(ACTIONS))


class DoorOpener(GeneratorAlone):
    """Takes the shortest way to what has to be done next.

    That is the goal where a way leads to it; else, for whoever has the key or finds the door unlocked, the door; else
    the key. Of several agents only the one who is nearest does it, the lower number first, and the key is fetched by
    somebody who can then get to the door. The others wander, so that nobody blocks a corridor for ever; whoever has the
    key and no way to the door drops it at times, for another.

    Args:
        seed: Of the generator that wanders.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32."""
        config = cast(DoorKeyConfig, batch.config)
        _, me = find_agent(batch, agent)
        return np.array([self._act_in(batch.fields(env), config, me) for env in range(batch.num_envs)], np.int32)

    def _act_in(self, fields: dict[str, Any], config: DoorKeyConfig, me: int) -> int:
        for to_door in (True, False):
            ways = [_next_task(fields, config, agent, to_door) for agent in range(config.num_agents)]
            if any(ways):
                nearest = min((len(way), agent) for agent, way in enumerate(ways) if way)[1]
                if nearest == me:
                    return ways[me][0]
                break
        if config.num_agents == 1:
            return DONE
        is_stuck = fields["has_key"][me] and not any(ways)
        return int(self._rng.choice([LEFT, RIGHT, FORWARD, DROP] if is_stuck else [LEFT, RIGHT, FORWARD]))


def _next_task(fields: dict[str, Any], config: DoorKeyConfig, agent: int, to_door: bool) -> list[int]:
    """Returns the actions of the shortest way to an agent's next task; none where it has nothing to do.

    With `to_door` the key is a task only where a way leads on from it to the door.
    """
    places: list[Cell] = [(int(x), int(y)) for x, y in fields["positions"]]
    start = (*places[agent], int(fields["directions"][agent]))
    door = (int(fields["split"]), int(fields["door_y"]))
    goal, key = ((int(x), int(y)) for x, y in (fields["goal"], fields["key"]))
    taken = {place for other, place in enumerate(places) if other != agent}
    side = config.size - 1
    walls = {(x, y) for x in range(side + 1) for y in range(side + 1) if {x, y} & {0, side} or x == door[0]}
    closed = (walls - {door} if fields["door"] == OPEN else walls) | taken
    way, _ = _shortest(start, goal, (closed | {key}) - {goal}, FORWARD)
    if way:
        return way
    if fields["has_key"][agent] or fields["door"] == CLOSED:
        return _shortest(start, door, closed | {key}, TOGGLE)[0]
    if key == (CARRIED, CARRIED):
        return []
    way, place = _shortest(start, key, closed, PICK_UP)
    return way if not to_door or _shortest(place, door, closed, TOGGLE)[0] else []


def _shortest(start: Place, target: Cell, closed: set[Cell], last: int) -> tuple[list[int], Place]:
    """Returns the fewest actions that face the target and then do `last`, and the place where that is done.

    No actions where no way leads there.
    """
    way, place = ways_to(start, [target], closed.__contains__, STEPS, (LEFT, RIGHT, FORWARD)).get(target, (None, start))
    return ([] if way is None else [*way, last]), place
