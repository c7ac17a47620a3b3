"""Make a sandwich. See README.md beside this file and sandwich.h for the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, setting
from games.spec import EnvSpec, register

ROBOTS = ("Chad", "Dave")  # in the order of a batch's agents: right side, left side
NOTHING = 255  # of the field `hands`
RIGHT, LEFT = range(2)

# Foods and sides of the paper's largest level, from its released prompts; the order of FOODS numbers them.
FOODS: dict[str, int] = {
    **{"bread_slice1": LEFT, "bread_slice2": LEFT, "cheese": LEFT, "ham": LEFT, "bacon": LEFT, "tomato1": LEFT},
    **{"tomato2": RIGHT, "beef_patty1": RIGHT, "beef_patty2": RIGHT, "cucumber1": RIGHT, "cucumber2": RIGHT},
}
_LAYERS = ("tomato2", "cheese", "beef_patty2", "ham", "cucumber1", "bacon", "beef_patty1")
# From the board up. The last is the paper's; the shorter ones, of its lengths, are that one's beginnings.
RECIPES: dict[str, tuple[str, ...]] = {
    f"recipe{level}": ("bread_slice1", *_LAYERS[: 2 * level - 1], "bread_slice2") for level in (1, 2, 3, 4)
}


@dataclass(frozen=True, kw_only=True, eq=False)
class SandwichConfig(WorldConfig):
    """Settings of a table with foods."""

    world: ClassVar[str] = "sandwich"
    family: ClassVar[str] = "cooperation"

    level: str = setting("recipe4", choices=tuple(RECIPES), doc="the recipe: 3, 5, 7 or 9 foods")
    horizon: int = setting(15, low=1, high=2**31 - 1, doc="steps of an episode")

    @property
    def foods(self) -> tuple[str, ...]:
        """Names of all foods, in the order of their numbers."""
        return tuple(FOODS)

    @property
    def recipe(self) -> tuple[str, ...]:
        """Names of the recipe's foods, from the board up."""
        return RECIPES[self.level]

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        numbers = [self.foods.index(food) for food in self.recipe]
        return {
            "sides": np.array(list(FOODS.values()), np.uint8),
            "recipe": np.array(numbers, np.uint8),
            "horizon": self.horizon,
        }

    def properties(self) -> GameProperties:
        """Returns common interest: the team is paid."""
        return GameProperties(len(ROBOTS), "simultaneous", "common", (0.0, 1.0), self.horizon)


register(EnvSpec("cooperation/sandwich_v0", SandwichConfig, {}, "two robots stack nine foods in the recipe's order"))

__all__ = ["FOODS", "LEFT", "NOTHING", "RECIPES", "RIGHT", "ROBOTS", "SandwichConfig"]
