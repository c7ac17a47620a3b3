"""Goofspiel in C, for 2 to 10 players. See README.md beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from games.config import ChanceOutcome, GameProperties, TreeRules, WorldConfig, setting
from games.spec import EnvSpec, register

# In the order of the C enums.
POINTS_ORDERS = ("random", "ascending", "descending")
RETURNS_TYPES = ("win_loss", "point_difference", "total_points")


@dataclass(frozen=True, kw_only=True, eq=False)
class GoofspielConfig(WorldConfig):
    """Settings of goofspiel.

    Attributes:
        players: Players.
        num_cards: Cards in each hand, and of the suit that is bid for.
        num_turns: Prizes turned up, at most num_cards; None: all.
        points_order: In which order prizes come: "random", "ascending" or "descending".
        returns_type: Reward at the end: "win_loss" (winners share 1, losers -1), "point_difference" (points minus the
            players' mean) or "total_points".
        imp_info: Whether bids stay hidden; players see who won.
        egocentric: With imp_info, whether winners are shown as places after the one who looks.
    """

    world: ClassVar[str] = "goofspiel"
    family: ClassVar[str] = "cards"

    players: int = setting(2, low=2, high=10, doc="players")
    num_cards: int = setting(13, low=2, high=16, doc="cards in each hand, and of the suit that is bid for")
    num_turns: int | None = setting(None, low=1, high=16, doc="prizes turned up, at most num_cards; None: all")
    points_order: str = setting("random", choices=POINTS_ORDERS, doc="in which order prizes come")
    returns_type: str = setting(
        "win_loss", choices=RETURNS_TYPES, doc="reward at the end: for winning, points minus the mean, or points"
    )
    imp_info: bool = setting(False, doc="whether bids stay hidden; players see who won")
    egocentric: bool = setting(False, doc="with imp_info: winners are shown as places after the one who looks")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.turns > self.num_cards:
            raise ValueError(f"num_turns must be at most num_cards, which is {self.num_cards}, got {self.num_turns}")

    @property
    def turns(self) -> int:
        """Prizes turned up."""
        return self.num_cards if self.num_turns is None else self.num_turns

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        return {
            "players": self.players,
            "num_cards": self.num_cards,
            "num_turns": self.turns,
            "points_order": POINTS_ORDERS.index(self.points_order),
            "returns_type": RETURNS_TYPES.index(self.returns_type),
            "imp_info": int(self.imp_info),
            "egocentric": int(self.egocentric),
        }

    def properties(self) -> GameProperties:
        """Returns what kind of game it is; when all cards are bid, the last turn needs no step."""
        points = self.num_cards * (self.num_cards + 1) / 2
        bounds = {
            "win_loss": (-1.0, 1.0),
            "point_difference": (-points / self.players, points - points / self.players),
            "total_points": (0.0, points),
        }[self.returns_type]
        utility: Literal["zero_sum", "general"] = "general" if self.returns_type == "total_points" else "zero_sum"
        horizon = self.turns - (self.turns == self.num_cards)
        return GameProperties(self.players, "simultaneous", utility, bounds, horizon)

    def tree(self) -> TreeRules:
        """Returns the game tree: prizes are turned up one by one."""
        if self.points_order != "random":
            return TreeRules(remembers=True, pays_at_end=True)
        return TreeRules(self._list_prizes, self.num_cards, remembers=True, pays_at_end=True)

    def _list_prizes(self, before: Any, actions: Any, after: Any) -> Sequence[ChanceOutcome]:
        """Lists what the next prize may be; those after it are any."""
        if after["turn"] == self.turns:
            return []
        shown = after["prizes"][: after["turn"]].tolist()
        hidden = [prize for prize in range(self.num_cards) if prize not in shown]
        orders = [shown + [prize] + [other for other in hidden if other != prize] for prize in hidden]
        return [ChanceOutcome(1 / len(hidden), {"prizes": np.array(order[: self.turns], np.uint8)}) for order in orders]


register(
    EnvSpec("cards/goofspiel_v0", GoofspielConfig, {}, "bidding each card of a suit once for the prizes of another")
)
