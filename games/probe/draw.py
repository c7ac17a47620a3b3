"""Pictures of the conformance world: the field on the left, bins, hands and calls on the right."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

FIELD = 256  # pixels of the field's side
PANEL = 128  # pixels of the panel's width
SLOT = 26  # pixels from one bin or call to the next

BACKGROUND, LINE, FAINT = (250, 250, 247), (60, 60, 60), (205, 205, 200)
WALKER_COLORS = ((0, 114, 178), (213, 94, 0), (0, 158, 115))  # Okabe and Ito's palette, told apart by all eyes
BEACON_COLOR, ITEM_COLOR, CALL_COLOR = (230, 159, 0), (86, 180, 233), (204, 121, 167)


def draw(fields: dict[str, Any], config: Any) -> np.ndarray:
    """Draws one state.

    Args:
        fields: What `Batch.fields` returns.
        config: The world's config.

    Returns:
        [256, 384, 3] uint8.
    """
    image = Image.new("RGB", (FIELD + PANEL, FIELD), BACKGROUND)
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, FIELD - 1, FIELD - 1), outline=LINE)
    _draw_field(canvas, fields, config)
    _draw_pickers(canvas, fields, config)
    _draw_caller(canvas, fields, config)
    return np.asarray(image).copy()


def _pixels(position: np.ndarray) -> tuple[float, float]:
    return (float(position[0]) + 1) / 2 * (FIELD - 1), (1 - float(position[1])) / 2 * (FIELD - 1)


def _disc(canvas: ImageDraw.ImageDraw, center: tuple[float, float], radius: float, **style: Any) -> None:
    x, y = center
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), **style)


def _draw_field(canvas: ImageDraw.ImageDraw, fields: dict[str, Any], config: Any) -> None:
    beacon = _pixels(fields["beacon"])
    _disc(canvas, beacon, config.radius * FIELD / 2, outline=FAINT)
    _disc(canvas, beacon, 5, fill=BEACON_COLOR)
    for color, position, is_there in zip(WALKER_COLORS, fields["positions"], fields["walker_alive"], strict=True):
        if is_there:
            _disc(canvas, _pixels(position), 7, fill=color, outline=LINE)


def _draw_pickers(canvas: ImageDraw.ImageDraw, fields: dict[str, Any], config: Any) -> None:
    for b, items in enumerate(fields["bins"]):
        left = FIELD + 12 + b * SLOT
        level = min(1, int(items) / max(1, *config.stock))
        canvas.rectangle((left, 20, left + SLOT - 6, 100), outline=LINE)
        if items:
            canvas.rectangle((left + 1, 99 - 78 * level, left + SLOT - 7, 99), fill=ITEM_COLOR)
    for p, (hand, is_there) in enumerate(zip(fields["hands"], fields["picker_alive"], strict=True)):
        center = (FIELD + 22 + 2 * p * SLOT, 124)
        _disc(canvas, center, 10, fill=ITEM_COLOR if hand else None, outline=LINE if is_there else FAINT)
        canvas.text(center, str(hand - 1) if hand else "", fill=LINE, anchor="mm")


def _draw_caller(canvas: ImageDraw.ImageDraw, fields: dict[str, Any], config: Any) -> None:
    expected = config.melody[fields["melody_position"]]
    for call in range(5):
        left = FIELD + 6 + call * 24
        fill = CALL_COLOR if call == fields["last_call"] else None
        canvas.rectangle((left, 160, left + 18, 178), fill=fill, outline=LINE if fields["caller_alive"] else FAINT)
        if call == expected:
            canvas.line((left, 184, left + 18, 184), fill=LINE, width=3)
    canvas.text((FIELD + 8, FIELD - 24), f"step {fields['steps']} of {config.horizon}", fill=LINE)
