"""Maps of the commons: text in, arrays out, with row and column in every complaint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from games.names import unknown_name

FOLDER = Path(__file__).parent / "maps"

# Numbers of enum CommonsTerrain and of the item bits in commons.h.
FLOOR, WALL, ORCHARD, RIVER, STREAM = range(5)
APPLE, WASTE, FIRED, CLEANED = 1, 2, 4, 8
MAX_SIDE, MAX_CELLS = 64, 1024

# Letter -> terrain, item at the start of an episode.
LETTERS = {
    "@": (WALL, 0),
    " ": (FLOOR, 0),
    "P": (FLOOR, 0),  # agents come to the map here
    "A": (ORCHARD, APPLE),
    "B": (ORCHARD, 0),
    "H": (RIVER, WASTE),
    "R": (RIVER, 0),
    "S": (STREAM, 0),
}


class MapError(ValueError):
    """A map that cannot be played on."""


@dataclass(frozen=True, eq=False)
class Map:
    """A map as arrays.

    Attributes:
        rows: The text.
        terrain: [H, W] uint8.
        items: [H, W] uint8, what lies there when an episode begins.
        spawn_cells: [S] int32, y W + x of the cells where agents come to the map.
    """

    rows: tuple[str, ...]
    terrain: np.ndarray
    items: np.ndarray
    spawn_cells: np.ndarray


def map_names() -> list[str]:
    """Returns the names of the shipped maps."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def read_map(source: str) -> Map:
    """Reads a map from its text, or a shipped one by its name.

    Letters: `@` wall, space floor, `P` floor where agents come to the map, `A` orchard with an apple at the start, `B`
    orchard without, `H` river with waste, `R` river without, `S` stream.

    Raises:
        UnknownNameError: One line that is the name of no shipped map.
        MapError: Not a rectangle, an unknown letter, a border that is not wall, too large or too small.
    """
    if "\n" not in source:
        if source not in map_names():
            raise unknown_name("map", source, map_names())
        source = (FOLDER / f"{source}.txt").read_text(encoding="utf-8")
    rows = tuple(source.strip("\n").split("\n"))
    height, width = len(rows), len(rows[0])
    if not (3 <= width <= MAX_SIDE and 3 <= height <= MAX_SIDE and width * height <= MAX_CELLS):
        raise MapError(
            f"a map has 3 to {MAX_SIDE} rows and columns and at most {MAX_CELLS} cells, got {height} rows of {width}"
        )
    for y, row in enumerate(rows):
        if len(row) != width:
            raise MapError(f"map: row {y + 1} has {len(row)} columns, row 1 has {width}")
        for x, letter in enumerate(row):
            if letter not in LETTERS:
                raise MapError(
                    f"map: row {y + 1}, column {x + 1}: unknown letter {letter!r}; known: {''.join(LETTERS)}"
                )
            if letter != "@" and (x in (0, width - 1) or y in (0, height - 1)):
                raise MapError(f"map: row {y + 1}, column {x + 1}: the border must be wall (@), got {letter!r}")
    codes = np.array([[LETTERS[letter] for letter in row] for row in rows], np.uint8)
    letters = np.array([list(row) for row in rows])
    spawn_cells = np.flatnonzero(letters == "P").astype(np.int32)
    return Map(rows, np.ascontiguousarray(codes[..., 0]), np.ascontiguousarray(codes[..., 1]), spawn_cells)
