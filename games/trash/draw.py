"""A picture of the trash, its collectors and the recycling area, from the fields of a state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas, draw_explorer
from games.trash import BIG, BINS, SIDE, STEPS, TrashConfig

TILE = 44  # pixels of a cell
BAR = 36  # pixels of the line of text below the map

GRASS, GRASS_LIGHT, INK = "#cfdcb8", "#d9e5c4", "#2d2a26"
BIN, BIN_DARK, ARROW = "#3f8f6b", "#2c6b4f", "#e9f5ee"
BAG, BAG_LIGHT, TIE = "#4c5560", "#6d7884", "#d9b44a"
CAN, CAN_LIGHT, LID = "#b4553f", "#d6836c", "#8b3d2b"
AGENTS = (("#2f6fb5", "#1d4b80"), ("#d0812b", "#94570f"), ("#8a57b8", "#5d3682"), ("#d0473d", "#8f2b24"))


def draw(fields: dict[str, Any], config: TrashConfig) -> np.ndarray:
    """Draws one state: cans are small pieces, sacks big ones; agents look where their nose points.

    Args:
        fields: From `Batch.fields`.
        config: The map's settings.

    Returns:
        [476, 440, 3] uint8.
    """
    canvas = Canvas(SIDE, SIDE, TILE, BAR)
    for y in range(SIDE):
        for x in range(SIDE):
            canvas.box(x, y, 1, 1, fill=GRASS_LIGHT if (x + y) % 2 else GRASS)
    for y, x in BINS:
        _draw_bin(canvas, x, y)
    for y, x, kind in fields["pieces"].tolist():
        if kind:
            (_draw_sack if kind == BIG else _draw_can)(canvas, x + 0.5, y + 0.5, 1.0)
    for i, (y, x) in enumerate(fields["agents"].tolist()):
        dy, dx = STEPS[int(fields["directions"][i])]
        draw_explorer(canvas, x + 0.5, y + 0.5, (dx, dy), AGENTS[i % len(AGENTS)])
        for k in range(int(fields["loads"][i])):
            _draw_can(canvas, x + 0.26 + 0.24 * (k % 3), y + 0.76 - 0.22 * (k // 3), 0.5)
    middle = SIDE + BAR / TILE / 2
    left = int((fields["pieces"][:, 2] > 0).sum() + fields["loads"].sum())
    canvas.text(0.25, middle, f"step {fields['timestep']} / {config.horizon}", 0.4, anchor="lm")
    canvas.text(SIDE - 0.25, middle, f"delivered {config.num_pieces - left} of {config.num_pieces}", 0.4, anchor="rm")
    return canvas.shrink()


def _draw_bin(canvas: Canvas, x: int, y: int) -> None:
    canvas.box(x, y, 1, 1, fill=BIN_DARK)
    canvas.box(x + 0.06, y + 0.06, 0.88, 0.88, 0.12, fill=BIN)
    for turn in range(3):
        angle = 2 * np.pi * turn / 3
        dx, dy = float(np.cos(angle)), float(np.sin(angle))
        canvas.arrow(x + 0.5 + 0.24 * dx + 0.15 * dy, y + 0.5 + 0.24 * dy - 0.15 * dx, -0.3 * dy, 0.3 * dx, ARROW)


def _draw_can(canvas: Canvas, x: float, y: float, size: float) -> None:
    canvas.box(x - 0.16 * size, y - 0.2 * size, 0.32 * size, 0.44 * size, 0.05 * size, fill=CAN)
    canvas.box(x - 0.11 * size, y - 0.16 * size, 0.07 * size, 0.36 * size, fill=CAN_LIGHT)
    canvas.oval(x, y - 0.2 * size, 0.32 * size, 0.13 * size, fill=LID)


def _draw_sack(canvas: Canvas, x: float, y: float, size: float) -> None:
    canvas.polygon([(x - 0.14, y - 0.36), (x + 0.14, y - 0.36), (x + 0.05, y - 0.2), (x - 0.05, y - 0.2)], fill=BAG)
    canvas.oval(x, y + 0.1, 0.74 * size, 0.66 * size, fill=BAG, outline=INK, width=SCALE)
    canvas.oval(x - 0.14, y + 0.02, 0.18 * size, 0.28 * size, fill=BAG_LIGHT)
    canvas.line([(x - 0.09, y - 0.21), (x + 0.09, y - 0.21)], 0.07, TIE)
