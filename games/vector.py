"""The Gymnasium VectorEnv face: one learner plays all agents of the only group of E envs."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from games.batch import Batch, Group
from games.window import RENDER_FPS, check_render_mode, render_frame, render_modes, warn_no_render_mode

AUTORESET_MODES = {
    "same_step": AutoresetMode.SAME_STEP,
    "next_step": AutoresetMode.NEXT_STEP,
    "disabled": AutoresetMode.DISABLED,
}


class BatchVectorEnv(gymnasium.vector.VectorEnv):
    """A batch with Gymnasium's vector face. E envs, P agents played by one learner.

    The reward is the mean over all P agents, which is the team's reward where the world is of common interest. An env
    is truncated when its episode ended and the time limit cut off any agent; otherwise the end is a termination.

    Infos, an array for all envs each (with Gymnasium's `_<name>` masks beside them):
        rewards: [E, P] float32 of this step, also in rows where a new episode began within it.
        alive: [E, P] bool, of the observations returned.
        action_mask: [E, P, K] int8, of the observations returned; only where the world has masks.
        <info>: [E, P] float32, the world's own, of this step.
        final_obs: [E] of [P, D...] or None, and final_info: the infos of an episode's last step; only with
            "same_step", where an episode ended.
        episode_statistics: `return` (the sum of rewards), `length` and the world's own numbers, [E] each; only where an
            episode ended. The key `episode` stays free for Gymnasium's RecordEpisodeStatistics.

    Args:
        batch: The batch; from here on stepped by this face alone. A first reset without a seed starts from the batch's.
        render_mode: "rgb_array" or None.
        copy: Whether observations are copies. Without, the next step overwrites them.

    Raises:
        ValueError: The world has several groups.
    """

    metadata: dict[str, Any] = {"render_modes": [], "render_fps": RENDER_FPS}  # noqa: RUF012

    def __init__(self, batch: Batch, render_mode: str | None = None, copy: bool = True) -> None:
        self.closed = True  # until there is something to close: VectorEnv.__del__ also runs when we raise below
        self._group = _only_group(batch)
        if render_mode == "human":
            raise ValueError("render_mode 'human' shows one env; a vector env has 'rgb_array'")
        check_render_mode(batch, render_mode)
        self.batch, self.render_mode, self.copy = batch, render_mode, copy
        self.num_envs = batch.num_envs
        modes = [mode for mode in render_modes(type(batch.config)) if mode != "human"]
        autoreset = AUTORESET_MODES[batch.autoreset]
        self.metadata = {**type(self).metadata, "autoreset_mode": autoreset, "render_modes": modes}
        self.single_observation_space = _joint_observation_space(self._group)
        self.single_action_space = _joint_action_space(self._group)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.closed = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts the next episode.

        Args:
            seed: In [0, 2^64): starts its episode 0 in all envs instead.
            options: `reset_mask`, [E] bool: only these envs are reset. Other options are not read.

        Returns:
            Observations [E, P, D...] and infos.

        Raises:
            TypeError: The mask is no bool array.
            ValueError: Its shape is wrong, it marks no env, or it comes together with a seed.
        """
        mask = _check_mask((options or {}).get("reset_mask"), self.num_envs)
        self.batch.reset(seed, mask=None if mask is None else mask.view(np.uint8))
        super().reset(seed=None if seed is None else int(seed))
        rows = np.ones(self.num_envs, bool) if mask is None else mask
        infos: dict[str, Any] = {}
        _add(infos, self._now(), rows)
        return self._observations(), infos

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Steps all envs.

        Args:
            actions: Of the shape of `action_space`; whole numbers of any integer dtype where it is discrete.

        Returns:
            Observations [E, P, D...], rewards [E] float64, terminations and truncations [E] bool, infos.

        Raises:
            TypeError: Actions that are no numbers of the right kind.
            ValueError: Actions of another shape or outside the space, or (autoreset "disabled") an episode that is
                over. The batch is as it was.
        """
        self.batch.step(self._as_actions(actions))
        group, ended = self._group, self.batch.ended.view(np.bool_)
        truncations = ended & group.truncations.any(axis=1)
        rewards = group.rewards.mean(axis=1, dtype=np.float64)
        return self._observations(), rewards, ended & ~truncations, truncations, self._step_infos(ended)

    def render(self) -> tuple[Any, ...] | None:
        """Draws all envs as they stand, [H, W, 3] uint8 each."""
        if self.render_mode is None:
            warn_no_render_mode(self.batch.spec.id)
            return None
        return tuple(render_frame(self.batch, env) for env in range(self.num_envs))

    def _observations(self) -> np.ndarray:
        return self._group.observations.copy() if self.copy else self._group.observations

    def _as_actions(self, actions: np.ndarray) -> np.ndarray:
        given, wanted = np.asarray(actions), self._group.actions
        kinds = "iu" if wanted.dtype == np.int32 else "fiu"
        if given.dtype.kind not in kinds:
            raise TypeError(f"actions must be numbers of {self.action_space}, got dtype {given.dtype}")
        if given.shape != wanted.shape:
            raise ValueError(f"actions must have shape {list(wanted.shape)}, got {list(given.shape)}")
        if kinds == "iu" and given.dtype.itemsize >= 4 and given.dtype != np.int32:
            given = np.clip(given, -1, np.iinfo(np.int32).max)  # what does not fit stays outside the space
        return np.ascontiguousarray(given, dtype=wanted.dtype)

    def _now(self) -> dict[str, np.ndarray]:
        """Returns the infos that belong to the observations, not to a step."""
        infos = {"alive": self._group.alive.astype(bool)}
        if self._group.action_masks is not None:
            infos["action_mask"] = self._group.action_masks.astype(np.int8)
        return infos

    def _of_step(self) -> dict[str, np.ndarray]:
        return {"rewards": self._group.rewards.copy()} | {n: a.copy() for n, a in self._group.infos.items()}

    def _step_infos(self, ended: np.ndarray) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        _add(infos, self._now() | self._of_step(), np.ones(self.num_envs, bool))
        if not ended.any():
            return infos
        if self._group.final_observations is not None:
            final_obs = np.full(self.num_envs, None, dtype=object)
            for env in np.flatnonzero(ended):
                final_obs[env] = self._group.final_observations[env].copy()
            final_info: dict[str, Any] = {}
            _add(final_info, self._of_step(), ended)
            _add(infos, {"final_obs": final_obs, "final_info": final_info}, ended)
        _add(infos, {"episode_statistics": self._read_episodes(ended)}, ended)
        return infos

    def _read_episodes(self, ended: np.ndarray) -> dict[str, Any]:
        columns = {
            "return": self.batch.episode_returns.mean(axis=1),
            "length": self.batch.episode_lengths,
            **self.batch.episode_statistics,
        }
        statistics: dict[str, Any] = {}
        for name, values in columns.items():
            row_values = np.zeros(self.num_envs, values.dtype)
            # The batch logs the ends of one step in the order of the envs; ends before this face took over come first.
            row_values[ended] = values[-np.count_nonzero(ended) :]
            _add(statistics, {name: row_values}, ended)
        return statistics


def _add(infos: dict[str, Any], values: dict[str, Any], rows: np.ndarray) -> None:
    """Adds values and Gymnasium's marks of the envs that have them; other rows of arrays are zeroed."""
    for name, value in values.items():
        if isinstance(value, np.ndarray) and value.dtype != object:
            value[~rows] = 0
        infos[name], infos[f"_{name}"] = value, rows.copy()


def _only_group(batch: Batch) -> Group:
    if len(batch.groups) > 1:
        raise ValueError(
            f"{batch.spec.id} has the groups {list(batch.groups)}: one learner cannot play agents of different spaces. "
            "Use games.parallel_env, or games.make_batch and its groups"
        )
    return batch.only_group


def _joint_observation_space(group: Group) -> spaces.Box:
    one, shape = group.observation_space, group.observations.shape[1:]
    low, high = np.broadcast_to(one.low, shape), np.broadcast_to(one.high, shape)
    return spaces.Box(low, high, dtype=group.observations.dtype.type)


def _joint_action_space(group: Group) -> spaces.Space:
    one, num_agents = group.action_space, len(group.agents)
    if isinstance(one, spaces.Box):
        shape = (num_agents, *one.shape)
        return spaces.Box(np.broadcast_to(one.low, shape), np.broadcast_to(one.high, shape), dtype=np.float32)
    choices = [one.n] if isinstance(one, spaces.Discrete) else one.nvec
    joint = np.tile(np.asarray(choices, np.int32), (num_agents, 1))
    return spaces.MultiDiscrete(joint[:, 0] if isinstance(one, spaces.Discrete) else joint, dtype=np.int32)


def _check_mask(mask: Any, num_envs: int) -> np.ndarray | None:
    if mask is None:
        return None
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(f"reset_mask must be an array of bool, got {getattr(mask, 'dtype', type(mask).__name__)}")
    if mask.shape != (num_envs,) or not mask.any():
        raise ValueError(f"reset_mask must mark some of {num_envs} envs, got {mask.tolist()}")
    return np.ascontiguousarray(mask)
