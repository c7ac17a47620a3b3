"""A picture of the coordination game: a lamp for each agent, and how far the zeros lead."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.bits import NO_CHOICE, BitsConfig
from games.bits.tables import lead_reward
from games.canvas import SCALE, Canvas

TILE = 72  # pixels of a lamp
BAR = 40  # pixels of the line of text
PER_ROW = 8  # lamps
MIN_COLUMNS = 5  # that the line of text needs
SCALE_HEIGHT = 1  # rows that the ladder of leads takes

WALL, ZERO, ZERO_EDGE, ONE, ONE_EDGE = "#f3efe6", "#2f6fb5", "#1d4b80", "#e0a72b", "#a87412"
FLIPPED, INK, FAINT = "#d0473d", "#2d2a26", "#b9b2a4"
PAY_COLORS = ("#c9c3b6", "#d8c48f", "#e9b44c", "#6fae75")  # of the rewards 0, 1, 2, 3


def draw(fields: dict[str, Any], config: BitsConfig) -> np.ndarray:
    """Draws one state: blue lamps are 0, yellow ones 1; a red ring where chance turned what the agent had set.

    Below, a cell for each lead that the zeros can have, the greener the better paid, with a mark at the present one.

    Args:
        fields: From `Batch.fields`.
        config: The game's settings.

    Returns:
        [H, W, 3] uint8, of one size for all states of a config.
    """
    count = config.num_agents
    lamps = min(count, PER_ROW)
    columns, rows = max(lamps, MIN_COLUMNS), -(-count // PER_ROW)
    canvas = Canvas(columns, rows + SCALE_HEIGHT, TILE, BAR, WALL)
    canvas.box(0, 0, columns, rows + SCALE_HEIGHT, fill=WALL)
    for i, (bit, choice) in enumerate(zip(fields["bits"], fields["choices"], strict=True)):
        x = (columns - lamps) / 2 + i % PER_ROW + 0.5
        _draw_lamp(canvas, x, i // PER_ROW + 0.5, int(bit), choice not in (NO_CHOICE, bit))
    _draw_ladder(canvas, config, count - 2 * int(fields["bits"].sum()), columns, rows)
    middle = rows + SCALE_HEIGHT + BAR / TILE / 2
    canvas.text(0.2, middle, f"step {fields['timestep']} / {config.horizon}", 0.25, anchor="lm")
    canvas.text(columns - 0.2, middle, f"best steps {fields['best_steps']}", 0.25, anchor="rm")
    return canvas.shrink()


def _draw_lamp(canvas: Canvas, x: float, y: float, bit: int, is_flipped: bool) -> None:
    if is_flipped:
        canvas.disc(x, y, 0.46, outline=FLIPPED, width=4 * SCALE)
    canvas.disc(x, y, 0.36, fill=ONE if bit else ZERO, outline=ONE_EDGE if bit else ZERO_EDGE, width=2 * SCALE)
    canvas.text(x, y, str(bit), 0.42, fill="#ffffff")


def _draw_ladder(canvas: Canvas, config: BitsConfig, lead: int, columns: int, row: int) -> None:
    leads = range(-config.num_agents, config.num_agents + 1, 2)
    width, top = (columns - 0.4) / len(leads), row + 0.35
    for k, each in enumerate(leads):
        pay = int(lead_reward(each, config.clear_band()))
        canvas.box(0.2 + k * width, top, width, 0.3, fill=PAY_COLORS[pay], outline=WALL, width=SCALE)
        if width > 0.25:
            canvas.text(0.2 + (k + 0.5) * width, top + 0.15, str(pay), 0.2)
        if each == lead:
            canvas.box(0.2 + k * width, top, width, 0.3, outline=INK, width=2 * SCALE)
    canvas.text(0.2, row + 0.2, "ones lead", 0.18, anchor="lm", fill=FAINT)
    canvas.text(columns - 0.2, row + 0.2, "zeros lead", 0.18, anchor="rm", fill=FAINT)
