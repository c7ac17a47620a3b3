"""Pictures of the one-step economy: the schedule above, every worker's hours and coin below."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from econ.one_step import OneStepConfig

# All lengths in pixels.
WIDTH, HEIGHT = 720, 480
LEFT, RIGHT = 56, 24
SCHEDULE_TOP, SCHEDULE_BOTTOM = 52, 190
WORKERS_TOP, WORKERS_BOTTOM = 250, 440

PAPER, INK, FAINT, LINE = (250, 249, 246), (38, 40, 46), (128, 130, 138), (218, 216, 210)
RATE, RATE_FILL = (186, 70, 40), (244, 220, 210)
EARNED, KEPT, LABOR = (200, 214, 232), (35, 92, 168), (214, 150, 20)


def draw(fields: dict[str, Any], config: OneStepConfig) -> np.ndarray:
    """Draws one state.

    Args:
        fields: What `Batch.fields` returns.
        config: The world's config.

    Returns:
        [480, 720, 3] uint8.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    _draw_head(pen, fields, config)
    _draw_schedule(pen, fields, config)
    _draw_workers(pen, fields, config)
    return np.asarray(image).copy()


def _write(
    pen: ImageDraw.ImageDraw, x: float, y: float, text: str, anchor: str, fill: Any = INK, size: int = 13
) -> None:
    pen.text((x, y), text, fill=fill, anchor=anchor, font=ImageFont.load_default(size))


def _draw_head(pen: ImageDraw.ImageDraw, fields: dict[str, Any], config: OneStepConfig) -> None:
    _write(pen, LEFT, 22, f"step {fields['timestep']} of {config.horizon}", "lm", size=16)
    numbers = {"coin": fields["coin"].sum(), "taxes": fields["taxes_collected"], "welfare": fields["welfare"]}
    text = "     ".join(f"{name} {number:,.1f}" for name, number in numbers.items())
    _write(pen, WIDTH - RIGHT, 22, text, "rm", size=16)


def _draw_schedule(pen: ImageDraw.ImageDraw, fields: dict[str, Any], config: OneStepConfig) -> None:
    """Marginal rates over income, incomes of the last tax day as ticks below."""
    highest = float(config.worker_skills.max()) * config.hours * 1.05

    def at(income: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(income / highest, 0.0), 1.0)

    def up(rate: float) -> float:
        return SCHEDULE_BOTTOM - (SCHEDULE_BOTTOM - SCHEDULE_TOP) * rate

    for rate in (0.0, 0.5, 1.0):
        pen.line((LEFT, up(rate), WIDTH - RIGHT, up(rate)), fill=LINE)
        _write(pen, LEFT - 8, up(rate), f"{rate:.0%}", "rm", FAINT)
    ends = [*config.cutoffs[1:], highest]
    for start, end, rate in zip(config.cutoffs, ends, fields["tax_rates"], strict=True):
        if start < highest:
            pen.rectangle((at(start), up(float(rate)), at(end), SCHEDULE_BOTTOM), fill=RATE_FILL)
            pen.line((at(start), up(float(rate)), at(end), up(float(rate))), fill=RATE, width=3)
    for income in fields["last_incomes"]:
        if income > 0:
            pen.line((at(float(income)), SCHEDULE_BOTTOM + 3, at(float(income)), SCHEDULE_BOTTOM + 12), fill=INK)
    _write(pen, LEFT, SCHEDULE_BOTTOM + 24, "marginal rate by income; a tick for each income", "lm", FAINT)
    _write(pen, WIDTH - RIGHT, SCHEDULE_BOTTOM + 24, f"{highest:,.0f} coin", "rm", FAINT)


def _draw_workers(pen: ImageDraw.ImageDraw, fields: dict[str, Any], config: OneStepConfig) -> None:
    """A bar for each worker, by skill: what it earned, what it has; a dot for its hours."""
    order = np.argsort(config.worker_skills, kind="stable")
    highest = max(float(config.worker_skills.max()) * config.hours, 1e-9)
    room, width = WORKERS_BOTTOM - WORKERS_TOP, (WIDTH - LEFT - RIGHT) / len(order)
    for place, worker in enumerate(order):
        x = LEFT + place * width
        for name, colour, share in (("production", EARNED, 0.9), ("coin", KEPT, 0.45)):
            height = room * min(float(fields[name][worker]) / highest, 1.0)
            if height >= 1:
                pen.rectangle((x, WORKERS_BOTTOM - height, x + max(width * share, 1), WORKERS_BOTTOM), fill=colour)
        y = WORKERS_BOTTOM - room * int(fields["labor"][worker]) / config.hours
        r = min(max(width / 4, 2), 5)
        pen.ellipse((x + width / 2 - r, y - r, x + width / 2 + r, y + r), fill=LABOR)
    pen.line((LEFT, WORKERS_BOTTOM, WIDTH - RIGHT, WORKERS_BOTTOM), fill=INK)
    _write(pen, LEFT - 8, WORKERS_TOP, f"{highest:,.0f}", "rm", FAINT)
    x = LEFT
    for colour, text in ((EARNED, "earned"), (KEPT, "coin after tax"), (LABOR, f"hours, of {config.hours}")):
        pen.rectangle((x, WORKERS_BOTTOM + 12, x + 12, WORKERS_BOTTOM + 24), fill=colour)
        _write(pen, x + 18, WORKERS_BOTTOM + 18, text, "lm", FAINT)
        x += 150
    _write(pen, WIDTH - RIGHT, WORKERS_BOTTOM + 18, "workers by skill", "rm", FAINT)
