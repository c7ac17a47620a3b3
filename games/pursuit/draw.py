"""A picture of a pursuit, from the fields of its state alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.pursuit import GONE, PursuitConfig

TILE = 36  # pixels of a cell
BAR = 36  # pixels of the line of text below the map
MIN_COLUMNS = 9  # that the line of text needs

PAVING, PAVING_LIGHT, SEEN = "#dcd8cf", "#e6e3db", "#f3e6c4"
ROOF, ROOF_DARK, ROOF_LIGHT = "#9b5a45", "#7d4434", "#b06d56"
PURSUER, PURSUER_DARK, EVADER, EVADER_DARK, INK = "#2f6fb5", "#1d4b80", "#e0862b", "#a85c12", "#2d2a26"


def draw(fields: dict[str, Any], config: PursuitConfig) -> np.ndarray:
    """Draws one state of a pursuit: pursuers blue, evaders orange, what pursuers see a little lighter.

    The first row is at the bottom, so that "up" goes up.

    Args:
        fields: From `Batch.fields`.
        config: The pursuit's settings.

    Returns:
        [36 y_size + 36, 36 max(x_size, 9), 3] uint8.
    """
    columns = max(config.x_size, MIN_COLUMNS)
    canvas = Canvas(columns, config.y_size, TILE, BAR)
    left = (columns - config.x_size) / 2
    walls, seen = config.walls(), _seen(fields["pursuers"], config)
    for y in range(config.y_size):
        for x in range(config.x_size):
            corner = (left + x, config.y_size - 1 - y)
            _draw_ground(canvas, *corner, bool(walls[y, x]), bool(seen[y, x]), (x + y) % 2 == 0)
    pursuers = Counter((int(x), int(y)) for x, y in fields["pursuers"])
    evaders = Counter((int(x), int(y)) for x, y in fields["evaders"] if x != GONE)
    for (x, y), count in evaders.items():
        _draw_evader(canvas, left + x + 0.5, config.y_size - 0.5 - y, count, (x, y) in pursuers)
    for (x, y), count in pursuers.items():
        _draw_pursuer(canvas, left + x + 0.5, config.y_size - 0.5 - y, count, (x, y) in evaders)
    middle = config.y_size + BAR / TILE / 2
    canvas.text(0.25, middle, f"step {fields['timestep']} / {config.horizon}", 0.44, anchor="lm")
    canvas.text(columns - 0.25, middle, f"caught {fields['caught']} of {config.n_evaders}", 0.44, anchor="rm")
    return canvas.shrink()


def _seen(pursuers: np.ndarray, config: PursuitConfig) -> np.ndarray:
    """Returns which cells some pursuer sees, [y, x]."""
    reach = config.obs_range // 2
    seen = np.zeros((config.y_size, config.x_size), bool)
    for x, y in pursuers.astype(int):
        seen[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
    return seen


def _draw_ground(canvas: Canvas, x: float, y: float, is_wall: bool, is_seen: bool, is_light: bool) -> None:
    if is_wall:
        canvas.box(x, y, 1, 1, fill=ROOF)
        for row in (0.0, 0.34, 0.67):
            canvas.box(x, y + row, 1, 0.06, fill=ROOF_DARK)
            canvas.box(x, y + row + 0.06, 1, 0.06, fill=ROOF_LIGHT)
        return
    canvas.box(x, y, 1, 1, fill=SEEN if is_seen else PAVING_LIGHT if is_light else PAVING)
    canvas.box(x, y, 1, 1, outline="#cfcabf", width=1)


def _draw_pursuer(canvas: Canvas, x: float, y: float, count: int, is_shared: bool) -> None:
    if is_shared:
        x, y = x + 0.17, y + 0.15
    size = 0.26 if is_shared else 0.36
    canvas.disc(x, y, size, fill=PURSUER, outline=PURSUER_DARK, width=2 * SCALE)
    canvas.box(x - size, y - 0.55 * size, 2 * size, 0.5 * size, 0.1 * size, fill=PURSUER_DARK)
    for side in (-1, 1):
        canvas.disc(x + side * 0.38 * size, y + 0.2 * size, 0.17 * size, fill="#ffffff")
    _draw_count(canvas, x, y, size, count)


def _draw_evader(canvas: Canvas, x: float, y: float, count: int, is_shared: bool) -> None:
    if is_shared:
        x, y = x - 0.17, y - 0.15
    size = 0.26 if is_shared else 0.34
    canvas.oval(x, y, 2 * size, 2 * size, fill=EVADER, outline=EVADER_DARK, width=2 * SCALE)
    for side in (-1, 1):
        canvas.disc(x + side * 0.36 * size, y - 0.15 * size, 0.24 * size, fill="#ffffff")
        canvas.disc(x + side * 0.36 * size, y - 0.12 * size, 0.12 * size, fill=INK)
    canvas.oval(x, y + 0.45 * size, 0.4 * size, 0.3 * size, fill=EVADER_DARK)
    _draw_count(canvas, x, y, size, count)


def _draw_count(canvas: Canvas, x: float, y: float, size: float, count: int) -> None:
    if count > 1:
        canvas.disc(x + size, y - size, 0.18, fill="#ffffff", outline=INK, width=SCALE)
        canvas.text(x + size, y - size, str(count), 0.28)
