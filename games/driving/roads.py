"""Roads: lanes between nodes, as rows that JSON can hold, and the tables that C reads.

A road network is a list of rows made by `straight`, `sine`, `circular` and `obstacle`. Lanes with the same two nodes
are one road, numbered from the left. x and y are metres, y to the right of x; angles turn from x to y.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from games.config import is_of_kind
from games.names import unknown_name

KINDS = ("straight", "sine", "circular")  # in the order of DrivingLaneKind
FLAGS = {"forbidden": 1, "exit": 2, "ramp": 4}
LINES = ("none", "striped", "continuous")
MAX_LANES, MAX_NODES, MAX_OBSTACLES = 64, 64, 8
LANE_WIDTH = 4.0

Point = Sequence[float]


class RoadError(ValueError):
    """A road that cannot be; the message names the row, counted from 1, and the key."""


_TRAITS: dict[str, Any] = {
    "width": LANE_WIDTH,
    "speed_limit": 20.0,
    "priority": 0,
    "forbidden": False,
    "exit": False,
    "ramp": False,
    "arrival": None,
    "lines": ("striped", "striped"),
}
_SHAPES: dict[str, tuple[str, ...]] = {
    "straight": ("start", "end"),
    "sine": ("start", "end", "amplitude", "pulsation", "phase"),
    "circular": ("center", "radius", "start_phase", "end_phase", "clockwise"),
    "obstacle": ("at",),
}
_POINTS = ("start", "end", "center", "at")


def straight(from_node: str, to_node: str, start: Point, end: Point, **traits: Any) -> dict[str, Any]:
    """Returns the row of a straight lane.

    Args:
        from_node: Where the road starts.
        to_node: Where it ends.
        start: (x, y) of the middle line's start.
        end: Of its end.
        **traits: width (m), speed_limit (m/s), priority (the higher goes first where it is regulated), forbidden
            (nobody changes onto it), exit (traffic is taken off it near its end), ramp (slow traffic on it costs the
            merging reward), arrival (the place along it, m, from which an agent has arrived; None: nowhere), lines (on
            the left and right: "none", "striped" or "continuous").
    """
    return {"kind": "straight", "from": from_node, "to": to_node, "start": start, "end": end, **traits}


def sine(
    from_node: str,
    to_node: str,
    start: Point,
    end: Point,
    amplitude: float,
    pulsation: float,
    phase: float,
    **traits: Any,
) -> dict[str, Any]:
    """Returns the row of a lane that swings about a straight line by amplitude * sin(pulsation * s + phase).

    Args:
        from_node: Where the road starts.
        to_node: Where it ends.
        start: (x, y) of the straight line's start.
        end: Of its end.
        amplitude: m, to the right.
        pulsation: rad/m.
        phase: rad.
        **traits: As for `straight`.
    """
    wave = {"amplitude": amplitude, "pulsation": pulsation, "phase": phase}
    return {"kind": "sine", "from": from_node, "to": to_node, "start": start, "end": end, **wave, **traits}


def circular(
    from_node: str,
    to_node: str,
    center: Point,
    radius: float,
    start_phase: float,
    end_phase: float,
    clockwise: bool = True,
    **traits: Any,
) -> dict[str, Any]:
    """Returns the row of a lane along a circle.

    Args:
        from_node: Where the road starts.
        to_node: Where it ends.
        center: (x, y).
        radius: m.
        start_phase: Angle from the centre to the start, rad.
        end_phase: To the end: larger than start_phase if clockwise, else smaller.
        clockwise: As seen with y downwards.
        **traits: As for `straight`.
    """
    arc = {"center": center, "radius": radius, "start_phase": start_phase, "end_phase": end_phase}
    return {"kind": "circular", "from": from_node, "to": to_node, **arc, "clockwise": clockwise, **traits}


def obstacle(at: Point) -> dict[str, Any]:
    """Returns the row of an obstacle of 2 m by 2 m.

    Args:
        at: (x, y) of its middle.
    """
    return {"kind": "obstacle", "at": at}


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """Checked rows, in the order in which the nearest lane is looked for: by nodes as they first appear.

    Args:
        rows: As `straight`, `sine`, `circular` and `obstacle` make them.

    Raises:
        RoadError: A row is none, or the road cannot be.
    """

    rows: Sequence[dict[str, Any]]

    def __post_init__(self) -> None:
        if not isinstance(self.rows, list | tuple):
            raise RoadError(f"road must be a list of rows, got {reprlib.repr(self.rows)}")
        for number, row in enumerate(self.rows, 1):
            _check_row(f"road: row {number}", row)
        if not 1 <= len(self.lanes) <= MAX_LANES:
            raise RoadError(f"road must have 1 to {MAX_LANES} lanes, got {len(self.lanes)}")
        if len(self.nodes) > MAX_NODES:
            raise RoadError(f"road must have at most {MAX_NODES} nodes, got {len(self.nodes)}")
        if len(self.obstacles) > MAX_OBSTACLES:
            raise RoadError(f"road must have at most {MAX_OBSTACLES} obstacles, got {len(self.obstacles)}")

    @cached_property
    def lanes(self) -> list[dict[str, Any]]:
        """The rows of lanes with all their traits, ordered."""
        rows = [_TRAITS | row for row in self.rows if row["kind"] != "obstacle"]
        froms = list(dict.fromkeys(row["from"] for row in rows))
        roads = list(dict.fromkeys((row["from"], row["to"]) for row in rows))
        return sorted(rows, key=lambda row: (froms.index(row["from"]), roads.index((row["from"], row["to"]))))

    @cached_property
    def obstacles(self) -> list[Point]:
        """Middles of the obstacles."""
        return [row["at"] for row in self.rows if row["kind"] == "obstacle"]

    @cached_property
    def nodes(self) -> list[str]:
        """Names of the nodes, sorted: of equally short routes the one with the first names is taken."""
        return sorted({row[key] for row in self.lanes for key in ("from", "to")})

    @cached_property
    def keys(self) -> list[tuple[str, str, int]]:
        """(from, to, number) of each lane."""
        counts: dict[tuple[str, str], int] = {}
        keys = []
        for row in self.lanes:
            road = (row["from"], row["to"])
            counts[road] = counts.get(road, -1) + 1
            keys.append((*road, counts[road]))
        return keys

    def lane(self, key: Sequence[Any]) -> int:
        """Returns the index of a lane.

        Raises:
            RoadError: No such lane.
        """
        if not isinstance(key, list | tuple) or tuple(key) not in self.keys:
            names = ["-".join(map(str, known)) for known in self.keys]
            given = "-".join(map(str, key)) if isinstance(key, list | tuple) else key
            raise RoadError(str(unknown_name("lane (from, to, number)", given, names)))
        return self.keys.index((key[0], key[1], key[2]))

    def node(self, name: Any) -> int:
        """Returns the index of a node.

        Raises:
            RoadError: No such node.
        """
        if name not in self.nodes:
            raise RoadError(str(unknown_name("node of the road", name, self.nodes)))
        return self.nodes.index(name)

    @cached_property
    def roads(self) -> list[tuple[str, str]]:
        """(from, to) of each road, in the order of its first lane."""
        return list(dict.fromkeys((row["from"], row["to"]) for row in self.lanes))

    def tables(self) -> dict[str, np.ndarray]:
        """Returns lane_shapes, lane_traits, lane_numbers and obstacles of the C config, flat."""
        traits = [
            (r["width"], r["speed_limit"], math.inf if r["arrival"] is None else r["arrival"]) for r in self.lanes
        ]
        numbers = [
            (
                KINDS.index(row["kind"]),
                self.nodes.index(row["from"]),
                self.nodes.index(row["to"]),
                row["priority"],
                sum(bit for name, bit in FLAGS.items() if row[name]),
            )
            for row in self.lanes
        ]
        return {
            "lane_shapes": np.array([_shape(row) for row in self.lanes], np.float64).reshape(-1),
            "lane_traits": np.array(traits, np.float64).reshape(-1),
            "lane_numbers": np.array(numbers, np.int32).reshape(-1),
            "obstacles": np.array(self.obstacles, np.float64).reshape(-1),
        }

    def position(self, lane: int, along: Any, across: Any = 0.0) -> np.ndarray:
        """Returns the points at places along and across a lane, [..., 2].

        Args:
            lane: Index.
            along: m from its start, an array or a number.
            across: m to the right of its middle.
        """
        row = self.lanes[lane]
        along, across = np.broadcast_arrays(np.asarray(along, float), np.asarray(across, float))
        if row["kind"] == "circular":
            turn = 1 if row["clockwise"] else -1
            phase = turn * along / row["radius"] + row["start_phase"]
            distance = row["radius"] - across * turn
            return np.asarray(row["center"], float) + np.stack([np.cos(phase), np.sin(phase)], -1) * distance[..., None]
        start, end = np.asarray(row["start"], float), np.asarray(row["end"], float)
        way = (end - start) / np.linalg.norm(end - start)
        if row["kind"] == "sine":
            across = across + row["amplitude"] * np.sin(row["pulsation"] * along + row["phase"])
        return start + along[..., None] * way + across[..., None] * np.array([-way[1], way[0]])

    def length(self, lane: int) -> float:
        """Returns the length of a lane, m; of a sine lane, that of its straight line."""
        row = self.lanes[lane]
        if row["kind"] == "circular":
            return float(row["radius"] * abs(row["end_phase"] - row["start_phase"]))
        return math.dist(row["start"], row["end"])


def _shape(row: dict[str, Any]) -> tuple[float, ...]:
    if row["kind"] == "circular":
        turn = 1 if row["clockwise"] else -1
        return (*row["center"], row["radius"], row["start_phase"], row["end_phase"], turn, 0)
    wave = (row["amplitude"], row["pulsation"], row["phase"]) if row["kind"] == "sine" else (0, 0, 0)
    return (*row["start"], *row["end"], *wave)


# ---- checks ----


def _check_row(where: str, row: Any) -> None:
    if not isinstance(row, dict) or "kind" not in row:
        raise RoadError(f"{where} must be a dict with a 'kind', got {reprlib.repr(row)}")
    if row["kind"] not in _SHAPES:
        raise RoadError(f"{where}: {unknown_name('kind of row', row['kind'], _SHAPES)}")
    is_lane = row["kind"] != "obstacle"
    required = _SHAPES[row["kind"]] + (("from", "to") if is_lane else ())
    known = {"kind", *required, *(_TRAITS if is_lane else ())}
    for key in row:
        if key not in known:
            raise RoadError(f"{where}: {unknown_name('key', key, known)}")
    for key in required:
        if key not in row:
            raise RoadError(f"{where} ({row['kind']}) has no {key!r}")
    for key, value in row.items():
        _check_value(f"{where}: {key}", key, value)
    if is_lane:
        _check_shape(where, row)


def _check_value(where: str, key: str, value: Any) -> None:
    if key in ("from", "to"):
        if not isinstance(value, str) or not value:
            raise RoadError(f"{where} must be the name of a node, got {value!r}")
    elif key in _POINTS:
        if not isinstance(value, list | tuple | np.ndarray) or len(value) != 2 or not all(map(_is_coordinate, value)):
            raise RoadError(f"{where} must be a pair of coordinates within 1e6 m, got {reprlib.repr(value)}")
    elif key in (*FLAGS, "clockwise"):
        if not is_of_kind(value, bool):
            raise RoadError(f"{where} must be True or False, got {value!r}")
    elif key == "lines":
        if not isinstance(value, list | tuple) or len(value) != 2 or any(line not in LINES for line in value):
            raise RoadError(f"{where} must be two of {', '.join(LINES)}, got {reprlib.repr(value)}")
    elif key == "priority":
        if not is_of_kind(value, int) or abs(value) > 1000:
            raise RoadError(f"{where} must be a whole number in [-1000, 1000], got {value!r}")
    elif key != "kind":
        _check_number(where, key, value)


_RANGES = {
    "width": (0.1, 100),
    "speed_limit": (0, 1000),
    "radius": (1, 1e6),
    "amplitude": (-1000, 1000),
    "pulsation": (-10, 10),
    "phase": (-1000, 1000),
    "start_phase": (-100, 100),
    "end_phase": (-107, 107),
    "arrival": (-1e6, 1e6),
}


def _check_number(where: str, key: str, value: Any) -> None:
    low, high = _RANGES[key]
    if key == "arrival" and value is None:
        return
    if not is_of_kind(value, float) or not low <= value <= high:
        raise RoadError(f"{where} must be a number in [{low}, {high}], got {value!r}")


def _is_coordinate(value: Any) -> bool:
    return is_of_kind(value, float) and abs(value) <= 1e6


def _check_shape(where: str, row: dict[str, Any]) -> None:
    if row["from"] == row["to"]:
        raise RoadError(f"{where} leads from node {row['from']!r} to itself")
    if row["kind"] != "circular":
        if math.dist(row["start"], row["end"]) < 1:
            raise RoadError(f"{where} must be at least 1 m long, got {row['start']} to {row['end']}")
        return
    arc = (row["end_phase"] - row["start_phase"]) * (1 if row["clockwise"] else -1)
    if not 1e-3 <= arc <= 2 * math.pi:
        way = "rise" if row["clockwise"] else "fall"
        raise RoadError(
            f"{where}: phases must {way} by at most a full circle, got {row['start_phase']} to {row['end_phase']}"
        )
