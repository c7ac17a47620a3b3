"""A picture of the hunt, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.trust import TrustConfig

TILE = 64  # pixels of a cell
BAR = 36  # pixels of the line of text below the grid
MIN_COLUMNS = 5  # that the line of text needs

GRASS, GRASS_DARK, BLADE = "#cfe3b4", "#c3daa5", "#a9c587"
LEAF, LEAF_DARK, BERRY = "#5f9e4a", "#3f7434", "#c8324a"
STAG, STAG_DARK, ANTLER, INK = "#9a6337", "#6e4423", "#a8834f", "#2d2a26"
HUNTERS = ("#2f6fb5", "#d27a26")
SKIN = "#f2c9a0"


def draw(fields: dict[str, Any], config: TrustConfig) -> np.ndarray:
    """Draws one state of the hunt.

    Args:
        fields: From `Batch.fields`.
        config: The hunt's settings.

    Returns:
        [64 H + 36, 64 max(W, 5), 3] uint8.
    """
    columns = max(config.width, MIN_COLUMNS)
    canvas = Canvas(columns, config.height, TILE, BAR)
    left = (columns - config.width) / 2
    for y in range(config.height):
        for x in range(config.width):
            _draw_grass(canvas, left + x, y, (x + y) % 2 == 0)
    for x, y in fields["plants"].tolist():
        _draw_plant(canvas, left + x + 0.5, y + 0.5)
    agents, stag = [tuple(cell) for cell in fields["agents"].tolist()], tuple(fields["stag"].tolist())
    _draw_stag(canvas, left + stag[0] + 0.5, stag[1] + 0.5)
    for agent, (x, y) in enumerate(agents):
        side = (agent - 0.5) * 0.44 if agents[0] == agents[1] else 0.0
        depth = 0.2 if (x, y) == stag else 0.0  # in front of the stag
        _draw_hunter(canvas, left + x + 0.5 + side, y + 0.5 + depth, agent)
    middle = config.height + BAR / TILE / 2
    canvas.text(0.15, middle, f"step {fields['timestep']} / {config.horizon}", 0.25, anchor="lm")
    counts = f"catches {fields['catches']}   maulings {int(fields['maulings'].sum())}"
    canvas.text(columns - 0.15, middle, counts, 0.25, anchor="rm")
    return canvas.shrink()


def _draw_grass(canvas: Canvas, x: float, y: float, is_light: bool) -> None:
    canvas.box(x, y, 1, 1, fill=GRASS if is_light else GRASS_DARK)
    for dx, dy in ((0.22, 0.3), (0.7, 0.62), (0.42, 0.82)):
        canvas.line([(x + dx - 0.04, y + dy - 0.07), (x + dx, y + dy), (x + dx + 0.04, y + dy - 0.07)], 0.02, BLADE)


def _draw_plant(canvas: Canvas, x: float, y: float) -> None:
    for dx, dy, r in ((-0.16, 0.06, 0.18), (0.16, 0.06, 0.18), (0, -0.1, 0.22), (0, 0.12, 0.2)):
        canvas.disc(x + dx, y + dy, r, fill=LEAF, outline=LEAF_DARK, width=SCALE)
    for dx, dy in ((-0.14, 0.02), (0.12, 0.1), (0.02, -0.14), (-0.02, 0.17), (0.17, -0.04)):
        canvas.disc(x + dx, y + dy, 0.055, fill=BERRY)


def _draw_stag(canvas: Canvas, x: float, y: float) -> None:
    for side in (-1, 1):
        tips = [(x + side * dx, y + dy) for dx, dy in ((0.07, -0.14), (0.2, -0.28), (0.26, -0.42))]
        canvas.line(tips, 0.045, ANTLER)
        canvas.line([(x + side * 0.2, y - 0.28), (x + side * 0.34, y - 0.3)], 0.04, ANTLER)
        canvas.line([(x + side * 0.14, y - 0.22), (x + side * 0.1, y - 0.37)], 0.04, ANTLER)
        canvas.oval(x + side * 0.2, y - 0.07, 0.2, 0.11, fill=STAG_DARK)
    canvas.oval(x, y + 0.08, 0.34, 0.46, fill=STAG, outline=STAG_DARK, width=2 * SCALE)
    canvas.oval(x, y + 0.21, 0.2, 0.17, fill="#d8b48a")
    canvas.oval(x, y + 0.18, 0.09, 0.06, fill=INK)
    for side in (-1, 1):
        canvas.disc(x + side * 0.08, y + 0.02, 0.03, fill=INK)


def _draw_hunter(canvas: Canvas, x: float, y: float, agent: int) -> None:
    canvas.oval(x, y + 0.2, 0.42, 0.34, fill=HUNTERS[agent], outline=INK, width=2 * SCALE)
    canvas.disc(x, y - 0.06, 0.17, fill=SKIN, outline=INK, width=SCALE)
    canvas.oval(x, y - 0.19, 0.42, 0.1, fill=HUNTERS[agent], outline=INK, width=SCALE)
    canvas.oval(x, y - 0.25, 0.22, 0.15, fill=HUNTERS[agent], outline=INK, width=SCALE)
    for side in (-1, 1):
        canvas.disc(x + side * 0.06, y - 0.06, 0.025, fill=INK)
    canvas.text(x, y + 0.22, str(agent), 0.2, fill="#ffffff")
