"""Pictures of gather-trade-build: the map on the left; incomes, market and taxes on the right."""

from __future__ import annotations

from typing import Any

import numpy as np

from econ.gather_trade_build import GatherTradeBuildConfig
from econ.gather_trade_build.actions import read_planes
from games.canvas import SCALE, Canvas

TILE = 24  # pixels of a tile
BAR = 36  # pixels of the line of text below
PANEL = 15  # columns of the panel
MIN_ROWS = 15  # that the panel needs

GRASS, GRASS_DARK = "#dfe8c8", "#d7e2bd"
WATER, WAVE = "#86b6d9", "#b3d3ea"
STONE, STONE_EMPTY, STONE_DARK = "#8b9099", "#c9cbc0", "#5f646d"
WOOD, WOOD_EMPTY, LEAF = "#8a5a34", "#cbb89a", "#4f9440"
PAPER, INK, FAINT, RATE = "#fffaf0", "#2d2a26", "#8d877c", "#ba4628"
WORKERS = ("#2f6fb5", "#d27a26", "#8a4fb0", "#3d9a57", "#b5476a", "#1f9c9c", "#7a7a2c", "#555e9e", "#9c5a3c", "#c23b3b")


def draw(fields: dict[str, Any], config: GatherTradeBuildConfig) -> np.ndarray:
    """Draws one state.

    Args:
        fields: What `Batch.fields` returns.
        config: The world's config.

    Returns:
        [24 max(H, 15) + 36, 24 (W + 15), 3] uint8, rounded up to even sizes.
    """
    height, width = config.maps.shape[1:]
    rows = max(height, MIN_ROWS)
    canvas = Canvas(width + PANEL, rows, TILE, BAR, PAPER)
    planes = read_planes(fields)
    for row in range(height):
        for column in range(width):
            here = {name for name, plane in planes.items() if plane[row, column]}
            _draw_tile(canvas, row, column, here, int(fields["owners"][row, column]))
    for worker, (row, column) in enumerate(fields["positions"].tolist()):
        canvas.disc(column + 0.5, row + 0.5, 0.4, fill=_colour(worker), outline=INK, width=2 * SCALE)
        canvas.text(column + 0.5, row + 0.5, str(worker), 0.45, fill="#ffffff")
    _draw_workers(canvas, width + 0.7, fields)
    _draw_taxes(canvas, width + 0.7, 8.2, fields, config)
    _draw_bar(canvas, rows, width, fields, config)
    return canvas.shrink()


def _colour(worker: int) -> str:
    return WORKERS[worker % len(WORKERS)]


def _draw_tile(canvas: Canvas, row: int, column: int, here: set[str], owner: int) -> None:
    canvas.box(column, row, 1, 1, fill=GRASS if (row + column) % 2 else GRASS_DARK)
    if "water" in here:
        canvas.box(column, row, 1, 1, fill=WATER)
        canvas.line([(column + 0.2, row + 0.6), (column + 0.5, row + 0.45), (column + 0.8, row + 0.6)], 0.06, WAVE)
    if "stone_sources" in here:
        corners = [(0.15, 0.8), (0.3, 0.3), (0.6, 0.2), (0.85, 0.5), (0.85, 0.8)]
        points = [(column + x, row + y) for x, y in corners]
        canvas.polygon(
            points, fill=STONE if "stone" in here else STONE_EMPTY, outline=STONE_DARK if "stone" in here else FAINT
        )
    if "wood_sources" in here:
        canvas.box(column + 0.42, row + 0.5, 0.16, 0.4, fill=WOOD if "wood" in here else WOOD_EMPTY)
        if "wood" in here:
            canvas.disc(column + 0.5, row + 0.38, 0.28, fill=LEAF)
    if "houses" in here:
        x, y = column, row
        canvas.box(x + 0.2, y + 0.45, 0.6, 0.45, fill=_colour(owner - 1), outline=INK, width=SCALE)
        canvas.polygon([(x + 0.1, y + 0.48), (x + 0.5, y + 0.1), (x + 0.9, y + 0.48)], fill=INK)


def _draw_workers(canvas: Canvas, left: float, fields: dict[str, Any]) -> None:
    """A line for each of the first ten workers: its coin as a bar, what it has and what a house pays it."""
    coin = fields["coin"] + fields["escrow_coin"]
    canvas.text(left, 0.6, "coin", 0.55, anchor="lm", fill=FAINT)
    canvas.text(left + PANEL - 1.4, 0.6, "stone  wood  pay", 0.5, anchor="rm", fill=FAINT)
    highest, room = max(float(coin.max()), 1.0), 5.5
    for worker in range(min(len(coin), 10)):
        y = 1.1 + 0.66 * worker
        canvas.box(left, y, max(room * max(float(coin[worker]), 0) / highest, 0.05), 0.5, fill=_colour(worker))
        canvas.text(left + room + 0.2, y + 0.25, f"{coin[worker]:,.0f}", 0.5, anchor="lm")
        units = fields["units"][worker]
        text = f"{units[0]:>5}  {units[1]:>5}  {fields['payments'][worker]:5.1f}"
        canvas.text(left + PANEL - 1.4, y + 0.25, text, 0.5, anchor="rm")


def _draw_taxes(
    canvas: Canvas, left: float, top: float, fields: dict[str, Any], config: GatherTradeBuildConfig
) -> None:
    """The rates of the brackets as bars, with the cut-offs below."""
    room, width = 4.6, (PANEL - 2.2) / len(config.cutoffs)
    canvas.text(left, top + 0.2, f"tax rates, day {fields['tax_day']} of {config.tax_period}", 0.55, "lm", FAINT)
    base = top + room + 0.9
    for b, (cutoff, rate) in enumerate(zip(config.cutoffs, fields["tax_rates"], strict=True)):
        x = left + b * width
        canvas.box(x, base - room * float(rate) - 0.04, width * 0.86, room * float(rate) + 0.04, fill=RATE)
        canvas.text(x + width * 0.43, base - room * float(rate) - 0.35, f"{rate:.0%}", 0.42)
        canvas.text(x + width * 0.43, base + 0.4, f"{cutoff:.0f}", 0.42, fill=FAINT)


def _draw_bar(canvas: Canvas, rows: int, width: int, fields: dict[str, Any], config: GatherTradeBuildConfig) -> None:
    middle = rows + BAR / TILE / 2
    canvas.text(0.3, middle, f"step {fields['timestep']} / {config.horizon}", 0.7, anchor="lm")
    numbers = {"houses": int((fields["owners"] > 0).sum()), "trades": fields["num_trades"]}
    numbers["orders"] = int(fields["num_orders"].sum())
    text = "   ".join(f"{name} {number}" for name, number in numbers.items())
    canvas.text(width + PANEL - 0.5, middle, text, 0.7, anchor="rm")
