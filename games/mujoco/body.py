"""One robot of Gymnasium: its model scaled from the nominal one, its pushes, and its physics as a row of numbers."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import mujoco
import numpy as np

from games.mujoco import LARGEST, MujocoConfig

_STATE = mujoco.mjtState
STATE = int(_STATE.mjSTATE_TIME) | int(_STATE.mjSTATE_PHYSICS) | int(_STATE.mjSTATE_WARMSTART)
# What observations and rewards of some task read of mjData beyond that, as the last step left it.
DERIVED = ("xpos", "xipos", "cinert", "cvel", "qfrc_actuator", "cfrc_ext")
_WARNINGS = mujoco.mjtWarning
DIVERGED = [int(kind) for kind in (_WARNINGS.mjWARN_BADQPOS, _WARNINGS.mjWARN_BADQVEL, _WARNINGS.mjWARN_BADQACC)]
OUTCOMES = ("reward", "is_terminated", "place", "speed", "has_diverged")


class Body:
    """One of Gymnasium's environments, stepped as it steps itself.

    Args:
        config: Which, and which of its bodies are pushed.
    """

    def __init__(self, config: MujocoConfig) -> None:
        self.env = cast(Any, gymnasium.make(config.task, disable_env_checker=True).unwrapped)
        self.model, self.data = self.env.model, self.env.data
        self._nominal = [
            array.copy() for array in (self.model.body_mass, self.model.body_inertia, self.model.geom_friction)
        ]
        pushed = [self.model.body(name).id for name in config.pushed_bodies]
        axes = ["xyz".index(axis) for axis in config.push_axes]
        # Forces stand in the first three of six columns. Views and flat indices: a step is short.
        self._pushes = np.array([6 * body + axis for body in pushed for axis in axes])
        self._applied = self.data.xfrc_applied.reshape(-1)
        self._warnings = self.data.warning
        self._derived = [getattr(self.data, name) for name in DERIVED]
        self._scales: tuple[bytes, float] = (np.ones(len(config.robot.bodies)).tobytes(), 1.0)
        self.motor = self.model.actuator_ctrlrange[:, 1].astype(np.float32)
        """[A] largest action of the task, whose smallest is its negative."""

    @property
    def num_derived(self) -> int:
        """Numbers of mjData that a snapshot holds beyond the state."""
        return sum(array.size for array in self._derived)

    @property
    def num_state(self) -> int:
        """Numbers of MuJoCo's state."""
        return mujoco.mj_stateSize(self.model, STATE)

    def scale(self, mass_scales: np.ndarray, friction_scale: float, scratch: mujoco.MjData) -> None:
        """Makes bodies as many times as heavy, and surfaces as rough, as they are in the nominal model.

        Args:
            mass_scales: [bodies without the world], of mass and inertia: a body keeps its shape.
            friction_scale: Of all coefficients of all surfaces. Of two that touch MuJoCo takes the larger.
            scratch: Data of this model that nobody uses; MuJoCo derives constants by moving it.
        """
        scales = (mass_scales.tobytes(), float(friction_scale))
        if scales == self._scales:
            return
        mass, inertia, friction = self._nominal
        self.model.body_mass[1:] = mass[1:] * mass_scales
        self.model.body_inertia[1:] = inertia[1:] * mass_scales[:, None]
        self.model.geom_friction[:] = friction * friction_scale
        mujoco.mj_setConst(self.model, scratch)
        self._scales = scales

    def begin(self, generator: np.random.Generator) -> None:
        """Starts an episode as Gymnasium does, with its draws from a generator."""
        self.env.np_random = generator
        self.env.reset()

    def look(self) -> np.ndarray:
        """Returns what Gymnasium's agent sees, [D] float64, held within `LARGEST`."""
        seen = self.env._get_obs()  # Gymnasium returns it from a step or a reset alone
        return np.clip(np.nan_to_num(seen), -LARGEST, LARGEST)  # a state may be anybody's

    def step(self, action: np.ndarray, forces: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
        """Steps the task while forces act on bodies' centres of mass.

        Args:
            action: [A] float32 of the task.
            forces: [pushed bodies x axes] N.

        Returns:
            What Gymnasium's agent sees, and `OUTCOMES`: its reward, whether it says that the episode has terminated,
            place (m) and speed (m/s) along x, and whether the simulation has diverged, in which case MuJoCo has put the
            robot back at its start, the episode has terminated, and reward and speed are 0.
        """
        self._applied[self._pushes] = forces
        seen, reward, is_terminated, _, info = self.env.step(action)
        is_sound = seen.dot(seen) <= LARGEST**2 and abs(reward) <= LARGEST
        if not is_sound or any(self._warnings.number.tolist()[kind] for kind in DIVERGED):
            mujoco.mj_resetData(self.model, self.data)
            mujoco.mj_forward(self.model, self.data)
            return self.look(), (0.0, True, 0.0, 0.0, True)
        return seen, (reward, is_terminated, info["x_position"], info["x_velocity"], False)

    def place(self, qpos: np.ndarray, qvel: np.ndarray) -> None:
        """Puts the robot somewhere else; where it is already, nothing changes."""
        if qpos.tobytes() != self.data.qpos.tobytes() or qvel.tobytes() != self.data.qvel.tobytes():
            self.env.set_state(qpos, qvel)

    def physics(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns MuJoCo's state and the derived numbers."""
        state = np.empty(self.num_state)
        mujoco.mj_getState(self.model, self.data, state, STATE)
        return state, np.concatenate([array.ravel() for array in self._derived])

    def load_physics(self, state: np.ndarray, derived: np.ndarray) -> None:
        """Restores what `physics` returned; forces and controls are the next step's."""
        mujoco.mj_resetData(self.model, self.data)
        mujoco.mj_setState(self.model, self.data, state.copy(), STATE)
        start = 0
        for array in self._derived:
            array[...] = derived[start : start + array.size].reshape(array.shape)
            start += array.size
