"""Pictures of gather-trade-build: the map on the left; workers, taxes and market on the right."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from econ.gather_trade_build import GatherTradeBuildConfig
from econ.gather_trade_build.actions import RESOURCES, read_planes, read_trades
from games.canvas import SCALE, Canvas

TILE = 24  # pixels of a tile
BAR = 36  # pixels of the line of text below
PANEL = 15  # columns of the panel
MIN_ROWS = 22  # that the panel needs
SHOWN_WORKERS = 10  # in the panel

GRASS, GRASS_DARK = "#dfe8c8", "#d7e2bd"
WATER, WAVE = "#86b6d9", "#b3d3ea"
STONE, STONE_EMPTY, STONE_DARK = "#8b9099", "#c9cbc0", "#5f646d"
WOOD, WOOD_EMPTY, LEAF = "#8a5a34", "#cbb89a", "#4f9440"
PAPER, INK, FAINT, RATE = "#fffaf0", "#2d2a26", "#8d877c", "#ba4628"
BID, ASK, GOLD = "#3d7fb0", "#cf8a3a", "#e8b923"
WORKERS = ("#2f6fb5", "#d27a26", "#8a4fb0", "#3d9a57", "#b5476a", "#1f9c9c", "#7a7a2c", "#555e9e", "#9c5a3c", "#c23b3b")


def draw(fields: dict[str, Any], config: GatherTradeBuildConfig, since: Sequence[dict[str, Any]] = ()) -> np.ndarray:
    """Draws one state.

    Args:
        fields: What `Batch.fields` returns.
        config: The world's config.
        since: The states from the last picture up to the one before this, in order: houses and trades that came after
            the first of them are marked in gold.

    Returns:
        [24 max(H, 22) + 36, 24 (W + 15), 3] uint8, rounded up to even sizes.
    """
    height, width = config.maps.shape[1:]
    rows = max(height, MIN_ROWS)
    canvas = Canvas(width + PANEL, rows, TILE, BAR, PAPER)
    planes = read_planes(fields)
    trades = [trade for before, after in pairwise([*since, fields]) for trade in read_trades(before, after)]
    for row in range(height):
        for column in range(width):
            here = {name for name, plane in planes.items() if plane[row, column]}
            _draw_tile(canvas, row, column, here, int(fields["owners"][row, column]))
    if since:
        for row, column in np.argwhere(fields["owners"] != since[0]["owners"]).tolist():
            canvas.box(column, row, 1, 1, outline=GOLD, width=3 * SCALE)
    sellers = {seller for seller, _, _ in trades}
    for worker, (row, column) in enumerate(fields["positions"].tolist()):
        if worker in sellers:
            canvas.disc(column + 0.5, row + 0.5, 0.56, fill=GOLD)
        canvas.disc(column + 0.5, row + 0.5, 0.4, fill=_colour(worker), outline=INK, width=2 * SCALE)
        canvas.text(column + 0.5, row + 0.5, str(worker), 0.45, fill="#ffffff")
    left = width + 0.7
    _draw_workers(canvas, left, fields)
    _draw_taxes(canvas, left, 8.2, fields, config)
    _draw_market(canvas, left, 15.3, fields, config, trades)
    _draw_bar(canvas, rows, width, fields, config)
    return canvas.shrink()


def is_tax_day(fields: dict[str, Any]) -> bool:
    """Whether taxes were collected in the step that led to this state."""
    return bool(fields["tax_day"] == 1 and fields["timestep"] > 0)


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
    """A line for each of the first ten workers: its coin as a bar; then its income and what it has, or its tax."""
    coin = fields["coin"] + fields["escrow_coin"]
    taxed = is_tax_day(fields)
    heads = ("income", "tax", "share") if taxed else ("income", "stone", "wood", "pay")
    places = [left + PANEL - 1.4 - 1.9 * k for k in reversed(range(len(heads)))]
    incomes = fields["last_incomes"] if taxed else coin - fields["last_coin"]
    share = fields["last_taxes"].mean()
    canvas.text(left, 0.6, "coin", 0.55, anchor="lm", fill=FAINT)
    for place, head in zip(places, heads, strict=True):
        canvas.text(place, 0.6, head, 0.5, anchor="rm", fill=RATE if taxed else FAINT)
    highest, room = max(float(coin.max()), 1.0), 3.6
    for worker in range(min(len(coin), SHOWN_WORKERS)):
        y = 1.1 + 0.66 * worker
        size = max(room * max(float(coin[worker]), 0) / highest, 0.05)
        canvas.disc(left + 0.25, y + 0.25, 0.3, fill=_colour(worker))
        canvas.text(left + 0.25, y + 0.25, str(worker), 0.36, fill="#ffffff")
        canvas.box(left + 0.7, y, size, 0.5, fill=_colour(worker))
        canvas.text(left + size + 0.9, y + 0.25, f"{coin[worker]:,.0f}", 0.5, anchor="lm")
        units = fields["units"][worker]
        texts = [f"{units[0]}", f"{units[1]}", f"{fields['payments'][worker]:.1f}"]
        if taxed:
            texts = [f"{0 - fields['last_taxes'][worker]:.1f}", f"+{share:.1f}"]
        for place, text in zip(places, [f"{incomes[worker]:.0f}", *texts], strict=True):
            canvas.text(place, y + 0.25, text, 0.5, anchor="rm")


def _draw_taxes(
    canvas: Canvas, left: float, top: float, fields: dict[str, Any], config: GatherTradeBuildConfig
) -> None:
    """The rates of the brackets as bars with the cut-offs below, and each worker at its income of the period."""
    room, width = 4.0, (PANEL - 2.2) / len(config.cutoffs)
    taxed = is_tax_day(fields)
    title = f"tax rates, day {fields['tax_day']} of {config.tax_period}"
    if taxed:
        canvas.box(left - 0.2, top - 0.25, PANEL - 1.2, 0.9, radius=0.2, fill=RATE)
        title = f"TAX DAY: {fields['last_taxes'].sum():,.0f} coin collected and shared out"
    canvas.text(left, top + 0.2, title, 0.55, "lm", "#ffffff" if taxed else FAINT)
    base = top + room + 1.2
    for b, (cutoff, rate) in enumerate(zip(config.cutoffs, fields["tax_rates"], strict=True)):
        x = left + b * width
        canvas.box(x, base - room * float(rate) - 0.04, width * 0.86, room * float(rate) + 0.04, fill=RATE)
        canvas.text(x + width * 0.43, base - room * float(rate) - 0.35, f"{rate:.0%}", 0.42)
        canvas.text(x, base + 0.95, f"{cutoff:.0f}", 0.42, fill=FAINT)
    coin = fields["coin"] + fields["escrow_coin"]
    incomes = np.maximum(fields["last_incomes"] if taxed else coin - fields["last_coin"], 0)
    ends = np.append(config.cutoffs, max(2 * float(config.cutoffs[-1]), 1.0))  # the last one has no end
    for worker in range(min(len(coin), SHOWN_WORKERS)):
        x = left + width * float(np.interp(incomes[worker], ends, np.arange(len(ends))))
        canvas.disc(x, base + 0.35, 0.22, fill=_colour(worker), outline=INK, width=SCALE)


def _draw_market(
    canvas: Canvas,
    left: float,
    top: float,
    fields: dict[str, Any],
    config: GatherTradeBuildConfig,
    trades: list[tuple[int, str, int]],
) -> None:
    """Open orders by price, asks upwards and bids downwards, and trades since the last picture in gold."""
    canvas.text(left, top + 0.2, "market: asks above, bids below, by price", 0.55, "lm", FAINT)
    prices = config.max_bid_ask + 1
    width, room = (PANEL - 3.6) / prices, 0.95
    for number, resource in enumerate(RESOURCES):
        base = top + 1.9 + 2.7 * number
        canvas.text(left, base, resource, 0.5, "lm")
        for price in range(prices):
            x = left + 1.9 + price * width
            for side, sign, fill in ((1, -1, ASK), (0, 1, BID)):
                orders = fields["orders"][number, side, : fields["num_orders"][number, side]]
                size = room * min(int((orders[:, 1] == price).sum()), 10) / 10
                canvas.box(x, base - 0.22 - size if sign < 0 else base + 0.22, width * 0.8, size + 0.03, fill=fill)
            sold = sum(each[1:] == (resource, price) for each in trades)
            if sold:
                canvas.disc(x + width * 0.4, base, 0.3, fill=GOLD)
            canvas.text(x + width * 0.4, base, str(price), 0.36, fill=INK if sold else FAINT)
    if trades:
        seller, resource, price = trades[-1]
        text = f"worker {seller} sold {resource} for {price}" + (f", {len(trades)} trades" if len(trades) > 1 else "")
        canvas.text(left, top + 6.1, text, 0.5, "lm", fill=_colour(seller))


def _draw_bar(canvas: Canvas, rows: int, width: int, fields: dict[str, Any], config: GatherTradeBuildConfig) -> None:
    middle = rows + BAR / TILE / 2
    canvas.text(0.3, middle, f"step {fields['timestep']} / {config.horizon}", 0.7, anchor="lm")
    numbers = {"houses": int((fields["owners"] > 0).sum()), "trades": fields["num_trades"]}
    numbers["orders"] = int(fields["num_orders"].sum())
    text = "   ".join(f"{name} {number}" for name, number in numbers.items())
    canvas.text(width + PANEL - 0.5, middle, text, 0.7, anchor="rm")
