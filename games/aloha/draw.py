"""A picture of slotted Aloha: stations with their packets, who sent, and who was disturbed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from games.aloha import FAILED, IDLE, NOISE, SENT, AlohaConfig
from games.canvas import SCALE, Canvas

TILE = 96  # pixels of a station
BAR = 40  # pixels of the line of text
MIN_COLUMNS = 4  # that the line of text needs

GROUND, EDGE = "#eef1f4", "#c3cad2"
MAST, INK, PACKET, ROOM = "#59636e", "#2d2a26", "#3f7f93", "#d3dae1"
COLORS = {IDLE: "#8b96a1", SENT: "#4b9b5f", FAILED: "#d0473d", NOISE: "#d0812b"}


def draw(fields: dict[str, Any], config: AlohaConfig) -> np.ndarray:
    """Draws one state, with lines between stations that disturb each other.

    Green stations got a packet through in the last step, red ones failed, orange ones sent nothing but noise.

    Args:
        fields: From `Batch.fields`.
        config: The world's settings.

    Returns:
        [H, W, 3] uint8, of one size for all states of a config.
    """
    per_row = config.columns if config.conflicts is None else math.ceil(math.sqrt(config.num_agents))
    per_row = min(per_row, config.num_agents)
    columns, rows = max(per_row, MIN_COLUMNS), -(-config.num_agents // per_row)
    canvas = Canvas(columns, rows, TILE, BAR, GROUND)
    canvas.box(0, 0, columns, rows, fill=GROUND)
    left = (columns - per_row) / 2 + 0.5
    places = [(left + i % per_row, i // per_row + 0.5) for i in range(config.num_agents)]
    for i, j in np.argwhere(np.triu(config.neighbours())):
        canvas.line([places[i], places[j]], 0.03, EDGE)
    for place, backlog, outcome in zip(places, fields["backlogs"], fields["outcomes"], strict=True):
        _draw_station(canvas, *place, int(backlog), config.capacity, int(outcome))
    middle = rows + BAR / TILE / 2
    canvas.text(0.15, middle, f"step {fields['timestep']} / {config.horizon}", 0.19, anchor="lm")
    score = f"sent {fields['packets']}   failed {fields['collisions']}"
    canvas.text(columns - 0.15, middle, score, 0.19, anchor="rm")
    return canvas.shrink()


def _draw_station(canvas: Canvas, x: float, y: float, backlog: int, capacity: int, outcome: int) -> None:
    color = COLORS[outcome]
    if outcome != IDLE:
        for radius in (0.4, 0.34):
            canvas.disc(x, y - 0.05, radius, outline=color, width=2 * SCALE)
    canvas.disc(x, y - 0.05, 0.27, fill="#ffffff", outline=color, width=3 * SCALE)
    canvas.line([(x - 0.09, y + 0.13), (x, y - 0.16), (x + 0.09, y + 0.13)], 0.03, MAST)
    canvas.disc(x, y - 0.18, 0.05, fill=color)
    _draw_packets(canvas, x, y + 0.3, backlog, capacity)


def _draw_packets(canvas: Canvas, x: float, y: float, backlog: int, capacity: int) -> None:
    """Draws a box for each packet and each free place, or a number where there are too many."""
    if capacity > 8:
        canvas.text(x, y + 0.06, f"{backlog} / {capacity}", 0.14)
        return
    size = min(0.13, 0.8 / capacity)
    for k in range(capacity):
        corner = x + (k - capacity / 2) * size
        canvas.box(corner, y, 0.85 * size, 0.11, 0.02, fill=PACKET if k < backlog else ROOM)
