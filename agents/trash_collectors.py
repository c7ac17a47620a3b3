"""A scripted player for trash on a grid: splits, picks up and delivers what is nearest, each agent its own piece."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from agents.ways import Cell, ways_to
from games.batch import Batch
from games.trash import ACTIONS, BIG, BINS, GONE, SIDE, STEPS, TrashConfig

FORWARD, LEFT, RIGHT, PICK_UP, SPLIT, PUT_DOWN = range(len(ACTIONS))
TURNS = (LEFT, RIGHT, FORWARD)
SIDESTEP_PROBABILITY = 0.1  # so that agents in each other's way part again

Way = tuple[list[int], Any]


class TrashCollector(GeneratorAlone):
    """Goes for the piece that is its own, until it can carry no more, nothing is left for it, or time is short.

    Pieces are dealt out one by one: the agent with room that is nearest to any piece gets it, and so on. All work out
    the same deal. It then delivers everything at once.

    Args:
        seed: Of the generator that steps aside.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32."""
        config = cast(TrashConfig, batch.config)
        _, me = find_agent(batch, agent)
        return np.array([self._act_in(batch.fields(env), config, me) for env in range(batch.num_envs)], np.int32)

    def _act_in(self, fields: dict[str, Any], config: TrashConfig, me: int) -> int:
        way = _next_actions(fields, config, me)
        if way and (way[0] != FORWARD or self._rng.random() >= SIDESTEP_PROBABILITY):
            return way[0]
        return int(self._rng.choice(TURNS))


def _next_actions(fields: dict[str, Any], config: TrashConfig, me: int) -> list[int]:
    """Returns what agent `me` does to finish its next task; nothing where it has none or no way leads there."""
    kinds = {(int(row), int(column)): int(kind) for row, column, kind in fields["pieces"] if kind != GONE}
    load = int(fields["loads"][me])
    to_bin = min(_ways(fields, me, BINS, kinds).values(), key=_length, default=None)
    is_late = to_bin is not None and config.horizon - int(fields["timestep"]) <= _length(to_bin) + 2
    piece = None if load == config.capacity or (load and is_late) else _deal(fields, config, kinds).get(me)
    if piece is not None:
        cell, way = piece
        return [*way[0], SPLIT if kinds[cell] == BIG else PICK_UP]
    return [*to_bin[0], PUT_DOWN] if load and to_bin is not None else []


def _deal(fields: dict[str, Any], config: TrashConfig, kinds: dict[Cell, int]) -> dict[int, tuple[Cell, Way]]:
    """Returns the piece of each agent that has room, and the way there: the shortest way first."""
    offers = sorted(
        (_length(way), agent, cell, way)
        for agent in range(config.num_agents)
        if fields["loads"][agent] < config.capacity
        for cell, way in _ways(fields, agent, kinds, kinds).items()
    )
    dealt: dict[int, tuple[Cell, Way]] = {}
    taken: set[Cell] = set()
    for _, agent, cell, way in offers:
        if agent not in dealt and cell not in taken:
            dealt[agent] = (cell, way)
            taken.add(cell)
    return dealt


def _length(way: Way) -> int:
    return len(way[0])


def _ways(fields: dict[str, Any], agent: int, targets: Any, kinds: dict[Cell, int]) -> dict[Cell, Way]:
    places = [(int(row), int(column)) for row, column in fields["agents"]]
    others = {place for other, place in enumerate(places) if other != agent}
    closed = others | set(kinds) | set(BINS)

    def is_closed(cell: Cell) -> bool:
        return not (0 <= cell[0] < SIDE and 0 <= cell[1] < SIDE) or cell in closed

    return ways_to((*places[agent], int(fields["directions"][agent])), targets, is_closed, STEPS, TURNS)
