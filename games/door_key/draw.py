"""A picture of a door and a key, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas, draw_explorer
from games.door_key import CARRIED, CLOSED, LOCKED, OPEN, STEPS, DoorKeyConfig

TILE = 44  # pixels of a cell
BAR = 36  # pixels of the line of text below the map

FLOOR, FLOOR_LIGHT, SEEN = "#dad3c4", "#e3dccd", "#f6e9bd"
STONE, STONE_DARK, STONE_LIGHT = "#6d7079", "#54575f", "#858892"
WOOD, WOOD_DARK, BRASS, BRASS_DARK = "#9c6b3f", "#6f4a29", "#e3b23c", "#a97d1c"
GOAL, GOAL_LIGHT, INK = "#4b9b5f", "#8cc79a", "#2d2a26"
AGENTS = (("#d0473d", "#8f2b24"), ("#2f6fb5", "#1d4b80"), ("#8a57b8", "#5d3682"), ("#d0812b", "#94570f"))


def draw(fields: dict[str, Any], config: DoorKeyConfig) -> np.ndarray:
    """Draws one state: agents look where their nose points; whoever has the key wears it.

    Args:
        fields: From `Batch.fields`.
        config: The map's settings.

    Returns:
        [44 size + 36, 44 size, 3] uint8.
    """
    size = config.size
    canvas = Canvas(size, size, TILE, BAR)
    door = (int(fields["split"]), int(fields["door_y"]))
    for y in range(size):
        for x in range(size):
            is_wall = {x, y} & {0, size - 1} or (x == door[0] and y != door[1])
            _draw_ground(canvas, x, y, bool(is_wall))
    _draw_goal(canvas, *fields["goal"])
    _draw_door(canvas, *door, int(fields["door"]))
    if fields["key"][0] != CARRIED:
        _draw_key(canvas, fields["key"][0] + 0.5, fields["key"][1] + 0.5, 1.0)
    for i, (x, y) in enumerate(fields["positions"]):
        draw_explorer(canvas, x + 0.5, y + 0.5, STEPS[int(fields["directions"][i])], AGENTS[i % len(AGENTS)])
        if fields["has_key"][i]:
            _draw_key(canvas, x + 0.5, y + 0.52, 0.62)
    middle = size + BAR / TILE / 2
    canvas.text(0.25, middle, f"step {fields['timestep']} / {config.horizon}", 0.4, anchor="lm")
    word = {OPEN: "open", CLOSED: "closed", LOCKED: "locked"}[int(fields["door"])]
    canvas.text(size - 0.25, middle, "goal" if fields["is_reached"] else f"door {word}", 0.4, anchor="rm")
    return canvas.shrink()


def _draw_ground(canvas: Canvas, x: int, y: int, is_wall: bool) -> None:
    if not is_wall:
        canvas.box(x, y, 1, 1, fill=FLOOR_LIGHT if (x + y) % 2 else FLOOR)
        return
    canvas.box(x, y, 1, 1, fill=STONE_DARK)
    for row in range(2):
        shift = 0.25 * ((y * 2 + row) % 2)
        for left, width in ((0.0, shift), (shift, 0.5), (shift + 0.5, 0.5 - shift)):
            if width > 0.05:
                canvas.box(x + left + 0.02, y + 0.5 * row + 0.02, width - 0.04, 0.46, 0.05, fill=STONE)
                canvas.box(x + left + 0.05, y + 0.5 * row + 0.05, width - 0.1, 0.07, fill=STONE_LIGHT)


def _draw_goal(canvas: Canvas, x: int, y: int) -> None:
    canvas.box(x + 0.06, y + 0.06, 0.88, 0.88, 0.1, fill=GOAL)
    canvas.box(x + 0.16, y + 0.16, 0.68, 0.68, 0.08, outline=GOAL_LIGHT, width=2 * SCALE)
    canvas.line([(x + 0.42, y + 0.76), (x + 0.42, y + 0.26)], 0.06, INK)
    canvas.polygon([(x + 0.44, y + 0.25), (x + 0.74, y + 0.38), (x + 0.44, y + 0.51)], fill=SEEN)


def _draw_door(canvas: Canvas, x: int, y: int, door: int) -> None:
    if door == OPEN:
        canvas.box(x, y, 1, 0.14, fill=WOOD_DARK)
        canvas.box(x, y + 0.86, 1, 0.14, fill=WOOD_DARK)
        canvas.box(x + 0.82, y + 0.14, 0.14, 0.72, fill=WOOD)
        return
    canvas.box(x, y, 1, 1, fill=WOOD_DARK)
    for plank in range(4):
        canvas.box(x + 0.08 + 0.215 * plank, y + 0.08, 0.19, 0.84, fill=WOOD)
    if door == LOCKED:
        canvas.box(x + 0.34, y + 0.4, 0.32, 0.28, 0.05, fill=BRASS, outline=BRASS_DARK, width=SCALE)
        canvas.disc(x + 0.5, y + 0.52, 0.05, fill=INK)
    else:
        canvas.disc(x + 0.78, y + 0.52, 0.07, fill=BRASS, outline=BRASS_DARK, width=SCALE)


def _draw_key(canvas: Canvas, x: float, y: float, size: float) -> None:
    def put(along: float, across: float) -> tuple[float, float]:
        return x + size * along, y + size * across

    canvas.line([put(-0.1, 0), put(0.32, 0)], 0.1 * size, BRASS_DARK)
    for tooth in (0.2, 0.3):
        canvas.line([put(tooth, 0), put(tooth, 0.15)], 0.08 * size, BRASS_DARK)
    canvas.disc(*put(-0.2, 0), 0.17 * size, fill=BRASS, outline=BRASS_DARK, width=SCALE)
    canvas.disc(*put(-0.2, 0), 0.07 * size, fill=FLOOR)
