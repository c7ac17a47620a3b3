"""Actions of a worker by name, and what a state's fields say: for players, pictures, studies and tests."""

from __future__ import annotations

from typing import Any

import numpy as np

NOTHING, BUILD = 0, 1
RESOURCES = ("stone", "wood")
DIRECTIONS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
"""Row and column that a move adds, in the order of the actions."""
PLANES = ("stone", "wood", "houses", "water", "stone_sources", "wood_sources", "workers")
"""In the order of GtbPlane."""
FADE = 0.995  # of past trades, in a step: market.c


def bid(resource: str, price: int, max_bid_ask: int = 10) -> int:
    """Returns the action that bids for a unit."""
    return _order(resource, 0, price, max_bid_ask)


def ask(resource: str, price: int, max_bid_ask: int = 10) -> int:
    """Returns the action that offers a unit."""
    return _order(resource, 1, price, max_bid_ask)


def _order(resource: str, side: int, price: int, max_bid_ask: int) -> int:
    if not 0 <= price <= max_bid_ask:
        raise ValueError(f"a price must be in [0, {max_bid_ask}], got {price}")
    return 2 + (2 * RESOURCES.index(resource) + side) * (max_bid_ask + 1) + price


def move(direction: str, max_bid_ask: int = 10) -> int:
    """Returns the action that goes a tile further."""
    return 2 + 4 * (max_bid_ask + 1) + list(DIRECTIONS).index(direction)


def num_actions(max_bid_ask: int = 10) -> int:
    """Returns how many actions there are."""
    return 2 + 4 * (max_bid_ask + 1) + len(DIRECTIONS)


def action_name(action: int, max_bid_ask: int = 10) -> str:
    """Returns an action in words: "nothing", "build", "bid 3 for stone", "ask 7 for wood", "left"."""
    if action <= BUILD:
        return ("nothing", "build")[action]
    kind, price = divmod(action - 2, max_bid_ask + 1)
    if kind < 4:
        return f"{('bid', 'ask')[kind % 2]} {price} for {RESOURCES[kind // 2]}"
    return list(DIRECTIONS)[action - move("left", max_bid_ask)]


def read_planes(fields: dict[str, Any]) -> dict[str, np.ndarray]:
    """Turns the rows of bits of a state's fields into flags, [H, W] each, by name."""
    height, width = fields["owners"].shape
    bits = fields["planes"][:, :height, None].astype(np.uint64) >> np.arange(width, dtype=np.uint64)
    return dict(zip(PLANES, (bits & np.uint64(1)).astype(bool), strict=True))


def read_trades(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[int, str, int]]:
    """Returns the trades of one step: the seller, the resource and the price of each unit.

    Args:
        before: A state's fields.
        after: Those of the next state.
    """
    if after["num_trades"] == before["num_trades"]:
        return []
    found: list[tuple[int, str, int]] = []
    for resource in RESOURCES:
        name = f"history_{resource}"
        counts = np.rint(after[name] - FADE * before[name]).astype(int)
        for seller, price in np.argwhere(counts > 0).tolist():
            found += [(seller, resource, price)] * int(counts[seller, price])
    return found
