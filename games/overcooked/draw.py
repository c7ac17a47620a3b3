"""A picture of a kitchen, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.overcooked import OvercookedConfig
from games.overcooked.items import SOUP, decode_ingredients, item_name
from games.overcooked.recipes import to_recipe

TILE = 64  # pixels of a cell
BAR = 36  # pixels of the line of text below the kitchen

FLOOR, FLOOR_LINE, COUNTER, COUNTER_LINE = "#efe3cd", "#e2d3b8", "#b07f4f", "#8f6239"
ONION, TOMATO, DISH, DISH_LINE = "#e8b93c", "#d8402f", "#fbfbfb", "#b8bcc4"
IRON, IRON_LIGHT, BROTH, SERVE, INK = "#3b3f46", "#5b616b", "#f3d9a4", "#7d8894", "#2d2a26"
COOKS = ("#2f6fb5", "#3d9a57", "#8a4fb0", "#d27a26", "#1f9c9c", "#b5476a", "#7a7a2c", "#555e9e", "#9c5a3c")
NORTH_SOUTH_EAST_WEST = ((0, -1), (0, 1), (1, 0), (-1, 0))


def draw(fields: dict[str, Any], config: OvercookedConfig) -> np.ndarray:
    """Draws one state of a kitchen.

    Args:
        fields: From `Batch.fields`.
        config: The kitchen's settings.

    Returns:
        [64 H + 36, 64 W, 3] uint8.
    """
    layout = config.kitchen
    height, width = len(layout.rows), len(layout.rows[0])
    canvas = Canvas(width, height, TILE, BAR)
    ticks = dict(zip(layout.cells("P"), fields["pot_ticks"].tolist(), strict=True))
    for y, row in enumerate(layout.rows):
        for x, letter in enumerate(row):
            _draw_terrain(canvas, x, y, letter)
            item = int(fields["items"][y, x])
            if letter == "P":
                _draw_pot(canvas, x, y, item, ticks[x, y], config)
            elif item:
                _draw_item(canvas, x + 0.5, y + 0.5, item, 1.0)
    for player, (x, y) in enumerate(fields["positions"].tolist()):
        _draw_cook(canvas, x, y, player, int(fields["orientations"][player]), int(fields["held"][player]))
    _draw_bar(canvas, width, height, fields, config)
    return canvas.shrink()


def _draw_terrain(canvas: Canvas, x: int, y: int, letter: str) -> None:
    if letter == " ":
        canvas.box(x, y, 1, 1, fill=FLOOR, outline=FLOOR_LINE, width=SCALE)
        return
    canvas.box(x, y, 1, 1, fill=COUNTER, outline=COUNTER_LINE, width=2 * SCALE)
    if letter in "OT":
        canvas.box(x + 0.12, y + 0.2, 0.76, 0.68, 0.08, fill="#8a5a2b", outline=COUNTER_LINE, width=SCALE)
        for dx, dy in ((0.32, 0.42), (0.68, 0.42), (0.5, 0.36), (0.34, 0.64), (0.66, 0.64)):
            _draw_ingredient(canvas, x + dx, y + dy, ONION if letter == "O" else TOMATO, 0.15)
    elif letter == "D":
        for rise in (0.1, 0.05, 0.0):
            _draw_plate(canvas, x + 0.5, y + 0.45 + rise, 0.3)
    elif letter == "S":
        canvas.box(x + 0.06, y + 0.06, 0.88, 0.88, 0.06, fill=SERVE)
        canvas.text(x + 0.5, y + 0.5, "serve", 0.24, fill="#ffffff")


def _draw_ingredient(canvas: Canvas, x: float, y: float, colour: str, r: float) -> None:
    canvas.disc(x, y, r, fill=colour, outline=INK, width=SCALE)
    canvas.disc(x - 0.3 * r, y - 0.35 * r, 0.22 * r, fill="#fff4cf")


def _draw_plate(canvas: Canvas, x: float, y: float, r: float) -> None:
    canvas.disc(x, y, r, fill=DISH, outline=DISH_LINE, width=2 * SCALE)
    canvas.disc(x, y, 0.62 * r, outline=DISH_LINE, width=SCALE)


def _draw_ingredients(canvas: Canvas, x: float, y: float, item: int, r: float) -> None:
    names = decode_ingredients(item)
    for place, name in enumerate(names):
        _draw_ingredient(
            canvas, x + (place - (len(names) - 1) / 2) * 1.9 * r, y, ONION if name == "onion" else TOMATO, r
        )


def _draw_pot(canvas: Canvas, x: int, y: int, item: int, tick: int, config: OvercookedConfig) -> None:
    canvas.box(x + 0.04, y + 0.04, 0.92, 0.92, 0.06, fill="#4a4e55")
    canvas.box(x + 0.02, y + 0.38, 0.96, 0.14, 0.06, fill=IRON_LIGHT)
    canvas.disc(x + 0.5, y + 0.5, 0.38, fill=IRON, outline=IRON_LIGHT, width=3 * SCALE)
    if not item:
        return
    cook_time = int(config.tables[1][to_recipe(decode_ingredients(item))])
    is_done = tick >= cook_time
    canvas.disc(x + 0.5, y + 0.5, 0.31, fill=IRON if tick < 0 else BROTH)
    _draw_ingredients(canvas, x + 0.5, y + 0.5, item, 0.1)
    if is_done:
        canvas.text(x + 0.5, y + 0.86, "done", 0.22, fill="#8ff09a")
    elif tick >= 0:
        canvas.box(x + 0.14, y + 0.8, 0.72, 0.12, 0.05, fill="#22252a")
        canvas.box(x + 0.14, y + 0.8, max(0.08, 0.72 * tick / cook_time), 0.12, 0.04, fill="#f29b38")


def _draw_item(canvas: Canvas, x: float, y: float, item: int, size: float) -> None:
    name = item_name(item)
    if name in ("dish", "soup"):
        _draw_plate(canvas, x, y, 0.28 * size)
    if item >= SOUP:
        canvas.disc(x, y, 0.21 * size, fill=BROTH)
        _draw_ingredients(canvas, x, y, item, 0.065 * size)
    elif name in ("onion", "tomato"):
        _draw_ingredient(canvas, x, y, ONION if name == "onion" else TOMATO, 0.2 * size)


def _draw_cook(canvas: Canvas, x: int, y: int, player: int, orientation: int, held: int) -> None:
    dx, dy = NORTH_SOUTH_EAST_WEST[orientation]
    middle_x, middle_y = x + 0.5, y + 0.5
    if dy < 0 and held:  # behind the cook
        _draw_item(canvas, middle_x, middle_y - 0.34, held, 0.75)
    canvas.disc(middle_x, middle_y + 0.04, 0.33, fill=COOKS[player], outline=INK, width=2 * SCALE)
    canvas.disc(middle_x + 0.09 * dx, middle_y + 0.09 * dy - 0.05, 0.2, fill="#f2c9a0", outline=INK, width=SCALE)
    for side in (-1, 1):
        eye_x, eye_y = middle_x + 0.17 * dx + 0.08 * side * (dx == 0), middle_y - 0.05 + 0.12 * dy
        if dy >= 0:
            canvas.disc(eye_x, eye_y + 0.02 * side * (dx != 0), 0.028, fill=INK)
    canvas.box(middle_x - 0.17, middle_y - 0.42, 0.34, 0.17, 0.07, fill="#ffffff", outline=INK, width=SCALE)
    canvas.box(middle_x - 0.13, middle_y - 0.3, 0.26, 0.09, 0.02, fill="#ffffff", outline=INK, width=SCALE)
    if dy >= 0 and held:
        _draw_item(canvas, middle_x + 0.33 * dx, middle_y + 0.12 + 0.22 * dy, held, 0.75)


def _draw_bar(canvas: Canvas, width: int, height: int, fields: dict[str, Any], config: OvercookedConfig) -> None:
    middle = height + BAR / TILE / 2
    left = f"step {fields['timestep']} / {config.horizon}"
    right = f"soups {fields['deliveries']}   score {fields['sparse_return']:g}"
    canvas.text(0.15, middle, left, 0.27, anchor="lm")
    canvas.text(width - 0.15, middle, right, 0.27, anchor="rm")
