"""Pictures of a hand of Leduc poker: cards, chips, both rounds of betting, and who is to move."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.leduc_poker import LeducConfig
from games.playing_cards import FAINT, MARK, TEXT, draw_card, draw_chips, make_table, rank_name, seats, write

# All lengths in pixels. Even, so that every frame is even.
WIDTH, HEIGHT = 720, 540
ACTIONS = ("fold", "call", "raise")


def draw(fields: dict[str, Any], config: LeducConfig) -> np.ndarray:
    """Draws all private cards open; the player to move is golden, one who folded grey.

    Args:
        fields: State fields of the world.
        config: The game.

    Returns:
        [H, W, 3] uint8, of one size for all states.
    """
    image, pen = make_table(WIDTH, HEIGHT)
    names = [rank_name(int(card) // 2, config.players + 1) for card in fields["cards"]]
    suits = [int(card) % 2 for card in fields["cards"]]
    scale = 1.0 if config.players < 7 else 0.8
    for player, (x, y) in enumerate(seats(config.players, WIDTH, HEIGHT, 100)):
        acts, has_folded = player == fields["to_move"], bool(fields["folded"][player])
        draw_card(pen, x, y, names[player], suits[player], is_marked=acts, is_faded=has_folded, scale=scale)
        draw_chips(pen, x + 50 * scale, y + 36 * scale, int(fields["chips"][player]))
        write(pen, x, y + 54 * scale, f"player {player}", 13, MARK if acts else FAINT if has_folded else TEXT)
    middle, centre = WIDTH / 2, HEIGHT / 2
    is_shown = fields["round"] > 0
    draw_card(pen, middle, centre - 8, names[-1] if is_shown else None, suits[-1])
    write(pen, middle, centre - 66, f"pot {int(fields['chips'].sum())}", 18)
    for round in range(2):
        words = [ACTIONS[entry - 1] for entry in fields["history"][round][: fields["num_actions"][round]]]
        size = 14 if config.players < 5 else 10
        write(pen, middle, centre + 46 + 20 * round, " ".join(words), size, TEXT if round == fields["round"] else FAINT)
    return np.asarray(image)
