"""Batch: E copies of one world, as typed arrays that C reads and writes in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from games import _core
from games.config import WorldConfig
from games.names import unknown_name
from games.spec import EnvSpec

# Ended episodes that wait to be read; older ones are dropped, so that a reader who never comes costs no memory.
MAX_PENDING_EPISODES = 100_000


ActionSpace = gymnasium.spaces.Discrete | gymnasium.spaces.MultiDiscrete | gymnasium.spaces.Box


@dataclass(frozen=True, eq=False)
class Group:
    """Agents that share their spaces, and their arrays. E envs, P agents, K choices, A action parts.

    Attributes:
        name: Key of the group in `Batch.groups`.
        agents: Names of its P agents.
        observation_space: Of one agent.
        action_space: Of one agent.
        observations: [E, P, D...] uint8 or float32, what each agent sees now.
        final_observations: As observations; the last of an episode where autoreset replaced it in the same step
            (rows of envs with `Batch.ended`), None with other autoreset modes.
        actions: [E, P] int32, [E, P, A] int32 or [E, P, A] float32, written by the caller.
        action_masks: [E, P, K] uint8, 1 = legal (parts side by side); None where every action is always legal.
        final_action_masks: As action_masks, of the moment of `final_observations`; None where either is.
        rewards: [E, P] float32 of the last step.
        terminations: [E, P] uint8, ended by rule in the last step.
        truncations: [E, P] uint8, ended by the time limit in the last step.
        alive: [E, P] uint8, 0 for an agent that is out or a slot that this episode leaves empty.
        infos: Further numbers of the last step by name, [E, P] float32 each.
    """

    name: str
    agents: tuple[str, ...]
    observation_space: gymnasium.spaces.Box
    action_space: ActionSpace
    observations: np.ndarray
    final_observations: np.ndarray | None
    actions: np.ndarray
    action_masks: np.ndarray | None
    final_action_masks: np.ndarray | None
    rewards: np.ndarray
    terminations: np.ndarray
    truncations: np.ndarray
    alive: np.ndarray
    infos: dict[str, np.ndarray]


def _action_space(layout: dict[str, Any]) -> ActionSpace:
    if layout["action_kind"] == "discrete":
        return gymnasium.spaces.Discrete(layout["choices"][0])
    if layout["action_kind"] == "multi_discrete":
        return gymnasium.spaces.MultiDiscrete(layout["choices"], dtype=np.int32)
    low, high = (np.asarray(layout[key], np.float32) for key in ("action_low", "action_high"))
    return gymnasium.spaces.Box(low, high, dtype=np.float32)


def _make_group(layout: dict[str, Any], num_envs: int, autoreset: str) -> Group:
    agents = (num_envs, layout["num_agents"])
    observation_shape = tuple(layout["observation_shape"])
    dtype = np.dtype(layout["observation_dtype"])
    parts = () if layout["action_kind"] == "discrete" else (layout["action_parts"],)
    first = layout["first_agent"]
    masks = (*agents, sum(layout["choices"])) if layout["has_action_mask"] else None
    observation_space = gymnasium.spaces.Box(
        layout["observation_low"], layout["observation_high"], observation_shape, dtype.type
    )
    return Group(
        name=layout["name"],
        agents=tuple(f"{layout['agent_name']}_{first + i}" for i in range(layout["num_agents"])),
        observation_space=observation_space,
        action_space=_action_space(layout),
        observations=np.zeros(agents + observation_shape, dtype),
        final_observations=np.zeros(agents + observation_shape, dtype) if autoreset == "same_step" else None,
        actions=np.zeros(agents + parts, np.float32 if layout["action_kind"] == "continuous" else np.int32),
        action_masks=None if masks is None else np.ones(masks, np.uint8),
        final_action_masks=None if masks is None or autoreset != "same_step" else np.ones(masks, np.uint8),
        rewards=np.zeros(agents, np.float32),
        terminations=np.zeros(agents, np.uint8),
        truncations=np.zeros(agents, np.uint8),
        alive=np.ones(agents, np.uint8),
        infos={name: np.zeros(agents, np.float32) for name in layout["infos"]},
    )


def _core_arrays(group: Group) -> dict[str, np.ndarray]:
    names = (
        *("observations", "final_observations", "actions", "action_masks", "final_action_masks"),
        *("rewards", "terminations", "truncations", "alive"),
    )
    arrays = {name: getattr(group, name) for name in names if getattr(group, name) is not None}
    return arrays | group.infos


class _OnlyGroup:
    """An array of the only group, offered by the batch itself. Write into it; it cannot be replaced."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, batch: Batch | None, owner: type) -> Any:
        return self if batch is None else getattr(batch.only_group, self.name)

    def __set__(self, batch: Batch, value: Any) -> None:
        raise AttributeError(f"C reads and writes batch.{self.name} in place: use batch.{self.name}[...] = values")


class Batch:
    """E copies of one world that step together.

    The arrays live as long as the batch, are the same objects after every call, and are overwritten by the next `step`
    or `reset`: copy what you keep. Make one with `games.make_batch`.

    Args:
        spec: The environment.
        config: Its settings.
        num_envs: E.
        seed: In [0, 2^64).
        num_threads: Worker threads.
        autoreset: "same_step", "next_step" or "disabled".
        first_env: Env e draws as env number first_env + e; all numbers are below 2^64.

    Attributes:
        first_env: As given.
    """

    observations = _OnlyGroup("[E, P, D...] of the only group.")
    final_observations = _OnlyGroup("[E, P, D...] of the only group, or None.")
    actions = _OnlyGroup("[E, P] or [E, P, A] of the only group.")
    action_masks = _OnlyGroup("[E, P, K] of the only group, or None.")
    rewards = _OnlyGroup("[E, P] of the only group.")
    terminations = _OnlyGroup("[E, P] of the only group.")
    truncations = _OnlyGroup("[E, P] of the only group.")
    alive = _OnlyGroup("[E, P] of the only group.")
    infos = _OnlyGroup("Arrays [E, P] by name, of the only group.")

    def __init__(
        self,
        spec: EnvSpec,
        config: WorldConfig,
        num_envs: int,
        seed: int,
        num_threads: int,
        autoreset: str,
        first_env: int = 0,
    ) -> None:
        self.spec, self.config = spec, config
        self.num_envs, self.num_threads, self.autoreset = num_envs, num_threads, autoreset
        self._core = self._make_core()
        self.first_env = _check_word("first_env", first_env, num_more=num_envs - 1)
        made = [_make_group(layout, num_envs, autoreset) for layout in self._core.groups()]
        self.groups: dict[str, Group] = {group.name: group for group in made}
        self.agents: tuple[str, ...] = tuple(agent for group in made for agent in group.agents)
        self._statistic_names = self._core.statistic_names()
        self.ended = np.zeros(num_envs, np.uint8)
        """[E] uint8: an episode ended in the last step."""
        log: dict[str, np.ndarray] = {
            "ended": self.ended,
            "lengths": np.zeros(num_envs, np.int32),
            "returns": np.zeros((num_envs, len(self.agents)), np.float64),
            "statistics": np.zeros((num_envs, len(self._statistic_names)), np.float64),
        }
        self._core.attach([_core_arrays(group) for group in made], log)
        self._seed_core(seed)

    def _make_core(self) -> Any:
        """Returns what steps the envs: the engine in C, or what offers the same (games/_core.pyi)."""
        sizes = self.num_envs, self.num_threads, self.autoreset, MAX_PENDING_EPISODES
        return _core.Batch(self.config.world, self.config.core_fields(), *sizes)

    @property
    def only_group(self) -> Group:
        """The group of a world that has one.

        Raises:
            ValueError: The world has several groups.
        """
        if len(self.groups) > 1:
            raise ValueError(
                f"{self.spec.id} has several groups; use batch.groups[...] with one of {list(self.groups)}"
            )
        return next(iter(self.groups.values()))

    def reset(self, seed: int | None = None, *, mask: np.ndarray | None = None) -> None:
        """Starts the next episode in every env and writes its first observations.

        Args:
            seed: Starts episode 0 of this seed instead.
            mask: [E] uint8; only envs with 1 are reset. Not together with a seed.
        """
        if seed is not None and mask is not None:
            raise ValueError("reset takes a seed or a mask, not both: a seed concerns every env")
        if seed is not None:
            self._seed_core(seed)
        self._core.reset(mask)

    def _seed_core(self, seed: int) -> None:
        self._core.seed(_check_word("seed", seed), self.first_env)

    def step(self, actions: np.ndarray | dict[str, np.ndarray] | None = None) -> None:
        """Steps every env; the results stand in the arrays.

        Args:
            actions: One array for the only group, or a dict of one array per group, of exactly the shape and dtype of
                the group's `actions`. None: the group's `actions` as they stand.

        Raises:
            TypeError: Wrong dtype or layout.
            ValueError: Wrong shape, an action outside its space, or an episode that must be reset first. The batch is
                as it was before the call.
        """
        if actions is not None:
            self._write_actions(actions)
        self._core.step()

    def _write_actions(self, actions: np.ndarray | dict[str, np.ndarray]) -> None:
        by_group: dict[str, np.ndarray] = actions if isinstance(actions, dict) else {self.only_group.name: actions}
        if by_group.keys() != self.groups.keys():
            raise ValueError(f"actions must name the groups {list(self.groups)}, got {list(by_group)}")
        for index, name in enumerate(self.groups):
            self._core.check_actions(index, by_group[name])
        for name, group in self.groups.items():
            np.copyto(group.actions, by_group[name])

    @property
    def episode_returns(self) -> np.ndarray:
        """[n, N] float64: undiscounted returns of all N agents, of the n episodes that ended since the last read."""
        return self._core.read_returns()

    @property
    def episode_lengths(self) -> np.ndarray:
        """[n] int32: steps of the n episodes that ended since the last read of this attribute."""
        return self._core.read_lengths()

    @property
    def episode_statistics(self) -> dict[str, np.ndarray]:
        """The world's own numbers by name, [n] float64 each, of the n episodes that ended since the last read."""
        rows = self._core.read_statistics()
        return {name: rows[:, i] for i, name in enumerate(self._statistic_names)}

    def state_bytes(self, env: int) -> bytes:
        """Returns an exact snapshot of one env: state, generator, running return, last rewards and flags.

        The generator has the env's own seed and number: wherever the snapshot is loaded, the episodes that follow are
        those of the env it was taken from, until `reset(seed)`, which gives every env its own number again.
        """
        return self._core.state_bytes(env)

    def load_state(self, env: int, data: bytes) -> None:
        """Restores a snapshot into one env; it goes on exactly as the env it was taken from.

        Raises:
            ValueError: The bytes are damaged, or from another world or config. The env is as it was.
        """
        self._core.load_state(env, data)

    def fields(self, env: int) -> dict[str, Any]:
        """Returns the state of one env by name; arrays and scalars, all copies."""
        return self._core.fields(env)

    def load_fields(self, env: int, fields: dict[str, Any]) -> None:
        """Replaces named parts of one env's state and writes its observations anew.

        Raises:
            UnknownNameError: No such field.
            TypeError: Wrong dtype.
            ValueError: Wrong shape, or values that are no state of this world. The env is as it was.
        """
        known = self._core.describe_state()
        for name in fields:
            if name not in known:
                raise unknown_name(f"state field of {self.spec.id}", name, known)
        self._core.load_fields(env, fields)

    def configure(self, **changes: Any) -> None:
        """Changes live settings for all envs, from the next step on.

        Raises:
            UnknownNameError: No such setting.
            ValueError: Out of range, or a setting that cannot change while the batch lives.
        """
        config = type(self.config).from_settings({**self.config.settings(), **changes})
        fixed = [n for n in changes if not type(self.config).__dataclass_fields__[n].metadata["live"]]
        if fixed:
            raise ValueError(f"setting {fixed[0]!r} of {self.spec.id} cannot change while the batch lives")
        self._configure_core(config)
        self.config = config

    def _configure_core(self, config: WorldConfig) -> None:
        """Hands the live settings to what steps the envs."""
        live = {name for name, field in _core.config_fields(config.world).items() if field["live"]}
        self._core.configure({name: value for name, value in config.core_fields().items() if name in live})

    def __repr__(self) -> str:
        return f"Batch({self.spec.id!r}, num_envs={self.num_envs}, autoreset={self.autoreset!r})"


def _check_word(name: str, value: int, num_more: int = 0) -> int:
    """Returns a number of which it and the `num_more` after it fit into 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**64 - num_more:
        highest = f"2^64 - {num_more}" if num_more else "2^64"
        raise ValueError(f"{name} must be a whole number in [0, {highest}), got {value!r}")
    return int(value)
