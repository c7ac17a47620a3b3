"""Pictures of a particle world: landmarks below, agents with their velocities above them, messages at the foot."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from games.particles.settings import Body, ParticlesConfig

FIELD, BAR = 480, 40  # pixels of the field's side and of the line of text below it
SCALE = 2  # drawn larger and shrunk, so that edges are smooth
VIEW = 1.3  # length units from the middle to the edge, unless somebody has gone further
ARROW_S = 0.2  # seconds of travel that an arrow shows

PAPER, PANEL, LINE, INK, GOAL = "#fbfaf7", "#f1efe9", "#dedbd2", "#2d2f34", "#e0a526"


class _Canvas:
    """Draws in length units."""

    def __init__(self, view: float) -> None:
        self.unit = FIELD * SCALE / (2 * view)
        self.middle = FIELD * SCALE / 2
        self.image = Image.new("RGB", (FIELD * SCALE, (FIELD + BAR) * SCALE), PAPER)
        self.pen = ImageDraw.Draw(self.image, "RGBA")

    def pixel(self, place: Any) -> tuple[float, float]:
        return self.middle + float(place[0]) * self.unit, self.middle - float(place[1]) * self.unit

    def disc(self, place: Any, radius: float, **style: Any) -> None:
        x, y = self.pixel(place)
        r = max(radius * self.unit, 2 * SCALE)
        self.pen.ellipse((x - r, y - r, x + r, y + r), **style)

    def square(self, half: float, **style: Any) -> None:
        (left, top), (right, bottom) = self.pixel((-half, half)), self.pixel((half, -half))
        self.pen.rectangle((left, top, right, bottom), **style)

    def arrow(self, place: Any, shift: Any, color: str) -> None:
        (x, y), (tip_x, tip_y) = self.pixel(place), self.pixel(np.add(place, shift))
        length = math.hypot(tip_x - x, tip_y - y)
        if length < 3 * SCALE:
            return
        self.pen.line((x, y, tip_x, tip_y), fill=color, width=2 * SCALE)
        dx, dy = (tip_x - x) / length * 5 * SCALE, (tip_y - y) / length * 5 * SCALE
        foot_x, foot_y = tip_x - dx, tip_y - dy
        corners = [(tip_x, tip_y), (foot_x - dy / 2, foot_y + dx / 2), (foot_x + dy / 2, foot_y - dx / 2)]
        self.pen.polygon(corners, fill=color)

    def text(self, x: float, y: float, text: str, size: float, fill: str = INK, anchor: str = "mm") -> None:
        self.pen.text((x, y), text, fill=fill, font=ImageFont.load_default(size * SCALE), anchor=anchor)

    def shrink(self) -> np.ndarray:
        return np.asarray(self.image.resize((FIELD, FIELD + BAR), Image.Resampling.LANCZOS))


def draw(fields: dict[str, Any], config: ParticlesConfig) -> np.ndarray:
    """Draws one state.

    The darker square is [-1, 1]^2, where everybody starts; the view widens when somebody goes far. Goals have a golden
    ring, arrows show where an agent would be in 0.2 s. Who carries something has a rim of its color.

    Args:
        fields: From `Batch.fields`.
        config: The scenario's settings.

    Returns:
        [520, 480, 3] uint8.
    """
    landmarks = _present(fields, "landmark_positions", "landmarks_present", config.landmark_bodies)
    agents = _present(fields, "agent_positions", "alive", config.agent_bodies)
    reach = [VIEW, *(float(np.abs(place).max()) + body.radius for _, place, body in landmarks + agents)]
    canvas = _Canvas(max(reach))
    canvas.square(1, fill=PANEL, outline=LINE, width=SCALE)
    goals = {int(goal) for goal in fields.get("goals", ())}
    for k, place, body in landmarks:
        if k in goals:
            canvas.disc(place, body.radius + 0.035, outline=GOAL, width=3 * SCALE)
        canvas.disc(place, body.radius, fill=_kind_color(fields, "landmark_kinds", k, config) or body.color)
    for a, place, body in agents:
        carried = _kind_color(fields, "holding", a, config)
        canvas.disc(
            place,
            body.radius,
            fill=body.color + "cc",
            outline=carried or body.color,
            width=(4 if carried else 1) * SCALE,
        )
        canvas.arrow(place, fields["agent_velocities"][a] * ARROW_S, INK)
        canvas.text(*canvas.pixel(place), str(a), 11, "white")
    canvas.pen.rectangle((0, FIELD * SCALE, FIELD * SCALE, (FIELD + BAR) * SCALE), fill=PAPER)
    foot = (FIELD + BAR / 2) * SCALE
    canvas.text(12 * SCALE, foot, f"step {fields['steps']} of {config.horizon}", 13, anchor="lm")
    canvas.text((FIELD - 12) * SCALE, foot, _note(fields, agents), 13, anchor="rm")
    return canvas.shrink()


def _present(
    fields: dict[str, Any], places: str, present: str, bodies: tuple[Body, ...]
) -> list[tuple[int, np.ndarray, Body]]:
    """Returns number, place and body of all entities that are there."""
    if places not in fields:
        return []
    rows = [body for body in bodies for _ in range(body.count)]
    return [
        (i, place, body)
        for i, (place, body, is_there) in enumerate(zip(fields[places], rows, fields[present], strict=True))
        if is_there
    ]


def _kind_color(fields: dict[str, Any], name: str, index: int, config: ParticlesConfig) -> str | None:
    """Returns the color of what a landmark is or an agent carries; None where it is nothing special."""
    kind = int(fields[name][index]) if name in fields else 0
    return config.kind_colors[kind - 1] if kind else None


def _note(fields: dict[str, Any], agents: list[tuple[int, np.ndarray, Body]]) -> str:
    if "messages" not in fields:
        taken = f", {fields['collected']} collected" if "collected" in fields else ""
        return f"{len(agents)} agents, {fields['collisions']} collisions{taken}"
    said, first = [], 0
    for a, _, body in agents:
        if body.words:
            said.append(f"{a}: {_spell(fields['messages'][first : first + body.words])}")
            first += body.words
    return "   ".join(said)


def _spell(message: np.ndarray) -> str:
    """Returns A for the first word, B for the second, ...; the loudest word of several with its number."""
    if not message.any():
        return "silent"
    word = int(np.argmax(message))
    letter = chr(ord("A") + word)
    return letter if np.count_nonzero(message) == 1 else f"{letter} {message[word]:.1f}"
