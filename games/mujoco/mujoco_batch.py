"""A batch of robots of Gymnasium: the arrays of `games.Batch`, filled by MuJoCo instead of the engine in C."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from games.batch import Batch
from games.config import WorldConfig
from games.mujoco import LARGEST, MujocoConfig
from games.mujoco.body import OUTCOMES, Body
from games.mujoco.record import (
    check_kind,
    check_snapshot,
    check_state,
    fingerprint,
    record_dtype,
    seal,
    snapshot_dtype,
    state_fields,
    unseal,
)
from games.python_core import PythonCore

PROTAGONIST, ADVERSARY = 0, 1
REWARD, IS_TERMINATED, PLACE, SPEED, HAS_DIVERGED = range(len(OUTCOMES))
NOISE, SETUP = 0, 1  # streams of chance: Gymnasium's draws, and those of variants and contexts


def episode_generator(seed: int, env: int, episode: int, stream: int = NOISE) -> np.random.Generator:
    """Returns the chance of one episode; Gymnasium's task draws its start from stream 0.

    Args:
        seed: Of the batch.
        env: Number of the env, `Batch.first_env` included.
        episode: Counted from 0 under a seed.
        stream: 0 for the start; 1 for the variant and the context.
    """
    key, counter = np.array([seed, env], np.uint64), np.array([0, episode, stream, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class MujocoCore(PythonCore):
    """What `games._core.Batch` is for worlds in C (games/_core.pyi), for robots of Gymnasium.

    Args:
        config: Which robot.
        id: Of the environment.
        num_envs: E.
        autoreset: "same_step", "next_step" or "disabled".
    """

    def __init__(self, config: MujocoConfig, id: str, num_envs: int, autoreset: str) -> None:
        super().__init__(num_envs, 2, autoreset)
        self._config, self._variants = config, config.variant_values()
        self._bodies = [Body(config) for _ in range(num_envs)]
        self._seen = np.zeros((num_envs, *self._bodies[0].env.observation_space.shape))
        self._outcomes = np.zeros((num_envs, len(OUTCOMES)))
        self._scratch = mujoco.MjData(self._bodies[0].model)
        self._records = np.zeros(num_envs, record_dtype(config))
        self._state_names = [field[0] for field in state_fields(config)]
        self._layouts = self.groups()
        num_infos = sum(len(layout["infos"]) for layout in self._layouts)
        self._snapshot_dtype = snapshot_dtype(config, self._bodies[0], num_infos)
        self._fingerprint = fingerprint(config, id)

    # ---- what there is ----

    def groups(self) -> list[dict[str, Any]]:
        """Returns who moves the robot and who pushes it, as `games.batch` reads layouts."""
        body = self._bodies[0]
        num_seen = body.env.observation_space.shape[0] + self._config.shows_context
        pushes = [f"force_{name}_{axis}" for name in self._config.pushed_bodies for axis in self._config.push_axes]
        sizes = {"protagonist": len(body.motor), "adversary": len(pushes)}
        infos = {"protagonist": ["x_position", "x_velocity"], "adversary": pushes}
        return [
            {
                **{"name": name, "agent_name": name, "first_agent": 0, "num_agents": 1, "infos": infos[name]},
                **{"observation_dtype": "float32", "observation_shape": [num_seen]},
                **{"observation_low": -LARGEST, "observation_high": LARGEST, "has_action_mask": False},
                **{"action_kind": "continuous", "action_parts": size, "choices": []},
                **{"action_low": [-1.0] * size, "action_high": [1.0] * size},
            }
            for name, size in sizes.items()
        ]

    def statistic_names(self) -> list[str]:
        """Returns the names of the numbers that each episode ends with."""
        return ["distance", "mean_force", "has_diverged", "variant", "context"]

    def describe_state(self) -> dict[str, dict[str, Any]]:
        """Returns the fields of a state by name."""
        return {name: {} for name in ("qpos", "qvel", *self._state_names)}

    def attach(self, arrays: list[dict[str, np.ndarray]], log: dict[str, np.ndarray]) -> None:
        """Takes the arrays to write into."""
        self._arrays, self._ended = arrays, log["ended"]
        self._infos = [own[name] for own, layout in zip(arrays, self._layouts, strict=True) for name in layout["infos"]]

    # ---- episodes ----

    def seed(self, seed: int, first_env: int) -> None:
        """Starts counting episodes from 0 under a seed."""
        for env, record in enumerate(self._records):
            record["seed"], record["env"], record["next_episode"] = seed, first_env + env, 0

    def reset(self, mask: np.ndarray | None) -> None:
        """Starts the next episode in every env, or in those of a mask."""
        for env in self._envs_to_reset(mask):
            self._begin(env)
            self._clear_outcome(env)

    def _begin(self, env: int) -> None:
        record, body = self._records[env], self._bodies[env]
        seed, number, episode = (int(record[name]) for name in ("seed", "env", "next_episode"))
        record["episode"], record["next_episode"] = episode, (episode + 1) % 2**64
        for name in ("length", "is_over", "returns", "forces", "total_force", "timestep", "has_diverged"):
            record[name] = 0
        record["has_started"] = 1
        setup = episode_generator(seed, number, episode, SETUP)
        record["variant"] = setup.integers(len(self._variants))
        record["context"] = self._config.contexts[int(setup.integers(len(self._config.contexts)))]
        for name, value in self._variants[record["variant"]].items():
            record[name] = value
        self._scale(env)
        body.begin(episode_generator(seed, number, episode))
        self._show(env, body.look())

    def _scale(self, env: int) -> None:
        record = self._records[env]
        self._bodies[env].scale(record["mass_scales"], float(record["friction_scale"]), self._scratch)

    def _show(self, rows: int | slice | np.ndarray, seen: np.ndarray) -> None:
        """Writes what Gymnasium's agent sees, [D] or [rows, D], to both."""
        for own in self._arrays:
            own["observations"][rows, 0, : seen.shape[-1]] = seen
            if self._config.shows_context:
                own["observations"][rows, 0, -1] = self._records["context"][rows]

    def _clear_outcome(self, env: int) -> None:
        for own in self._arrays:
            for name in ("rewards", "terminations", "truncations"):
                own[name][env] = 0
            own["alive"][env] = 1
        for array in self._infos:
            array[env] = 0
        self._ended[env] = 0

    # ---- steps ----

    def check_actions(self, group: int, actions: np.ndarray) -> None:
        """Refuses actions of a wrong type or shape, or outside the action space."""
        expected, name = self._arrays[group]["actions"], self._layouts[group]["name"]
        if not isinstance(actions, np.ndarray) or actions.dtype != expected.dtype or not actions.flags.c_contiguous:
            found = getattr(actions, "dtype", type(actions))
            raise TypeError(f"actions of {name} must be a C-contiguous array of dtype float32, got {found}")
        if actions.shape != expected.shape:
            raise ValueError(f"actions of {name} must have the shape {expected.shape}, got {actions.shape}")
        if not (np.abs(actions) <= 1).all():
            env, _, part = np.argwhere(~(np.abs(actions) <= 1))[0]
            raise ValueError(
                f"action {actions[env, 0, part]} of {name}_0 in env {env}, part {part} is outside its space [-1, 1]"
            )

    def step(self) -> int:
        """Steps every env; returns how many episodes ended.

        Raises:
            ValueError: An action outside its space, or an env without an episode. All envs are as they were.
        """
        self._check_started()
        for group, own in enumerate(self._arrays):
            self.check_actions(group, own["actions"])
        was_over = self._records["is_over"] == 1  # next_step: this step is a reset
        self._move(np.flatnonzero(~was_over))
        for env in np.flatnonzero(was_over).tolist():
            self._begin(env)
            self._clear_outcome(env)
        return int(self._ended.sum())

    def _check_started(self) -> None:
        for env in np.flatnonzero(self._records["has_started"] == 0).tolist():
            raise ValueError(f"env {env} has no episode yet: call reset() first")
        for env in np.flatnonzero(self._records["is_over"]).tolist() if self._autoreset == "disabled" else ():
            raise ValueError(f"the episode of env {env} is over and autoreset is disabled: reset it first")

    def _move(self, envs: np.ndarray) -> None:
        """Plays a step in these envs."""
        actions = self._arrays[PROTAGONIST]["actions"][:, 0] * self._bodies[0].motor
        forces = self._forces()
        for env in envs.tolist():
            self._seen[env], self._outcomes[env] = self._bodies[env].step(actions[env], forces[env])
        # Where all play, a slice in place of indices: no copies are made.
        rows = slice(None) if len(envs) == self._num_envs else envs
        self._record(rows, forces)
        self._tell(rows, forces)
        for env in envs[self._ended[rows] == 1].tolist():
            self._end(env)

    def _forces(self) -> np.ndarray:
        """Returns the pushes that the adversaries' actions stand for, [E, bodies x axes] N."""
        most = self._records["force"]
        if self._config.context_scales_force:
            most = most * self._records["context"]
        return self._arrays[ADVERSARY]["actions"][:, 0].astype(np.float64) * most[:, None]

    def _record(self, rows: slice | np.ndarray, forces: np.ndarray) -> None:
        records, reward = self._records, self._outcomes[rows, REWARD].astype(np.float32)
        by_body = forces[rows].reshape(-1, *records["forces"].shape[1:])
        records["forces"][rows] = by_body
        records["total_force"][rows] += np.sqrt((by_body**2).sum(axis=2)).sum(axis=1)
        records["length"][rows] += 1
        records["timestep"][rows] = np.minimum(records["timestep"][rows] + 1, self._config.horizon)
        records["has_diverged"][rows] = self._outcomes[rows, HAS_DIVERGED]
        records["returns"][rows] += np.stack([reward, -reward], axis=1)
        is_late = records["timestep"][rows] >= self._config.horizon
        records["is_over"][rows] = self._ended[rows] = is_late | (self._outcomes[rows, IS_TERMINATED] > 0)

    def _tell(self, rows: slice | np.ndarray, forces: np.ndarray) -> None:
        """Writes what the agents get of a step."""
        is_terminated = self._outcomes[rows, IS_TERMINATED]
        for own, sign in zip(self._arrays, (1, -1), strict=True):
            own["rewards"][rows, 0] = sign * self._outcomes[rows, REWARD]
            own["terminations"][rows, 0] = is_terminated
            own["truncations"][rows, 0] = self._ended[rows] * (is_terminated == 0)
            own["alive"][rows] = 1
        columns = (*self._outcomes[rows, PLACE : SPEED + 1].T, *forces[rows].T)
        for array, column in zip(self._infos, columns, strict=True):
            array[rows, 0] = column
        self._show(rows, self._seen[rows])

    def _end(self, env: int) -> None:
        record = self._records[env]
        statistics = (
            *(float(self._outcomes[env, PLACE]), float(record["total_force"]) / max(int(record["timestep"]), 1)),
            *(float(record[name]) for name in ("has_diverged", "variant", "context")),
        )
        self._log_episode(int(record["length"]), record["returns"].tolist(), statistics)
        if self._autoreset == "same_step":
            for own in self._arrays:
                own["final_observations"][env] = own["observations"][env]
            self._begin(env)

    # ---- states ----

    def configure(self, config: MujocoConfig) -> None:
        """Takes the contexts of a config that differs in nothing else."""
        self._config = config

    def fields(self, env: int) -> dict[str, Any]:
        """Returns the state of one env by name."""
        record, data = self._records[self._check_env(env)], self._bodies[env].data
        values = {name: record[name].copy() for name in self._state_names}
        state = {name: value if value.ndim else value.item() for name, value in values.items()}
        return {"qpos": data.qpos.copy(), "qvel": data.qvel.copy(), **state}

    def load_fields(self, env: int, fields: dict[str, Any]) -> None:
        """Replaces named parts of one env's state and writes its observations anew.

        Raises:
            TypeError: Wrong type or dtype.
            ValueError: Wrong shape, a value out of range, or no episode yet. The env is as it was.
        """
        record, body = self._records[self._check_env(env)], self._bodies[env]
        if not record["has_started"]:
            raise ValueError(f"env {env} has no episode yet: call reset() first")
        now = self.fields(env)
        for name, value in fields.items():
            check_kind(name, value, now[name])
        check_state(self._config, fields)
        for name, value in fields.items():
            if name not in ("qpos", "qvel"):
                record[name] = value
        self._scale(env)
        body.place(fields.get("qpos", now["qpos"]), fields.get("qvel", now["qvel"]))
        self._show(env, body.look())

    def state_bytes(self, env: int) -> bytes:
        """Returns a snapshot: the record, what the last step brought, and MuJoCo's state."""
        snapshot = np.zeros((), self._snapshot_dtype)
        snapshot["record"] = self._records[self._check_env(env)]
        for name in ("rewards", "terminations", "truncations"):
            snapshot[name] = [own[name][env, 0] for own in self._arrays]
        snapshot["infos"] = [array[env, 0] for array in self._infos]
        if snapshot["record"]["has_started"]:
            snapshot["physics"], snapshot["derived"] = self._bodies[env].physics()
        return seal(self._fingerprint, snapshot.tobytes())

    def load_state(self, env: int, data: bytes) -> None:
        """Restores a snapshot.

        Raises:
            TypeError: No bytes.
            ValueError: The bytes are damaged, or from another world or config. The env is as it was.
        """
        self._check_env(env)
        body = unseal(self._fingerprint, self._snapshot_dtype.itemsize, data)
        snapshot = np.frombuffer(body, self._snapshot_dtype)[0]
        check_snapshot(self._config, snapshot, self._autoreset)
        self._records[env] = snapshot["record"]
        for name in ("rewards", "terminations", "truncations"):
            for own, value in zip(self._arrays, snapshot[name], strict=True):
                own[name][env] = value
        for array, value in zip(self._infos, snapshot["infos"], strict=True):
            array[env] = value
        self._ended[env] = snapshot["record"]["is_over"]
        if snapshot["record"]["has_started"]:
            self._scale(env)
            self._bodies[env].load_physics(snapshot["physics"], snapshot["derived"])
            self._show(env, self._bodies[env].look())


class MujocoBatch(Batch):
    """E robots of Gymnasium that step together; `games.make_batch` makes one of a `mujoco/` id.

    Everything of `Batch` holds. The envs are stepped one after the other, whatever `num_threads` says.
    """

    config: MujocoConfig
    _core: MujocoCore

    def _make_core(self) -> Any:
        if isinstance(self.num_threads, bool) or not isinstance(self.num_threads, int) or self.num_threads < 1:
            raise ValueError(f"num_threads must be a whole number of at least 1, got {self.num_threads!r}")
        return MujocoCore(self.config, self.spec.id, self.num_envs, self.autoreset)

    def _configure_core(self, config: WorldConfig) -> None:
        assert isinstance(config, MujocoConfig)
        self._core.configure(config)
