"""A batch of any game of OpenSpiel: the arrays of `games.Batch`, filled by pyspiel's states instead of C."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyspiel

from games import _core
from games.batch import Batch
from games.open_spiel.load import SpielConfig, write_mask
from games.python_core import PythonCore
from games.spec import EnvSpec


class _Hand:
    """One env: a state of OpenSpiel and the bookkeeping that the C engine has for its own."""

    def __init__(self) -> None:
        self.state: pyspiel.State | None = None
        self.seed = self.env = self.next_episode = 0
        self.episode = self.draws = self.length = 0
        self.returns: list[float] = []

    def start(self, game: pyspiel.Game) -> None:
        self.episode, self.next_episode = self.next_episode, self.next_episode + 1
        self.draws = self.length = 0
        self.state = game.new_initial_state()
        self.follow_chance()
        self.returns = list(self.state.returns())

    def follow_chance(self) -> None:
        """Draws at chance nodes until somebody is to move."""
        assert self.state is not None
        while self.state.is_chance_node():
            actions, probabilities = zip(*self.state.chance_outcomes(), strict=True)
            bounds = np.cumsum(probabilities)
            index = int(np.searchsorted(bounds, self._draw_unit() * bounds[-1], side="right"))
            self.state.apply_action(actions[min(index, len(actions) - 1)])

    def _draw_unit(self) -> float:
        """The engine's draw of a number in [0, 1): games/core/rng.h."""
        block = _core.philox4x64([self.draws // 4, self.episode, 0, 0], [self.seed, self.env])
        self.draws += 1
        return (block[(self.draws - 1) % 4] >> 11) * 2.0**-53

    def play(self, actions: list[int]) -> list[float]:
        """Plays the actions of those who are to move, and returns the rewards of all."""
        assert self.state is not None
        if self.state.is_simultaneous_node():
            self.state.apply_actions(actions)
        else:
            self.state.apply_action(actions[self.state.current_player()])
        self.follow_chance()
        self.length += 1
        before, self.returns = self.returns, list(self.state.returns())
        return [after - returned for after, returned in zip(self.returns, before, strict=True)]


class SpielCore(PythonCore):
    """What `games._core.Batch` is for worlds in C (games/_core.pyi), for a game of OpenSpiel.

    Args:
        config: The game.
        num_envs: E.
        autoreset: "same_step", "next_step" or "disabled".
    """

    def __init__(self, config: SpielConfig, num_envs: int, autoreset: str) -> None:
        super().__init__(num_envs, config.game.num_players(), autoreset)
        self._config, self._game = config, config.game
        self.hands = [_Hand() for _ in range(num_envs)]

    def groups(self) -> list[dict[str, Any]]:
        """Returns the one group of players, as `games.batch` reads layouts."""
        return [
            {
                "name": "players",
                "agent_name": "player",
                "first_agent": 0,
                "num_agents": self._game.num_players(),
                "observation_dtype": "float32",
                "observation_shape": self._config.tensor_shape,
                "observation_low": -np.inf,
                "observation_high": np.inf,
                "action_kind": "discrete",
                "action_parts": 1,
                "choices": [self._game.num_distinct_actions()],
                "has_action_mask": True,
                "infos": ["to_move"],
            }
        ]

    def attach(self, arrays: list[dict[str, np.ndarray]], log: dict[str, np.ndarray]) -> None:
        """Takes the arrays to write into."""
        self._arrays, self._ended = arrays[0], log["ended"]

    def seed(self, seed: int, first_env: int) -> None:
        """Starts counting episodes from 0 under a seed."""
        for env, hand in enumerate(self.hands):
            hand.seed, hand.env, hand.next_episode = seed, first_env + env, 0

    def reset(self, mask: np.ndarray | None) -> None:
        """Starts the next episode in every env, or in those of a mask."""
        for env in self._envs_to_reset(mask):
            self.hands[env].start(self._game)
            self._clear_outcome(env)
            self._observe(env)

    def check_actions(self, group: int, actions: np.ndarray) -> None:
        """Refuses actions of a wrong type or shape, or outside the action space."""
        expected = self._arrays["actions"]
        if not isinstance(actions, np.ndarray) or actions.dtype != expected.dtype:
            raise TypeError(f"actions must be an array of dtype int32, got {getattr(actions, 'dtype', type(actions))}")
        if actions.shape != expected.shape:
            raise ValueError(f"actions must have the shape {expected.shape}, got {actions.shape}")
        choices = self._game.num_distinct_actions()
        wrong = np.argwhere((actions < 0) | (actions >= choices))
        if len(wrong):
            env, player = wrong[0]
            raise ValueError(
                f"action {actions[env, player]} of player_{player} in env {env} is outside its space "
                f"{{0, ..., {choices - 1}}}"
            )

    def step(self) -> int:
        """Steps every env; returns how many episodes ended.

        Raises:
            ValueError: An action that is not legal, or an env without an episode. All envs are as they were.
        """
        self._check_started()
        self.check_actions(0, self._arrays["actions"])
        self._check_legal()
        for env in range(len(self.hands)):
            self._step_env(env)
        return int(self._ended.sum())

    def _check_started(self) -> None:
        for env, hand in enumerate(self.hands):
            if hand.state is None:
                raise ValueError(f"env {env} has no episode yet: call reset() first")
            if self._autoreset == "disabled" and hand.state.is_terminal():
                raise ValueError(f"the episode of env {env} is over and autoreset is disabled: reset it first")

    def _check_legal(self) -> None:
        actions, masks = self._arrays["actions"], self._arrays["action_masks"]
        is_legal = np.take_along_axis(masks, actions[..., None], axis=-1)[..., 0] == 1
        if self._autoreset == "next_step":
            is_legal |= self._ended[:, None] == 1  # this step is a reset
        for env, player in np.argwhere(~is_legal):
            legal = np.flatnonzero(masks[env, player]).tolist()
            raise ValueError(
                f"action {actions[env, player]} of player_{player} in env {env} is illegal; legal are {legal}"
            )

    def _step_env(self, env: int) -> None:
        hand = self.hands[env]
        assert hand.state is not None
        if hand.state.is_terminal():  # next_step
            hand.start(self._game)
            self._clear_outcome(env)
            self._observe(env)
            return
        self._arrays["rewards"][env] = hand.play(self._arrays["actions"][env].tolist())
        is_over = hand.state.is_terminal()
        self._arrays["terminations"][env] = is_over
        self._ended[env] = is_over
        if is_over:
            self._log_episode(hand.length, hand.returns)
            if self._autoreset == "same_step":
                # Who acts next in an episode that is over is nobody: the masks of its end stay all 1.
                self._show_tensors(env, self._arrays["final_observations"])
                hand.start(self._game)
        self._observe(env)

    def _clear_outcome(self, env: int) -> None:
        for name in ("rewards", "terminations", "truncations"):
            self._arrays[name][env] = 0
        self._ended[env] = 0

    def _show_tensors(self, env: int, out: np.ndarray) -> None:
        for player in range(self._game.num_players()):
            out[env, player] = self._config.tensor(self.hands[env].state, player)

    def _observe(self, env: int) -> None:
        state = self.hands[env].state
        assert state is not None
        self._show_tensors(env, self._arrays["observations"])
        for player in range(self._game.num_players()):
            write_mask(state, player, self._arrays["action_masks"][env, player])
        is_joint = not state.is_terminal() and state.is_simultaneous_node()
        self._arrays["to_move"][env] = is_joint
        if not is_joint and not state.is_terminal():
            self._arrays["to_move"][env, state.current_player()] = 1

    def set_state(self, env: int, state: pyspiel.State) -> None:
        """Replaces the state of one env."""
        hand = self._hand(env)
        hand.state, hand.returns = state, list(state.returns())
        self._ended[env] = state.is_terminal()
        self._observe(env)

    def fields(self, env: int) -> dict[str, Any]:
        """Returns the history of one env and who is to move."""
        state = self._hand(env).state
        if state is None:
            raise ValueError(f"env {env} has no episode yet: call reset() first")
        return {"history": np.array(state.history(), np.int64), "to_move": state.current_player()}

    def _hand(self, env: int) -> _Hand:
        return self.hands[self._check_env(env)]

    def state_bytes(self, env: int) -> bytes:
        """Returns a snapshot: the state as OpenSpiel writes it, and the bookkeeping."""
        hand = self._hand(env)
        numbers = {name: value for name, value in vars(hand).items() if name != "state"}
        outcome = {name: self._arrays[name][env].tolist() for name in ("rewards", "terminations")}
        text = None if hand.state is None else hand.state.serialize()
        return json.dumps({"game": str(self._game), "state": text, "hand": numbers, "outcome": outcome}).encode()

    def load_state(self, env: int, data: bytes) -> None:
        """Restores a snapshot.

        Raises:
            ValueError: The bytes are no snapshot of this game.
        """
        hand = self._hand(env)
        try:
            snapshot = json.loads(data)
            if snapshot["game"] != str(self._game):
                raise ValueError(f"it was taken in {snapshot['game']}, not in {self._game}")
            text = snapshot["state"]
            state = None if text is None else self._game.deserialize_state(text)
            numbers, outcome = snapshot["hand"], snapshot["outcome"]
            if numbers.keys() != vars(hand).keys() - {"state"}:
                raise ValueError("parts are missing")
            self._arrays["rewards"][env] = outcome["rewards"]
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise ValueError(f"these bytes are no snapshot of {self._game}: {error}") from None
        vars(hand).update(numbers, state=state)
        self._arrays["terminations"][env] = outcome["terminations"]
        self._ended[env] = state is not None and state.is_terminal()
        if state is not None:
            self._observe(env)


class SpielBatch(Batch):
    """E copies of a game of OpenSpiel that step together; `games.open_spiel.batch` makes one.

    Everything of `Batch` holds, with these differences: players are one group; an observation is the information-state
    tensor of the game, or its observation tensor where it has no other, flat; an illegal action is an error;
    `infos["to_move"]` says who is to move now; a state has no fields to load, but `state` and `set_state`.

    Args:
        game: The game.
        num_envs: E.
        seed: In [0, 2^64).
        autoreset: "same_step", "next_step" or "disabled".
        first_env: Env e draws as env number first_env + e.
    """

    config: SpielConfig
    _core: SpielCore

    def __init__(self, game: pyspiel.Game, num_envs: int, seed: int, autoreset: str, first_env: int) -> None:
        config = SpielConfig(game=game)
        spec = EnvSpec(f"open_spiel/{game.get_type().short_name}", SpielConfig, {"game": game}, str(game))
        super().__init__(spec, config, num_envs, seed, 1, autoreset, first_env)

    def _make_core(self) -> Any:
        return SpielCore(self.config, self.num_envs, self.autoreset)

    def state(self, env: int) -> pyspiel.State:
        """Returns a copy of the state of one env.

        Raises:
            ValueError: The env has no episode yet.
        """
        self.fields(env)
        return self._core.hands[env].state.clone()  # type: ignore[union-attr]  # fields() asks for an episode

    def set_state(self, env: int, state: pyspiel.State) -> None:
        """Replaces the state of one env, within its episode, and writes its observations anew.

        Raises:
            ValueError: The env has no episode yet, or the state is of another game, or a chance node.
        """
        self.fields(env)
        if str(state.get_game()) != str(self.config.game):
            raise ValueError(f"the state is of {state.get_game()}, not of {self.config.game}")
        if state.is_chance_node():
            raise ValueError("the state is a chance node: nobody is to move")
        self._core.set_state(env, state.clone())

    def load_fields(self, env: int, fields: dict[str, Any]) -> None:
        """Cannot be done.

        Raises:
            ValueError: Always: a state of OpenSpiel has no fields to set.
        """
        raise ValueError(f"{self.spec.id} has no fields to load; use set_state with a state of pyspiel")

    def configure(self, **changes: Any) -> None:
        """Cannot be done.

        Raises:
            ValueError: Always: the parameters of a game of OpenSpiel do not change.
        """
        raise ValueError(f"the parameters of {self.spec.id} cannot change while the batch lives: {list(changes)}")
