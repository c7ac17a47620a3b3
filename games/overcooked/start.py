"""How an episode starts: who stands where with what, as TOML's `start` tables and overcooked-ai's states say it."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from games.config import is_of_kind
from games.names import unknown_name
from games.overcooked.items import ORIENTATIONS, SOUP, encode_item
from games.overcooked.reading import LayoutError, is_list, read_key, read_list, read_table
from games.overcooked.recipes import MAX_COOK_TIME

# By orientation code: north, south, east, west.
DIRECTIONS = ((0, -1), (0, 1), (1, 0), (-1, 0))

_SETTINGS = ("positions", "orientations", "held", "objects")
_ITEM_SETTINGS = ("name", "position", "ingredients", "cooking_tick", "is_ready")


def read_reference_start(where: str, state: Any) -> dict[str, Any]:
    """Turns the players and objects of an `OvercookedState.to_dict` into a `start` table.

    Args:
        where: Subject of error messages.
        state: As overcooked-ai writes it; other keys are ignored.

    Raises:
        LayoutError: Something is missing or of the wrong kind.
    """
    players = read_list(f"{where}: players", read_key(where, state, "players"))
    objects = read_list(f"{where}: objects", read_key(where, state, "objects"))
    start: dict[str, Any] = {name: [] for name in _SETTINGS}
    for number, player in enumerate(players, 1):
        place = f"{where}: player {number}"
        start["positions"].append(read_key(place, player, "position"))
        start["orientations"].append(_read_direction(place, read_key(place, player, "orientation")))
        held = player.get("held_object")
        start["held"].append(_read_reference_item(f"{where}: held object of player {number}", held) if held else {})
    start["objects"] = [_read_reference_item(f"{where}: object {i}", item) for i, item in enumerate(objects, 1)]
    return start


def read_reference_orders(where: str, orders: Any) -> list[Any]:
    """Returns the ingredients of each of the reference's orders."""
    return [read_key(f"{where} entry {i}", order, "ingredients") for i, order in enumerate(read_list(where, orders), 1)]


def _read_direction(where: str, direction: Any) -> str:
    entries = tuple(direction) if isinstance(direction, list | tuple) else direction
    if entries not in DIRECTIONS:
        raise LayoutError(f"{where}: orientation must be one of {DIRECTIONS}, got {reprlib.repr(direction)}")
    return ORIENTATIONS[DIRECTIONS.index(entries)]


def _read_reference_item(where: str, item: Any) -> dict[str, Any]:
    name = read_key(where, item, "name")
    if name != "soup":
        return {key: item[key] for key in ("name", "position") if key in item}
    inside = read_list(f"{where}: _ingredients", item.get("_ingredients", []))
    return {
        "name": name,
        "position": item.get("position"),
        "ingredients": [read_key(f"{where}: _ingredients", ingredient, "name") for ingredient in inside],
        "cooking_tick": item.get("cooking_tick", -1),
        "is_ready": item.get("is_ready", False),
    }


def place_start(where: str, rows: tuple[str, ...], positions: np.ndarray, start: Any) -> dict[str, np.ndarray]:
    """Works out the start of a kitchen's episodes.

    Args:
        where: Subject of error messages.
        rows: H strings of W letters, without the players.
        positions: [P, 2] (x, y) of the players where `start` gives none.
        start: Some of `positions`, `orientations`, `held` and `objects`.

    Returns:
        `positions`, `orientations`, `held`, `items` and `pot_ticks` as in `Layout`.

    Raises:
        LayoutError: Something is missing, of the wrong kind or in an impossible place.
        UnknownNameError: A setting or an orientation is none.
    """
    _check_names(f"setting of {where}", read_table(where, start), _SETTINGS)
    players = len(positions)
    places = read_list(f"{where}: positions", start.get("positions", positions), players)
    facing = read_list(f"{where}: orientations", start.get("orientations", ["north"] * players), players)
    held = read_list(f"{where}: held", start.get("held", [{}] * players), players)
    for number, orientation in enumerate(facing, 1):
        _check_names(f"orientation of player {number} in {where}", [orientation], ORIENTATIONS)
    items, pot_ticks = _place_objects(where, rows, read_list(f"{where}: objects", start.get("objects", [])))
    codes = [_read_held(f"{where}: held object of player {number}", item) for number, item in enumerate(held, 1)]
    return {
        "positions": _place_players(where, rows, places),
        "orientations": np.array([ORIENTATIONS.index(orientation) for orientation in facing], np.uint8),
        "held": np.array(codes, np.uint8),
        "items": items,
        "pot_ticks": pot_ticks,
    }


def _check_names(kind: str, names: Any, known: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise unknown_name(kind, name, known)


def _read_position(where: str, rows: tuple[str, ...], position: Any) -> tuple[int, int]:
    height, width = len(rows), len(rows[0])
    pair = list(position) if is_list(position) else []
    is_pair = len(pair) == 2 and all(is_of_kind(entry, int) for entry in pair)
    if not (is_pair and 0 <= pair[0] < width and 0 <= pair[1] < height):
        raise LayoutError(
            f"{where} must be [x, y] inside the kitchen, x in [0, {width - 1}] and y in [0, {height - 1}], "
            f"got {reprlib.repr(position)}"
        )
    return (int(pair[0]), int(pair[1]))


def _place_players(where: str, rows: tuple[str, ...], places: list[Any]) -> np.ndarray:
    taken: list[tuple[int, int]] = []
    for number, position in enumerate(places, 1):
        x, y = _read_position(f"{where}: position of player {number}", rows, position)
        cell = f"{where}: row {y + 1}, column {x + 1}"
        if rows[y][x] != " ":
            raise LayoutError(f"{cell}: player {number} must stand on floor, here is {rows[y][x]!r}")
        if (x, y) in taken:
            raise LayoutError(f"{cell}: players {taken.index((x, y)) + 1} and {number} stand in the same cell")
        taken.append((x, y))
    return np.array(taken, np.uint8)


def _place_objects(where: str, rows: tuple[str, ...], objects: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    pots = [(x, y) for y, row in enumerate(rows) for x, letter in enumerate(row) if letter == "P"]
    items = np.zeros((len(rows), len(rows[0])), np.uint8)
    pot_ticks = np.full(len(pots), -1, np.int16)
    for number, item in enumerate(objects, 1):
        place = f"{where}: object {number}"
        x, y = _read_position(f"{place}: position", rows, read_key(place, item, "position"))
        cell = f"{where}: row {y + 1}, column {x + 1}"
        is_pot = rows[y][x] == "P"
        code = _read_item(place, item, is_in_pot=is_pot)
        if rows[y][x] not in "XP" or (is_pot and code < SOUP):
            raise LayoutError(
                f"{cell}: {item['name']!r} cannot lie here: counters (X) hold everything, pots (P) soups alone"
            )
        if items[y, x]:
            raise LayoutError(f"{cell}: two objects lie here")
        items[y, x] = code
        tick = item.get("cooking_tick", -1)
        if not (is_of_kind(tick, int) and -1 <= tick <= MAX_COOK_TIME):
            raise LayoutError(
                f"{place}: cooking_tick must be a whole number in [-1, {MAX_COOK_TIME}], got {reprlib.repr(tick)}"
            )
        if is_pot:
            pot_ticks[pots.index((x, y))] = tick
    return items, pot_ticks


def _read_held(where: str, item: Any) -> int:
    is_empty = item is None or (isinstance(item, dict) and not item)
    return 0 if is_empty else _read_item(where, item, is_in_pot=False)


def _read_item(where: str, item: Any, is_in_pot: bool) -> int:
    name = read_key(where, item, "name")
    _check_names(f"setting of {where}", item, _ITEM_SETTINGS)
    if name == "soup" and not is_in_pot and not item.get("is_ready", True):
        raise LayoutError(f"{where}: a soup that is not in a pot must be done, this one is not")
    try:
        return encode_item(name, item.get("ingredients", ()))
    except ValueError as error:
        raise LayoutError(f"{where}: {error}") from None
