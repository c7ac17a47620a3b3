"""A picture of a field, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.foraging import ForagingConfig

TILE = 56  # pixels of a cell
BAR = 36  # pixels of the line of text below the field

SOIL, SOIL_DARK, FURROW = "#e4d3b0", "#dbc8a2", "#cbb68c"
RED, RED_DARK, LEAF, STEM, INK, SKIN = "#d8402f", "#a32a1d", "#4f9440", "#6b4a2a", "#2d2a26", "#f2c9a0"
PLAYERS = ("#2f6fb5", "#d27a26", "#8a4fb0", "#3d9a57", "#b5476a", "#1f9c9c", "#7a7a2c", "#555e9e", "#9c5a3c")


def draw(fields: dict[str, Any], config: ForagingConfig) -> np.ndarray:
    """Draws one state of a field: food and players with their levels.

    Args:
        fields: From `Batch.fields`.
        config: The field's settings.

    Returns:
        [56 rows + 36, 56 columns, 3] uint8.
    """
    canvas = Canvas(config.columns, config.rows, TILE, BAR)
    for y in range(config.rows):
        for x in range(config.columns):
            _draw_soil(canvas, x, y, (x + y) % 2 == 0)
    for y, x, level in fields["foods"].tolist():
        if level:
            _draw_food(canvas, x + 0.5, y + 0.5, level)
    for player, (y, x, level) in enumerate(fields["players"].tolist()):
        _draw_player(canvas, x + 0.5, y + 0.5, player, level)
    middle = config.rows + BAR / TILE / 2
    canvas.text(0.2, middle, f"step {fields['timestep']} / {config.horizon}", 0.3, anchor="lm")
    canvas.text(config.columns - 0.2, middle, f"loaded {fields['loaded']} of {config.num_foods}", 0.3, anchor="rm")
    return canvas.shrink()


def _draw_soil(canvas: Canvas, x: int, y: int, is_light: bool) -> None:
    canvas.box(x, y, 1, 1, fill=SOIL if is_light else SOIL_DARK)
    for row in (0.25, 0.5, 0.75):
        canvas.line([(x + 0.1, y + row), (x + 0.9, y + row)], 0.015, FURROW)


def _draw_badge(canvas: Canvas, x: float, y: float, level: int) -> None:
    canvas.disc(x, y, 0.17, fill="#ffffff", outline=INK, width=SCALE)
    canvas.text(x, y, str(level), 0.24)


def _draw_food(canvas: Canvas, x: float, y: float, level: int) -> None:
    canvas.line([(x, y - 0.16), (x + 0.05, y - 0.36)], 0.06, STEM)
    canvas.oval(x + 0.17, y - 0.32, 0.24, 0.13, fill=LEAF)
    for side in (-1, 1):
        canvas.disc(x + side * 0.1, y + 0.06, 0.25, fill=RED_DARK)
    for side in (-1, 1):
        canvas.disc(x + side * 0.1, y + 0.05, 0.225, fill=RED)
    canvas.disc(x - 0.16, y - 0.04, 0.06, fill="#f6b3a6")
    _draw_badge(canvas, x + 0.28, y + 0.28, level)


def _draw_player(canvas: Canvas, x: float, y: float, player: int, level: int) -> None:
    colour = PLAYERS[player % len(PLAYERS)]
    canvas.oval(x, y + 0.22, 0.5, 0.42, fill=colour, outline=INK, width=2 * SCALE)
    canvas.disc(x, y - 0.08, 0.2, fill=SKIN, outline=INK, width=SCALE)
    canvas.oval(x, y - 0.2, 0.52, 0.12, fill="#e8c15a", outline=INK, width=SCALE)
    canvas.oval(x, y - 0.27, 0.26, 0.16, fill="#e8c15a", outline=INK, width=SCALE)
    for side in (-1, 1):
        canvas.disc(x + side * 0.07, y - 0.07, 0.03, fill=INK)
    canvas.text(x, y + 0.22, str(player), 0.24, fill="#ffffff")
    _draw_badge(canvas, x + 0.3, y + 0.3, level)
