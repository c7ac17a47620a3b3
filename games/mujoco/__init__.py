"""Gymnasium's MuJoCo robots, which one agent moves and another pushes. See README.md beside this file.

MuJoCo is imported when a batch is made, not before: `pip install 'agora[mujoco]'`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.batch import Batch
from games.config import GameProperties, WorldConfig, is_of_kind, setting
from games.names import unknown_name
from games.spec import EnvSpec, register


@dataclass(frozen=True)
class Robot:
    """A task of Gymnasium.

    Attributes:
        bodies: Names in its model, in its order, the world left out; "" where a body has none.
        pushed: Those that are pushed unless the settings say otherwise.
        axes: Along which.
    """

    bodies: tuple[str, ...]
    pushed: tuple[str, ...]
    axes: str


_LEG = ("thigh", "leg", "foot")
_ANT_LEGS = ("front_left_leg", "aux_1", "", "front_right_leg", "aux_2", "", "back_leg", "aux_3", "", "right_back_leg")
_HUMAN = ("torso", "lwaist", "pelvis", "right_thigh", "right_shin", "right_foot", "left_thigh", "left_shin")
_ARMS = ("left_foot", "right_upper_arm", "right_lower_arm", "left_upper_arm", "left_lower_arm")
# Pushed as in the release of Reddi et al. 2024 where it has the robot (theirs is dm_control's): the feet, and the
# cheetah's torso. Planar robots are pushed in their plane; across it they would not move.
ROBOTS = {
    "HalfCheetah-v5": Robot(
        ("torso", "bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"), ("torso", "bfoot", "ffoot"), "xz"
    ),
    "Hopper-v5": Robot(("torso", *_LEG), ("foot",), "xz"),
    "Walker2d-v5": Robot(("torso", *_LEG, *(f"{part}_left" for part in _LEG)), ("foot", "foot_left"), "xz"),
    "Ant-v5": Robot(("torso", *_ANT_LEGS, "aux_4", ""), ("torso",), "xyz"),
    "Humanoid-v5": Robot((*_HUMAN, *_ARMS), ("torso",), "xyz"),
    "Swimmer-v5": Robot(("torso", "mid", "back"), ("torso",), "xy"),
}
AXES = ("x", "y", "z", "xy", "xz", "yz", "xyz")
PARAMETERS = {"mass_scale": (0.01, 100.0), "friction_scale": (0.01, 100.0), "force": (0.0, 1e4)}  # and their ranges
LARGEST = 1e10  # of numbers of the physics, of what is seen, and of rewards; MuJoCo's own limit (mjMAXVAL)
MAX_CONTEXTS = 64
MAX_VARIANTS = 2**16
MAX_CONTEXT = 1e6

Scale = float | Mapping[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class MujocoConfig(WorldConfig):
    """Settings of a robot, of its physics and of who pushes it.

    Attributes:
        task: Which of Gymnasium's tasks.
        pushed: Names of the bodies that are pushed; empty: the task's own (`ROBOTS`).
        axes: Along which axes of the world; empty: the task's own.
        force: N, the adversary's largest on each body along each axis.
        mass_scale: Of all bodies' masses and inertias; or by the names of bodies, the others keep theirs.
        friction_scale: Of all friction coefficients, the floor's too.
        variants: Mappings that change some of the last three; each episode draws one of them. Empty: always the three.
        contexts: Numbers of which each episode draws one; observations end with it where `shows_context`.
        shows_context: Whether they do.
        context_scales_force: Whether the episode's context multiplies `force`.
        horizon: Steps of an episode.
    """

    world: ClassVar[str] = "mujoco"
    extra: ClassVar[str] = "mujoco"

    task: str = setting("HalfCheetah-v5", choices=tuple(ROBOTS), doc="which of Gymnasium's tasks")
    pushed: Sequence[str] = setting((), doc="bodies that are pushed; empty: the task's own")
    axes: str = setting("", choices=("", *AXES), doc="axes along which they are; empty: the task's own")
    force: float = setting(1.0, low=0, high=1e4, doc="N, the adversary's largest on each body along each axis")
    mass_scale: Any = setting(1.0, doc="of masses and inertias: of all bodies, or by the names of some")
    friction_scale: float = setting(1.0, low=0.01, high=100, doc="of all friction coefficients")
    variants: Sequence[Mapping[str, Any]] = setting((), doc="changes of mass_scale, friction_scale, force to draw from")
    contexts: Sequence[float] = setting((0.0,), live=True, doc="numbers of which each episode draws one")
    shows_context: bool = setting(False, doc="whether observations end with the context")
    context_scales_force: bool = setting(False, doc="whether the context multiplies the force")
    horizon: int = setting(1000, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        for number, name in enumerate(self.pushed):
            self._check_body(f"body in pushed[{number}]", name)
        if isinstance(self.pushed, str) or len(set(self.pushed)) != len(self.pushed):
            raise ValueError(f"pushed must be names of different bodies, got {self.pushed!r}")
        self.check_parameters("", {"mass_scale": self.mass_scale})
        if len(self.variants) > MAX_VARIANTS:
            raise ValueError(f"variants must be at most {MAX_VARIANTS}, got {len(self.variants)}")
        for number, changes in enumerate(self.variants):
            self.check_parameters(f"variants[{number}]: ", changes)
        contexts = np.asarray(self.contexts, np.float64)
        if contexts.ndim != 1 or not 1 <= len(contexts) <= MAX_CONTEXTS or not (abs(contexts) <= MAX_CONTEXT).all():
            raise ValueError(
                f"contexts must be 1 to {MAX_CONTEXTS} numbers in [-{MAX_CONTEXT:g}, {MAX_CONTEXT:g}], "
                f"got {self.contexts!r}"
            )

    @property
    def robot(self) -> Robot:
        """The task's robot."""
        return ROBOTS[self.task]

    @property
    def pushed_bodies(self) -> tuple[str, ...]:
        """Names of the B bodies that are pushed."""
        return tuple(self.pushed) or self.robot.pushed

    @property
    def push_axes(self) -> str:
        """Letters of the A axes along which they are."""
        return self.axes or self.robot.axes

    def check_parameters(self, label: str, changes: Mapping[str, Any]) -> None:
        """Checks physical parameters by name.

        Args:
            label: What messages begin with.
            changes: Some of mass_scale, friction_scale and force.

        Raises:
            UnknownNameError: An unknown parameter or body.
            ValueError: A value out of range.
        """
        for name, value in changes.items():
            if name not in PARAMETERS:
                raise unknown_name(f"parameter in {label.rstrip(': ') or 'the settings'}", name, PARAMETERS)
            _check_number(f"{label}{name}", name, {} if isinstance(value, Mapping) and name == "mass_scale" else value)
            if isinstance(value, Mapping):
                for body, scale in value.items():
                    self._check_body(f"body in {label}{name}", body)
                    _check_number(f"{label}{name}[{body!r}]", name, scale)

    def _check_body(self, kind: str, name: str) -> None:
        named = [body for body in self.robot.bodies if body]
        if name not in named:
            raise unknown_name(f"{kind} of {self.task}", name, named)

    def state_values(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Returns parameters as the fields of a state: mass_scales [all bodies], friction_scale, force."""
        values = {name: float(value) for name, value in changes.items() if name != "mass_scale"}
        if "mass_scale" not in changes:
            return values
        scale = changes["mass_scale"]
        by_body = scale if isinstance(scale, Mapping) else dict.fromkeys(self.robot.bodies, scale)
        return {**values, "mass_scales": np.array([by_body.get(body, 1.0) for body in self.robot.bodies], float)}

    def variant_values(self) -> list[dict[str, Any]]:
        """Returns the parameters of each variant as fields of a state, all three."""
        own = {name: getattr(self, name) for name in PARAMETERS}
        return [self.state_values({**own, **changes}) for changes in self.variants or ({},)]

    def core_fields(self) -> dict[str, Any]:
        """Returns nothing: its core is in Python (mujoco_batch.py)."""
        return {}

    def properties(self) -> GameProperties:
        """Returns a zero-sum game of two. Gymnasium bounds no reward; beyond `LARGEST` a simulation has diverged."""
        return GameProperties(2, "simultaneous", "zero_sum", (-LARGEST, LARGEST), self.horizon)

    def batch_class(self) -> type[Batch]:
        """Returns what steps the robots.

        Raises:
            ImportError: MuJoCo is not installed.
        """
        try:
            import mujoco  # noqa: F401 - asked for here, so that the message names what to install
        except ImportError:
            raise ImportError(f"{self.task} needs MuJoCo: pip install 'agora[mujoco]'") from None
        from games.mujoco.mujoco_batch import MujocoBatch

        return MujocoBatch


def _check_number(label: str, name: str, value: Any) -> None:
    if isinstance(value, Mapping) and not value:
        return
    low, high = PARAMETERS[name]
    if not is_of_kind(value, float) or not low <= value <= high:
        bodies = " or such numbers by body" if label.endswith("mass_scale") else ""
        raise ValueError(f"{label} must be a number in [{low:g}, {high:g}]{bodies}, got {value!r}")


def set_parameters(batch: Batch, rows: Sequence[Mapping[str, Any]]) -> None:
    """Gives each env physical parameters of its own, until its next episode begins.

    A grid of robustness is one batch with `autoreset="disabled"`: reset it, then call this. Scales are those of the
    nominal model, whatever the env had before.

    Args:
        batch: Of a robot, after a reset.
        rows: [E] changes of mass_scale, friction_scale, force, one mapping an env.

    Raises:
        UnknownNameError: An unknown parameter or body.
        ValueError: Another number of rows than envs, or a parameter out of range; no env is changed then.
    """
    config = batch.config
    if not isinstance(config, MujocoConfig):
        raise ValueError(f"the batch must be of a robot of games.mujoco, got {batch.spec.id}")
    if len(rows) != batch.num_envs:
        raise ValueError(f"a row for each of {batch.num_envs} envs, got {len(rows)}")
    for env, changes in enumerate(rows):
        config.check_parameters(f"row {env}: ", changes)
    for env, changes in enumerate(rows):
        batch.load_fields(env, config.state_values(changes))


_IDS = {
    "half_cheetah": ("HalfCheetah-v5", "a half cheetah that runs while somebody pushes its torso and feet"),
    "hopper": ("Hopper-v5", "a leg that hops while somebody pushes its foot"),
    "walker2d": ("Walker2d-v5", "two legs that walk while somebody pushes the feet"),
    "ant": ("Ant-v5", "a four-legged robot that runs while somebody pushes its torso"),
    "humanoid": ("Humanoid-v5", "a humanoid that runs while somebody pushes its torso"),
    "swimmer": ("Swimmer-v5", "three links that swim while somebody pushes the first"),
}
for _name, (_task, _description) in _IDS.items():
    register(EnvSpec(f"mujoco/{_name}_v0", MujocoConfig, {"task": _task}, _description))

__all__ = ["ROBOTS", "MujocoConfig", "set_parameters"]
