"""A picture of a sandwich in the making, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.sandwich import FOODS, LEFT, NOTHING, ROBOTS, SandwichConfig

TILE, BAR = 60, 36  # pixels of a cell, of the line of text below
COLUMNS, ROWS = 10, 7

WALL, TABLE, TABLE_DARK, BOARD, BOARD_DARK, INK = "#f4ead8", "#b98a58", "#96693d", "#e0b878", "#b98c4a", "#2d2a26"
COLOURS = {
    **{"bread": "#d9a25a", "cheese": "#f2c53a", "ham": "#e79aa0", "bacon": "#b4483f", "tomato": "#d94b3a"},
    **{"beef": "#7a4a2c", "cucumber": "#7db45e"},
}
BODIES = ("#4f7fb8", "#b0663a")
HEIGHT, WIDTH = 0.36, 1.5  # of a food, in cells


def draw(fields: dict[str, Any], config: SandwichConfig) -> np.ndarray:
    """Draws one state: the stack in the middle, Dave and his foods on the left, Chad and his on the right.

    Args:
        fields: From `Batch.fields`.
        config: The table's settings.

    Returns:
        [456, 600, 3] uint8.
    """
    canvas = Canvas(COLUMNS, ROWS, TILE, BAR)
    canvas.box(0, 0, COLUMNS, ROWS, fill=WALL)
    canvas.box(0.2, 6.2, COLUMNS - 0.4, 0.5, 0.08, fill=TABLE, outline=TABLE_DARK, width=2 * SCALE)
    canvas.box(3.9, 5.98, 2.2, 0.22, 0.08, fill=BOARD, outline=BOARD_DARK, width=2 * SCALE)
    height, hands = int(fields["height"]), [int(held) for held in fields["hands"]]
    for number, food in enumerate(config.recipe[:height]):
        _draw_food(canvas, 5, 5.78 - number * HEIGHT, food)
    gone = {*config.recipe[:height], *(config.foods[held] for held in hands if held != NOTHING)}
    for side in range(len(ROBOTS)):
        _draw_side(canvas, side, [food for food in FOODS if FOODS[food] == side and food not in gone])
    for robot, name in enumerate(ROBOTS):
        held = config.foods[hands[robot]] if hands[robot] != NOTHING else None
        _draw_robot(canvas, robot, name, held)
    middle = ROWS + BAR / TILE / 2
    wanted = config.recipe[height].replace("_", " ") if height < len(config.recipe) else "nothing"
    canvas.text(0.2, middle, f"step {fields['timestep']} / {config.horizon}", 0.28, anchor="lm")
    canvas.text(COLUMNS - 0.2, middle, f"{height} of {len(config.recipe)}, next: {wanted}", 0.28, anchor="rm")
    return canvas.shrink()


def _draw_food(canvas: Canvas, x: float, y: float, food: str) -> None:
    kind = food.split("_")[0].rstrip("12")
    canvas.box(x - WIDTH / 2, y - HEIGHT / 2, WIDTH, HEIGHT - 0.03, 0.14, fill=COLOURS[kind], outline=INK, width=SCALE)
    canvas.text(x, y, food.replace("_", " "), 0.2, fill="#ffffff" if kind in ("beef", "bacon", "tomato") else INK)


def _draw_side(canvas: Canvas, side: int, foods: list[str]) -> None:
    x = 1.15 if side == LEFT else COLUMNS - 1.15
    for number, food in enumerate(foods):
        _draw_food(canvas, x, 5.98 - number * (HEIGHT + 0.04), food)


def _draw_robot(canvas: Canvas, robot: int, name: str, held: str | None) -> None:
    way = 1 if robot == LEFT else -1
    x, y = (3.0 if robot == LEFT else COLUMNS - 3.0), 2.0
    canvas.line([(x, 6.2), (x, y + 0.2)], 0.22, INK)
    canvas.line([(x, y + 0.9), (x + 0.55 * way, y + 1.2), (x + 0.75 * way, y + 1.0)], 0.12, BODIES[robot])
    canvas.disc(x, y, 0.42, fill=BODIES[robot], outline=INK, width=2 * SCALE)
    for eye in (-0.14, 0.14):
        canvas.disc(x + eye + 0.08 * way, y - 0.05, 0.09, fill="#ffffff")
        canvas.disc(x + eye + 0.11 * way, y - 0.05, 0.045, fill=INK)
    canvas.text(x, y - 0.62, name, 0.28)
    if held is not None:
        _draw_food(canvas, x + 0.75 * way, y + 0.8, held)
