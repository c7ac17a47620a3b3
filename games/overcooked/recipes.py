"""What soups are worth and how long they cook: overcooked-ai's recipe settings, worked out for every soup.

The reference keeps them in globals of its Recipe class, so that two kitchens in one process disturb each other; here
they belong to the kitchen.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from games.config import is_of_kind
from games.overcooked.items import INGREDIENTS, MAX_INGREDIENTS
from games.overcooked.reading import is_list, read_list

DEFAULT_VALUE, DEFAULT_TIME = 20.0, 20
MAX_COOK_TIME = 255  # the observation is uint8

RECIPE_SETTINGS = (
    "all_orders",
    "bonus_orders",
    "order_bonus",
    "delivery_reward",
    "recipe_values",
    "onion_value",
    "tomato_value",
    "cook_time",
    "recipe_times",
    "onion_time",
    "tomato_time",
)
# Where the reference takes a 0 for "not given".
ZERO_MEANS_NOT_GIVEN = ("delivery_reward", "onion_value", "tomato_value", "cook_time", "onion_time", "tomato_time")
_NUMBERS = ("order_bonus", *ZERO_MEANS_NOT_GIVEN)

# Settings that say the same thing in different ways (Recipe.configure refuses them together).
_RIVALS = (
    ("tomato_value", "delivery_reward"),
    ("tomato_value", "recipe_values"),
    ("recipe_values", "delivery_reward"),
    ("tomato_time", "cook_time"),
    ("tomato_time", "recipe_times"),
    ("recipe_times", "cook_time"),
)

Recipe = tuple[int, int]
"""Onions and tomatoes."""

ALL_RECIPES: tuple[Recipe, ...] = tuple(
    (onions, tomatoes)
    for onions in range(MAX_INGREDIENTS + 1)
    for tomatoes in range(MAX_INGREDIENTS + 1 - onions)
    if onions + tomatoes > 0
)


def to_recipe(ingredients: Sequence[str]) -> Recipe:
    """Returns the recipe of one to three ingredients, in any order.

    Raises:
        ValueError: Too few, too many or unknown ingredients.
    """
    entries = list(ingredients) if is_list(ingredients) else []
    is_known = all(isinstance(entry, str) and entry in INGREDIENTS for entry in entries)
    if not (is_known and 1 <= len(entries) <= MAX_INGREDIENTS):
        raise ValueError(f"an order is a list of one to three of 'onion' and 'tomato', got {reprlib.repr(ingredients)}")
    return (entries.count("onion"), entries.count("tomato"))


def read_orders(name: str, orders: Any) -> list[Recipe]:
    """Returns the recipes of a list of orders; of None, none.

    Raises:
        ValueError: An order is malformed or stands there twice.
    """
    recipes: list[Recipe] = []
    for number, order in enumerate([] if orders is None else read_list(name, orders), 1):
        try:
            recipe = to_recipe(order)
        except ValueError as error:
            raise ValueError(f"{name} entry {number}: {error}") from None
        if recipe in recipes:
            raise ValueError(f"{name} must not name a soup twice, entries {recipes.index(recipe) + 1} and {number} do")
        recipes.append(recipe)
    return recipes


def _check_number(name: str, value: Any) -> None:
    if not is_of_kind(value, float):
        raise ValueError(f"{name} must be a number, got {reprlib.repr(value)}")


def _check_rivals(settings: dict[str, Any]) -> None:
    given = {name for name, value in settings.items() if value is not None}
    for pair in (("onion_value", "tomato_value"), ("onion_time", "tomato_time")):
        if len(given.intersection(pair)) == 1:
            raise ValueError(f"give both {pair[0]} and {pair[1]} or neither")
    for first, second in _RIVALS:
        if first in given and second in given:
            raise ValueError(f"{first} and {second} say the same thing; give one of them")


def _by_recipe(settings: dict[str, Any], orders: list[Recipe], name: str) -> dict[Recipe, float]:
    values = settings.get(name)
    if values is None:
        return {}
    entries = read_list(name, values)
    if len(entries) != len(orders):
        raise ValueError(f"{name} must have one entry for each of the {len(orders)} all_orders, got {len(entries)}")
    for number, entry in enumerate(entries, 1):
        _check_number(f"{name} entry {number}", entry)
    return dict(zip(orders, entries, strict=True))


def _measure(recipe: Recipe, fixed: float | None, by_recipe: dict, onion: float | None, tomato: float | None) -> float:
    """The reference's order of precedence, with its truthiness: a setting of 0 counts as not given."""
    if fixed:
        return fixed
    if recipe in by_recipe:
        return by_recipe[recipe]
    if onion and tomato:
        return onion * recipe[0] + tomato * recipe[1]
    return DEFAULT_VALUE  # the default value and the default time are the same number


def make_tables(settings: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Works out the reward for serving each soup and its cooking time.

    Args:
        settings: Some of `RECIPE_SETTINGS`; missing or None means not given.

    Returns:
        [4, 4] float64 rewards and [4, 4] int32 steps, indexed [onions, tomatoes].

    Raises:
        ValueError: A setting of the wrong kind, settings that contradict each other, or a cooking time outside
            [1, 255].
    """
    for name in _NUMBERS:
        if settings.get(name) is not None:
            _check_number(name, settings[name])
    _check_rivals(settings)
    orders = read_orders("all_orders", settings.get("all_orders"))
    bonus = read_orders("bonus_orders", settings.get("bonus_orders"))
    ordered = set(orders) or set(ALL_RECIPES)
    for number, recipe in enumerate(bonus, 1):
        if recipe not in ordered:
            raise ValueError(f"bonus_orders must be among all_orders, entry {number} is not")
    values, times = (_by_recipe(settings, orders, name) for name in ("recipe_values", "recipe_times"))
    order_bonus = 2 if settings.get("order_bonus") is None else settings["order_bonus"]
    rewards, cook_times = np.zeros((4, 4)), np.full((4, 4), DEFAULT_TIME, np.int32)
    for recipe in ALL_RECIPES:
        value = _measure(
            recipe, settings.get("delivery_reward"), values, settings.get("onion_value"), settings.get("tomato_value")
        )
        time = _measure(
            recipe, settings.get("cook_time"), times, settings.get("onion_time"), settings.get("tomato_time")
        )
        if not (1 <= time <= MAX_COOK_TIME and time == int(time)):
            raise ValueError(
                f"a cooking time must be a whole number in [1, {MAX_COOK_TIME}], got {time!r} for a soup of "
                f"{recipe[0]} onions and {recipe[1]} tomatoes"
            )
        cook_times[recipe] = int(time)
        if recipe in ordered:
            rewards[recipe] = value * (order_bonus if recipe in bonus else 1)
    if not (rewards > -np.inf).all():
        raise ValueError(f"rewards of soups must be numbers above minus infinity, got {rewards.min()}")
    return rewards, cook_times
