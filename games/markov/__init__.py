"""Finite Markov games from arrays, rules and generators. See README.md beside this file."""

from __future__ import annotations

import functools
import reprlib
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from games.config import GameProperties, TreeRules, WorldConfig, setting
from games.markov import classics
from games.markov.game import MarkovGame, from_arrays, from_rules
from games.markov.generators import UTILITIES, garnet, potential
from games.markov.tree import tree_rules
from games.spec import EnvSpec, register

__all__ = [
    "ClassicConfig",
    "GarnetConfig",
    "MarkovConfig",
    "MarkovGame",
    "TabularConfig",
    "from_arrays",
    "from_rules",
    "garnet",
    "potential",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkovConfig(WorldConfig):
    """What all ids of the world share: the episode's length and what players see.

    Attributes:
        horizon: Steps after which an episode is truncated.
        continuation: Probability that the game goes on after a step; it ends by rule otherwise.
        features: [S, D], or [P, S, D] with features of its own for each player, seen in place of the state as a one-hot
            vector.
    """

    world: ClassVar[str] = "markov"

    horizon: int = setting(100, low=1, high=2**31 - 1, doc="steps after which an episode is truncated")
    continuation: float = setting(1.0, low=0, high=1, doc="probability that the game goes on after a step")
    features: Any = setting(None, doc="[S, D] or [P, S, D] numbers that players see; None: the state, one-hot")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._feature_array()

    @property
    @abstractmethod
    def game(self) -> MarkovGame:
        """The arrays of these settings: transitions, rewards, initial, num_actions, ...."""

    def _feature_array(self) -> np.ndarray | None:
        if self.features is None:
            return None
        try:
            features = np.asarray(self.features, np.float32)
        except (TypeError, ValueError, OverflowError):
            features = np.zeros(0, np.float32)
        sizes = (self.game.num_players, self.game.num_states)
        if features.ndim not in (2, 3) or features.shape[:-1] != sizes[3 - features.ndim :] or features.shape[-1] == 0:
            raise ValueError(
                f"features must be numbers [{sizes[1]}, D] or [{sizes[0]}, {sizes[1]}, D], "
                f"got {reprlib.repr(self.features)}"
            )
        if not np.isfinite(features).all():
            raise ValueError(f"features must be finite, got {features[~np.isfinite(features)][0]}")
        return np.ascontiguousarray(features)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        game, features = self.game, self._feature_array()
        legal = np.zeros(0, np.uint8) if game.legal is None else np.concatenate(game.legal, axis=1).astype(np.uint8)
        return {
            "num_actions": np.array(game.num_actions, np.int32),
            "row_starts": game.row_starts,
            "successors": game.successors,
            "probabilities": game.probabilities,
            "rewards": game.row_rewards.reshape(-1),
            "initial": game.initial,
            "terminal": game.terminal.astype(np.uint8),
            "legal_actions": legal.reshape(-1),
            "features": np.zeros(0, np.float32) if features is None else features.reshape(-1),
            "continuation": float(self.continuation),
            "feature_low": 0.0 if features is None else float(features.min()),
            "feature_high": 1.0 if features is None else float(features.max()),
            "num_features": 0 if features is None else features.shape[-1],
            "horizon": self.horizon,
        }

    def properties(self) -> GameProperties:
        """Returns moves and utility class by looking at the arrays."""
        game = self.game
        rewards = game.outcome_rewards.astype(np.float32)
        utility: Literal["zero_sum", "common", "general"] = "general"
        if (rewards == rewards[:, :1]).all():
            utility = "common"
        elif np.allclose(game.outcome_rewards.sum(axis=1), 0):
            utility = "zero_sum"
        bounds = (float(rewards.min()), float(rewards.max())) if rewards.size else (0.0, 0.0)
        dynamics: Literal["turn", "simultaneous"] = "turn" if _is_turn_based(game) else "simultaneous"
        return GameProperties(game.num_players, dynamics, utility, bounds, self.horizon)

    def tree(self) -> TreeRules:
        """Returns the game tree; worth a walk where the horizon is short."""
        return tree_rules(self.game, self.continuation, self.horizon)


def _is_turn_based(game: MarkovGame) -> bool:
    """Returns whether at most one player has a choice in each state, and the others' only action is 0."""
    if game.legal is None or game.num_players < 2:
        return False
    choices = np.stack([flags.sum(axis=1) for flags in game.legal])
    waits = np.stack([flags[:, 0] for flags in game.legal])
    return bool(((choices > 1).sum(axis=0) <= 1).all() and (waits | (choices > 1)).all())


@dataclass(frozen=True, kw_only=True, eq=False)
class TabularConfig(MarkovConfig):
    """Settings of a game given by arrays: S states, P players.

    Attributes:
        transitions: [S, A_0, ..., A_{P-1}, S'] probabilities, or a SciPy sparse array [S * A_0 * ... * A_{P-1}, S'].
        rewards: [P, S, A_0, ..., A_{P-1}], or [P, S, A_0, ..., A_{P-1}, S'] with dense transitions.
        initial: [S] distribution of the first state; None: state 0.
        terminal: Terminal states: their numbers, or [S] flags of type bool; None: none.
        legal_actions: Per player [S, A_i] flags; None: everything is legal.
        state_names: S names for pictures; None: numbers.
    """

    transitions: Any = setting(doc="[S, A_0, ..., A_{P-1}, S'] probabilities, or sparse [S * A_0 * ... * A_{P-1}, S']")
    rewards: Any = setting(doc="[P, S, A_0, ..., A_{P-1}] or [P, S, A_0, ..., A_{P-1}, S'] rewards")
    initial: Any = setting(None, doc="[S] distribution of the first state; None: state 0")
    terminal: Any = setting(None, doc="terminal states: numbers, or [S] flags of type bool; None: none")
    legal_actions: Any = setting(None, doc="per player, [S, A_i] flags: which actions may be played; None: all")
    state_names: Any = setting(None, doc="S names for pictures; None: numbers")

    @functools.cached_property
    def game(self) -> MarkovGame:
        """The arrays, checked."""
        return from_arrays(
            self.transitions, self.rewards, self.initial, self.terminal, self.legal_actions, self.state_names
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.game  # checked now, made once


CLASSICS: dict[str, Callable[[], MarkovGame]] = {
    "two_step": classics.two_step,
    "absorbing": classics.absorbing,
    "soccer": classics.soccer,
    "grid_game_1": functools.partial(classics.grid_game, 1),
    "grid_game_2": functools.partial(classics.grid_game, 2),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassicConfig(MarkovConfig):
    """Settings of a game of the literature.

    Attributes:
        name: One of `CLASSICS`; classics.py has their rules.
    """

    name: str = setting(doc="which game", choices=tuple(CLASSICS))

    @functools.cached_property
    def game(self) -> MarkovGame:
        """The arrays, built from the rules when first asked for."""
        return CLASSICS[self.name]()


@dataclass(frozen=True, kw_only=True, eq=False)
class GarnetConfig(MarkovConfig):
    """Settings of a random game; equal settings make equal games.

    Attributes:
        num_players: P.
        num_states: S.
        num_actions: Of every player.
        branching: Successors of each state and joint action, at most S.
        utility: Class of the game, "general", "zero_sum", "common" or "potential".
        table_seed: Of the generator that draws the arrays; the batch's seed is another.
    """

    num_players: int = setting(2, low=1, high=8, doc="players")
    num_states: int = setting(20, low=1, high=100_000, doc="states")
    num_actions: int = setting(3, low=1, high=1000, doc="actions of every player")
    branching: int = setting(3, low=1, high=100_000, doc="successors of each state and joint action, at most S")
    utility: str = setting("general", choices=UTILITIES, doc="class of the game")
    table_seed: int = setting(0, low=0, high=2**63 - 1, doc="of the generator that draws the arrays")

    @functools.cached_property
    def game(self) -> MarkovGame:
        """The arrays, drawn when first asked for."""
        rng = np.random.default_rng(self.table_seed)
        return garnet(self.num_states, (self.num_actions,) * self.num_players, self.branching, rng, self.utility)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.branching > self.num_states:
            raise ValueError(f"branching must be in [1, {self.num_states}], the number of states, got {self.branching}")
        if self.utility == "zero_sum" and self.num_players < 2:
            raise ValueError("a zero-sum game needs at least 2 players, got num_players 1")


def _shared_pasture() -> dict[str, np.ndarray]:
    """A small general-sum game: a pasture is full or bare, and both graze (1) or rest (0).

    Grazing pays 3 on the full pasture and 1 on the bare one, resting nothing. If both graze, the full pasture becomes
    bare; if both rest, the bare one grows again, with probability 1/2 each time.
    """
    transitions = np.zeros((2, 2, 2, 2))
    transitions[0, ..., 0] = transitions[1, ..., 1] = 1
    transitions[0, 1, 1] = transitions[1, 0, 0] = 0.5
    grazing = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0], indexing="ij"))
    return {"transitions": transitions, "rewards": np.stack([3 * grazing, grazing], axis=1)}


register(
    EnvSpec(
        "markov/tabular_v0",
        TabularConfig,
        {**_shared_pasture(), "horizon": 50},
        "any finite Markov game from arrays; by default a pasture that two may overgraze",
    )
)
register(
    EnvSpec(
        "markov/two_step_v0",
        ClassicConfig,
        {"name": "two_step", "horizon": 2},
        "the two-step game of QMIX: a sure 7, or 8 for those who trust each other",
    )
)
register(
    EnvSpec(
        "markov/soccer_v0",
        ClassicConfig,
        {"name": "soccer", "continuation": 0.9, "horizon": 1000},
        "Littman's soccer on 4 x 5 cells, a draw with probability 0.1 in each step",
    )
)
register(
    EnvSpec(
        "markov/grid_game_1_v0",
        ClassicConfig,
        {"name": "grid_game_1"},
        "Hu and Wellman's grid game 1: two cross each other's way to opposite corners",
    )
)
register(
    EnvSpec(
        "markov/grid_game_2_v0",
        ClassicConfig,
        {"name": "grid_game_2"},
        "Hu and Wellman's grid game 2: one goal, two uncertain ways and one sure one",
    )
)
register(EnvSpec("markov/garnet_v0", GarnetConfig, {}, "a random game of 20 states, 2 players and 3 actions"))
