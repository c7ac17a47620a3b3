"""States to and from overcooked-ai, as the dicts of its OvercookedState.to_dict and from_dict."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.overcooked import OvercookedConfig
from games.overcooked.items import SOUP, decode_ingredients, encode_item, item_name
from games.overcooked.recipes import ALL_RECIPES, Recipe, read_orders, to_recipe

# By orientation code: north, south, east, west.
DIRECTIONS = ((0, -1), (0, 1), (1, 0), (-1, 0))


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
        ValueError: Another number of players, other orders, a soup outside a pot that is not done, or an object outside
            the kitchen.
    """
    kitchen = config.kitchen
    if len(state["players"]) != len(kitchen.positions):
        raise ValueError(f"the state has {len(state['players'])} players, the kitchen {len(kitchen.positions)}")
    _check_orders(state, config)
    items, pots = np.zeros_like(kitchen.items), kitchen.cells("P")
    pot_ticks = np.full(len(pots), -1, np.int16)
    for item in state["objects"]:
        x, y = item["position"]
        if not (0 <= x < items.shape[1] and 0 <= y < items.shape[0]):
            raise ValueError(f"an object lies at {(x, y)}, outside the kitchen")
        in_pot = (x, y) in pots
        items[y, x] = _read_object(item, in_pot=in_pot)
        if in_pot:
            pot_ticks[pots.index((x, y))] = item["cooking_tick"]
    held = [player["held_object"] for player in state["players"]]
    return {
        "timestep": int(state["timestep"]),
        "positions": np.array([player["position"] for player in state["players"]], np.uint8),
        "orientations": np.array(
            [DIRECTIONS.index(tuple(player["orientation"])) for player in state["players"]], np.uint8
        ),
        "held": np.array([_read_object(item, in_pot=False) if item else 0 for item in held], np.uint8),
        "items": items,
        "pot_ticks": pot_ticks,
    }


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


def _read_object(item: dict[str, Any], in_pot: bool) -> int:
    if item["name"] == "soup" and not in_pot and not item["is_ready"]:
        raise ValueError(f"the soup at {tuple(item['position'])} is neither in a pot nor done")
    return encode_item(item["name"], [ingredient["name"] for ingredient in item.get("_ingredients", ())])


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
        theirs = {to_recipe(order["ingredients"]) for order in state[name]}
        ours = set(read_orders(name, config.recipe_settings[name]))
        if theirs != (ours or (set(ALL_RECIPES) if name == "all_orders" else set())):
            raise ValueError(f"the state's {name} are not the kitchen's: {sorted(theirs)} against {sorted(ours)}")
