"""A picture of a body under control, from the fields of its state alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.control import ControlConfig

SIDE = 7  # cells of the picture, and
TILE = 64  # pixels of each
BAR = 36
SKY, GROUND, RAIL, INK = "#eef3f8", "#d9dfe6", "#8b95a1", "#2d2a26"
BODY, JOINT, BOB = "#2f6fb5", "#20496f", "#d27a26"
PUSH, MOTOR, GOAL, WALL, WIND = "#c8324a", "#3b8a4b", "#8fc27a", "#6b5d4f", "#dbe8f6"
ARROW = 1.2  # cells of the longest arrow

Point = tuple[float, float]


class _View:
    """Metres to cells."""

    def __init__(self, canvas: Canvas, middle: Point, cells_per_metre: float) -> None:
        self.canvas, self.middle, self.scale = canvas, middle, cells_per_metre

    def at(self, x: float, z: float) -> Point:
        return SIDE / 2 + (x - self.middle[0]) * self.scale, SIDE / 2 - (z - self.middle[1]) * self.scale

    def link(self, start: Point, end: Point, width: float) -> None:
        ends = [self.at(*start), self.at(*end)]
        self.canvas.line(ends, width, BODY)
        for x, y in ends:
            self.canvas.disc(x, y, width / 2, fill=BODY)
        self.canvas.disc(*ends[0], width / 3, fill=JOINT)

    def arrow(self, place: Point, vector: Point, most: float, color: str) -> None:
        """Draws a force, the longest of which is ARROW cells."""
        size = math.hypot(*vector)
        if most <= 0 or size < 1e-9 * most:
            return
        scale = ARROW / most
        self.canvas.arrow(*self.at(*place), vector[0] * scale, -vector[1] * scale, color)


def draw(fields: dict[str, Any], config: ControlConfig) -> np.ndarray:
    """Draws one state: the body, the protagonist's motor in green, the adversary's push in red.

    Args:
        fields: From `Batch.fields`.
        config: Of the world.

    Returns:
        [484, 448, 3] uint8.
    """
    canvas = Canvas(SIDE, SIDE, TILE, BAR)
    canvas.box(0, 0, SIDE, SIDE, fill=SKY)
    push = (float(fields["forces"][0]), float(fields["forces"][1]))
    most = float(fields["force"]) or 1.0
    {"point_mass": _point_mass, "pendulum": _pendulum, "cartpole": _cartpole, "acrobot": _acrobot}[config.task](
        canvas, fields, config, push, most
    )
    line = SIDE + BAR / TILE / 2
    canvas.text(0.15, line, f"step {fields['timestep']} / {config.horizon}", 0.25, anchor="lm")
    canvas.text(SIDE - 0.15, line, f"push {math.hypot(*push):.2g} N", 0.25, anchor="rm", fill=PUSH)
    return canvas.shrink()


def _point_mass(canvas: Canvas, fields: dict[str, Any], config: ControlConfig, push: Point, most: float) -> None:
    view = _View(canvas, (0, 0), SIDE / 4.2)
    left, top = view.at(-2, 2)
    canvas.box(left, top, 4 * view.scale, 4 * view.scale, fill="#ffffff", outline=WALL, width=3 * SCALE)
    x, y = view.at(-2, 0)
    canvas.box(x, y, 4 * view.scale, view.scale, fill=WIND)
    for start in (-2, 0.5):
        x, y = view.at(start, 0.04)
        canvas.box(x, y, 1.5 * view.scale, 0.08 * view.scale, fill=WALL)
    canvas.disc(*view.at(0, 1.5), 0.1 * view.scale, fill=GOAL)
    place = (float(fields["coordinates"][0]), float(fields["coordinates"][1]))
    canvas.disc(*view.at(*place), 0.16, fill=BODY, outline=JOINT, width=2 * SCALE)
    view.arrow(place, (float(fields["controls"][0]), float(fields["controls"][1])), config.motor * math.sqrt(2), MOTOR)
    if -1 <= place[1] <= 0:
        view.arrow(place, push, most, PUSH)


def _turn(view: _View, pivot: Point, share: float) -> None:
    """Draws a motor at a hinge: an arc as long as its share of the largest torque."""
    x, y = view.at(*pivot)
    angles = np.linspace(0, 1.4 * math.pi * share, 24)
    canvas_points = [(x + 0.45 * math.sin(a), y - 0.45 * math.cos(a)) for a in angles]
    if abs(share) > 0.02:
        view.canvas.line(canvas_points, 0.06, MOTOR)


def _pendulum(canvas: Canvas, fields: dict[str, Any], config: ControlConfig, push: Point, most: float) -> None:
    length, angle = float(fields["lengths"][0]), float(fields["coordinates"][0])
    view = _View(canvas, (0, 0), 2.6 / length)
    end = (length * math.sin(angle), length * math.cos(angle))
    view.link((0, 0), end, 0.18)
    canvas.disc(*view.at(*end), 0.3, fill=BOB, outline=INK, width=2 * SCALE)
    _turn(view, (0, 0), float(fields["controls"][0]) / config.motor if config.motor else 0.0)
    masses = fields["masses"]
    centre = (masses[0] / 2 + masses[1]) / (masses[0] + masses[1])
    view.arrow((centre * end[0], centre * end[1]), push, most, PUSH)


def _cartpole(canvas: Canvas, fields: dict[str, Any], config: ControlConfig, push: Point, most: float) -> None:
    view = _View(canvas, (0, 0.1), 1.6)
    x, y = view.at(-1.8, 0)
    canvas.line([(x, y), view.at(1.8, 0)], 0.06, RAIL)
    for end in (-1.8, 1.8):
        canvas.line([view.at(end, -0.12), view.at(end, 0.12)], 0.06, RAIL)
    cart, angle = (float(value) for value in fields["coordinates"])
    left, top = view.at(cart - 0.2, 0.1)
    canvas.box(left, top, 0.4 * view.scale, 0.2 * view.scale, 0.06, fill=JOINT)
    length = float(fields["lengths"][0])
    end_point = (cart + length * math.sin(angle), length * math.cos(angle))
    view.link((cart, 0), end_point, 0.14)
    view.arrow((cart, -0.25), (float(fields["controls"][0]), 0.0), config.motor or 1.0, MOTOR)
    view.arrow(((cart + end_point[0]) / 2, end_point[1] / 2), push, most, PUSH)


def _acrobot(canvas: Canvas, fields: dict[str, Any], config: ControlConfig, push: Point, most: float) -> None:
    first, elbow = (float(value) for value in fields["coordinates"])
    upper, lower = (float(length) for length in fields["lengths"])
    view = _View(canvas, (0, 0), 3.1 / (upper + lower))
    joint = (upper * math.sin(first), upper * math.cos(first))
    tip = (joint[0] + lower * math.sin(first + elbow), joint[1] + lower * math.cos(first + elbow))
    canvas.disc(*view.at(0, upper + lower), 0.2 * view.scale, fill=GOAL)
    view.link((0, 0), joint, 0.2)
    view.link(joint, tip, 0.16)
    _turn(view, joint, float(fields["controls"][0]) / config.motor if config.motor else 0.0)
    view.arrow((joint[0] / 2, joint[1] / 2), push, most, PUSH)
