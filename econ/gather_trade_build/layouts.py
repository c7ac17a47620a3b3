"""Maps of gather-trade-build: text in, tiles out, with row and column in every complaint.

Letters: `.` nothing, `S` a source of stone, `W` a source of wood, `~` water. The shipped maps are those of ai-economist
1.7.1 (BSD 3-Clause licence), by its names, with `_` for `-`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from econ.gather_trade_build.maps import KINDS, WATER, RandomMaps
from games.names import unknown_name

FOLDER = Path(__file__).parent / "layouts"
LETTERS = ".SW~"  # in the order of GtbTile
MAX_SIDE, MAX_MAPS = 64, 4096
RANDOM = "random_"  # before the name of a kind of random maps


class LayoutError(ValueError):
    """A map that cannot be played on; one line that names the place."""


def layout_names() -> list[str]:
    """Returns the names of the shipped maps."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def read_layout(source: str) -> np.ndarray:
    """Reads a map from its text, or a shipped one by its name; [H, W] uint8 tiles.

    Raises:
        UnknownNameError: One line that is the name of no shipped map.
        LayoutError: Not a rectangle, an unknown letter, or too large.
    """
    if "\n" not in source:
        if source not in layout_names():
            raise unknown_name("layout", source, layout_names())
        source = (FOLDER / f"{source}.txt").read_text(encoding="utf-8")
    rows = source.strip("\n").split("\n")
    height, width = len(rows), len(rows[0])
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise LayoutError(f"a layout has 1 to {MAX_SIDE} rows and columns, got {height} rows of {width}")
    for y, row in enumerate(rows):
        if len(row) != width:
            raise LayoutError(f"layout: row {y + 1} has {len(row)} columns, row 1 has {width}")
        for x, letter in enumerate(row):
            if letter not in LETTERS:
                raise LayoutError(f"layout: row {y + 1}, column {x + 1}: unknown letter {letter!r}; known: {LETTERS}")
    return np.array([[LETTERS.index(letter) for letter in row] for row in rows], np.uint8)


def read_maps(source: Any) -> np.ndarray:
    """Reads the maps that episodes are on, [M, H, W] uint8 tiles.

    Args:
        source: What `read_layout` takes, a sequence of that, a RandomMaps, or "random_" and the kind of one.

    Raises:
        LayoutError: The maps differ in size, or there is none.
    """
    if isinstance(source, str) and source.startswith(RANDOM) and "\n" not in source:
        source = RandomMaps(source.removeprefix(RANDOM))
    if isinstance(source, RandomMaps):
        return source.draw_all()
    if isinstance(source, str):
        if "\n" not in source and source not in layout_names():
            raise unknown_name("layout", source, [*layout_names(), *(RANDOM + kind for kind in KINDS)])
        source = [source]
    if not isinstance(source, Sequence) or not all(isinstance(each, str) for each in source):
        raise LayoutError(f"layout must be a name, a text, a sequence of them or a RandomMaps, got {source!r}")
    maps = [read_layout(each) for each in source]
    if not 1 <= len(maps) <= MAX_MAPS:
        raise LayoutError(f"layout: there can be 1 to {MAX_MAPS} maps, got {len(maps)}")
    for number, tiles in enumerate(maps):
        if tiles.shape != maps[0].shape:
            raise LayoutError(f"layout: map {number + 1} is of {tiles.shape}, map 1 of {maps[0].shape}")
    return np.stack(maps)


def split_maps(maps: np.ndarray, row: int) -> np.ndarray:
    """Returns maps with a row of water; 0: the middle."""
    height = maps.shape[1]
    row = row or height // 2
    if not 1 <= row <= height - 2:
        raise LayoutError(f"layout: split_row must leave rows on both sides of {height}, got {row}")
    split = maps.copy()
    split[:, row] = WATER
    return split


def corner_tiles(num_agents: int, height: int, width: int) -> np.ndarray:
    """Returns where the ranks of skill start, worst first, [N] int32 row W + column.

    A quarter each in the corners top right, bottom left, top left and bottom right; the k-th of a quarter k // 4 rows
    and k % 4 columns inward.

    Raises:
        LayoutError: The corners run into each other.
    """
    groups = [4 * rank // num_agents for rank in range(num_agents)]
    tiles: list[int] = []
    for rank, group in enumerate(groups):
        place = rank - groups.index(group)
        row, column = place // 4, place % 4
        is_bottom, is_right = group in (1, 3), group in (0, 3)
        tile = (height - 1 - row if is_bottom else row) * width + (width - 1 - column if is_right else column)
        if row >= height or column >= width or tile in tiles:
            raise LayoutError(f"layout: the corners of {height} rows and {width} columns have no room for {num_agents}")
        tiles.append(tile)
    return np.array(tiles, np.int32)
