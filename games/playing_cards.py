"""How the card games look: a table, cards, chips and names."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFont

# All lengths in pixels.
CARD_WIDTH, CARD_HEIGHT = 58, 82
CHIP_WIDTH, CHIP_HEIGHT = 26, 7

ROOM, FELT, FELT_EDGE, WOOD = (32, 36, 41), (36, 104, 78), (29, 84, 63), (96, 66, 44)
PAPER, PAPER_EDGE, INK, RED = (250, 248, 242), (196, 190, 178), (34, 36, 42), (190, 48, 44)
TEXT, FAINT, MARK = (240, 238, 230), (156, 178, 166), (255, 208, 84)
CHIP, CHIP_EDGE = (214, 72, 62), (248, 226, 214)
SPADE, HEART = 0, 1

RANKS = ("2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K")


def rank_name(rank: int, num_ranks: int) -> str:
    """Returns the letter of a rank; the highest of `num_ranks`, at most 12, is the king."""
    return RANKS[len(RANKS) - num_ranks + rank]


def make_table(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Returns an empty table of even size, and a pen for it."""
    image = Image.new("RGB", (width + width % 2, height + height % 2), ROOM)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((14, 14, width - 15, height - 15), 90, WOOD)
    pen.rounded_rectangle((24, 24, width - 25, height - 25), 80, FELT, FELT_EDGE, 4)
    return image, pen


def seats(num_players: int, width: int, height: int, margin: float) -> list[tuple[float, float]]:
    """Returns the places of players round the table, player 0 at the bottom and on clockwise."""
    angles = [math.pi / 2 + 2 * math.pi * i / num_players for i in range(num_players)]
    across, down = width / 2 - margin, height / 2 - margin
    return [(width / 2 + across * math.cos(angle), height / 2 + down * math.sin(angle)) for angle in angles]


def write(
    pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size: float = 15, fill: tuple = TEXT, anchor: str = "mm"
) -> None:
    """Writes one line of text."""
    pen.text((x, y), text, fill, ImageFont.load_default(size), anchor=anchor)


def draw_card(
    pen: ImageDraw.ImageDraw,
    x: float,
    y: float,
    text: str | None,
    suit: int | None = None,
    *,
    is_marked: bool = False,
    is_faded: bool = False,
    scale: float = 1.0,
) -> None:
    """Draws a card around its centre.

    Args:
        pen: Of the picture.
        x: Of the centre.
        y: Of the centre.
        text: What it shows; None: its back.
        suit: SPADE, HEART or None.
        is_marked: Whether it has a golden edge.
        is_faded: Whether it is out of play.
        scale: Its size as a part of CARD_WIDTH by CARD_HEIGHT.
    """
    half_width, half_height = CARD_WIDTH * scale / 2, CARD_HEIGHT * scale / 2
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    fill = (92, 116, 168) if text is None else (168, 180, 170) if is_faded else PAPER
    pen.rounded_rectangle(box, 7 * scale, fill, MARK if is_marked else PAPER_EDGE, 4 if is_marked else 1)
    if text is None:
        inner = (box[0] + 6 * scale, box[1] + 6 * scale, box[2] - 6 * scale, box[3] - 6 * scale)
        pen.rounded_rectangle(inner, 4 * scale, None, PAPER, 1)
        return
    colour = (110, 116, 110) if is_faded else RED if suit == HEART else INK
    write(pen, x, y - (12 * scale if suit is not None else 0), text, 30 * scale, colour)
    if suit is not None:
        _draw_suit(pen, x, y + 21 * scale, 9 * scale, suit, colour)


def _draw_suit(pen: ImageDraw.ImageDraw, x: float, y: float, size: float, suit: int, colour: tuple) -> None:
    """Draws a heart, or a spade: a heart upside down with a stem."""
    up = -1 if suit == HEART else 1
    for side in (-1, 1):
        cx, cy = x + side * size * 0.48, y + up * size * 0.3
        pen.ellipse((cx - size * 0.53, cy - size * 0.53, cx + size * 0.53, cy + size * 0.53), colour)
    pen.polygon([(x - size, y + up * size * 0.4), (x + size, y + up * size * 0.4), (x, y - up * size)], colour)
    if suit == SPADE:
        pen.polygon([(x, y), (x - size * 0.4, y + size * 1.1), (x + size * 0.4, y + size * 1.1)], colour)


def draw_chips(pen: ImageDraw.ImageDraw, x: float, y: float, count: int) -> None:
    """Draws a stack of chips that stands on (x, y)."""
    for i in range(count):
        top = y - i * (CHIP_HEIGHT - 1)
        box = (x - CHIP_WIDTH / 2, top - CHIP_HEIGHT, x + CHIP_WIDTH / 2, top)
        pen.rounded_rectangle(box, 3, CHIP, CHIP_EDGE, 1)
