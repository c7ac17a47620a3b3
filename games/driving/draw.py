"""A picture of the road, from the fields of its state alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from games.driving import DrivingConfig
from games.driving.roads import RoadNetwork

SCALE = 2  # drawn larger and shrunk, so that edges are smooth
STRIP, SQUARE = (960, 200), (640, 640)  # pixels of the view of a long road, and of a crossing
BAR = 34  # pixels of the line of text below
NEAREST = 6.5  # pixels of a metre at most
LEAST = 3.0  # fewer, and there are more views
MOST_VIEWS = 4
MARGIN = 70.0  # m of road ahead of and behind the agents
DASH, GAP = 3.0, 5.0  # m, of striped lines
ACROSS, ROUND = 110.0, 20.0  # m of a crossing that are seen at least, and beyond its bends

CAR_LENGTH, CAR_WIDTH, OBSTACLE = 5.0, 2.0, 2.0  # m

GRASS, VERGE, ASPHALT, LINE = "#b9cda0", "#a3b98b", "#565c66", "#eceae0"
TRAFFIC, WINDOW, TYRES, INK = "#c9ced6", "#2f3a47", "#22252b", "#23272e"
PAPER, FLAME, SPARK, WARNING = "#fbfaf5", "#e4572e", "#ffc857", "#d1495b"
AGENTS = ("#2f7fd1", "#e07a1f", "#3f9b57", "#9a55b8", "#1f9c9c", "#c8476f", "#86862c", "#5f6bb0")


class _Canvas:
    """Draws metres of the world onto an enlarged picture."""

    def __init__(self, size: tuple[int, int], middle: np.ndarray, pixels_per_metre: float) -> None:
        self.size = size
        self.unit = pixels_per_metre * SCALE
        self.image = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), GRASS)
        self.pen = ImageDraw.Draw(self.image)
        self.origin = np.array(size) * SCALE / 2 - middle * self.unit
        self.middle = middle
        self.reach = float(np.hypot(*size)) / 2 / pixels_per_metre

    def pixels(self, points: np.ndarray) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in np.asarray(points) * self.unit + self.origin]

    def area(self, points: np.ndarray, fill: str, outline: str | None = None, width: int = 1) -> None:
        self.pen.polygon(self.pixels(points), fill=fill, outline=outline, width=width * SCALE)

    def path(self, points: np.ndarray, fill: str, width_m: float) -> None:
        self.pen.line(self.pixels(points), fill=fill, width=max(round(width_m * self.unit), SCALE))

    def name(self, place: np.ndarray, text: str) -> None:
        x, y = self.pixels(place[None])[0]
        font, above = ImageFont.load_default(12 * SCALE), max(self.unit * 2.2, 11 * SCALE)
        y += above if y - above < 8 * SCALE else -above
        self.pen.text((x, y), text, fill=PAPER, font=font, anchor="mm", stroke_width=SCALE, stroke_fill=INK)


def draw(fields: dict[str, Any], config: DrivingConfig) -> np.ndarray:
    """Draws one state of the road. Long roads are shown round the agents, crossings whole.

    Where agents on a long road are so far apart that their cars would be specks, there are two views of it or four, one
    above the other, each with agents that are near each other.

    Args:
        fields: From `Batch.fields`.
        config: The drive's settings.

    Returns:
        [234, 960, 3] uint8 of a road along x, [674, 640, 3] of one that goes all ways.
    """
    views = _views(fields, config)
    width, height = views[0].size[0], sum(view.size[1] for view in views)
    picture = Image.new("RGB", (width * SCALE, (height + BAR) * SCALE), PAPER)
    top = 0
    for view in views:
        _draw_road(view, config.network)
        _draw_cars(view, fields)
        picture.paste(view.image, (0, top * SCALE))
        top += view.size[1]
        if top < height:
            ImageDraw.Draw(picture).line([0, top * SCALE, width * SCALE, top * SCALE], fill=PAPER, width=4 * SCALE)
    _draw_bar(picture, fields, config, has_gap=len(views) == 2)
    return np.asarray(picture.resize((width, height + BAR), Image.Resampling.LANCZOS))


# ---- the views ----


def _views(fields: dict[str, Any], config: DrivingConfig) -> list[_Canvas]:
    low, high = _extent(config.network, range(len(config.network.lanes)))
    if high[1] - low[1] > 60:
        return [_crossing(config.network)]
    agents = [int(i) for i in fields["agent_vehicles"] if i >= 0]
    places = np.sort(fields["positions"][agents][:, 0]) if agents else np.array([low[0], high[0]])
    views, count = [_along(places, low[1], high[1], STRIP)], 2
    while views[0].unit / SCALE < LEAST and count <= min(MOST_VIEWS, len(agents)):
        size = (STRIP[0], STRIP[1] // count)
        views, count = [_along(part, low[1], high[1], size) for part in _parts(places, count)], 2 * count
    return views


def _extent(network: RoadNetwork, lanes: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the box round the middles of lanes."""
    points = np.concatenate([network.position(lane, np.linspace(0, network.length(lane), 17)) for lane in lanes])
    return points.min(0), points.max(0)


def _crossing(network: RoadNetwork) -> _Canvas:
    """A view of all bends, or of everything on a road without any."""
    lanes = range(len(network.lanes))
    bends = [lane for lane in lanes if network.lanes[lane]["kind"] != "straight"]
    low, high = _extent(network, bends or lanes)
    return _Canvas(SQUARE, (low + high) / 2, SQUARE[0] / max(ACROSS, float((high - low).max()) + ROUND))


def _parts(places: np.ndarray, count: int) -> list[np.ndarray]:
    """Cuts sorted places into parts, the longest as short as can be."""
    cuts = combinations(range(1, len(places)), count - 1)
    return min((np.split(places, cut) for cut in cuts), key=lambda parts: max(np.ptp(part) for part in parts))


def _along(places: np.ndarray, low: float, high: float, size: tuple[int, int]) -> _Canvas:
    """A view of all x in `places` on a road from y = low to high; one car alone is shown with more road before it."""
    scale = float(min(NEAREST, size[0] / (np.ptp(places) + 2 * MARGIN), size[1] / (high - low + 6)))
    ahead = 0.18 * size[0] / scale if len(places) == 1 and size == STRIP else 0.0
    return _Canvas(size, np.array([(places.min() + places.max()) / 2 + ahead, (low + high) / 2]), scale)


def _draw_road(canvas: _Canvas, network: RoadNetwork) -> None:
    pieces = [_visible_lane(network, lane, canvas) for lane in range(len(network.lanes))]
    shown = [(lane, row, along) for lane, (row, along) in enumerate(zip(network.lanes, pieces, strict=True))]
    for margin, colour in ((0.8, VERGE), (0.0, ASPHALT)):
        for lane, row, along in shown:
            if along is not None:
                canvas.area(_ribbon(network, lane, along, row["width"] / 2 + margin), colour)
    for lane, row, along in shown:
        if along is not None:
            _draw_lines(canvas, network, lane, along, row)
    for place in network.obstacles:
        canvas.area(_box(np.asarray(place, float), 0.0, OBSTACLE, OBSTACLE), WARNING, INK)


def _visible_lane(network: RoadNetwork, lane: int, canvas: _Canvas) -> np.ndarray | None:
    """Returns places along the part of a lane that the picture can show, a metre or two apart."""
    row, length = network.lanes[lane], network.length(lane)
    low, high = 0.0, length
    if row["kind"] != "circular":
        start, end = np.asarray(row["start"], float), np.asarray(row["end"], float)
        middle = float((canvas.middle - start) @ (end - start) / length)
        low, high = max(0.0, middle - canvas.reach), min(length, middle + canvas.reach)
    if high <= low:
        return None
    count = 2 if row["kind"] == "straight" else max(int((high - low) / 1.5), 8)
    return np.linspace(low, high, count)


def _ribbon(network: RoadNetwork, lane: int, along: np.ndarray, half_width: float) -> np.ndarray:
    left, right = network.position(lane, along, -half_width), network.position(lane, along, half_width)
    return np.concatenate([left, right[::-1]])


def _draw_lines(canvas: _Canvas, network: RoadNetwork, lane: int, along: np.ndarray, row: dict[str, Any]) -> None:
    thickness = max(0.15, 1.2 * SCALE / canvas.unit)
    for side, line in zip((-1, 1), row["lines"], strict=True):
        across = side * row["width"] / 2
        if line == "continuous":
            canvas.path(network.position(lane, along, across), LINE, thickness)
        elif line == "striped":
            # As many as fit with half a gap at both ends, so that they go on evenly in the next lane, and those of a
            # lane for the other direction lie upon them.
            length = network.length(lane)
            period = length / max(round(length / (DASH + GAP)), 1)
            for middle in np.arange(np.floor(along[0] / period) + 0.5, along[-1] / period) * period:
                dash = np.linspace(middle - DASH / 2, middle + DASH / 2, 5)
                canvas.path(network.position(lane, dash, across), LINE, thickness)


# ---- cars ----


def _box(middle: np.ndarray, heading: float, length: float, width: float, ahead: float = 0.0) -> np.ndarray:
    """Corners of a turned box whose middle lies `ahead` of a point."""
    way = np.array([np.cos(heading), np.sin(heading)])
    side = np.array([-way[1], way[0]])
    signs = ((-1, -1), (-1, 1), (1, 1), (1, -1))
    return np.array([middle + (ahead + u * length / 2) * way + v * width / 2 * side for u, v in signs])


def _draw_cars(canvas: _Canvas, fields: dict[str, Any]) -> None:
    agents = {int(vehicle): agent for agent, vehicle in enumerate(fields["agent_vehicles"]) if vehicle >= 0}
    others = [i for i in range(int(fields["num_vehicles"])) if i not in agents]
    for i in [*others, *agents]:
        colour = AGENTS[agents[i] % len(AGENTS)] if i in agents else TRAFFIC
        _draw_car(canvas, fields["positions"][i], float(fields["headings"][i]), colour)
    for i in [*others, *agents]:
        if fields["crashed"][i]:
            _draw_crash(canvas, fields["positions"][i])
    for i, agent in agents.items():
        if len(agents) > 1:
            canvas.name(fields["positions"][i], str(agent))


def _draw_car(canvas: _Canvas, place: np.ndarray, heading: float, colour: str) -> None:
    for ahead in (-1.5, 1.5):
        canvas.area(_box(place, heading, 0.9, CAR_WIDTH + 0.3, ahead), TYRES)
    canvas.area(_rounded(place, heading), colour, INK)
    canvas.area(_box(place, heading, 0.8, CAR_WIDTH - 0.5, 0.75), WINDOW)
    canvas.area(_box(place, heading, 0.5, CAR_WIDTH - 0.6, -1.5), WINDOW)


def _rounded(place: np.ndarray, heading: float) -> np.ndarray:
    """A car seen from above: a box without its corners, narrower at the front."""
    half, side, cut = CAR_LENGTH / 2, CAR_WIDTH / 2, 0.45
    outline = [(-half, -side + cut), (-half + cut, -side), (half - 2 * cut, -side), (half, -side + cut)]
    outline += [(x, -y) for x, y in reversed(outline)]
    way = np.array([np.cos(heading), np.sin(heading)])
    return np.array([place + x * way + y * np.array([-way[1], way[0]]) for x, y in outline])


def _draw_crash(canvas: _Canvas, place: np.ndarray) -> None:
    size = max(2.0, 9 * SCALE / canvas.unit)
    for radius, colour, turn in ((size, FLAME, 0.0), (0.6 * size, SPARK, 0.3)):
        angles = np.arange(16) * np.pi / 8 + turn
        lengths = np.where(np.arange(16) % 2 == 0, radius, 0.5 * radius)
        canvas.area(np.asarray(place) + np.stack([np.cos(angles), np.sin(angles)], -1) * lengths[:, None], colour)


def _draw_bar(picture: Image.Image, fields: dict[str, Any], config: DrivingConfig, has_gap: bool) -> None:
    pen, width, middle = ImageDraw.Draw(picture), picture.width // SCALE, picture.height / SCALE - BAR / 2
    agents = fields["agent_vehicles"]

    def write(x: float, text: str, anchor: str, size: float) -> None:
        font = ImageFont.load_default(size * SCALE)
        pen.text((x * SCALE, middle * SCALE), text, fill=INK, font=font, anchor=anchor)

    gap = f"   {_widest_gap(fields):.0f} m apart" if has_gap else ""
    write(12, f"step {fields['timestep']} / {config.horizon}{gap}", "lm", 15)
    if 108 * len(agents) > width - 140:
        write(width - 12, _sum_up(fields), "rm", 14)
        return
    for place, vehicle in enumerate(agents):
        x = width - 108 * (len(agents) - place)
        colour = AGENTS[place % len(AGENTS)]
        pen.ellipse([v * SCALE for v in (x, middle - 6, x + 12, middle + 6)], fill=colour)
        write(x + 18, _describe(fields, int(vehicle)), "lm", 14)


def _widest_gap(fields: dict[str, Any]) -> float:
    """Along x between two agents, m."""
    agents = [int(i) for i in fields["agent_vehicles"] if i >= 0]
    return float(np.diff(np.sort(fields["positions"][agents][:, 0])).max())


def _sum_up(fields: dict[str, Any]) -> str:
    """What there is to say of more agents than the line has room for."""
    states = [_describe(fields, int(vehicle)) for vehicle in fields["agent_vehicles"]]
    crashed, arrived = states.count("crashed"), states.count("arrived")
    counts = f"{len(states) - crashed - arrived} of {len(states)} agents drive"
    return counts + (f", {crashed} crashed" if crashed else "") + (f", {arrived} arrived" if arrived else "")


def _describe(fields: dict[str, Any], vehicle: int) -> str:
    if vehicle < 0:
        return "arrived"
    return "crashed" if fields["crashed"][vehicle] else f"{fields['speeds'][vehicle]:.1f} m/s"
