"""Repeated normal-form games from payoff arrays. See README.md beside this file."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from games.config import GameProperties, TreeRules, WorldConfig, setting
from games.matrix.gambit import GambitError, read_game
from games.matrix.named import NAMED_GAMES, PRISONERS_DILEMMA, ROCK_PAPER_SCISSORS, from_bimatrix
from games.spec import EnvSpec, register

__all__ = ["PRISONERS_DILEMMA", "ROCK_PAPER_SCISSORS", "GambitError", "MatrixConfig", "from_bimatrix", "read_game"]

# Actions that a state has room for; MATRIX_MAX_REMEMBERED in matrix.h.
MAX_REMEMBERED = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixConfig(WorldConfig):
    """Settings of a repeated normal-form game with P players.

    Attributes:
        payoffs: [P, A_0, ..., A_{P-1}] reward of each player in a round; or a Gambit file (.nfg, .efg), its path or its
            text, which is read at once.
        horizon: Rounds of an episode.
        memory: Rounds that players see, at most 64 // P.
        legal_actions: Per player, A_i flags: which actions may be played. None: all.
    """

    world: ClassVar[str] = "matrix"

    payoffs: Any = setting(doc="[P, A_0, ..., A_{P-1}] reward of each player in a round, or a Gambit file")
    horizon: int = setting(1, low=1, high=2**31 - 1, doc="rounds of an episode")
    memory: int = setting(0, low=0, high=MAX_REMEMBERED, doc="rounds that players see, at most 64 // P")
    legal_actions: Any = setting(None, doc="per player, A_i flags: which actions may be played; None: all")

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.payoffs, str | Path):
            object.__setattr__(self, "payoffs", read_game(self.payoffs))
        num_players = len(self.payoff_array())
        if self.memory * num_players > MAX_REMEMBERED:
            raise ValueError(
                f"memory must be at most {MAX_REMEMBERED // num_players} rounds for {num_players} players, "
                f"got {self.memory}"
            )
        self._legal_flags()

    def payoff_array(self) -> np.ndarray:
        """Returns the payoffs as [P, A_0, ..., A_{P-1}] float64.

        Raises:
            ValueError: Not numbers, not one axis per player after the first, or a payoff that is not finite.
        """
        try:
            payoffs = np.ascontiguousarray(self.payoffs, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"payoffs must be numbers [P, A_0, ..., A_{{P-1}}], got {reprlib.repr(self.payoffs)}: {error}"
            ) from None
        if payoffs.ndim < 2 or payoffs.ndim != payoffs.shape[0] + 1 or 0 in payoffs.shape:
            raise ValueError(
                "payoffs must have the shape [P, A_0, ..., A_{P-1}], one axis per player after the first, "
                f"got {list(payoffs.shape)}"
            )
        if not np.isfinite(payoffs).all():
            raise ValueError(f"payoffs must be finite, got {payoffs[~np.isfinite(payoffs)][0]}")
        return payoffs

    def _legal_flags(self) -> np.ndarray:
        if self.legal_actions is None:
            return np.zeros(0, np.uint8)
        num_actions = self.payoff_array().shape[1:]
        try:
            flags = [np.asarray(row, bool) for row in self.legal_actions]
        except (TypeError, ValueError):
            flags = []
        if [row.shape for row in flags] != [(a,) for a in num_actions] or not all(row.any() for row in flags):
            raise ValueError(
                f"legal_actions must give {list(num_actions)} flags, at least one true for each player, "
                f"got {reprlib.repr(self.legal_actions)}"
            )
        return np.concatenate(flags).astype(np.uint8)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        payoffs = self.payoff_array()
        return {
            "num_actions": np.array(payoffs.shape[1:], np.int32),
            "payoffs": payoffs.reshape(-1),
            "legal_actions": self._legal_flags(),
            "horizon": self.horizon,
            "memory": self.memory,
        }

    def properties(self) -> GameProperties:
        """Returns the utility class by looking at the payoffs."""
        payoffs = self.payoff_array()
        utility: Literal["zero_sum", "common", "general"] = "general"
        if np.allclose(payoffs, payoffs[0]):
            utility = "common"
        elif np.allclose(payoffs.sum(axis=0), 0):
            utility = "zero_sum"
        bounds = (float(payoffs.min()), float(payoffs.max()))
        return GameProperties(payoffs.shape[0], "simultaneous", utility, bounds, self.horizon)

    def tree(self) -> TreeRules:
        """Returns the game tree; with memory or without, players of a solver remember all that they saw."""
        return TreeRules(pays_at_end=self.horizon == 1)


for _game in NAMED_GAMES:
    register(
        EnvSpec(
            f"matrix/{_game.name}_v0", MatrixConfig, {"payoffs": _game.payoffs, **_game.settings}, _game.description
        )
    )
