"""Sweep the floor. See README.md beside this file and sweep.h for the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

ROBOTS = ("Alice", "Bob")  # in the order of a batch's agents
ON_FLOOR, IN_PAN, IN_BIN = range(3)  # of the field `cubes`
START, BIN = 254, 255  # of the field `places`, beside the cubes' numbers
WANTED_COLOURS = ("yellow", "green")

# The cubes of the largest level are those of the paper's released prompts, in their order; smaller levels leave out or
# recolour some of them.
LEVELS: dict[str, tuple[str, ...]] = {
    "y1_g1": ("green_1", "yellow_1", "blue_1", "pink_1", "red_1", "blue_2", "pink_2"),
    "y1_g2": ("green_1", "yellow_1", "blue_1", "pink_1", "green_2", "red_1", "blue_2"),
    "y2_g2": ("green_1", "yellow_1", "blue_1", "pink_1", "green_2", "yellow_2", "red_1"),
    "y2_g3": ("green_1", "yellow_1", "blue_1", "pink_1", "green_2", "yellow_2", "red_1", "green_3", "blue_2"),
    "y3_g3": ("green_1", "yellow_1", "blue_1", "pink_1", "green_2", "yellow_2", "red_1", "green_3", "yellow_3"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepConfig(WorldConfig):
    """Settings of a floor with cubes."""

    world: ClassVar[str] = "sweep"
    family: ClassVar[str] = "cooperation"

    level: str = setting("y3_g3", choices=tuple(LEVELS), doc="how many yellow and green cubes have to be cleared")
    horizon: int = setting(15, low=1, high=2**31 - 1, doc="steps of an episode")

    @property
    def cubes(self) -> tuple[str, ...]:
        """Names of the cubes, in the order of the field `cubes`."""
        return LEVELS[self.level]

    @property
    def wanted(self) -> np.ndarray:
        """[n] uint8: 1 for a cube that has to be cleared."""
        return np.array([name.split("_")[0] in WANTED_COLOURS for name in self.cubes], np.uint8)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {"wanted": self.wanted, "horizon": self.horizon}

    def properties(self) -> GameProperties:
        """Returns common interest: the team is paid."""
        return GameProperties(len(ROBOTS), "simultaneous", "common", (0.0, 1.0), self.horizon)


register(EnvSpec("cooperation/sweep_v0", SweepConfig, {}, "a dustpan and a broom clear six of nine cubes"))

__all__ = ["BIN", "IN_BIN", "IN_PAN", "LEVELS", "ON_FLOOR", "ROBOTS", "START", "SweepConfig"]
