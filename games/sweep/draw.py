"""A picture of a floor with cubes, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.sweep import BIN, IN_BIN, IN_PAN, ON_FLOOR, ROBOTS, START, WANTED_COLOURS, SweepConfig

TILE, BAR = 60, 36  # pixels of a cell, of the line of text below
COLUMNS, ROWS = 10, 6

FLOOR, BOARD, INK = "#e9dcc3", "#dccba9", "#2d2a26"
STEEL, STEEL_DARK, WOOD, STRAW = "#9aa3ad", "#6b747e", "#8a5f37", "#e3b64a"
COLOURS = {"green": "#4fa25b", "yellow": "#f0c63b", "blue": "#3f7fc4", "pink": "#e48bb2", "red": "#cf4436"}
BODIES = ("#d0723a", "#5a63ad")
BIN_CELL, STARTS = (8.7, 4.7), ((3.4, 5.1), (5.6, 5.1))


def draw(fields: dict[str, Any], config: SweepConfig) -> np.ndarray:
    """Draws one state: Alice with her dustpan stands left of a cube, Bob with his broom right of it.

    Args:
        fields: From `Batch.fields`.
        config: The floor's settings.

    Returns:
        [396, 600, 3] uint8.
    """
    canvas = Canvas(COLUMNS, ROWS, TILE, BAR)
    for row in range(ROWS):
        canvas.box(0, row, COLUMNS, 1, fill=FLOOR)
        canvas.line([(0, row), (COLUMNS, row)], 0.03, BOARD)
        canvas.line([(3 + 3.2 * (row % 2), row), (3 + 3.2 * (row % 2), row + 1)], 0.03, BOARD)
    statuses = [int(status) for status in fields["cubes"]]
    binned = [name for name, status in zip(config.cubes, statuses, strict=True) if status == IN_BIN]
    panned = [name for name, status in zip(config.cubes, statuses, strict=True) if status == IN_PAN]
    _draw_bin(canvas, binned)
    for number, name in enumerate(config.cubes):
        if statuses[number] == ON_FLOOR:
            _draw_cube(canvas, *cell_of(number), name)
    for robot, name in enumerate(ROBOTS):
        _draw_robot(canvas, robot, name, *_stand(robot, int(fields["places"][robot])), panned)
    middle = ROWS + BAR / TILE / 2
    wanted = sum(name.split("_")[0] in WANTED_COLOURS for name in config.cubes)
    done = sum(name.split("_")[0] in WANTED_COLOURS for name in binned)
    canvas.text(0.2, middle, f"step {fields['timestep']} / {config.horizon}", 0.28, anchor="lm")
    canvas.text(COLUMNS - 0.2, middle, f"{done} of {wanted} in the bin", 0.28, anchor="rm")
    return canvas.shrink()


def cell_of(number: int) -> tuple[float, float]:
    """Returns where on the canvas a cube lies: two rows of them."""
    return 1.2 + 1.9 * (number // 2), 1.2 + 1.9 * (number % 2) + 0.15 * (number % 3)


def _stand(robot: int, place: int) -> tuple[float, float]:
    if place == START:
        return STARTS[robot]
    if place == BIN:
        return BIN_CELL[0] - 1.0, BIN_CELL[1] + 0.2
    x, y = cell_of(place)
    return x + (0.56 if robot else -0.56), y - 0.12


def _draw_cube(canvas: Canvas, x: float, y: float, name: str, size: float = 0.44) -> None:
    half, colour = size / 2, COLOURS[name.split("_")[0]]
    canvas.box(x - half, y - half, size, size, 0.05, fill=colour, outline=INK, width=SCALE)
    canvas.box(x - half + 0.05, y - half + 0.05, size - 0.1, 0.08, 0.03, fill="#ffffff")
    if size > 0.3:
        canvas.text(x, y + 0.04, name.split("_")[1], 0.24)


def _draw_bin(canvas: Canvas, names: list[str]) -> None:
    x, y = BIN_CELL
    canvas.box(x - 0.55, y - 0.5, 1.1, 1.1, 0.12, fill=STEEL, outline=STEEL_DARK, width=2 * SCALE)
    for number, name in enumerate(names):
        _draw_cube(canvas, x - 0.32 + 0.32 * (number % 3), y - 0.25 + 0.3 * (number // 3), name, 0.24)
    canvas.text(x, y + 0.78, "bin", 0.24)


def _draw_robot(canvas: Canvas, robot: int, name: str, x: float, y: float, panned: list[str]) -> None:
    side = -1 if robot else 1  # where its tool is
    if robot:
        canvas.line([(x, y), (x - 0.1, y + 0.42)], 0.07, WOOD)
        canvas.polygon(
            [(x - 0.3, y + 0.6), (x + 0.06, y + 0.6), (x - 0.04, y + 0.38), (x - 0.16, y + 0.38)], fill=STRAW
        )
    else:
        canvas.box(x - 0.05, y + 0.28, 0.5, 0.26, 0.04, fill=STEEL, outline=STEEL_DARK, width=2 * SCALE)
        for number, cube in enumerate(panned):
            _draw_cube(canvas, x + 0.06 + 0.12 * (number % 3), y + 0.24 - 0.13 * (number // 3), cube, 0.17)
    canvas.disc(x - 0.1 * side, y, 0.27, fill=BODIES[robot], outline=INK, width=2 * SCALE)
    for eye in (-0.09, 0.09):
        canvas.disc(x - 0.1 * side + eye + 0.04 * side, y - 0.04, 0.055, fill="#ffffff")
        canvas.disc(x - 0.1 * side + eye + 0.06 * side, y - 0.04, 0.028, fill=INK)
    canvas.text(x - 0.1 * side, y - 0.4, name, 0.22)
