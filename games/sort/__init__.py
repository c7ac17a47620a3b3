"""Sort cubes. See README.md beside this file and sort.h for the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

ROBOTS = ("Alice", "Bob", "Chad")  # in the order of a batch's agents
CUBES = {"blue_square": 2, "pink_polygon": 4, "yellow_trapezoid": 6}  # the panel, from 1, where each belongs
NUM_PANELS = 7
REACH = {"Alice": (1, 2, 3), "Bob": (3, 4, 5), "Chad": (5, 6, 7)}  # panels from 1

# Panels, from 1, of the blue, pink and yellow cube. The last level is the paper's; the others, of which it shows
# pictures only, are ours, chosen to need 1, 2, 2 and 3 steps.
LEVELS: dict[str, tuple[int, int, int]] = {
    "sort1": (3, 5, 7),
    "sort2": (5, 3, 7),
    "sort3": (5, 1, 7),
    "sort4": (7, 1, 3),
    "sort5": (7, 3, 1),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class SortConfig(WorldConfig):
    """Settings of a line of panels."""

    world: ClassVar[str] = "sort"
    family: ClassVar[str] = "cooperation"

    level: str = setting("sort5", choices=tuple(LEVELS), doc="where the cubes lie at the start")
    horizon: int = setting(15, low=1, high=2**31 - 1, doc="steps of an episode")

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {"starts": np.array(LEVELS[self.level], np.uint8) - np.uint8(1), "horizon": self.horizon}

    def properties(self) -> GameProperties:
        """Returns common interest: the team is paid."""
        bound = float(len(CUBES))
        return GameProperties(len(ROBOTS), "simultaneous", "common", (-bound, bound), self.horizon)


register(EnvSpec("cooperation/sort_v0", SortConfig, {}, "three robots in a line pass cubes on to their panels"))

__all__ = ["CUBES", "LEVELS", "NUM_PANELS", "REACH", "ROBOTS", "SortConfig"]
