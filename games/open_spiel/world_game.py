"""Our worlds as OpenSpiel games."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyspiel

from games.open_spiel.tree import Tree

SHORT_NAME = "agora"


def make_game(id: str, config: dict[str, Any]) -> WorldGame:
    """Returns a world as a game of OpenSpiel, as `games.open_spiel.game` describes."""
    settings = json.dumps(config, default=_to_list, sort_keys=True)
    return WorldGame({"id": id, "settings": base64.urlsafe_b64encode(settings.encode()).decode().rstrip("=")})


def _to_list(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise ValueError(f"a setting of a game of OpenSpiel must be made of numbers, strings and lists, got {value!r}")


class WorldGame(pyspiel.Game):
    """A world of ours as a game of OpenSpiel, kept as the tree that has been walked.

    Args:
        params: `id`, and `settings` as JSON in base64, so that a game can be found again by its string.

    Attributes:
        tree: The tree.
    """

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        params = {**DEFAULTS, **(params or {})}
        padded = params["settings"] + "=" * (-len(params["settings"]) % 4)
        self.tree = Tree(params["id"], json.loads(base64.urlsafe_b64decode(padded)))
        super().__init__(_game_type(self.tree), _game_info(self.tree), params)

    def new_initial_state(self) -> WorldState:
        """Returns the root of the tree."""
        return WorldState(self)

    def make_py_observer(self, iig_obs_type: Any = None, params: Any = None) -> WorldObserver:
        """Returns what writes information states and observations.

        Raises:
            ValueError: Parameters, of which there are none.
        """
        if params:
            raise ValueError(f"observers of {self} have no parameters, got {params}")
        return WorldObserver(self.tree, iig_obs_type or pyspiel.IIGObservationType(perfect_recall=False))

    def __deepcopy__(self, memo: dict[int, Any]) -> WorldGame:
        """States share their game."""
        return self


class WorldState(pyspiel.State):
    """A node of the tree, and the returns on the way to it."""

    def __init__(self, game: WorldGame) -> None:
        super().__init__(game)
        self.node = game.tree.root
        self._returns = (0.0,) * game.tree.num_players

    def current_player(self) -> int:
        """Returns who is to move, or that chance, all or nobody is."""
        if self.node.outcomes:
            return pyspiel.PlayerId.CHANCE
        if self.node.is_over:
            return pyspiel.PlayerId.TERMINAL
        return pyspiel.PlayerId.SIMULTANEOUS if self.node.to_move is None else self.node.to_move

    def _legal_actions(self, player: int) -> list[int]:
        return self.node.legal[player]

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """Returns the outcomes by their index in the world's list."""
        return [(i, outcome.probability) for i, outcome in enumerate(self.node.outcomes)]

    def _apply_action(self, action: int) -> None:
        if self.node.outcomes:
            self._go(int(action))
            return
        joint = [0] * len(self._returns)
        joint[self.node.to_move or 0] = int(action)
        self._go(tuple(joint))

    def _apply_actions(self, actions: Sequence[int]) -> None:
        self._go(tuple(int(action) for action in actions))

    def _go(self, move: int | tuple[int, ...]) -> None:
        self.node = self.get_game().tree.child(self.node, move)
        self._returns = tuple(a + b for a, b in zip(self._returns, self.node.rewards, strict=True))

    def _action_to_string(self, player: int, action: int) -> str:
        return f"chance {action}" if player == pyspiel.PlayerId.CHANCE else f"player {player}: {action}"

    def is_terminal(self) -> bool:
        """Returns whether the episode is over."""
        return self.node.is_over

    def rewards(self) -> list[float]:
        """Returns the rewards of the last step, by player."""
        return list(self.node.rewards)

    def returns(self) -> list[float]:
        """Returns the sums of rewards so far, by player."""
        return list(self._returns)

    def __str__(self) -> str:
        return f"{self.node.text} returns={list(self._returns)}"


class WorldObserver:
    """Writes what a player knows: its information state with perfect recall, else what it sees now."""

    def __init__(self, tree: Tree, kind: Any) -> None:
        self._recalls = kind.perfect_recall
        self.tensor: np.ndarray | None = None
        self.dict: dict[str, np.ndarray] = {}
        if len(tree.batch.groups) == 1 and (tree.rules.remembers or not self._recalls):
            shape = tree.batch.only_group.observation_space.shape
            self.tensor = np.zeros(int(np.prod(shape)), np.float32)
            self.dict = {"observation": self.tensor.reshape(shape)}

    def set_from(self, state: WorldState, player: int) -> None:
        """Fills the tensor; zeros where nobody has seen anything yet."""
        if self.tensor is not None:
            self.tensor[:] = 0 if state.node.tensors is None else state.node.tensors[player]

    def string_from(self, state: WorldState, player: int) -> str:
        """Returns the text."""
        return (state.node.seen if self._recalls else state.node.now)[player]


def _game_type(tree: Tree) -> pyspiel.GameType:
    properties, kinds = tree.properties, pyspiel.GameType
    utilities = {"zero_sum": kinds.Utility.ZERO_SUM, "common": kinds.Utility.IDENTICAL}
    is_turns = properties.dynamics == "turn"
    has_tensor = len(tree.batch.groups) == 1
    return pyspiel.GameType(
        short_name=SHORT_NAME,
        long_name="A world of Agora",
        dynamics=kinds.Dynamics.SEQUENTIAL if is_turns else kinds.Dynamics.SIMULTANEOUS,
        chance_mode=kinds.ChanceMode.EXPLICIT_STOCHASTIC if tree.rules.chance else kinds.ChanceMode.DETERMINISTIC,
        information=kinds.Information.IMPERFECT_INFORMATION,
        utility=utilities.get(properties.utility, kinds.Utility.GENERAL_SUM),
        reward_model=kinds.RewardModel.TERMINAL if tree.rules.pays_at_end else kinds.RewardModel.REWARDS,
        max_num_players=tree.num_players,
        min_num_players=tree.num_players,
        provides_information_state_string=True,
        provides_information_state_tensor=has_tensor and tree.rules.remembers,
        provides_observation_string=True,
        provides_observation_tensor=has_tensor,
        provides_factored_observation_string=False,
        parameter_specification=DEFAULTS,
        default_loadable=True,
    )


def _game_info(tree: Tree) -> pyspiel.GameInfo:
    properties = tree.properties
    steps = 1 if tree.rules.pays_at_end else properties.horizon
    low, high = (bound * steps for bound in properties.reward_bounds)
    return pyspiel.GameInfo(
        num_distinct_actions=max(int(group.action_space.n) for group, _ in tree.rows),  # type: ignore[union-attr]
        max_chance_outcomes=tree.rules.max_chance_outcomes,
        num_players=tree.num_players,
        min_utility=min(low, properties.reward_bounds[0]),
        max_utility=max(high, properties.reward_bounds[1]),
        utility_sum=0.0 if properties.utility == "zero_sum" else None,
        max_game_length=properties.horizon,
    )


# The game that a string without parameters stands for.
DEFAULTS = {"id": "cards/kuhn_poker_v0", "settings": base64.urlsafe_b64encode(b"{}").decode().rstrip("=")}

pyspiel.register_game(_game_type(Tree(DEFAULTS["id"], {})), WorldGame)
