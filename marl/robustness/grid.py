"""Returns over a grid of physical parameters: the same policy in bodies that it was not trained in.

Named grids are those of Reddi et al. 2024 (their release's axes, 11 values each, ends included), and grids of one fixed
ratio around a world's own body, since the release's reach from 5 % (acrobot) to the two-hundredfold (cartpole_balance).
Whether inertia follows mass is the world's own setting (`inertia_follows_mass` of games/control; in the release it
did not).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

import games
from agents.protocol import Player
from games.config import WorldConfig
from games.names import unknown_name
from marl.robustness.arena import Arena

POINTS = 11
WORST_SHARE = 0.1  # of the cells


@dataclass(frozen=True)
class Axis:
    """Values of one physical parameter, or of some of its parts together.

    Attributes:
        parameter: A setting of the world, such as "masses".
        parts: Which of its numbers (0, 1, ...) or, where it is a mapping, which names; none: it is one number.
        values: At least one.
        title: What it is in a plot, with its unit; "": the label.

    Raises:
        ValueError: No value, or one that is not finite.
    """

    parameter: str
    parts: tuple[int | str, ...]
    values: tuple[float, ...]
    title: str = ""

    def __post_init__(self) -> None:
        """Checks the values."""
        if not self.values or not all(map(math.isfinite, self.values)):
            raise ValueError(f"an axis needs finite values, {self.label} has {self.values}")

    @property
    def label(self) -> str:
        """Of a table."""
        return self.parameter + "".join(f"[{part}]" for part in self.parts)

    def put(self, body: dict[str, Any], config: WorldConfig, value: float) -> None:
        """Gives a body this axis's parameter; parts that the body does not have yet are the world's own.

        Raises:
            UnknownNameError: The world has no such setting.
            ValueError: The setting has no such part.
        """
        own = body[self.parameter] if self.parameter in body else _own_value(config, self.parameter)
        body[self.parameter] = _with_parts(self.label, own, self.parts, value)


def _own_value(config: WorldConfig, parameter: str) -> Any:
    if parameter not in config.settings():
        raise unknown_name(f"parameter of {config.world}", parameter, config.settings())
    return getattr(config, parameter)


def _with_parts(label: str, own: Any, parts: tuple[int | str, ...], value: float) -> Any:
    """Returns a parameter with some of its parts replaced."""
    if not parts:
        return value
    if all(isinstance(part, str) for part in parts):
        if not isinstance(own, Mapping) and own != 1:  # names that are left out are scaled by 1
            raise ValueError(f"{label}: the world's own must be 1, or a number for each of some names, got {own!r}")
        return {**(own if isinstance(own, Mapping) else {}), **dict.fromkeys(parts, value)}
    numbers = list(own) if isinstance(own, Sequence) else []
    if not all(isinstance(part, int) and 0 <= part < len(numbers) for part in parts):
        raise ValueError(f"{label}: the parameter has no such part, it is {own!r}")
    return tuple(value if index in parts else number for index, number in enumerate(numbers))


def make_bodies(config: WorldConfig, axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Returns a body for each cell of a grid, the last axis fastest.

    Raises:
        UnknownNameError: The world has no such setting.
        ValueError: No axis, or a part that a setting does not have.
    """
    if not axes:
        raise ValueError("a grid needs at least 1 axis, got none")
    bodies = []
    for values in itertools.product(*(axis.values for axis in axes)):
        body: dict[str, Any] = {}
        for axis, value in zip(axes, values, strict=True):
            axis.put(body, config, value)
        bodies.append(body)
    return bodies


@dataclass(frozen=True, eq=False)
class GridResult:
    """Returns in every cell of a grid.

    Attributes:
        axes: Of the grid.
        returns: [C, K] of K episodes in each of C cells, the last axis fastest.
    """

    axes: tuple[Axis, ...]
    returns: np.ndarray

    @property
    def cells(self) -> np.ndarray:
        """Mean return of each cell, a dimension for each axis."""
        means: np.ndarray = self.returns.mean(axis=1).reshape([len(axis.values) for axis in self.axes])
        return means

    @property
    def mean(self) -> float:
        """Over all cells."""
        return float(self.cells.mean())

    @property
    def worst_cell(self) -> float:
        """Mean return of the worst cell; of noisy cells it is lower than any of them truly is."""
        return float(self.cells.min())

    @property
    def worst_tenth(self) -> float:
        """Mean return over the worst 10 % of the cells, rounded up."""
        means = np.sort(self.cells, axis=None)
        return float(means[: math.ceil(WORST_SHARE * means.size)].mean())

    @property
    def worst_values(self) -> tuple[float, ...]:
        """Where the worst cell is, a value for each axis."""
        place = np.unravel_index(int(self.cells.argmin()), self.cells.shape)
        return tuple(axis.values[index] for axis, index in zip(self.axes, place, strict=True))


def evaluate_grid(
    arena: Arena, protagonist: Player, axes: Sequence[Axis], adversary: Player | None = None
) -> GridResult:
    """Plays in every cell, all cells and episodes in one batch.

    Raises:
        UnknownNameError: The world has no such parameter.
        ValueError: No axis, or values that the world refuses.
    """
    return GridResult(tuple(axes), arena.play(protagonist, adversary, make_bodies(arena.config, axes)))


# ---- named grids ----

# World: its two axes as (parameter, parts, title), and where the release lets them run. It has no point mass in its
# study, and other robots, dm_control's.
Place = tuple[str, tuple[int | str, ...], str]
_CARTPOLE: tuple[Place, ...] = (("masses", (1,), "pole's mass (kg)"), ("masses", (0,), "cart's mass (kg)"))
_POINT_MASS: tuple[Place, ...] = (("masses", (0,), "mass (kg)"), ("damping", (0, 1), "drag (N s/m)"))
_ROBOT: tuple[Place, ...] = (
    ("mass_scale", ("torso",), "torso's mass (times its own)"),
    ("friction_scale", (), "friction (times its own)"),
)
_PLACES: dict[str, tuple[Place, ...]] = {
    "control/acrobot_swingup_v0": (
        ("masses", (0,), "upper arm's mass (kg)"),
        ("masses", (1,), "lower arm's mass (kg)"),
    ),
    "control/cartpole_balance_v0": _CARTPOLE,
    "control/cartpole_swingup_v0": _CARTPOLE,
    "control/pendulum_swingup_v0": (("masses", (0,), "pole's mass (kg)"), ("masses", (1,), "bob's mass (kg)")),
    "control/point_mass_gap_v0": _POINT_MASS,
    "control/point_mass_gap_left_v0": _POINT_MASS,
    "control/point_mass_gap_plane_v0": _POINT_MASS,
    **{f"mujoco/{robot}_v0": _ROBOT for robot in ("ant", "half_cheetah", "hopper", "humanoid", "walker2d")},
}
_REFERENCE: dict[str, tuple[tuple[float, float], ...]] = {
    "control/acrobot_swingup_v0": ((0.95, 1.05), (0.95, 1.05)),
    "control/cartpole_balance_v0": ((1.0, 20.0), (0.5, 1.5)),
    "control/cartpole_swingup_v0": ((0.05, 0.15), (0.5, 1.5)),
    "control/pendulum_swingup_v0": ((0.05, 0.15), (0.5, 1.5)),
}


def reference_grid(env_id: str, points: int = POINTS) -> tuple[Axis, ...]:
    """Returns the axes of Reddi et al. 2024 for a world: kg, evenly spaced.

    Raises:
        UnknownNameError: They have no grid for this world.
    """
    if env_id not in _REFERENCE:
        raise unknown_name("reference grid", env_id, _REFERENCE)
    return tuple(
        Axis(parameter, parts, tuple(np.linspace(low, high, points).tolist()), title)
        for (parameter, parts, title), (low, high) in zip(_PLACES[env_id], _REFERENCE[env_id], strict=True)
    )


def fixed_ratio_grid(
    env_id: str, ratio: float = 2.0, points: int = POINTS, settings: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Axis, ...]:
    """Returns a world's axes from its own values / ratio to its own values * ratio, evenly spaced in logarithm.

    Args:
        env_id: The point mass's axes are its mass and its drag; other worlds' are the reference's (of MuJoCo's robots,
            scales of the torso's mass and of friction).
        ratio: Above 1.
        points: Of each axis; where odd, the body in the middle is the world's own.
        settings: Of the world, beyond the id's.

    Raises:
        UnknownNameError: No axes are known for this world.
        ValueError: A ratio of at most 1, or parts that share an axis and are not alike.
    """
    if env_id not in _PLACES:
        raise unknown_name("world with a grid of fixed ratio", env_id, _PLACES)
    if not ratio > 1:
        raise ValueError(f"ratio must be above 1, got {ratio}")
    config = games.spec(env_id).config(**settings)
    axes = []
    for parameter, parts, title in _PLACES[env_id]:
        values = _own_number(parameter, getattr(config, parameter), parts) * ratio ** np.linspace(-1, 1, points)
        axes.append(Axis(parameter, parts, tuple(values.tolist()), title))
    return tuple(axes)


def own_values(config: WorldConfig, axes: Sequence[Axis]) -> tuple[float, ...]:
    """Returns where the world's own body is, a number for each axis.

    Raises:
        ValueError: Parts that share an axis and are not alike.
    """
    return tuple(_own_number(axis.parameter, getattr(config, axis.parameter), axis.parts) for axis in axes)


def _own_number(parameter: str, own: Any, parts: tuple[int | str, ...]) -> float:
    """Returns the world's own value of the parts of a parameter; names that it leaves out are scaled by 1."""
    if isinstance(own, int | float):
        return float(own)
    numbers = {float(own.get(part, 1.0) if isinstance(own, Mapping) else own[part]) for part in parts}
    if len(numbers) > 1:
        raise ValueError(f"{parameter}: parts of one axis must be alike, got {own!r}")
    return numbers.pop()
