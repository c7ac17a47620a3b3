"""Overcooked: cooks who share a kitchen. See README.md beside this file and overcooked.h for the observations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, setting
from games.overcooked.items import decode_ingredients
from games.overcooked.layout import Layout, layout_names, load_layout
from games.overcooked.reading import LayoutError
from games.overcooked.recipes import RECIPE_SETTINGS, ZERO_MEANS_NOT_GIVEN, make_tables, read_orders, to_recipe
from games.spec import EnvSpec, register

OBSERVATIONS = ("lossless", "features")


@dataclass(frozen=True, kw_only=True, eq=False)
class OvercookedConfig(WorldConfig):
    """Settings of a kitchen. The recipe settings replace the layout's where they are not None.

    `all_orders` and `bonus_orders` are lists of lists of "onion" and "tomato"; an empty `all_orders` means that every
    soup is ordered. The other attributes are explained where they are declared.
    """

    world: ClassVar[str] = "overcooked"

    layout: str = setting("cramped_room", doc="a shipped layout's name, the text of a grid or TOML, or a file")
    horizon: int = setting(400, low=1, high=2**31 - 1, doc="steps of an episode")
    observation: str = setting("lossless", choices=OBSERVATIONS, doc="what players see (overcooked.h)")
    num_feature_pots: int = setting(2, low=0, high=32, doc='pots shown by "features"')
    old_dynamics: bool = setting(False, doc="soups of three ingredients start cooking by themselves, and only those")
    shaped_reward_weight: float = setting(
        0.0, low=-1e6, high=1e6, live=True, doc="reward = deliveries of all + weight * own shaped reward"
    )
    placement_reward: float = setting(3.0, low=-1e6, high=1e6, doc="shaped reward of putting an ingredient into a pot")
    dish_reward: float = setting(3.0, low=-1e6, high=1e6, doc="shaped reward of taking a dish when one is needed")
    soup_reward: float = setting(5.0, low=-1e6, high=1e6, doc="shaped reward of taking a soup from a pot")
    random_start_positions: bool = setting(False, doc="start cells uniform on the floor")
    ends_with_delivery: bool = setting(False, doc="whether the first soup that earns a reward ends the episode")
    random_object_probability: float = setting(
        0.0, low=0, high=1, doc="of a soup in each pot, of its cooking, of something in each hand at the start"
    )
    all_orders: Any = setting(None, doc="soups that may be served for a reward")
    bonus_orders: Any = setting(None, doc="those of them that are worth order_bonus times as much")
    order_bonus: float | None = setting(None, doc="factor for bonus orders; 2 where the layout says nothing")
    delivery_reward: float | None = setting(None, doc="reward of every soup")
    recipe_values: Any = setting(None, doc="reward of each of all_orders")
    onion_value: float | None = setting(None, doc="reward per onion in a soup")
    tomato_value: float | None = setting(None, doc="reward per tomato in a soup")
    cook_time: int | None = setting(None, doc="steps that every soup cooks")
    recipe_times: Any = setting(None, doc="steps that each of all_orders cooks")
    onion_time: int | None = setting(None, doc="steps per onion in a soup")
    tomato_time: int | None = setting(None, doc="steps per tomato in a soup")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ZERO_MEANS_NOT_GIVEN:
            if getattr(self, name) == 0:
                raise ValueError(f'{name} must not be 0, which overcooked-ai takes for "not given"; leave it out')
        _ = self.kitchen, self.tables
        self._check_pots()
        orders = read_orders("all_orders", self.recipe_settings["all_orders"])
        for number, order in enumerate(orders, 1):
            if self.old_dynamics and sum(order) != 3:
                raise ValueError(
                    "with old_dynamics every order must have three ingredients, "
                    f"entry {number} of all_orders has {sum(order)}"
                )

    def _check_pots(self) -> None:
        kitchen, cook_times = self.kitchen, self.tables[1]
        for (x, y), tick in zip(kitchen.cells("P"), kitchen.pot_ticks, strict=True):
            soup = decode_ingredients(kitchen.items[y, x])
            if soup and tick > cook_times[to_recipe(soup)]:
                raise LayoutError(
                    f"layout {kitchen.name}: start: row {y + 1}, column {x + 1}: a soup of {', '.join(soup)} cooks "
                    f"{cook_times[to_recipe(soup)]} steps, its cooking_tick is {tick}"
                )

    @cached_property
    def kitchen(self) -> Layout:
        """The layout that `layout` stands for."""
        return load_layout(self.layout)

    @cached_property
    def recipe_settings(self) -> dict[str, Any]:
        """The layout's recipe settings with those given here in their place."""
        given = {name: getattr(self, name) for name in RECIPE_SETTINGS}
        return {name: value if value is not None else self.kitchen.recipes.get(name) for name, value in given.items()}

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """[4, 4] rewards for serving a soup and [4, 4] cooking times, indexed [onions, tomatoes]."""
        try:
            return make_tables(self.recipe_settings)
        except ValueError as error:
            raise ValueError(f"{error} (layout {self.kitchen.name} gives {self._names_from_layout()})") from None

    def _names_from_layout(self) -> str:
        return ", ".join(name for name in self.kitchen.recipes if getattr(self, name) is None) or "none of the recipes"

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        kitchen = self.kitchen
        rewards, cook_times = self.tables
        height, width = kitchen.terrain.shape
        return {
            "horizon": self.horizon,
            "num_feature_pots": self.num_feature_pots,
            "placement_reward": self.placement_reward,
            "dish_reward": self.dish_reward,
            "soup_reward": self.soup_reward,
            "shaped_reward_weight": self.shaped_reward_weight,
            "random_object_probability": self.random_object_probability,
            "width": width,
            "height": height,
            "terrain": kitchen.terrain.reshape(-1),
            "start_positions": kitchen.positions.reshape(-1),
            "start_orientations": kitchen.orientations,
            "start_held": kitchen.held,
            "start_items": kitchen.items.reshape(-1),
            "start_pot_ticks": kitchen.pot_ticks,
            "delivery_rewards": rewards,
            "cook_times": cook_times,
            "observation": OBSERVATIONS.index(self.observation),
            "has_old_dynamics": int(self.old_dynamics),
            "has_random_positions": int(self.random_start_positions),
            "ends_with_delivery": int(self.ends_with_delivery),
        }

    def properties(self) -> GameProperties:
        """Returns common interest without shaping, general utilities with it."""
        rewards, players = self.tables[0], len(self.kitchen.positions)
        low, high = (players * bound for bound in (min(0.0, rewards.min()), max(0.0, rewards.max())))
        # A player gets at most one shaped reward in a step.
        shaped = [
            self.shaped_reward_weight * reward
            for reward in (0.0, self.placement_reward, self.dish_reward, self.soup_reward)
        ]
        bounds = (float(low + min(shaped)), float(high + max(shaped)))
        return GameProperties(
            players,
            "simultaneous",
            "common" if self.shaped_reward_weight == 0 else "general",
            bounds,
            self.horizon,
        )


# The five layouts of Carroll et al. 2019 (their counter circuit is the file counter_circuit_o_1order), then the tomato
# kitchen that carries the name counter_circuit in the package.
_REGISTERED = {
    "cramped_room": "two cooks in each other's way",
    "asymmetric_advantages": "two separate kitchens, each with an advantage",
    "coordination_ring": "a ring where cooks must agree on a direction",
    "forced_coordination": "one side has the ingredients, the other the pots",
    "counter_circuit_o_1order": "a long way round a counter, or a pass across it",
    "counter_circuit": "the same idea with tomatoes, three orders and a bonus order",
}
for _name, _description in _REGISTERED.items():
    register(EnvSpec(f"overcooked/{_name}_v0", OvercookedConfig, {"layout": _name}, _description))

# The kitchens of ReAd (Zhang et al. 2024): soups of two onions that cook two steps, one of which has to be served. The
# cramped room's cooks start in each other's places.
_READ_RECIPE = {"all_orders": [["onion", "onion"]], "cook_time": 2, "ends_with_delivery": True}
for _name, _layout, _horizon in (
    ("cramped_room", "XXPXX\nO  1O\nX2  X\nXDXSX", 20),
    ("forced_coordination", "XXXPX\nO X1P\nO2X X\nD X X\nXXXSX", 25),
):
    register(
        EnvSpec(
            f"overcooked/read_{_name}_v0",
            OvercookedConfig,
            {"layout": _layout, "horizon": _horizon, **_READ_RECIPE},
            f"one soup of two onions within {_horizon} steps, as in ReAd",
        )
    )

__all__ = ["Layout", "LayoutError", "OvercookedConfig", "layout_names", "load_layout"]
