"""Leduc poker in C, for 2 to 10 players. See README.md beside this file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import ChanceOutcome, GameProperties, TreeRules, WorldConfig, setting
from games.spec import EnvSpec, register

FOLD, CALL, RAISE = 0, 1, 2

# Chips that a player can put into the pot: the ante, two raises of 2 and two of 4.
MAX_CHIPS = 1 + 2 * 2 + 2 * 4


@dataclass(frozen=True, kw_only=True, eq=False)
class LeducConfig(WorldConfig):
    """Settings of Leduc poker.

    Attributes:
        players: P players; P + 1 ranks in two suits.
        starting_player: Who begins both rounds, or the next who has not folded.
        suit_isomorphism: Whether players see ranks, not suits, which never matter.
    """

    world: ClassVar[str] = "leduc_poker"
    family: ClassVar[str] = "cards"

    players: int = setting(2, low=2, high=10, doc="players; there is one rank more, in two suits")
    starting_player: int = setting(0, low=0, high=9, doc="who begins both rounds, below players")
    suit_isomorphism: bool = setting(False, doc="whether players see ranks, not suits, which never matter")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.starting_player >= self.players:
            raise ValueError(
                f"starting_player must be below players, which is {self.players}, got {self.starting_player}"
            )

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {
            "players": self.players,
            "starting_player": self.starting_player,
            "suit_isomorphism": int(self.suit_isomorphism),
        }

    def properties(self) -> GameProperties:
        """Returns what kind of game it is: each round has 3 P - 2 actions at most."""
        bounds = (-MAX_CHIPS, MAX_CHIPS * (self.players - 1))
        return GameProperties(self.players, "turn", "zero_sum", bounds, 2 * (3 * self.players - 2))

    def tree(self) -> TreeRules:
        """Returns the game tree: a deal, a round of betting, the public card, a round of betting."""
        num_cards = 2 * (self.players + 1)
        deals = math.perm(num_cards, self.players)
        return TreeRules(self._list_cards, deals, remembers=True, pays_at_end=True)

    def _list_cards(self, before: Any, actions: Any, after: Any) -> Sequence[ChanceOutcome]:
        deck = range(2 * (self.players + 1))
        if before is None:
            # The public card is dealt later: until then it is any.
            return _outcomes(
                (*own, next(c for c in deck if c not in own)) for own in itertools.permutations(deck, self.players)
            )
        if after["round"] > before["round"]:
            own = after["cards"][:-1].tolist()
            return _outcomes((*own, public) for public in deck if public not in own)
        return []


def _outcomes(deals: Iterable[tuple[int, ...]]) -> list[ChanceOutcome]:
    cards = [np.array(deal, np.uint8) for deal in deals]
    return [ChanceOutcome(1 / len(cards), {"cards": deal}) for deal in cards]


register(EnvSpec("cards/leduc_poker_v0", LeducConfig, {}, "poker with six cards, two rounds of betting, a public card"))
