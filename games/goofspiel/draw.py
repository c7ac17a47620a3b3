"""Pictures of goofspiel: the prizes with those who took them, and every player's hand and points."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from games.goofspiel import GoofspielConfig
from games.playing_cards import CARD_HEIGHT, CARD_WIDTH, FAINT, FELT, MARK, TEXT, draw_card, write

# All lengths in pixels. Even, so that every frame is even.
SCALE = 0.8
COLUMN, ROW = 54, 88
LABEL, MARGIN = 120, 28


def draw(fields: dict[str, Any], config: GoofspielConfig) -> np.ndarray:
    """Draws the prizes in the first row and a hand in each other row; the last bids and the prize to win are golden.

    Args:
        fields: State fields of the world.
        config: The game.

    Returns:
        [H, W, 3] uint8, of one size for all states of a config.
    """
    width = 2 * MARGIN + LABEL + COLUMN * config.num_cards
    height = 2 * MARGIN + ROW * (config.players + 1)
    image = Image.new("RGB", (width + width % 2, height + height % 2), FELT)
    pen = ImageDraw.Draw(image)
    _draw_prizes(pen, fields, config)
    for player in range(config.players):
        _draw_hand(pen, fields, config, player)
    return np.asarray(image)


def _place(row: int, column: int) -> tuple[float, float]:
    return MARGIN + LABEL + COLUMN * (column + 0.5), MARGIN + ROW * (row + 0.5)


def _draw_prizes(pen: ImageDraw.ImageDraw, fields: dict[str, Any], config: GoofspielConfig) -> None:
    turn = int(fields["turn"])
    write(pen, MARGIN, _place(0, 0)[1], f"turn {min(turn + 1, config.turns)} of {config.turns}", 16, anchor="lm")
    for t, prize in enumerate(fields["prizes"]):
        x, y = _place(0, t)
        is_shown = t <= turn
        draw_card(pen, x, y, str(prize + 1) if is_shown else None, is_marked=t == turn, is_faded=t < turn, scale=SCALE)
        if t < turn:
            winner = int(fields["winners"][t])
            write(pen, x, y + CARD_HEIGHT * SCALE / 2 + 8, f"to {winner - 1}" if winner else "nobody", 10, FAINT)


def _draw_hand(pen: ImageDraw.ImageDraw, fields: dict[str, Any], config: GoofspielConfig, player: int) -> None:
    turn = int(fields["turn"])
    y = _place(player + 1, 0)[1]
    write(pen, MARGIN, y - 9, f"player {player}", 16, anchor="lm")
    write(pen, MARGIN, y + 12, f"{fields['points'][player]} points", 14, MARK, anchor="lm")
    last = int(fields["bids"][turn - 1, player]) if turn > 0 else -1
    for card in range(config.num_cards):
        x, _ = _place(player + 1, card)
        if fields["hands"][player, card] or card == last:
            draw_card(pen, x, y, str(card + 1), is_marked=card == last, is_faded=card == last, scale=SCALE)
        else:
            half = CARD_WIDTH * SCALE / 2
            pen.rounded_rectangle((x - half, y - 32, x + half, y + 32), 5, None, (52, 122, 94), 1)
    if last >= 0:
        _, bottom = _place(player + 1, 0)
        write(pen, _place(0, last)[0], bottom + CARD_HEIGHT * SCALE / 2 + 6, "bid", 10, TEXT)
