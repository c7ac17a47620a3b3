"""A canvas for worlds on a grid: draws in units of a cell, larger than wanted, and shrinks to smooth edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SCALE = 2  # drawn larger and shrunk, so that edges are smooth


class Canvas:
    """Shapes on a grid of cells, with a line of text below.

    Args:
        width: Columns.
        height: Rows.
        tile: Pixels of a cell.
        bar: Pixels of the line of text.
        background: Colour of the bar.
    """

    def __init__(self, width: int, height: int, tile: int, bar: int, background: str = "#fffaf0") -> None:
        self.unit = tile * SCALE
        self.image = Image.new("RGB", (width * self.unit, height * self.unit + bar * SCALE), background)
        self.pen = ImageDraw.Draw(self.image)

    def box(self, x: float, y: float, w: float, h: float, radius: float = 0, **style: Any) -> None:
        """Draws a rectangle from its upper left corner; `radius` rounds its corners."""
        corners = (x * self.unit, y * self.unit, (x + w) * self.unit - 1, (y + h) * self.unit - 1)
        self.pen.rounded_rectangle(corners, radius * self.unit, **style)

    def disc(self, x: float, y: float, r: float, **style: Any) -> None:
        """Draws a disc around its middle."""
        self.pen.ellipse([(v * self.unit) for v in (x - r, y - r, x + r, y + r)], **style)

    def oval(self, x: float, y: float, w: float, h: float, **style: Any) -> None:
        """Draws an ellipse of the given width and height around its middle."""
        self.pen.ellipse([v * self.unit for v in (x - w / 2, y - h / 2, x + w / 2, y + h / 2)], **style)

    def line(self, points: list[tuple[float, float]], width: float, fill: str) -> None:
        """Draws connected lines."""
        ends = [(x * self.unit, y * self.unit) for x, y in points]
        self.pen.line(ends, fill=fill, width=max(1, round(width * self.unit)), joint="curve")

    def polygon(self, points: list[tuple[float, float]], **style: Any) -> None:
        """Draws a filled polygon."""
        self.pen.polygon([(x * self.unit, y * self.unit) for x, y in points], **style)

    def arrow(
        self, x: float, y: float, dx: float, dy: float, fill: str, width: float = 0.06, head: float = 0.16
    ) -> None:
        """Draws an arrow from a point by (dx, dy), with its head behind the tip and half as wide as long."""
        length = math.hypot(dx, dy)
        if length == 0:
            return
        ux, uy = dx / length, dy / length
        tip, base = (x + dx, y + dy), (x + dx - ux * head, y + dy - uy * head)
        self.line([(x, y), base], width, fill)
        corners = [(base[0] + side * uy * head / 2, base[1] - side * ux * head / 2) for side in (-1, 1)]
        self.polygon([tip, *corners], fill=fill)

    def text(self, x: float, y: float, text: str, size: float, anchor: str = "mm", fill: str = "#2d2a26") -> None:
        """Writes text of a size in cells; anchors are Pillow's."""
        font = ImageFont.load_default(size * self.unit)
        self.pen.text((x * self.unit, y * self.unit), text, fill=fill, font=font, anchor=anchor)

    def shrink(self) -> np.ndarray:
        """Returns the picture, [H, W, 3] uint8."""
        size = (self.image.width // SCALE, self.image.height // SCALE)
        return np.asarray(self.image.resize(size, Image.Resampling.LANCZOS))


def draw_explorer(canvas: Canvas, x: float, y: float, way: tuple[int, int], colours: tuple[str, str]) -> None:
    """Draws a round agent that looks along an axis.

    Args:
        canvas: What to draw on.
        x: Of its middle.
        y: Of its middle.
        way: Where it looks, a step (dx, dy).
        colours: Of its body, and of its edge and nose.
    """
    dx, dy = way
    body, edge = colours
    nose = [(x + 0.46 * dx, y + 0.46 * dy)]
    nose += [(x + 0.2 * dx - side * 0.28 * dy, y + 0.2 * dy + side * 0.28 * dx) for side in (-1, 1)]
    canvas.polygon(nose, fill=edge)
    canvas.disc(x, y, 0.34, fill=body, outline=edge, width=2 * SCALE)
    for side in (-1, 1):
        canvas.disc(x + 0.14 * dx - side * 0.13 * dy, y + 0.14 * dy + side * 0.13 * dx, 0.075, fill="#ffffff")
        canvas.disc(x + 0.17 * dx - side * 0.13 * dy, y + 0.17 * dy + side * 0.13 * dx, 0.035, fill="#2d2a26")
