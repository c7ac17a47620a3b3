"""The PettingZoo face: one environment, agents by name, dicts in and out."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from itertools import chain
from typing import Any, TypeGuard

import gymnasium
import numpy as np
import pettingzoo
from gymnasium import spaces

from games.batch import Group
from games.names import unknown_name
from games.spec import make_batch
from games.window import RENDER_FPS, Window, check_render_mode, render_frame, render_modes, warn_no_render_mode


class _GroupFace:
    """One group's rows of the only env, as Python values and copies in the order of its agents.

    A step of a small world costs less than a microsecond in C, so what Python adds is what counts: views of the rows
    and of their bytes are made once, and every array is read by one call for all agents.
    """

    def __init__(self, group: Group) -> None:
        self.agents = group.agents
        self.action_space = group.action_space
        self.observation_space = _with_mask(group)
        self._observations = group.observations[0]
        # PettingZoo's convention, and the dtype that `Discrete.sample` asks of a mask.
        self._masks = None if group.action_masks is None else group.action_masks[0].view(np.int8)
        self._rewards = group.rewards[0]
        self._terminations = group.terminations[0].view(np.bool_)
        self._truncations = group.truncations[0].view(np.bool_)
        self._alive = group.alive[0].view(np.bool_)
        self._infos = {name: array[0] for name, array in group.infos.items()}
        self._actions = group.actions[0]
        # A memoryview takes whatever is a whole number (int, NumPy integer, 0-d array) and nothing else, and is the
        # fastest way to store one.
        self._choices = memoryview(self._actions) if isinstance(self.action_space, spaces.Discrete) else None
        # Where a mask over all parts of a multi-discrete action is cut into one mask for each part.
        self._mask_cuts = np.cumsum(self.action_space.nvec)[:-1] if _is_multi(self.action_space) else None

    def write_actions(self, actions: dict[str, Any]) -> None:
        """Copies the actions of this group's live agents; those of the others are any inside the space."""
        choices = self._choices
        for index, agent in enumerate(self.agents):
            if agent in actions:
                if choices is not None:
                    try:
                        choices[index] = actions[agent]
                        continue
                    except (TypeError, ValueError):
                        pass  # not a number, or too large for an int32: the slow way accepts it or says why not
                self._write_any(index, agent, actions[agent])

    def forget_actions(self, agents: Iterable[str]) -> None:
        """Puts a fixed action where an agent that is out had its last one."""
        for agent in agents:
            if agent in self.agents:
                self._actions[self.agents.index(agent)] = _some_action(self.action_space)

    def _write_any(self, index: int, agent: str, action: Any) -> None:
        values = np.asarray(action)
        if values.size == 1 and isinstance(self.action_space, spaces.Discrete):
            values = values.reshape(())  # RLlib and others hand over arrays of one element
        low: Any
        high: Any
        if isinstance(self.action_space, spaces.Box):
            low, high, kinds = self.action_space.low, self.action_space.high, "fiu"
        else:
            low, high, kinds = 0, np.iinfo(np.int32).max, "iu"  # C knows the number of choices
        fits = values.dtype.kind in kinds and values.shape == self._actions.shape[1:]
        fits = fits and bool((values >= low).all() and (values <= high).all())  # false for NaN
        if not fits:
            raise ValueError(f"action {action!r} of {agent} is outside its space {self.action_space}")
        self._actions[index] = values

    def read_observations(self) -> list[Any]:
        """Returns what each agent sees, as copies that are the caller's to keep."""
        observations = list(self._observations.copy())
        if self._masks is None:
            return observations
        return [
            {"observation": observation, "action_mask": self._mask_of(mask)}
            for observation, mask in zip(observations, self._masks.copy(), strict=True)
        ]

    def _mask_of(self, mask: np.ndarray) -> Any:
        return mask if self._mask_cuts is None else tuple(np.split(mask, self._mask_cuts))

    def read(self) -> tuple[list[Any], ...]:
        """Returns observations, rewards, terminations, truncations, infos and alive flags, a list over agents each."""
        return (
            self.read_observations(),
            self._rewards.tolist(),
            self._terminations.tolist(),
            self._truncations.tolist(),
            self.read_infos(),
            self._alive.tolist(),
        )

    def read_infos(self) -> list[dict[str, float]]:
        """Returns the group's infos of each agent."""
        if not self._infos:
            return [{} for _ in self.agents]
        columns = [array.tolist() for array in self._infos.values()]
        return [dict(zip(self._infos, row, strict=True)) for row in zip(*columns, strict=True)]


def _is_multi(space: spaces.Space) -> TypeGuard[spaces.MultiDiscrete]:
    return isinstance(space, spaces.MultiDiscrete)


def _with_mask(group: Group) -> spaces.Space:
    """The observation space of one agent, with the mask where the group has one."""
    if group.action_masks is None:
        return group.observation_space
    if _is_multi(group.action_space):
        mask: spaces.Space = spaces.Tuple([spaces.Box(0, 1, (int(n),), np.int8) for n in group.action_space.nvec])
    else:
        mask = spaces.Box(0, 1, group.action_masks.shape[2:], np.int8)
    return spaces.Dict({"observation": group.observation_space, "action_mask": mask})


def _some_action(space: spaces.Space) -> Any:
    return space.low if isinstance(space, spaces.Box) else 0


def _state_space(groups: list[Group]) -> spaces.Box:
    if len(groups) == 1:
        one, dtype = groups[0].observation_space, groups[0].observations.dtype.type
        shape = (len(groups[0].agents), *one.shape)
        return spaces.Box(np.broadcast_to(one.low, shape), np.broadcast_to(one.high, shape), dtype=dtype)
    bounds = [(np.ravel(g.observation_space.low), np.ravel(g.observation_space.high)) for g in groups for _ in g.agents]
    low, high = (np.concatenate(side).astype(np.float32) for side in zip(*bounds, strict=True))
    return spaces.Box(low, high, dtype=np.float32)


class BatchParallelEnv(pettingzoo.ParallelEnv):
    """One environment with PettingZoo's parallel face.

    Observations are copies. An agent that has ended or died leaves `agents` and gets no further entries; one whose
    slot an episode leaves empty is not in `agents` from the start. With action masks an observation is
    `{"observation": ..., "action_mask": int8}`.

    Args:
        id: One of `games.env_ids()`.
        render_mode: "rgb_array", "human" or None. "human" shows every step by itself.
        config: Settings of the world that differ from the id's.

    Attributes:
        possible_agents: Names of all agents, in the order of the groups.
        agents: Those that are to act now.
        state_space: Space of `state()`.
        batch: The batch of one env that stands behind this face.
        seed: Where this run's chance comes from, drawn afresh when `reset` is given none; None before the first reset.
    """

    metadata: dict[str, Any] = {"render_modes": [], "render_fps": RENDER_FPS, "is_parallelizable": True}  # noqa: RUF012

    def __init__(self, id: str, render_mode: str | None, config: dict[str, Any]) -> None:
        self.batch = make_batch(id, 1, autoreset="disabled", **config)
        check_render_mode(self.batch, render_mode)
        self.metadata = {**type(self).metadata, "name": id, "render_modes": render_modes(type(self.batch.config))}
        self.render_mode = render_mode
        self.possible_agents = list(self.batch.agents)
        self.agents: list[str] = []
        self.seed: int | None = None
        groups = list(self.batch.groups.values())
        self.state_space = _state_space(groups)
        self._faces = [_GroupFace(group) for group in groups]
        self._face_of = {agent: face for face in self._faces for agent in face.agents}
        self._live: frozenset[str] = frozenset()
        self._window: Window | None = None

    def observation_space(self, agent: str) -> gymnasium.Space:
        """Returns the space of an agent's observations, the same object every time."""
        return self._face(agent).observation_space

    def action_space(self, agent: str) -> gymnasium.Space:
        """Returns the space of an agent's actions, the same object every time."""
        return self._face(agent).action_space

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
        """Starts an episode.

        Args:
            seed: In [0, 2^64): starts its episode 0. None: the next episode of the seed in use, at first of a fresh
                one.
            options: Not read; a world is set up by its settings.

        Returns:
            Observations and infos by agent.
        """
        if seed is None and self.seed is None:
            seed = secrets.randbits(63)
        self.batch.reset(seed)
        self.seed = self.seed if seed is None else int(seed)
        observations, _, _, _, infos, alive = self._read()
        self._keep_agents([agent for agent, flag in zip(self.possible_agents, alive, strict=True) if flag])
        self._show()
        return self._name(observations), self._name(infos)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, float]]]:
        """Steps the environment.

        Args:
            actions: One action for each agent in `agents`, and for no other. An empty dict is taken after the end,
                and answered with empty dicts.

        Returns:
            Observations, rewards, terminations, truncations and infos of the agents that acted.

        Raises:
            ValueError: An agent's action is missing or outside its space, or an agent is not to act now. The
                environment is as it was.
        """
        if actions.keys() != self._live:
            self._refuse_agents(actions)
        if not actions:
            self._check_started()
            return {}, {}, {}, {}, {}
        for face in self._faces:
            face.write_actions(actions)
        self.batch.step()
        *columns, alive = self._read()
        observations, rewards, terminations, truncations, infos = map(self._name, columns)
        _, _, ended, cut, _ = columns
        if True in ended or True in cut or False in alive:
            stays = [a and not (e or c) for a, e, c in zip(alive, ended, cut, strict=True)]
            self._keep_agents([agent for agent, flag in self._name(stays).items() if flag])
        self._show()
        return observations, rewards, terminations, truncations, infos

    def state(self) -> np.ndarray:
        """Returns what all agents see, side by side: the global view for centralised training.

        Returns:
            [P, D...] of the observations' dtype where the world has one group; flat float32 where it has several.
        """
        self._check_started()
        groups = list(self.batch.groups.values())
        if len(groups) == 1:
            return groups[0].observations[0].copy()
        return np.concatenate([group.observations[0].ravel() for group in groups], dtype=np.float32)

    def render(self) -> np.ndarray | None:
        """Draws the environment as it stands.

        Returns:
            [H, W, 3] uint8 with render_mode "rgb_array"; None with "human", which shows it in a window.
        """
        if self.render_mode is None:
            warn_no_render_mode(self.batch.spec.id)
            return None
        self._check_started()
        if self.render_mode == "human":
            self._show()
            return None
        return render_frame(self.batch)

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._window is not None:
            self._window.close()

    def _face(self, agent: str) -> _GroupFace:
        if agent not in self._face_of:
            raise unknown_name(f"agent of {self.batch.spec.id}", agent, self.possible_agents)
        return self._face_of[agent]

    def _check_started(self) -> None:
        if self.seed is None:
            raise ValueError(f"{self.batch.spec.id} has no episode yet: call reset() first")

    def _refuse_agents(self, actions: dict[str, Any]) -> None:
        self._check_started()
        if not self._live:
            raise ValueError(f"the episode of {self.batch.spec.id} is over: call reset() first")
        for agent in actions:
            self._face(agent)
            if agent not in self._live:
                raise ValueError(f"{agent} is out and cannot act; agents that can: {', '.join(self.agents)}")
        missing = [agent for agent in self.agents if agent not in actions]
        raise ValueError(f"step needs an action of every agent in `agents`; missing: {', '.join(missing)}")

    def _keep_agents(self, agents: list[str]) -> None:
        gone = [agent for agent in self.possible_agents if agent not in agents]
        for face in self._faces:
            face.forget_actions(gone)
        self.agents, self._live = agents, frozenset(agents)

    def _read(self) -> tuple[list[Any], ...]:
        """Returns what every face reads, as lists over all agents."""
        if len(self._faces) == 1:
            return self._faces[0].read()
        return tuple(list(chain(*parts)) for parts in zip(*(face.read() for face in self._faces), strict=True))

    def _name(self, values: list[Any]) -> dict[str, Any]:
        """Gives the values of all agents their names, and keeps those of the live ones."""
        if len(self.agents) == len(values):
            return dict(zip(self.possible_agents, values))  # noqa: B905 (equally long; strict doubles the time)
        live = self._live
        return {agent: value for agent, value in zip(self.possible_agents, values, strict=True) if agent in live}

    def _show(self) -> None:
        if self.render_mode != "human":
            return
        if self._window is None:
            self._window = Window(self.batch.spec.id, self.metadata["render_fps"])
        self._window.show(render_frame(self.batch))
