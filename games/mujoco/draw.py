"""A picture of a robot from the fields of its state: seen from the side, a swimmer from above."""

from __future__ import annotations

import functools
import math
from typing import Any

import mujoco
import numpy as np

from games.canvas import SCALE, Canvas
from games.mujoco import MujocoConfig
from games.mujoco.body import Body

COLUMNS, ROWS = 9, 6  # cells of the picture, and
TILE = 64  # pixels of each
BAR = 36
SKY, GROUND, LINE, WATER = "#eef3f8", "#d9dfe6", "#b9c3ce", "#dbe8f6"
LIMB, EDGE, PUSHED, PUSH = "#2f6fb5", "#20496f", "#d27a26", "#c8324a"
ARROW = 1.6  # cells of the longest arrow
FEET_ROW = 5.2  # where the ground is, from the top
CELLS_PER_METRE = {"Swimmer-v5": 1.6, "HalfCheetah-v5": 3.2, "Ant-v5": 2.4}

Point = tuple[float, float]


@functools.cache
def _body(task: str) -> Body:
    """One robot of a task, moved about to see where its limbs are."""
    return Body(MujocoConfig(task=task))


class _View:
    """Metres of the world to cells: x to the right; z, or y seen from above, upwards."""

    def __init__(self, task: str, middle: float) -> None:
        self.is_above = task == "Swimmer-v5"
        self.scale = CELLS_PER_METRE.get(task, 3.0)
        self.middle, self.zero = middle, ROWS / 2 if self.is_above else FEET_ROW

    def flat(self, vector: np.ndarray) -> Point:
        return float(vector[0]), float(vector[1] if self.is_above else vector[2])

    def at(self, place: np.ndarray) -> Point:
        x, up = self.flat(place)
        return COLUMNS / 2 + (x - self.middle) * self.scale, self.zero - up * self.scale


def draw(fields: dict[str, Any], config: MujocoConfig) -> np.ndarray:
    """Draws one state: the robot, what is pushed in orange, the pushes in red.

    Args:
        fields: From `Batch.fields`.
        config: Of the world.

    Returns:
        [420, 576, 3] uint8.
    """
    body = _body(config.task)
    body.place(fields["qpos"], fields["qvel"])
    pushed = [body.model.body(name).id for name in config.pushed_bodies]
    view = _View(config.task, float(body.data.xpos[1][0]))
    canvas = Canvas(COLUMNS, ROWS, TILE, BAR)
    _ground(canvas, view)
    for geom in range(body.model.ngeom):
        _limb(canvas, view, body, geom, pushed)
    _pushes(canvas, view, body, pushed, fields, config)
    line = ROWS + BAR / TILE / 2
    canvas.box(0, ROWS, COLUMNS, BAR / TILE, fill="#fffaf0")
    canvas.text(0.15, line, f"step {fields['timestep']} / {config.horizon}", 0.25, anchor="lm")
    canvas.text(COLUMNS / 2, line, f"x {view.middle:.2f} m", 0.25)
    strength = float(np.sqrt((fields["forces"] ** 2).sum(axis=1)).sum())
    canvas.text(COLUMNS - 0.15, line, f"push {strength:.2g} N", 0.25, anchor="rm", fill=PUSH)
    return canvas.shrink()


def _ground(canvas: Canvas, view: _View) -> None:
    """Draws the ground with a mark at each metre, so that one sees the robot move."""
    canvas.box(0, 0, COLUMNS, ROWS, fill=WATER if view.is_above else SKY)
    top = 0.0 if view.is_above else view.zero
    if not view.is_above:
        canvas.box(0, top, COLUMNS, ROWS - top, fill=GROUND)
    half = COLUMNS / 2 / view.scale
    for metre in range(math.ceil(view.middle - half), math.floor(view.middle + half) + 1):
        x = COLUMNS / 2 + (metre - view.middle) * view.scale
        canvas.line([(x, top), (x, ROWS)], 0.03, LINE)
        canvas.text(x + 0.08, ROWS - 0.2, f"{metre} m", 0.2, anchor="lm", fill=EDGE)


def _limb(canvas: Canvas, view: _View, body: Body, geom: int, pushed: list[int]) -> None:
    kind, radius = body.model.geom_type[geom], float(body.model.geom_size[geom, 0]) * view.scale
    color = PUSHED if body.model.geom_bodyid[geom] in pushed else LIMB
    middle = body.data.geom_xpos[geom]
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        canvas.disc(*view.at(middle), radius, fill=color, outline=EDGE, width=SCALE)
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        half = body.data.geom_xmat[geom].reshape(3, 3)[:, 2] * body.model.geom_size[geom, 1]
        ends = [view.at(middle - half), view.at(middle + half)]
        canvas.line(ends, 2 * radius, color)
        for x, y in ends:
            canvas.disc(x, y, radius, fill=color)
        canvas.disc(*ends[0], radius / 3, fill=EDGE)


def _pushes(
    canvas: Canvas, view: _View, body: Body, pushed: list[int], fields: dict[str, Any], config: MujocoConfig
) -> None:
    most = float(fields["force"]) * (abs(fields["context"]) if config.context_scales_force else 1)
    axes = ["xyz".index(axis) for axis in config.push_axes]
    for number, force in zip(pushed, fields["forces"], strict=True):
        vector = np.zeros(3)
        vector[axes] = force / most if most else 0.0
        dx, up = view.flat(vector)
        canvas.arrow(*view.at(body.data.xipos[number]), ARROW * dx, -ARROW * up, PUSH)
