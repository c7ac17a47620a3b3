"""Level-based foraging. See README.md beside this file and foraging.h for the observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

OBSERVATIONS = ("vector", "grid")
ACTIONS = ("none", "north", "south", "west", "east", "load")


@dataclass(frozen=True, kw_only=True, eq=False)
class ForagingConfig(WorldConfig):
    """Settings of a field; defaults are those of lbforaging's registered environments."""

    world: ClassVar[str] = "foraging"
    family: ClassVar[str] = "grid"

    rows: int = setting(8, low=5, high=32, doc="rows")
    columns: int = setting(8, low=5, high=32, doc="columns")
    num_players: int = setting(2, low=1, high=16, doc="players")
    num_foods: int = setting(2, low=1, high=16, doc="foods, fewer where they do not fit")
    min_player_level: int = setting(1, low=1, high=80, doc="lowest level of a player")
    max_player_level: int = setting(2, low=1, high=80, doc="highest level of a player")
    min_food_level: int = setting(1, low=1, high=240, doc="lowest level of a food")
    max_food_level: int | None = setting(
        None, low=1, high=240, doc="highest level of a food; None: the sum of the three lowest players' levels"
    )
    force_coop: bool = setting(False, doc="whether all food has the highest level")
    sight: int = setting(8, low=1, high=32, doc="cells seen to each side")
    normalize_reward: bool = setting(True, doc="whether the rewards of an episode sum to 1 at most")
    observe_agent_levels: bool = setting(True, doc="whether players see levels of players")
    penalty: float = setting(0.0, low=0, high=1e6, doc="taken from each who loads in vain")
    observation: str = setting("vector", choices=OBSERVATIONS, doc="what players see (foraging.h)")
    horizon: int = setting(50, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_player_level > self.max_player_level:
            raise ValueError(
                "min_player_level must be at most max_player_level, "
                f"got {self.min_player_level} and {self.max_player_level}"
            )
        lowest_top = self.max_food_level or min(self.num_players, 3) * self.min_player_level
        if self.min_food_level > lowest_top:
            raise ValueError(
                f"min_food_level must be at most the highest level of food, {lowest_top}, got {self.min_food_level}"
            )

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        fields = self.settings()
        del fields["observe_agent_levels"]
        for name in ("force_coop", "normalize_reward"):
            fields[name] = int(fields[name])
        return {
            **fields,
            "max_food_level": self.max_food_level or 0,
            "shows_levels": int(self.observe_agent_levels),
            "observation": OBSERVATIONS.index(self.observation),
        }

    def properties(self) -> GameProperties:
        """Returns a general-sum game: who loads shares the food by levels."""
        top = self.max_food_level or min(self.num_players, 3) * self.max_player_level
        high = 1.0 if self.normalize_reward else float(self.max_player_level * top)
        return GameProperties(self.num_players, "simultaneous", "general", (0.0 - self.penalty, high), self.horizon)


register(EnvSpec("grid/foraging_8x8_2p_2f_v0", ForagingConfig, {}, "food that some can load alone and others together"))
register(
    EnvSpec(
        "grid/foraging_8x8_2p_2f_coop_v0", ForagingConfig, {"force_coop": True}, "the same with food that needs both"
    )
)
register(
    EnvSpec(
        "grid/foraging_10x10_3p_3f_v0",
        ForagingConfig,
        {"rows": 10, "columns": 10, "num_players": 3, "num_foods": 3, "sight": 10},
        "three foragers on a larger field",
    )
)
register(
    EnvSpec(
        "grid/foraging_2s_10x10_3p_3f_v0",
        ForagingConfig,
        {"rows": 10, "columns": 10, "num_players": 3, "num_foods": 3, "sight": 2},
        "the same, seeing two cells far",
    )
)

__all__ = ["ACTIONS", "ForagingConfig"]
