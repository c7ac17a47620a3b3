"""Kitchens as text: a grid of letters, who ordered what, and how an episode starts.

A layout file is TOML: `grid` (rows of letters, the top row first), the recipe settings of `recipes.py` if they differ
from "three onions, worth 20, 20 steps", and an optional table `start`. The shipped ones are those of overcooked-ai
1.1.0 (MIT licence), whose own `.layout` files are read as well.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from games.names import unknown_name
from games.overcooked.items import ORIENTATIONS, encode_item
from games.overcooked.recipes import RECIPE_SETTINGS

# Letters in the order of OvercookedTerrain.
TERRAINS = " PXOTDS"
PLAYERS = "123456789"
MAX_CELLS, MAX_POTS = 256, 32


class LayoutError(ValueError):
    """A kitchen that cannot be; the message names the row and column, counted from 1."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A kitchen and its start.

    Attributes:
        name: For titles and messages.
        rows: H strings of W letters, without the players.
        positions: [P, 2] uint8 (x, y) of the players at the start.
        recipes: The recipe settings that the layout gives, by the names of `recipes.RECIPE_SETTINGS`.
        orientations: [P] uint8.
        held: [P] uint8 items in hands at the start.
        items: [H, W] uint8 items on counters and in pots at the start.
        pot_ticks: [number of pots] int16, -1 not cooking.
    """

    name: str
    rows: tuple[str, ...]
    positions: np.ndarray
    recipes: dict[str, Any]
    orientations: np.ndarray
    held: np.ndarray
    items: np.ndarray
    pot_ticks: np.ndarray = field(repr=False)

    @property
    def terrain(self) -> np.ndarray:
        """[H, W] uint8 terrain codes."""
        return np.array([[TERRAINS.index(letter) for letter in row] for row in self.rows], np.uint8)

    def cells(self, letter: str) -> list[tuple[int, int]]:
        """Returns the (x, y) of all cells of one terrain, in row-major order."""
        return [(x, y) for y, row in enumerate(self.rows) for x, found in enumerate(row) if found == letter]


def layout_names() -> list[str]:
    """Returns the names of the shipped layouts."""
    return sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml"))


def load_layout(source: str) -> Layout:
    """Loads a layout by shipped name, from the text of a grid, or from a `.toml` or `.layout` file.

    Raises:
        LayoutError: The kitchen cannot be.
        UnknownNameError: Neither a shipped name nor a file nor a grid.
        FileNotFoundError: A file name that does not exist.
    """
    if not isinstance(source, str):
        raise TypeError(f"layout must be a name, the text of a grid or a file name, got {type(source).__name__}")
    if "\n" in source:
        return make_layout("custom", {"grid": source})
    if source.endswith((".toml", ".layout")):
        return _load_file(Path(source))
    if source not in layout_names():
        raise unknown_name("layout", source, layout_names())
    return make_layout(source, tomllib.loads((_folder() / f"{source}.toml").read_text(encoding="utf-8")))


def _folder() -> Any:
    return files("games.overcooked") / "layouts"


def _load_file(path: Path) -> Layout:
    if not path.is_file():
        raise FileNotFoundError(f"no layout file {str(path)!r}")
    text = path.read_text(encoding="utf-8")
    try:
        settings = tomllib.loads(text) if path.suffix == ".toml" else _read_reference(text)
    except (ValueError, SyntaxError) as error:
        raise LayoutError(f"layout file {str(path)!r} cannot be read: {error}") from error
    return make_layout(path.stem, settings)


def _read_reference(text: str) -> dict[str, Any]:
    """Reads overcooked-ai's own layout format, a Python dict, as data: nothing in it is executed."""
    # float('inf') is the one call in the reference's files; as 1e999 it is a literal.
    given = ast.literal_eval(text.replace("float('inf')", "1e999").strip())
    settings = {name: value for name, value in given.items() if name in RECIPE_SETTINGS}
    settings["grid"] = given["grid"]
    for theirs, ours in (("start_all_orders", "all_orders"), ("start_bonus_orders", "bonus_orders")):
        if given.get(theirs):
            settings[ours] = [order["ingredients"] for order in given[theirs]]
    if "start_state" in given:
        settings["start"] = _read_reference_start(given["start_state"])
    return settings


def _read_reference_start(state: dict[str, Any]) -> dict[str, Any]:
    def read_object(item: dict[str, Any]) -> dict[str, Any]:
        ingredients = [ingredient["name"] for ingredient in item.get("_ingredients", [])]
        return {**item, "ingredients": ingredients, "cooking_tick": item.get("cooking_tick", -1)}

    orientations = {(0, -1): "north", (0, 1): "south", (1, 0): "east", (-1, 0): "west"}
    held = [player["held_object"] for player in state["players"]]
    return {
        "positions": [player["position"] for player in state["players"]],
        "orientations": [orientations[tuple(player["orientation"])] for player in state["players"]],
        "held": [read_object(item) if item else {} for item in held],
        "objects": [read_object(item) for item in state["objects"]],
    }


def make_layout(name: str, settings: dict[str, Any]) -> Layout:
    """Builds a layout from the content of a layout file.

    Args:
        name: For titles and messages.
        settings: `grid`, recipe settings, `start`.

    Raises:
        LayoutError: The kitchen cannot be.
    """
    known = {"grid", "start", *RECIPE_SETTINGS}
    for key in settings:
        if key not in known:
            raise unknown_name(f"setting of layout {name}", key, known)
    if "grid" not in settings:
        raise LayoutError(f"layout {name} has no grid")
    rows = [line.strip() for line in str(settings["grid"]).strip().split("\n")]
    _check_grid(name, rows)
    positions = _find_players(name, rows)
    floor_rows = tuple("".join(" " if letter in PLAYERS else letter for letter in row) for row in rows)
    recipes = {key: value for key, value in settings.items() if key in RECIPE_SETTINGS}
    return _place_start(name, floor_rows, positions, recipes, settings.get("start", {}))


def _check_grid(name: str, rows: list[str]) -> None:
    height, width = len(rows), len(rows[0])
    for y, row in enumerate(rows, 1):
        if len(row) != width:
            raise LayoutError(f"layout {name}: row {y} has {len(row)} columns, row 1 has {width}: {row!r}")
        for x, letter in enumerate(row, 1):
            if letter not in TERRAINS + PLAYERS:
                raise LayoutError(
                    f"layout {name}: row {y}, column {x}: unknown letter {letter!r}; known: X counter, P pot, "
                    "O onions, T tomatoes, D dishes, S serving place, 1 to 9 players, space floor"
                )
            if (y in (1, height) or x in (1, width)) and letter in " " + PLAYERS:
                raise LayoutError(f"layout {name}: row {y}, column {x}: the border must not be floor, got {letter!r}")
    if width * height > MAX_CELLS:
        raise LayoutError(f"layout {name}: {height} rows x {width} columns are more than {MAX_CELLS} cells")
    _check_contents(name, "".join(rows))


def _check_contents(name: str, letters: str) -> None:
    for required, meaning in (("P", "pot (P)"), ("D", "dish dispenser (D)"), ("S", "serving place (S)")):
        if required not in letters:
            raise LayoutError(f"layout {name} has no {meaning}")
    if "O" not in letters and "T" not in letters:
        raise LayoutError(f"layout {name} has neither onions (O) nor tomatoes (T)")
    if letters.count("P") > MAX_POTS:
        raise LayoutError(f"layout {name} has {letters.count('P')} pots; at most {MAX_POTS}")


def _find_players(name: str, rows: list[str]) -> np.ndarray:
    places: dict[int, tuple[int, int]] = {}
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter not in PLAYERS:
                continue
            if int(letter) in places:
                raise LayoutError(f"layout {name}: row {y + 1}, column {x + 1}: player {letter} stands here twice")
            places[int(letter)] = (x, y)
    if not places:
        raise LayoutError(f"layout {name} has no player: write the digits 1, 2, ... where they start")
    for number in range(1, max(places) + 1):
        if number not in places:
            raise LayoutError(f"layout {name} has a player {max(places)} but no player {number}")
    return np.array([places[number] for number in sorted(places)], np.uint8)


def _place_start(
    name: str, rows: tuple[str, ...], positions: np.ndarray, recipes: dict[str, Any], start: dict[str, Any]
) -> Layout:
    known = {"positions", "orientations", "held", "objects"}
    for key in start:
        if key not in known:
            raise unknown_name(f"start setting of layout {name}", key, known)
    num_players = len(positions)
    orientations = start.get("orientations", ["north"] * num_players)
    held = start.get("held", [{}] * num_players)
    if len(orientations) != num_players or len(held) != num_players:
        raise LayoutError(f"layout {name}: start must name {num_players} orientations and held objects")
    items = np.zeros((len(rows), len(rows[0])), np.uint8)
    pots = [(x, y) for y, row in enumerate(rows) for x, letter in enumerate(row) if letter == "P"]
    pot_ticks = np.full(len(pots), -1, np.int16)
    for item in start.get("objects", []):
        x, y = item["position"]
        if not (0 <= y < len(rows) and 0 <= x < len(rows[0])):
            raise LayoutError(f"layout {name}: row {y + 1}, column {x + 1}: an object lies outside the kitchen")
        items[y, x] = encode_item(item["name"], item.get("ingredients", ()))
        if (x, y) in pots:
            pot_ticks[pots.index((x, y))] = item.get("cooking_tick", -1)
    return Layout(
        name=name,
        rows=rows,
        positions=np.array(start.get("positions", positions), np.uint8),
        recipes=recipes,
        orientations=np.array([ORIENTATIONS.index(orientation) for orientation in orientations], np.uint8),
        held=np.array([encode_item(i["name"], i.get("ingredients", ())) if i else 0 for i in held], np.uint8),
        items=items,
        pot_ticks=pot_ticks,
    )
