"""Pictures of a Markov game: its states as a graph, where play stands, and what the last joint action paid.

Soccer and the grid games show their board. Otherwise, up to MAX_WHOLE states all of them are shown, in a layout that
stays; of larger games, the state and what may follow.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import networkx as nx
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from games.markov import ClassicConfig, MarkovConfig
from games.markov.boards import SIZES, draw_board
from games.markov.game import MarkovGame

# All lengths in pixels.
SIZE, HEADER, MARGIN, RADIUS = 480, 64, 56, 20
MAX_WHOLE = 40
LAYOUT_SEED = 3

PAPER, INK, FAINT, EDGE = (250, 249, 246), (38, 40, 46), (128, 130, 138), (205, 203, 197)
NODE, END, HERE, HERE_EDGE, PATH = (233, 238, 246), (226, 226, 226), (255, 224, 130), (214, 150, 20), (186, 70, 40)

Point = tuple[float, float]


def draw(fields: dict[str, Any], config: MarkovConfig) -> np.ndarray:
    """Draws the game between two steps.

    Args:
        fields: `state`, `previous_state` (-1 before the first step), `steps` and `last_actions` [P].
        config: The game.

    Returns:
        [SIZE + HEADER, SIZE, 3] uint8.
    """
    game, state, previous = config.game, int(fields["state"]), int(fields["previous_state"])
    image = Image.new("RGB", (SIZE, SIZE + HEADER), PAPER)
    pen = ImageDraw.Draw(image)
    _draw_header(pen, game, fields, config.horizon)
    if isinstance(config, ClassicConfig) and config.name in SIZES and game.state_names:
        last = game.state_names[previous if previous >= 0 else int(game.initial.argmax())]
        draw_board(pen, config.name, game.state_names[state], last, (0, HEADER, SIZE, SIZE + HEADER))
        return np.asarray(image)
    places = _whole(game) if game.num_states <= MAX_WHOLE else _around(game, state, previous)
    for one, place in places.items():
        for other in _successors(game, one):
            if other in places and other != one and (one, other) != (previous, state):
                _draw_arrow(pen, place, places[other], EDGE, 1)
    if previous in places and previous != state:
        _draw_arrow(pen, places[previous], places[state], PATH, 3)
    for one, place in places.items():
        _draw_state(pen, game, one, place, one == state)
    return np.asarray(image)


def _draw_header(pen: ImageDraw.ImageDraw, game: MarkovGame, fields: dict[str, Any], horizon: int) -> None:
    pen.text((16, 10), f"step {fields['steps']} of {horizon}", INK, ImageFont.load_default(18))
    name = game.state_names[fields["state"]] if game.state_names else str(fields["state"])
    pen.text((16, 36), f"state {name}", INK, ImageFont.load_default(13))
    if fields["previous_state"] < 0:
        return
    actions = tuple(int(a) for a in fields["last_actions"])
    paid = game.rewards[(slice(None), int(fields["previous_state"]), *np.maximum(actions, 0))]
    lines = ("last actions  " + " ".join(map(str, actions)), "mean rewards  " + " ".join(f"{r:.3g}" for r in paid))
    for line, y in zip(lines, (13, 36), strict=True):
        pen.text((SIZE - 16, y), line, FAINT, ImageFont.load_default(13), anchor="ra")


def _successors(game: MarkovGame, state: int) -> list[int]:
    """Returns the states that may follow."""
    first, end = game.row_starts[[state * game.num_profiles, (state + 1) * game.num_profiles]]
    return np.unique(game.successors[first:end]).tolist()


@functools.lru_cache(maxsize=8)
def _whole(game: MarkovGame) -> dict[int, Point]:
    """Returns a place for every state."""
    graph = nx.Graph([(s, other) for s in range(game.num_states) for other in _successors(game, s) if other != s])
    graph.add_nodes_from(range(game.num_states))
    places = nx.spring_layout(graph, k=2 / math.sqrt(game.num_states), iterations=200, seed=LAYOUT_SEED)
    points = np.array([places[state] for state in range(game.num_states)])
    low, high = points.min(axis=0), points.max(axis=0)
    shares = np.where(high > low, (points - low) / np.where(high > low, high - low, 1), 0.5)
    pixels = MARGIN + shares * (SIZE - 2 * MARGIN)
    return {state: (float(x), float(y) + HEADER) for state, (x, y) in enumerate(pixels)}


def _around(game: MarkovGame, state: int, previous: int) -> dict[int, Point]:
    """Returns places for a state in the middle and for what may follow or came before, on a circle."""
    others = [other for other in _successors(game, state) if other not in (state, previous)]
    others = ([previous] if previous >= 0 and previous != state else []) + others
    middle, reach = (SIZE / 2, HEADER + SIZE / 2), SIZE / 2 - MARGIN
    places = {state: middle}
    for k, other in enumerate(others):
        angle = math.pi + 2 * math.pi * k / len(others)
        places[other] = (middle[0] + reach * math.cos(angle), middle[1] + reach * math.sin(angle))
    return places


def _draw_arrow(pen: ImageDraw.ImageDraw, start: Point, end: Point, color: tuple[int, int, int], width: int) -> None:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    if length <= 2 * RADIUS:
        return
    dx, dy = dx / length, dy / length
    tip = (end[0] - RADIUS * dx, end[1] - RADIUS * dy)
    pen.line([(start[0] + RADIUS * dx, start[1] + RADIUS * dy), tip], fill=color, width=width)
    back, side = 7 + width, 3 + width
    left = (tip[0] - back * dx - side * dy, tip[1] - back * dy + side * dx)
    right = (tip[0] - back * dx + side * dy, tip[1] - back * dy - side * dx)
    pen.polygon([tip, left, right], fill=color)


def _draw_state(pen: ImageDraw.ImageDraw, game: MarkovGame, state: int, place: Point, is_here: bool) -> None:
    x, y = place
    fill = HERE if is_here else END if game.terminal[state] else NODE
    box = (x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS)
    pen.ellipse(box, fill=fill, outline=HERE_EDGE if is_here else FAINT, width=3 if is_here else 1)
    if game.terminal[state]:
        pen.ellipse((x - RADIUS + 4, y - RADIUS + 4, x + RADIUS - 4, y + RADIUS - 4), outline=FAINT)
    name = game.state_names[state] if game.state_names else str(state)
    if len(name) <= 4:
        pen.text(place, name, INK, ImageFont.load_default(14), anchor="mm")
    else:
        pen.text((x, y + RADIUS + 8), name, INK, ImageFont.load_default(11), anchor="mm")
