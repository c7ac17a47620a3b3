"""Trash on a grid, after GMAH's. See README.md beside this file and trash.h for rules and observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

ACTIONS = ("forward", "left", "right", "pick up", "split", "put down")
STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # the cell in front as (row, column), by direction
GONE, SMALL, BIG = range(3)  # kinds of pieces
SIDE = 10  # cells
FIRST_ROW, LAST_ROW, LAST_COLUMN = 3, 7, 8  # where pieces may lie
BINS = tuple((row, column) for row in (8, 9) for column in range(6, 10))  # the recycling area
MAX_AGENTS, MAX_PIECES, MAX_CAPACITY = 5, 45, 9


@dataclass(frozen=True, kw_only=True, eq=False)
class TrashConfig(WorldConfig):
    """Settings of the map; the defaults are GMAH's where they are known."""

    world: ClassVar[str] = "trash"
    family: ClassVar[str] = "grid"

    num_agents: int = setting(3, low=1, high=MAX_AGENTS, doc="agents")
    num_small: int = setting(5, low=0, high=MAX_PIECES, doc="small pieces")
    num_big: int = setting(5, low=0, high=MAX_PIECES, doc="big pieces; 1 to 45 with the small ones")
    capacity: int = setting(3, low=1, high=MAX_CAPACITY, doc="pieces that an agent can carry")
    delivery_reward: float = setting(1.0, low=0, high=1000, doc="to everybody, for each piece delivered")
    split_reward: float = setting(0.1, low=0, high=1000, doc="to everybody, for each piece split")
    pick_up_reward: float = setting(0.0, low=0, high=1000, doc="to everybody, for each piece picked up")
    step_cost: float = setting(0.01, low=0, high=1000, doc="of everybody, in each step")
    horizon: int = setting(128, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.num_pieces <= MAX_PIECES:
            raise ValueError(f"num_small + num_big must be in [1, {MAX_PIECES}], got {self.num_pieces}")

    @property
    def num_pieces(self) -> int:
        """Pieces of both kinds."""
        return self.num_small + self.num_big

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return self.settings()

    def properties(self) -> GameProperties:
        """Returns a game of common interest."""
        delivered = min(self.num_agents * self.capacity, self.num_pieces)
        most = delivered * self.delivery_reward + min(self.num_agents, self.num_big) * self.split_reward
        most += min(self.num_agents, self.num_pieces) * self.pick_up_reward
        bounds = (-self.step_cost, most - self.step_cost)
        return GameProperties(self.num_agents, "simultaneous", "common", bounds, self.horizon)


register(EnvSpec("grid/trash_v0", TrashConfig, {}, "carry trash to the recycling area, big pieces split first"))

__all__ = ["ACTIONS", "BIG", "BINS", "GONE", "SIDE", "SMALL", "STEPS", "TrashConfig"]
