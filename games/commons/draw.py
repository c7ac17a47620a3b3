"""A picture of a commons, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.commons import CommonsConfig
from games.commons.maps import APPLE, CLEANED, FIRED, ORCHARD, RIVER, STREAM, WALL, WASTE

TILE = 32  # pixels of a cell
BAR = 36  # pixels of the line of text below the map
MIN_COLUMNS = 14  # that the line of text needs
NOWHERE = 255

SAND, SAND_DARK = "#f0e6d0", "#eadfc6"
STONE, STONE_LIGHT, STONE_DARK = "#6d7178", "#858991", "#5a5e65"
GRASS, GRASS_DARK = "#cbe0ae", "#b9d398"
WATER, WATER_LIGHT, STREAM_WATER = "#7fb6dc", "#a8d0ec", "#9bcbe8"
MUD, MUD_DARK = "#7a5b34", "#5e4526"
RED, RED_DARK, LEAF, STEM = "#d8402f", "#a32a1d", "#4f9440", "#6b4a2a"
FIRE, SPRAY, INK = "#ffd84a", "#8ff0ff", "#2d2a26"
AGENTS = ("#2f6fb5", "#d27a26", "#8a4fb0", "#3d9a57", "#b5476a", "#1f9c9c", "#7a7a2c", "#555e9e", "#9c5a3c", "#c23b3b")
UP_RIGHT_DOWN_LEFT = ((0, -1), (1, 0), (0, 1), (-1, 0))


def draw(fields: dict[str, Any], config: CommonsConfig) -> np.ndarray:
    """Draws one state of a commons.

    Args:
        fields: From `Batch.fields`.
        config: The game's settings.

    Returns:
        [32 H + 36, 32 max(W, 14), 3] uint8.
    """
    terrain, items = config.ground.terrain, fields["items"]
    height, width = terrain.shape
    columns = max(width, MIN_COLUMNS)
    canvas = Canvas(columns, height, TILE, BAR)
    left = (columns - width) / 2
    for y in range(height):
        for x in range(width):
            _draw_ground(canvas, left + x, y, int(terrain[y, x]), (x + y) % 2 == 0)
            _draw_items(canvas, left + x, y, int(items[y, x]))
    for agent, (x, y) in enumerate(fields["positions"].tolist()):
        if x != NOWHERE:
            _draw_agent(canvas, left + x + 0.5, y + 0.5, agent, int(fields["orientations"][agent]))
    _draw_bar(canvas, columns, height, fields, config)
    return canvas.shrink()


def _draw_ground(canvas: Canvas, x: float, y: float, terrain: int, is_light: bool) -> None:
    if terrain == WALL:
        canvas.box(x, y, 1, 1, fill=STONE_DARK)
        for row, offset in ((0, 0.0), (0.5, 0.3)):
            for start, end in ((0, offset or 0.5), (offset or 0.5, 1)):
                canvas.box(x + start + 0.03, y + row + 0.03, end - start - 0.06, 0.44, 0.06, fill=STONE)
                canvas.box(x + start + 0.06, y + row + 0.05, end - start - 0.12, 0.1, 0.05, fill=STONE_LIGHT)
    elif terrain in (RIVER, STREAM):
        canvas.box(x, y, 1, 1, fill=WATER if terrain == RIVER else STREAM_WATER)
        for dx, dy in ((0.1, 0.3), (0.5, 0.7)):
            wave = [
                (x + dx, y + dy),
                (x + dx + 0.1, y + dy - 0.07),
                (x + dx + 0.2, y + dy),
                (x + dx + 0.3, y + dy - 0.07),
            ]
            canvas.line(wave, 0.04, WATER_LIGHT)
    elif terrain == ORCHARD:
        canvas.box(x, y, 1, 1, fill=GRASS if is_light else GRASS_DARK)
    else:
        canvas.box(x, y, 1, 1, fill=SAND if is_light else SAND_DARK)


def _draw_items(canvas: Canvas, x: float, y: float, item: int) -> None:
    if item & WASTE:
        for dx, dy, r in ((0.35, 0.4, 0.2), (0.65, 0.55, 0.22), (0.42, 0.68, 0.17)):
            canvas.disc(x + dx, y + dy, r, fill=MUD, outline=MUD_DARK, width=SCALE)
    for bit, colour in ((FIRED, FIRE), (CLEANED, SPRAY)):
        if item & bit:
            canvas.box(x + 0.14, y + 0.14, 0.72, 0.72, 0.25, outline=colour, width=4 * SCALE)
            canvas.disc(x + 0.5, y + 0.5, 0.13, fill=colour)
    if item & APPLE:
        canvas.line([(x + 0.5, y + 0.32), (x + 0.55, y + 0.16)], 0.07, STEM)
        canvas.oval(x + 0.68, y + 0.2, 0.26, 0.14, fill=LEAF)
        canvas.oval(x + 0.5, y + 0.56, 0.6, 0.56, fill=RED, outline=RED_DARK, width=SCALE)
        canvas.disc(x + 0.38, y + 0.46, 0.07, fill="#f6b3a6")


def _draw_agent(canvas: Canvas, x: float, y: float, agent: int, orientation: int) -> None:
    dx, dy = UP_RIGHT_DOWN_LEFT[orientation]
    colour = AGENTS[agent % len(AGENTS)]
    tip = (x + 0.5 * dx, y + 0.5 * dy)
    sides = [(x + 0.2 * dx + s * 0.3 * dy, y + 0.2 * dy + s * 0.3 * dx) for s in (-1, 1)]
    canvas.polygon([tip, *sides], fill=INK)
    canvas.disc(x, y, 0.4, fill=colour, outline=INK, width=2 * SCALE)
    for side in (-1, 1):
        eye_x, eye_y = x + 0.18 * dx + side * 0.16 * dy, y + 0.18 * dy + side * 0.16 * dx
        canvas.disc(eye_x, eye_y, 0.11, fill="#ffffff")
        canvas.disc(eye_x + 0.04 * dx, eye_y + 0.04 * dy, 0.06, fill=INK)
    canvas.text(x - 0.16 * dx, y - 0.16 * dy, str(agent), 0.36, fill="#ffffff")


def _draw_bar(canvas: Canvas, width: int, height: int, fields: dict[str, Any], config: CommonsConfig) -> None:
    middle = height + BAR / TILE / 2
    canvas.text(0.3, middle, f"step {fields['timestep']} / {config.horizon}", 0.5, anchor="lm")
    text = f"apples {int(fields['apples'].sum())}"
    if config.game == "cleanup":
        text += f"   cleaned {int(fields['cleaned'].sum())}"
    away = int((fields["timeouts"] > 0).sum())
    canvas.text(width - 0.3, middle, text + (f"   away {away}" if away else ""), 0.5, anchor="rm")
