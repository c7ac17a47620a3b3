"""Pictures of a hand of Kuhn poker: who has which card, what has been bet, and who is to move."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.kuhn_poker import BET, KuhnConfig
from games.playing_cards import FAINT, MARK, TEXT, draw_card, draw_chips, make_table, rank_name, seats, write

# All lengths in pixels. Even, so that every frame is even.
WIDTH, HEIGHT = 640, 480


def draw(fields: dict[str, Any], config: KuhnConfig) -> np.ndarray:
    """Draws all cards open; the player to move is golden, one who folded grey.

    Args:
        fields: State fields of the world.
        config: The game.

    Returns:
        [H, W, 3] uint8, of one size for all states.
    """
    image, pen = make_table(WIDTH, HEIGHT)
    stakes = _stakes(fields, config.players)
    for player, (x, y) in enumerate(seats(config.players, WIDTH, HEIGHT, 95)):
        acts = player == fields["to_move"]
        has_folded = fields["first_bet"] > 0 and stakes[player] == 1 and _decisions(fields, config.players, player) > 0
        has_folded &= not (fields["to_move"] >= 0 and _can_still_call(fields, config.players, player))
        card = rank_name(int(fields["cards"][player]), config.players + 1)
        draw_card(pen, x, y, card, is_marked=acts, is_faded=bool(has_folded))
        draw_chips(pen, x + 50, y + 36, stakes[player])
        write(pen, x, y + 54, f"player {player}", 13, MARK if acts else FAINT if has_folded else TEXT)
    words = " ".join("bet" if entry == 1 + BET else "pass" for entry in fields["history"][: fields["num_actions"]])
    write(pen, WIDTH / 2, HEIGHT / 2 - 12, f"pot {sum(stakes)}", 20)
    write(pen, WIDTH / 2, HEIGHT / 2 + 16, words or "dealt", 15 if config.players < 5 else 11, FAINT)
    return np.asarray(image)


def _stakes(fields: dict[str, Any], players: int) -> list[int]:
    """Chips of each player in the pot."""
    bets = [i % players for i in range(int(fields["num_actions"])) if fields["history"][i] == 1 + BET]
    return [1 + (player in bets) for player in range(players)]


def _decisions(fields: dict[str, Any], players: int, player: int) -> int:
    return len(range(player, int(fields["num_actions"]), players))


def _can_still_call(fields: dict[str, Any], players: int, player: int) -> bool:
    """Whether a player who passed before the first bet has not answered it."""
    return player < int(fields["first_bet"]) - 1 and _decisions(fields, players, player) < 2
