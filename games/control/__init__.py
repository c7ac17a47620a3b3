"""Control under an adversary: bodies that one agent moves and another pushes. See README.md beside this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from games.batch import Batch
from games.config import GameProperties, WorldConfig, setting
from games.names import unknown_name
from games.spec import EnvSpec, register

TASKS = ("point_mass", "pendulum", "cartpole", "acrobot")  # in the order of ControlTask in control.h
WINDS = ("bidirectional", "left_only", "plane")
PARAMETERS = {"masses": 2, "lengths": 2, "damping": 2, "force": 1}  # of a ControlBody, in its order
MAX_CONTEXTS = 64
MAX_VARIANTS = 2**16
MAX_CONTEXT = 1e6
RANGES = {"masses": (1e-3, 1e3), "lengths": (1e-2, 1e2), "damping": (0.0, 1e3), "force": (0.0, 1e4)}

Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class ControlConfig(WorldConfig):
    """Settings of a body, of who moves it and of who pushes it. SI units.

    Attributes:
        task: Which body.
        masses: kg; point mass: its own and nothing, pendulum: pole and bob, cartpole: cart and pole, acrobot: arms.
        lengths: m; pendulum: the pole and nothing, cartpole: the same, acrobot: upper and lower arm.
        damping: N s/m or N m s/rad, of each coordinate.
        force: N, the adversary's largest, in each direction.
        variants: Mappings that change some of these four; each episode draws one of them. Empty: always the four.
        contexts: Numbers of which each episode draws one; observations end with it where `shows_context`.
        shows_context: Whether they do.
        context_scales_force: Whether the episode's context multiplies `force`.
        inertia_follows_mass: Whether a link of another mass keeps its shape, so that its inertia grows alike; or keeps
            the inertia of `masses`, as when body_mass alone is changed in MuJoCo.
        motor: N or N m, the protagonist's largest, in each direction.
        wind: Of the point mass.
        starts_upright: Whether the cartpole starts near its balance.
        timestep: s, of one integration step.
        substeps: Integration steps of one step.
        horizon: Steps of an episode.
    """

    world: ClassVar[str] = "control"

    task: str = setting("pendulum", choices=TASKS, doc="which body")
    masses: Pair = setting((0.1, 1.0), doc="kg, of the links")
    lengths: Pair = setting((0.5, 1.0), doc="m, of the links")
    damping: Pair = setting((0.1, 0.0), doc="N s/m or N m s/rad, of each coordinate")
    force: float = setting(1.0, low=0, high=1e4, doc="N, the adversary's largest in each direction")
    variants: Sequence[Mapping[str, Any]] = setting((), doc="changes of masses, lengths, damping, force to draw from")
    contexts: Sequence[float] = setting((0.0,), live=True, doc="numbers of which each episode draws one")
    shows_context: bool = setting(False, doc="whether observations end with the context")
    context_scales_force: bool = setting(False, doc="whether the context multiplies the force")
    inertia_follows_mass: bool = setting(True, doc="whether a heavier link has more inertia")
    motor: float = setting(1.0, low=0, high=1e4, doc="N or N m, the protagonist's largest in each direction")
    wind: str = setting("bidirectional", choices=WINDS, doc="of the point mass: along x, to the left, or in the plane")
    starts_upright: bool = setting(False, doc="cartpole: whether it starts near its balance")
    timestep: float = setting(0.02, low=1e-6, high=1, doc="s, of one integration step")
    substeps: int = setting(1, low=1, high=1000, doc="integration steps of one step")
    horizon: int = setting(500, low=1, high=2**31 - 1, doc="steps of an episode")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in PARAMETERS:
            _check_parameter(name, getattr(self, name), name)
        if len(self.variants) > MAX_VARIANTS:
            raise ValueError(f"variants must be at most {MAX_VARIANTS}, got {len(self.variants)}")
        for number, changes in enumerate(self.variants):
            for name, value in changes.items():
                if name not in PARAMETERS:
                    raise unknown_name(f"parameter in variants[{number}]", name, PARAMETERS)
                _check_parameter(f"variants[{number}][{name!r}]", value, name)
        contexts = np.asarray(self.contexts, np.float64)
        if contexts.ndim != 1 or not 1 <= len(contexts) <= MAX_CONTEXTS or not (abs(contexts) <= MAX_CONTEXT).all():
            raise ValueError(
                f"contexts must be 1 to {MAX_CONTEXTS} numbers in [-{MAX_CONTEXT:g}, {MAX_CONTEXT:g}], "
                f"got {self.contexts!r}"
            )

    def parameters(self) -> np.ndarray:
        """Returns the physical parameters of each variant, [V, 7]: masses, lengths, damping, force."""
        own = {name: getattr(self, name) for name in PARAMETERS}
        rows = [{**own, **changes} for changes in self.variants or ({},)]
        return np.array([np.concatenate([np.atleast_1d(row[name]) for name in PARAMETERS]) for row in rows], float)

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        contexts = np.zeros(MAX_CONTEXTS)
        contexts[: len(self.contexts)] = self.contexts
        flags = ("starts_upright", "inertia_follows_mass", "shows_context", "context_scales_force")
        return {
            "variants": self.parameters().ravel(),
            "contexts": contexts,
            "num_contexts": len(self.contexts),
            "task": TASKS.index(self.task),
            "wind": WINDS.index(self.wind),
            "nominal_masses": np.array(self.masses, float),
            "motor": self.motor,
            "timestep": self.timestep,
            "substeps": self.substeps,
            "horizon": self.horizon,
            **{name: int(getattr(self, name)) for name in flags},
        }

    def properties(self) -> GameProperties:
        """Returns a zero-sum game of two whose rewards lie within [-1, 1]."""
        return GameProperties(2, "simultaneous", "zero_sum", (-1.0, 1.0), self.horizon)


def _check_parameter(label: str, value: Any, name: str) -> None:
    count, (low, high) = PARAMETERS[name], RANGES[name]
    array = np.atleast_1d(np.asarray(value))
    if array.shape != (count,) or array.dtype.kind not in "iuf" or not ((array >= low) & (array <= high)).all():
        what = "a number" if count == 1 else f"{count} numbers"
        raise ValueError(f"{label} must be {what} in [{low:g}, {high:g}], got {value!r}")


def set_parameters(batch: Batch, rows: Sequence[Mapping[str, Any]]) -> None:
    """Gives each env physical parameters of its own, until its next episode begins.

    A grid of robustness is one batch with `autoreset="disabled"`: reset it, then call this.

    Args:
        batch: Of a control world, after a reset.
        rows: [E] changes of masses, lengths, damping, force, one mapping an env.

    Raises:
        UnknownNameError: An unknown parameter.
        ValueError: Another number of rows than envs, or a parameter out of range; no env is changed then.
    """
    if len(rows) != batch.num_envs:
        raise ValueError(f"a row for each of {batch.num_envs} envs, got {len(rows)}")
    for env, changes in enumerate(rows):
        for name, value in changes.items():
            if name not in PARAMETERS:
                raise unknown_name(f"parameter in row {env}", name, PARAMETERS)
            _check_parameter(f"row {env}: {name}", value, name)
    for env, changes in enumerate(rows):
        values = {name: np.asarray(value, float) if PARAMETERS[name] > 1 else value for name, value in changes.items()}
        batch.load_fields(env, values)


_POINT_MASS = {
    "task": "point_mass",
    "masses": (5.0, 1.0),
    "lengths": (1.0, 1.0),
    "damping": (1.0, 1.0),
    "force": 10.0,
    "motor": 1.0,
    "timestep": 0.01,
    "substeps": 10,
}
_CARTPOLE = {
    "task": "cartpole",
    "masses": (1.0, 0.1),
    "lengths": (1.0, 1.0),
    "damping": (5e-4, 2e-6),
    "force": 2.0,
    "motor": 10.0,
    "timestep": 0.01,
}
_ACROBOT = {
    "task": "acrobot",
    "masses": (1.0, 1.0),
    "lengths": (1.0, 1.0),
    "damping": (0.05, 0.05),
    "force": 1.0,
    "motor": 2.0,
    "timestep": 0.01,
}
_IDS: dict[str, tuple[dict[str, Any], str]] = {
    "point_mass_gap": (_POINT_MASS, "a point mass through a gap in a wall, wind from either side just before it"),
    "point_mass_gap_left": ({**_POINT_MASS, "wind": "left_only"}, "the same with wind to the left only"),
    "point_mass_gap_plane": ({**_POINT_MASS, "wind": "plane"}, "the same with wind from any side"),
    "pendulum_swingup": ({}, "a pendulum swung up and held while somebody pushes it"),
    "cartpole_swingup": (_CARTPOLE, "a pole on a cart swung up and held while somebody pushes the pole"),
    "cartpole_balance": ({**_CARTPOLE, "starts_upright": True}, "a pole on a cart held upright while somebody pushes"),
    "acrobot_swingup": (_ACROBOT, "two arms swung up by the elbow while somebody pushes the upper one"),
}
for _name, (_settings, _description) in _IDS.items():
    register(EnvSpec(f"control/{_name}_v0", ControlConfig, _settings, _description))

__all__ = ["ControlConfig", "set_parameters"]
