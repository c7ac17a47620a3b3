"""Slotted Aloha among neighbouring stations. See README.md beside this file and aloha.h for the rules."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

MAX_STATIONS = 64  # ALOHA_MAX_STATIONS
IDLE, SENT, FAILED, NOISE = range(4)  # AlohaOutcome, in the field `outcomes`


@dataclass(frozen=True, kw_only=True, eq=False)
class AlohaConfig(WorldConfig):
    """Settings of slotted Aloha; defaults are those of the releases of MACO and of Chen and Zhang 2023.

    Attributes:
        conflicts: Pairs of stations that disturb each other. None: those beside each other on a grid.
    """

    world: ClassVar[str] = "aloha"
    family: ClassVar[str] = "coordination"

    num_agents: int = setting(10, low=1, high=MAX_STATIONS, doc="stations")
    columns: int = setting(5, low=1, high=MAX_STATIONS, doc="stations in a row of the grid")
    wraps: bool = setting(
        True, doc="whether the last station of a row disturbs the first of the next, as in the releases"
    )
    conflicts: Any = setting(None, doc="pairs of stations that disturb each other; None: neighbours on the grid")
    capacity: int = setting(5, low=1, high=255, doc="packets that a station can hold")
    start_backlog: int = setting(1, low=0, high=255, doc="packets of each station at the start, at most the capacity")
    arrival: float = setting(0.6, low=0, high=1, doc="probability that a station receives a packet in a step")
    success_reward: float = setting(0.1, low=-1e6, high=1e6, doc="to the team for each packet that gets through")
    collision_penalty: float = setting(
        10.0, low=-1e6, high=1e6, live=True, doc="off the team for each packet that fails"
    )
    mask_empty: bool = setting(False, doc="whether a station without a packet may only idle")
    shows_last: bool = setting(False, doc="whether a station sees if it sent in the last step")
    shows_parity: bool = setting(False, doc="whether a station sees if the number of the step is odd")
    horizon: int = setting(20, low=1, high=(2**31 - 1) // MAX_STATIONS, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start_backlog > self.capacity:
            raise ValueError(f"start_backlog must be at most the capacity, {self.capacity}, got {self.start_backlog}")
        self.neighbours()

    def neighbours(self) -> np.ndarray:
        """Returns [N, N] uint8, 1 where two stations disturb each other.

        Raises:
            ValueError: `conflicts` are no pairs of different stations.
        """
        flags = np.zeros((self.num_agents, self.num_agents), np.uint8)
        pairs = np.array(self._grid_pairs() if self.conflicts is None else self._given_pairs(), np.int64).reshape(-1, 2)
        flags[pairs[:, 0], pairs[:, 1]] = flags[pairs[:, 1], pairs[:, 0]] = 1
        return flags

    def _grid_pairs(self) -> list[tuple[int, int]]:
        count, columns = self.num_agents, self.columns
        # On a single column the station ahead is the one below, whichever way a row ends.
        ahead = [(i, i + 1) for i in range(count - 1) if self.wraps or (i + 1) % columns]
        return ahead + [(i, i + columns) for i in range(count - columns)]

    def _given_pairs(self) -> np.ndarray:
        try:
            pairs = np.asarray(self.conflicts)
        except ValueError:  # rows of different lengths
            pairs = np.zeros(0)
        if pairs.size == 0 and isinstance(self.conflicts, list | tuple | np.ndarray) and len(self.conflicts) == 0:
            return np.zeros((0, 2), np.int64)
        is_right = pairs.ndim == 2 and pairs.shape[1] == 2 and pairs.dtype.kind in "iu"
        if not is_right or (pairs < 0).any() or (pairs >= self.num_agents).any() or (pairs[:, 0] == pairs[:, 1]).any():
            raise ValueError(
                f"conflicts must be pairs of different stations in [0, {self.num_agents - 1}], "
                f"got {reprlib.repr(self.conflicts)}"
            )
        return pairs

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        fields = self.settings()
        for name in ("columns", "wraps", "conflicts"):
            del fields[name]
        flags = {name: int(fields[name]) for name in ("mask_empty", "shows_last", "shows_parity")}
        return {**fields, **flags, "neighbours": self.neighbours().reshape(-1)}

    def properties(self) -> GameProperties:
        """Returns common interest: the team is paid."""
        each = (0.0, self.success_reward, -self.collision_penalty)
        bounds = (float(self.num_agents * min(each)), float(self.num_agents * max(each)))
        return GameProperties(self.num_agents, "simultaneous", "common", bounds, self.horizon)


register(
    EnvSpec(
        "coordination/aloha_v0",
        AlohaConfig,
        {},
        "ten stations share a channel: neighbours that send at once lose far more than a packet is worth",
    )
)

__all__ = ["FAILED", "IDLE", "MAX_STATIONS", "NOISE", "SENT", "AlohaConfig"]
