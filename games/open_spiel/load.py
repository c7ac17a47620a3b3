"""OpenSpiel's games by name, and how they look from our side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyspiel

from games.config import GameProperties, WorldConfig
from games.names import unknown_name


def load_game(game: str | pyspiel.Game, params: dict[str, Any]) -> pyspiel.Game:
    """Returns a game by its name and parameters; a game as it is.

    Raises:
        UnknownNameError: OpenSpiel has no such game or parameter.
        ValueError: Parameters that OpenSpiel refuses.
    """
    if not isinstance(game, str):
        if params:
            raise ValueError(f"parameters belong to a game's name; {game} is a game already")
        return game
    types = {game_type.short_name: game_type for game_type in pyspiel.registered_games()}
    name = re.match(r"[^(]*", game)[0]  # type: ignore[index]  # matches anything
    if name not in types:
        raise unknown_name("OpenSpiel game", name, types)
    known = types[name].parameter_specification
    for param in params:
        if param not in known:
            raise unknown_name(f"parameter of OpenSpiel's {name}", param, known)
    try:
        return pyspiel.load_game(game, params) if params else pyspiel.load_game(game)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"OpenSpiel refuses {game!r} with the parameters {params}: {error}") from None


@dataclass(frozen=True, kw_only=True, eq=False)
class SpielConfig(WorldConfig):
    """What a batch of a game of OpenSpiel stands for.

    Attributes:
        game: The game.
    """

    world: ClassVar[str] = "open_spiel"

    game: Any = None

    def __post_init__(self) -> None:
        """Refuses games that have no arrays of ours.

        Raises:
            ValueError: A game of a mean field, or one whose states have no tensor.
        """
        game_type = self.game.get_type()
        if game_type.dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD:
            raise ValueError(f"{self.game} is a mean-field game: it has populations, not players that act in turn")
        if not (game_type.provides_information_state_tensor or game_type.provides_observation_tensor):
            raise ValueError(f"{self.game} has neither an information-state tensor nor an observation tensor")

    def core_fields(self) -> dict[str, Any]:
        """Returns nothing: its core is in Python (spiel_batch.py)."""
        return {}

    def properties(self) -> GameProperties:
        """Returns what kind of game it is; OpenSpiel bounds the return of a game, so a reward has twice the width."""
        game_type, low, high = self.game.get_type(), self.game.min_utility(), self.game.max_utility()
        utilities: dict[Any, Literal["zero_sum", "common"]] = {
            pyspiel.GameType.Utility.ZERO_SUM: "zero_sum",
            pyspiel.GameType.Utility.IDENTICAL: "common",
        }
        is_sequential = game_type.dynamics == pyspiel.GameType.Dynamics.SEQUENTIAL
        is_terminal = game_type.reward_model == pyspiel.GameType.RewardModel.TERMINAL
        return GameProperties(
            self.game.num_players(),
            "turn" if is_sequential else "simultaneous",
            utilities.get(game_type.utility, "general"),
            (min(low, 0), max(high, 0)) if is_terminal else (low - high, high - low),
            self.game.max_game_length(),
        )

    @property
    def tensor_shape(self) -> list[int]:
        """Shape of what a player sees: flat, since tensors of OpenSpiel come flat."""
        has_information = self.game.get_type().provides_information_state_tensor
        return [self.game.information_state_tensor_size() if has_information else self.game.observation_tensor_size()]

    def tensor(self, state: pyspiel.State, player: int) -> Sequence[float]:
        """Returns what a player sees: its information state where the game has one, else its observation."""
        if self.game.get_type().provides_information_state_tensor:
            return state.information_state_tensor(player)
        return state.observation_tensor(player)


def write_mask(state: pyspiel.State, player: int, mask: np.ndarray) -> None:
    """Writes which actions of a player are legal, [K]; action 0 for one who waits, or has no choice, or is done."""
    mask.fill(0)
    moves = not state.is_terminal() and (state.is_simultaneous_node() or state.current_player() == player)
    legal = state.legal_actions(player) if moves else []
    mask[legal or 0] = 1
