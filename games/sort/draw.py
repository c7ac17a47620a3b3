"""A picture of cubes on panels, from the fields of its state alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.canvas import SCALE, Canvas
from games.sort import CUBES, NUM_PANELS, REACH, SortConfig

TILE, BAR = 72, 36  # pixels of a panel, of the line of text below
ROWS = 4

TABLE, PANEL, PANEL_DARK, INK = "#ece3d2", "#cfc6b4", "#a89e8a", "#2d2a26"
COLOURS = ("#3f7fc4", "#e48bb2", "#f0c63b")
BODIES = ("#b5544a", "#4f8f6a", "#6a5aa8")


def draw(fields: dict[str, Any], config: SortConfig) -> np.ndarray:
    """Draws one state: panels in the colour of the cube that belongs there, robots in front of their middle panel.

    Args:
        fields: From `Batch.fields`.
        config: The line's settings.

    Returns:
        [324, 504, 3] uint8.
    """
    canvas = Canvas(NUM_PANELS, ROWS, TILE, BAR)
    canvas.box(0, 0, NUM_PANELS, ROWS, fill=TABLE)
    targets = {panel: cube for cube, panel in enumerate(CUBES.values())}
    for panel in range(1, NUM_PANELS + 1):
        colour = COLOURS[targets[panel]] if panel in targets else PANEL_DARK
        canvas.box(panel - 0.95, 0.5, 0.9, 1.5, 0.08, fill=PANEL, outline=colour, width=4 * SCALE)
        canvas.text(panel - 0.5, 0.28, str(panel), 0.22)
    panels = [int(panel) for panel in fields["panels"]]
    for cube, panel in enumerate(panels):
        below = sum(other == panel for other in panels[:cube])
        _draw_cube(canvas, panel + 0.5, 1.72 - 0.44 * below, cube)
    for robot, (name, reach) in enumerate(REACH.items()):
        _draw_robot(canvas, reach[1] - 0.5, robot, name)
    middle = ROWS + BAR / TILE / 2
    done = sum(panel + 1 == target for panel, target in zip(panels, CUBES.values(), strict=True))
    canvas.text(0.15, middle, f"step {fields['timestep']} / {config.horizon}", 0.24, anchor="lm")
    canvas.text(NUM_PANELS - 0.15, middle, f"{done} of {len(CUBES)} sorted", 0.24, anchor="rm")
    return canvas.shrink()


def _draw_cube(canvas: Canvas, x: float, y: float, cube: int) -> None:
    colour = COLOURS[cube]
    if cube == 0:
        canvas.box(x - 0.2, y - 0.2, 0.4, 0.4, 0.04, fill=colour, outline=INK, width=SCALE)
    elif cube == 1:
        corners = [(0, -0.22), (0.21, -0.07), (0.13, 0.18), (-0.13, 0.18), (-0.21, -0.07)]
        canvas.polygon([(x + dx, y + dy) for dx, dy in corners], fill=colour, outline=INK)
    else:
        corners = [(-0.12, -0.18), (0.12, -0.18), (0.23, 0.18), (-0.23, 0.18)]
        canvas.polygon([(x + dx, y + dy) for dx, dy in corners], fill=colour, outline=INK)


def _draw_robot(canvas: Canvas, x: float, robot: int, name: str) -> None:
    for side in (-1, 1):
        canvas.line([(x + 0.25 * side, 2.9), (x + 0.7 * side, 2.45), (x + 0.55 * side, 2.15)], 0.09, BODIES[robot])
    canvas.disc(x, 2.95, 0.36, fill=BODIES[robot], outline=INK, width=2 * SCALE)
    for eye in (-0.13, 0.13):
        canvas.disc(x + eye, 2.86, 0.08, fill="#ffffff")
        canvas.disc(x + eye, 2.83, 0.04, fill=INK)
    canvas.text(x, 3.55, name, 0.26)
