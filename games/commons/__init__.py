"""Commons on a grid: harvest and cleanup. See README.md beside this file and commons.h for the observations."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from games.commons.maps import Map, MapError, map_names, read_map
from games.config import GameProperties, WorldConfig, is_of_kind, setting
from games.spec import EnvSpec, register

GAMES = ("harvest", "cleanup")
ACTIONS = ("left", "right", "forward", "backward", "stay", "turn_right", "turn_left", "fire", "clean")
MAX_REGROWTH = 25  # entries of regrowth_probabilities


@dataclass(frozen=True, kw_only=True, eq=False)
class CommonsConfig(WorldConfig):
    """Settings of a commons game.

    Attributes:
        regrowth_probabilities: Of an apple in a step, by the number of apples near; the last one for more.
    """

    world: ClassVar[str] = "commons"
    family: ClassVar[str] = "grid"

    game: str = setting("harvest", choices=GAMES, doc="what makes apples grow: other apples, or a clean river")
    map: str = setting("harvest", doc="a shipped map's name, or the text of one (games/commons/maps.py)")
    num_agents: int = setting(5, low=1, high=32, doc="agents; the map needs as many P")
    view_ahead: int = setting(7, low=0, high=24, doc="cells seen ahead")
    view_behind: int = setting(7, low=0, high=24, doc="cells seen behind")
    view_side: int = setting(7, low=0, high=24, doc="cells seen to either side")
    regrowth_probabilities: Any = setting(
        (0.0, 0.005, 0.02, 0.05), doc="harvest: of an apple in a step, by the number of apples near; the last for more"
    )
    regrowth_distance: int = setting(2, low=1, high=8, doc="harvest: squared distance up to which apples are near")
    apple_probability: float = setting(0.05, low=0, high=1, doc="cleanup: of an apple, where the river is clean")
    waste_probability: float = setting(0.5, low=0, high=1, doc="cleanup: of waste, tried for each clean river cell")
    depletion_threshold: float = setting(
        0.4, low=0, high=2, doc="cleanup: share of waste in the river from which on nothing grows or comes"
    )
    restoration_threshold: float = setting(
        0.0, low=0, high=1, doc="cleanup: share of waste up to which apples grow at their full rate"
    )
    apple_reward: float = setting(1.0, low=-1e6, high=1e6, doc="for eating an apple")
    fire_reward: float = setting(-1.0, low=-1e6, high=1e6, doc="for firing a beam")
    hit_reward: float = setting(-50.0, low=-1e6, high=1e6, doc="for being hit, for each beam")
    clean_reward: float = setting(0.0, low=-1e6, high=1e6, doc="for each cell cleaned")
    beam_length: int = setting(5, low=0, high=64, doc="cells")
    beam_width: int = setting(3, low=1, high=9, doc="cells, odd")
    hits_to_timeout: int = setting(1, low=1, high=2**20, doc="hits after which an agent leaves the map")
    timeout_steps: int = setting(0, low=0, high=2**20, doc="steps that it is away; 0: nobody leaves")
    horizon: int = setting(1000, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._regrowth()
        if self.beam_width % 2 == 0:
            raise ValueError(f"beam_width must be odd, got {self.beam_width}")
        if not self.restoration_threshold < self.depletion_threshold:
            raise ValueError(
                "restoration_threshold must be below depletion_threshold, "
                f"got {self.restoration_threshold:g} and {self.depletion_threshold:g}"
            )
        if len(self.ground.spawn_cells) < self.num_agents:
            raise MapError(f"map: {self.num_agents} agents need as many P, there are {len(self.ground.spawn_cells)}")

    @cached_property
    def ground(self) -> Map:
        """The map that `map` stands for."""
        return read_map(self.map)

    def _regrowth(self) -> np.ndarray:
        given: Any = self.regrowth_probabilities
        is_list = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
        is_right = is_list and all(is_of_kind(entry, float) and 0 <= entry <= 1 for entry in given)
        if not is_right or not 1 <= len(given) <= MAX_REGROWTH:
            raise ValueError(
                f"regrowth_probabilities must be 1 to {MAX_REGROWTH} numbers in [0, 1], got {reprlib.repr(given)}"
            )
        return np.array(given, np.float64)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        fields = {name: value for name, value in self.settings().items() if name != "map"}
        height, width = self.ground.terrain.shape
        return {
            **fields,
            "game": GAMES.index(self.game),
            "regrowth_probabilities": self._regrowth(),
            "width": width,
            "height": height,
            "terrain": self.ground.terrain.reshape(-1),
            "start_items": self.ground.items.reshape(-1),
            "spawn_cells": self.ground.spawn_cells,
        }

    def properties(self) -> GameProperties:
        """Returns a general-sum game: a step brings at most an apple, an own beam and a hit by each other agent."""
        others = self.num_agents - 1
        own = [self.fire_reward]
        if self.game == "cleanup":
            own.append(self.beam_width * self.clean_reward)
        parts = [[0.0, self.apple_reward], [0.0, *own], [0.0, others * self.hit_reward]]
        bounds = (float(sum(map(min, parts))), float(sum(map(max, parts))))
        return GameProperties(self.num_agents, "simultaneous", "general", bounds, self.horizon)


register(
    EnvSpec("grid/harvest_v0", CommonsConfig, {}, "a common pool: who eats the last apple of a patch ends it; fines")
)
register(
    EnvSpec(
        "grid/cleanup_v0",
        CommonsConfig,
        {"game": "cleanup", "map": "cleanup"},
        "a public good: apples grow only while somebody cleans the river; fines",
    )
)
register(
    EnvSpec(
        "grid/commons_v0",
        CommonsConfig,
        {
            "regrowth_probabilities": (0.0, 0.01, 0.01, 0.05, 0.05, 0.1),
            "regrowth_distance": 4,
            "fire_reward": 0.0,
            "hit_reward": 0.0,
            "timeout_steps": 25,
            "view_ahead": 20,
            "view_behind": 0,
            "view_side": 10,
        },
        "the common pool where beams send agents away for 25 steps instead of fining them",
    )
)

__all__ = ["ACTIONS", "GAMES", "CommonsConfig", "Map", "MapError", "map_names", "read_map"]
