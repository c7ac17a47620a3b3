"""Kitchens as text: a grid of letters, who ordered what, and how an episode starts.

A layout file is TOML: `grid` (rows of letters, the top row first), the recipe settings of `recipes.py` if they differ
from "three onions, worth 20, 20 steps", and an optional table `start`. The shipped ones are those of overcooked-ai
1.1.0 (MIT licence), whose own `.layout` files are read as well. An optional `name` replaces the file's.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from games.names import unknown_name
from games.overcooked.reading import LayoutError, read_key, read_table
from games.overcooked.recipes import RECIPE_SETTINGS, make_tables
from games.overcooked.start import place_start, read_reference_orders, read_reference_start

# Letters in the order of OvercookedTerrain.
TERRAINS = " PXOTDS"
PLAYERS = "123456789"
MAX_CELLS, MAX_POTS = 256, 32


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
        source: What `make_layout` got: the content of the layout's file.
    """

    name: str
    rows: tuple[str, ...]
    positions: np.ndarray
    recipes: dict[str, Any]
    orientations: np.ndarray
    held: np.ndarray
    items: np.ndarray
    pot_ticks: np.ndarray
    source: dict[str, Any] = field(repr=False)

    @property
    def terrain(self) -> np.ndarray:
        """[H, W] uint8 terrain codes."""
        return np.array([[TERRAINS.index(letter) for letter in row] for row in self.rows], np.uint8)

    def to_toml(self) -> str:
        """Returns the text of a `.toml` file of this layout, which `load_layout` takes in its place."""
        rows = [line.strip() for line in self.source["grid"].strip().split("\n")]
        return tomli_w.dumps({**self.source, "name": self.name, "grid": "\n".join(rows)}, multiline_strings=True)

    def cells(self, letter: str) -> list[tuple[int, int]]:
        """Returns the (x, y) of all cells of one terrain, in row-major order."""
        return [(x, y) for y, row in enumerate(self.rows) for x, found in enumerate(row) if found == letter]


def layout_names() -> list[str]:
    """Returns the names of the shipped layouts."""
    return sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml"))


def load_layout(source: str) -> Layout:
    """Loads a layout by shipped name, from the text of a grid or of a TOML file, or from a `.toml` or `.layout` file.

    Text has more than one line; with the word "grid" in it, it is TOML. So a study can keep a kitchen's text instead of
    the path of its file.

    Raises:
        LayoutError: The kitchen cannot be.
        UnknownNameError: Neither a shipped name nor a file nor a grid.
        FileNotFoundError: A file name that does not exist.
    """
    if not isinstance(source, str):
        raise LayoutError(
            f"layout must be a name, the text of a grid or of a TOML file, or a file name, got {source!r}"
        )
    if "\n" in source:
        settings = _parse("layout text", source, ".toml") if "grid" in source else {"grid": source}
        return make_layout("custom", settings, "layout text")
    if source.endswith((".toml", ".layout")):
        return _load_file(Path(source))
    if source not in layout_names():
        raise unknown_name("layout", source, layout_names())
    return make_layout(source, tomllib.loads((_folder() / f"{source}.toml").read_text(encoding="utf-8")))


def _folder() -> Any:
    return files("games.overcooked") / "layouts"


def _load_file(path: Path) -> Layout:
    where = f"layout file {str(path)!r}"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"no {where}") from None
    except IsADirectoryError:
        raise FileNotFoundError(f"no {where}: a folder has this name") from None
    except (OSError, ValueError) as error:
        raise FileNotFoundError(f"{where} cannot be opened: {error}") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise LayoutError(
            f"{where} cannot be read: row {row}, column {column}: byte 0x{content[error.start]:02x} is no UTF-8 text"
        ) from None
    return make_layout(path.stem, _parse(where, text.replace("\r\n", "\n"), path.suffix), where)


def _parse(where: str, text: str, suffix: str) -> dict[str, Any]:
    try:
        if suffix == ".toml":
            return tomllib.loads(text)
        # float('inf') is the one call in the reference's files; as 1e999 it is a literal.
        given = ast.literal_eval(text.replace("float('inf')", "1e999").strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise LayoutError(f"{where} cannot be read: {error}") from error
    return _read_reference(where, given)


def _read_reference(where: str, given: Any) -> dict[str, Any]:
    """Reads overcooked-ai's own layout format, a Python dict, as data: nothing in it is executed."""
    settings = {name: value for name, value in read_table(where, given).items() if name in RECIPE_SETTINGS}
    settings["grid"] = read_key(where, given, "grid")
    for theirs, ours in (("start_all_orders", "all_orders"), ("start_bonus_orders", "bonus_orders")):
        if given.get(theirs):
            settings[ours] = read_reference_orders(f"{where}: {theirs}", given[theirs])
    if given.get("start_state") is not None:
        settings["start"] = read_reference_start(f"{where}: start_state", given["start_state"])
    return settings


def make_layout(name: str, settings: dict[str, Any], where: str | None = None) -> Layout:
    """Builds a layout from the content of a layout file.

    Args:
        name: For titles and messages, unless the settings have a `name`.
        settings: `grid`, recipe settings, `start`, `name`.
        where: Subject of error messages, such as the file; None: the name.

    Raises:
        LayoutError: The kitchen cannot be.
        UnknownNameError: A setting that layouts do not have.
    """
    where = f"layout {name}" if where is None else where
    known = {"name", "grid", "start", *RECIPE_SETTINGS}
    for key in settings:
        if key not in known:
            raise unknown_name(f"setting of {where}", key, known)
    title, grid = settings.get("name", name), settings.get("grid")
    if not isinstance(title, str):
        raise LayoutError(f"{where}: name must be a string, got {title!r}")
    if grid is None:
        raise LayoutError(f"{where} has no grid")
    if not isinstance(grid, str) or not grid.strip():
        raise LayoutError(f"{where}: grid must be a string of rows of letters, got {grid!r}")
    rows = [line.strip() for line in grid.strip().split("\n")]
    _check_grid(where, rows)
    positions = _find_players(where, rows)
    floor_rows = tuple("".join(" " if letter in PLAYERS else letter for letter in row) for row in rows)
    recipes = {key: value for key, value in settings.items() if key in RECIPE_SETTINGS}
    try:
        make_tables(recipes)
    except ValueError as error:
        raise LayoutError(f"{where}: {error}") from None
    start = place_start(f"{where}: start", floor_rows, positions, settings.get("start", {}))
    return Layout(name=title, rows=floor_rows, recipes=recipes, source=settings, **start)


def _check_grid(where: str, rows: list[str]) -> None:
    height, width = len(rows), len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise LayoutError(f"{where}: row {number} has {len(row)} columns, row 1 has {width}: {row!r}")
    if width * height > MAX_CELLS:
        y, x = divmod(MAX_CELLS, width)
        raise LayoutError(
            f"{where}: row {y + 1}, column {x + 1} is beyond the {MAX_CELLS} cells that a kitchen may have, "
            f"got {_describe_size(rows)}"
        )
    for y, row in enumerate(rows, 1):
        for x, letter in enumerate(row, 1):
            if letter not in TERRAINS + PLAYERS:
                raise LayoutError(
                    f"{where}: row {y}, column {x}: unknown letter {letter!r}; known: X counter, P pot, "
                    "O onions, T tomatoes, D dishes, S serving place, 1 to 9 players, space floor"
                )
            if (y in (1, height) or x in (1, width)) and letter in " " + PLAYERS:
                raise LayoutError(f"{where}: row {y}, column {x}: the border must not be floor, got {letter!r}")
    _check_contents(where, rows)


def _check_contents(where: str, rows: list[str]) -> None:
    letters, searched = "".join(rows), _describe_size(rows)
    for required, meaning in (("P", "pot (P)"), ("D", "dish dispenser (D)"), ("S", "serving place (S)")):
        if required not in letters:
            raise LayoutError(f"{where} has no {meaning} in its {searched}")
    if "O" not in letters and "T" not in letters:
        raise LayoutError(f"{where} has neither onions (O) nor tomatoes (T) in its {searched}")
    pots = [place for place, letter in enumerate(letters) if letter == "P"]
    if len(pots) > MAX_POTS:
        y, x = divmod(pots[MAX_POTS], len(rows[0]))
        raise LayoutError(
            f"{where}: row {y + 1}, column {x + 1} is beyond the {MAX_POTS} pots that a kitchen may have, "
            f"got {len(pots)}"
        )


def _describe_size(rows: list[str]) -> str:
    return f"{len(rows)} rows x {len(rows[0])} columns"


def _find_players(where: str, rows: list[str]) -> np.ndarray:
    places: dict[int, tuple[int, int]] = {}
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter not in PLAYERS:
                continue
            if int(letter) in places:
                raise LayoutError(f"{where}: row {y + 1}, column {x + 1}: player {letter} stands here twice")
            places[int(letter)] = (x, y)
    if not places:
        raise LayoutError(
            f"{where} has no player in its {_describe_size(rows)}: write the digits 1, 2, ... where they start"
        )
    highest = max(places)
    for number in range(1, highest + 1):
        if number not in places:
            x, y = places[highest]
            raise LayoutError(
                f"{where}: row {y + 1}, column {x + 1}: here is a player {highest} but no player {number} anywhere"
            )
    return np.array([places[number] for number in sorted(places)], np.uint8)
