"""The roads of the scenes, as highway-env 1.12.1 builds them, and where vehicles enter and leave them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from games.driving.roads import LANE_WIDTH, RoadNetwork, circular, obstacle, sine, straight

SCENES = ("highway", "merge", "intersection", "roundabout", "two_way", "overtaking")  # in the order of DrivingScene

_BOTH = ("continuous", "continuous")
_LEFT = ("continuous", "striped")
_RIGHT = ("none", "continuous")


@dataclass(frozen=True)
class SceneRoad:
    """A scene's own road.

    Attributes:
        rows: For `RoadNetwork`.
        entries: Lanes (from, to, number) on which vehicles start, in the order that scene_*.c counts them.
        exits: Nodes where traffic wants to go.
        destinations: Nodes where agents want to go, None: the scene draws one.
    """

    rows: tuple[dict[str, Any], ...]
    entries: tuple[tuple[str, str, int], ...]
    exits: tuple[str, ...] = ()
    destinations: tuple[str | None, ...] = ()
    network: RoadNetwork = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "network", RoadNetwork(self.rows))


@cache
def scene_road(scene: str, lanes_count: int) -> SceneRoad:
    """Returns the road of a scene.

    Args:
        scene: One of SCENES.
        lanes_count: Lanes of the highway; other scenes have their own.
    """
    if scene == "highway":
        return _highway(lanes_count)
    return {
        "merge": _merge,
        "intersection": _intersection,
        "roundabout": _roundabout,
        "two_way": _two_way,
        "overtaking": _overtaking,
    }[scene]()


def _highway(lanes_count: int) -> SceneRoad:
    rows = []
    for lane in range(lanes_count):
        y = lane * LANE_WIDTH
        left = "continuous" if lane == 0 else "striped"
        right = "continuous" if lane == lanes_count - 1 else "none"
        rows.append(straight("0", "1", (0, y), (10_000, y), speed_limit=30.0, lines=(left, right)))
    return SceneRoad(tuple(rows), (("0", "1", 0),))


def _merge() -> SceneRoad:
    """A highway of two lanes, and a ramp that runs beside it for 80 m and ends at an obstacle."""
    before, converging, beside, after = 150, 80, 80, 150
    start, end, far = before + converging, before + converging + beside, before + converging + beside + after
    amplitude, ramp_y = 3.25, 6.5 + 4 + 4
    rows = []
    for number, lines in enumerate((_LEFT, _RIGHT)):
        y = number * LANE_WIDTH
        rows.append(straight("a", "b", (0, y), (start, y), lines=lines))
        rows.append(straight("b", "c", (start, y), (end, y), lines=(lines[0], "striped")))
        # The reference ends an episode where x exceeds 370.
        rows.append(straight("c", "d", (end, y), (far, y), lines=lines, arrival=math.nextafter(370.0 - end, 1e6)))
    middle = ramp_y - amplitude
    wave = {"amplitude": amplitude, "pulsation": 2 * math.pi / (2 * converging), "phase": math.pi / 2}
    meeting = middle + amplitude * math.sin(wave["pulsation"] * converging + wave["phase"])
    closed: dict[str, Any] = {"forbidden": True, "lines": _BOTH}
    rows.append(straight("j", "k", (0, ramp_y), (before, ramp_y), **closed))
    rows.append(sine("k", "b", (before, middle), (start, middle), **wave, **closed))
    rows.append(straight("b", "c", (start, meeting), (end, meeting), forbidden=True, ramp=True, lines=_RIGHT))
    rows.append(obstacle((end, meeting)))
    return SceneRoad(tuple(rows), (("a", "b", 0), ("j", "k", 0)))


def _turned(angle: float, x: float, y: float) -> tuple[float, float]:
    return math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y


def _intersection() -> SceneRoad:
    """Four arms, south (0), west (1), north (2) and east (3); those from west and east have the right of way."""
    half, right_radius = LANE_WIDTH / 2, LANE_WIDTH + 5
    left_radius, outer, access = right_radius + LANE_WIDTH, right_radius + half, 100.0
    rows = []
    for corner in range(4):
        angle, priority = math.radians(90 * corner), 3 if corner % 2 else 1
        left, ahead, right = (f"il{(corner + k) % 4}" for k in (1, 2, 3))
        inner = f"ir{corner}"
        limit: dict[str, Any] = {"speed_limit": 10.0}
        way = limit | {"priority": priority}
        rows.append(
            straight(
                f"o{corner}",
                inner,
                _turned(angle, half, access + outer),
                _turned(angle, half, outer),
                **way,
                lines=("striped", "continuous"),
            )
        )
        center = _turned(angle, outer, outer)
        start, end = angle + math.radians(180), angle + math.radians(270)
        rows.append(circular(inner, right, center, right_radius, start, end, **way, lines=("none", "continuous")))
        center = _turned(angle, half - left_radius, left_radius - half)
        start, end = angle + math.radians(0), angle + math.radians(-90)
        turn = limit | {"priority": priority - 1, "clockwise": False, "lines": ("none", "none")}
        rows.append(circular(inner, left, center, left_radius, start, end, **turn))
        lines = ("striped", "none")
        rows.append(
            straight(inner, ahead, _turned(angle, half, outer), _turned(angle, half, -outer), **way, lines=lines)
        )
        start_point, end_point = _turned(angle, outer, half), _turned(angle, access + outer, half)
        rows.append(
            straight(right, f"o{right[2:]}", start_point, end_point, **way, lines=_RIGHT, exit=True, arrival=25.0)
        )
    entries = tuple((f"o{arm}", f"ir{arm}", 0) for arm in range(4))
    return SceneRoad(tuple(rows), entries, tuple(f"o{arm}" for arm in range(4)))


def _roundabout() -> SceneRoad:
    """A ring of two lanes with four accesses, driven against the clock of the picture."""
    inner = 20.0
    ring = [
        (start, end, math.radians(first), math.radians(last))
        for start, end, first, last in (
            ("se", "ex", 66, 24),
            ("ex", "ee", 24, -24),
            ("ee", "nx", -24, -66),
            ("nx", "ne", -66, -114),
            ("ne", "wx", -114, -156),
            ("wx", "we", -156, -204),
            ("we", "sx", 156, 114),
            ("sx", "se", 114, 66),
        )
    ]
    rows = []
    for radius, lines in ((inner, _LEFT), (inner + LANE_WIDTH, _RIGHT)):
        rows += [circular(a, b, (0, 0), radius, start, end, clockwise=False, lines=lines) for a, b, start, end in ring]
    access, swing, amplitude = 170.0, 85.0, 5.0
    joining = 0.2 * swing
    leaving, pulsation, near = swing - joining, 2 * math.pi / swing, swing / 2
    for side, turn in (("s", 0), ("e", 1), ("n", 2), ("w", 3)):

        def place(x: float, y: float, turn: int = turn) -> tuple[float, float]:
            for _ in range(turn):  # a quarter against the clock of the picture
                x, y = y, -x
            return x, y

        enter, leave, right = f"{side}e", f"{side}x", ("striped", "continuous")
        wave: dict[str, Any] = {"amplitude": amplitude, "pulsation": pulsation, "lines": _BOTH}
        rows.append(straight(f"{enter}r", f"{enter}s", place(2, access), place(2, near), lines=right))
        start, end = place(2 + amplitude, near), place(2 + amplitude, near - joining)
        rows.append(sine(f"{enter}s", enter, start, end, phase=-math.pi / 2, **wave))
        start, end = place(-2 - amplitude, leaving - near), place(-2 - amplitude, near)
        rows.append(sine(leave, f"{leave}s", start, end, phase=-math.pi / 2 + pulsation * leaving, **wave))
        rows.append(straight(f"{leave}s", f"{leave}r", place(-2, near), place(-2, access), lines=_RIGHT))
    entries = (("ser", "ses", 0), ("we", "sx", 0), ("eer", "ees", 0))
    return SceneRoad(tuple(rows), entries, ("exr", "sxr", "nxr"), ("nxs",))


def _two_way() -> SceneRoad:
    length = 800
    rows = (
        straight("a", "b", (0, 0), (length, 0), lines=_LEFT),
        straight("a", "b", (0, LANE_WIDTH), (length, LANE_WIDTH), lines=_RIGHT),
        straight("b", "a", (length, 0), (0, 0), lines=("none", "none")),
    )
    return SceneRoad(rows, (("a", "b", 1), ("b", "a", 0)))


def _overtaking() -> SceneRoad:
    """A two-way road on which either direction may use the other's lane to overtake."""
    length = 450
    there, back, arrival = LANE_WIDTH, 0.0, length - 25.0
    traits: dict[str, Any] = {"speed_limit": 30.0, "arrival": arrival}
    rows = (
        straight("a", "b", (0, back), (length, back), lines=_LEFT, **traits),
        straight("a", "b", (0, there), (length, there), lines=_RIGHT, **traits),
        straight("b", "a", (length, there), (0, there), lines=("none", "none"), **traits),
        straight("b", "a", (length, back), (0, back), lines=("none", "none"), **traits),
    )
    return SceneRoad(rows, (("a", "b", 1), ("b", "a", 1)))
