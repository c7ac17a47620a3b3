"""Kuhn poker in C, for 2 to 10 players. See README.md beside this file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.config import ChanceOutcome, GameProperties, TreeRules, WorldConfig, setting
from games.spec import EnvSpec, register

PASS, BET = 0, 1


@dataclass(frozen=True, kw_only=True, eq=False)
class KuhnConfig(WorldConfig):
    """Settings of Kuhn poker.

    Attributes:
        players: P players and P + 1 cards.
    """

    world: ClassVar[str] = "kuhn_poker"
    family: ClassVar[str] = "cards"

    players: int = setting(2, low=2, high=10, doc="players; there is one card more")

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {"players": self.players}

    def properties(self) -> GameProperties:
        """Returns what kind of game it is: two chips can be lost to each winner."""
        return GameProperties(self.players, "turn", "zero_sum", (-2, 2 * (self.players - 1)), 2 * self.players - 1)

    def tree(self) -> TreeRules:
        """Returns the game tree: one deal, then turns."""
        deals = math.factorial(self.players + 1)
        return TreeRules(self._list_deals, deals, remembers=True, pays_at_end=True)

    def _list_deals(self, before: Any, actions: Any, after: Any) -> Sequence[ChanceOutcome]:
        if before is not None:
            return []
        deals = list(itertools.permutations(range(self.players + 1), self.players))
        return [ChanceOutcome(1 / len(deals), {"cards": np.array(cards, np.uint8)}) for cards in deals]


register(EnvSpec("cards/kuhn_poker_v0", KuhnConfig, {}, "poker with three cards, one bet and one chip"))
