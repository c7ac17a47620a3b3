"""States to and from overcooked-ai, as the dicts of its OvercookedState.to_dict and from_dict."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.config import is_of_kind
from games.overcooked import OvercookedConfig
from games.overcooked.items import SOUP, decode_ingredients, item_name
from games.overcooked.reading import LayoutError, read_key, read_list
from games.overcooked.recipes import ALL_RECIPES, Recipe, read_orders, to_recipe
from games.overcooked.start import DIRECTIONS, place_start, read_reference_orders, read_reference_start


def to_reference(fields: dict[str, Any], config: OvercookedConfig) -> dict[str, Any]:
    """Turns the fields of an env into a dict for `OvercookedState.from_dict`.

    Args:
        fields: From `Batch.fields`.
        config: The kitchen's settings, `Batch.config`.
    """
    items, pots = fields["items"], config.kitchen.cells("P")
    ticks = dict(zip(pots, fields["pot_ticks"].tolist(), strict=True))
    places = [(int(x), int(y)) for y, x in np.argwhere(items)]
    positions = [(int(x), int(y)) for x, y in fields["positions"]]
    players = [
        {
            "position": position,
            "orientation": DIRECTIONS[orientation],
            "held_object": _write_object(int(held), position, None, config) if held else None,
        }
        for position, orientation, held in zip(positions, fields["orientations"], fields["held"], strict=True)
    ]
    settings = config.recipe_settings
    return {
        "players": players,
        "objects": [_write_object(int(items[y, x]), (x, y), ticks.get((x, y)), config) for x, y in places],
        "bonus_orders": _write_orders(read_orders("bonus_orders", settings["bonus_orders"])),
        "all_orders": _write_orders(read_orders("all_orders", settings["all_orders"]) or list(ALL_RECIPES)),
        "timestep": fields["timestep"],
    }


def from_reference(state: dict[str, Any], config: OvercookedConfig) -> dict[str, Any]:
    """Turns the dict of `OvercookedState.to_dict` into fields for `Batch.load_fields`.

    Args:
        state: As the reference writes it, or read back from JSON.
        config: The kitchen's settings; its orders must be the state's.

    Raises:
        ValueError: Something is missing or of the wrong kind, another number of players, other orders, a soup outside
            a pot that is not done, or somebody or something in an impossible place.
    """
    kitchen, players = config.kitchen, read_list("state: players", read_key("state", state, "players"))
    if len(players) != len(kitchen.positions):
        raise ValueError(f"the state has {len(players)} players, the kitchen {len(kitchen.positions)}")
    _check_orders(state, config)
    timestep = read_key("state", state, "timestep")
    if not is_of_kind(timestep, int) or timestep < 0:
        raise LayoutError(f"state: timestep must be a whole number from 0 on, got {timestep!r}")
    start = read_reference_start("state", state)
    return {"timestep": int(timestep), **place_start("state", kitchen.rows, kitchen.positions, start)}


def _write_object(
    item: int, position: tuple[int, int], pot_tick: int | None, config: OvercookedConfig
) -> dict[str, Any]:
    if item < SOUP:
        return {"name": item_name(item), "position": position}
    ingredients = decode_ingredients(item)
    cook_time = int(config.tables[1][to_recipe(ingredients)])
    tick = cook_time if pot_tick is None else pot_tick
    return {
        "name": "soup",
        "position": position,
        "_ingredients": [{"name": name, "position": position} for name in ingredients],
        "cooking_tick": tick,
        "is_cooking": 0 <= tick < cook_time,
        "is_ready": tick >= cook_time,
        "is_idle": tick < 0,
        "cook_time": -1 if tick < 0 else cook_time,
        "_cooking_tick": tick,
    }


def _rank(recipe: Recipe) -> int:
    """The reference's order of recipes: single ingredients before mixtures, onions before tomatoes (Recipe.__int__)."""
    onions, tomatoes = recipe
    code = onions + 4 * tomatoes
    return code * 16 * (onions * tomatoes > 0) + code


def _write_orders(recipes: list[Recipe]) -> list[dict[str, Any]]:
    return [
        {"ingredients": ("onion",) * onions + ("tomato",) * tomatoes} for onions, tomatoes in sorted(recipes, key=_rank)
    ]


def _check_orders(state: dict[str, Any], config: OvercookedConfig) -> None:
    for name in ("all_orders", "bonus_orders"):
        theirs = set(read_orders(name, read_reference_orders(f"state: {name}", read_key("state", state, name))))
        ours = set(read_orders(name, config.recipe_settings[name]))
        if theirs != (ours or (set(ALL_RECIPES) if name == "all_orders" else set())):
            raise ValueError(f"the state's {name} are not the kitchen's: {sorted(theirs)} against {sorted(ours)}")
