"""Scripted players of games.control: who swings bodies up and holds them, and who pushes without thinking.

The swingers look at the true state, pushes excepted. They bring the body the energy that it has upright, acting along
its motion (Astrom and Furuta 2000, "Swinging up a pendulum by energy control"), and hold it there by linear feedback,
for the cartpole the linear quadratic regulator of its linearised motion.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

import numpy as np
from scipy import linalg

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.control import ControlConfig

GRAVITY = 9.81  # m/s^2
CATCH_ANGLE = 0.35  # rad from upright within which feedback takes over
GAP_X = 0.0
BEFORE_WALL, GOAL_Y = -0.15, 1.5  # m


class _Player(Memoryless, ABC):
    """Acts in every env by `_push`, in shares of the motor."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the protagonist's actions, [E, A] float32.

        Raises:
            ValueError: The world has another body, or the agent is not its protagonist.
        """
        name, _ = find_agent(batch, agent)
        config = cast(ControlConfig, batch.config)
        if name != "protagonist" or config.task not in self.tasks:
            raise ValueError(f"{type(self).__name__} moves {' or '.join(self.tasks)}; this is {agent} of {config.task}")
        shares = [self._push(config, batch.fields(env)) for env in range(batch.num_envs)]
        return np.clip(np.array(shares, np.float32).reshape(batch.groups[name].actions.shape[::2]), -1, 1)

    tasks: tuple[str, ...] = ()

    @abstractmethod
    def _push(self, config: ControlConfig, fields: dict[str, Any]) -> Any:
        """Returns shares of the motor for one env, not clipped."""


def _wrapped(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


class PendulumSwinger(_Player):
    """Pumps the pendulum up and holds it."""

    tasks = ("pendulum",)

    def _push(self, config: ControlConfig, fields: dict[str, Any]) -> float:
        pole, bob = fields["masses"]
        length = float(fields["lengths"][0])
        moment = (pole / 2 + bob) * length * GRAVITY
        inertia = (pole / 3 + bob) * length**2
        angle, speed = _wrapped(float(fields["coordinates"][0])), float(fields["speeds"][0])
        if abs(angle) < CATCH_ANGLE and abs(moment * np.sin(angle)) < config.motor:
            return float(-(3 * moment * angle + 2 * np.sqrt(moment * inertia) * speed) / config.motor)
        missing = moment * (1 - np.cos(angle)) - inertia * speed**2 / 2
        return float(np.sign(missing) * (np.sign(speed) or 1.0))


class CartpoleSwinger(_Player):
    """Swings the pole up with the cart and balances it by a linear quadratic regulator."""

    tasks = ("cartpole",)

    def __init__(self) -> None:
        self._gains: dict[tuple[float, float, float], np.ndarray] = {}

    def _gain(self, cart: float, pole: float, length: float) -> np.ndarray:
        """Returns the regulator's gain [4] for x, angle and their speeds, N per unit."""
        key = (cart, pole, length)
        if key not in self._gains:
            half = length / 2
            mass = np.array([[cart + pole, pole * half], [pole * half, pole * half**2 * 4 / 3]])
            inverse = np.linalg.inv(mass)
            a, b = np.zeros((4, 4)), np.zeros((4, 1))
            a[:2, 2:] = np.eye(2)
            a[2:, 1] = inverse @ np.array([0.0, pole * GRAVITY * half])
            b[2:, 0] = inverse[:, 0]
            cost = np.diag([1.0, 10.0, 0.1, 0.1])
            value = linalg.solve_continuous_are(a, b, cost, np.array([[0.01]]))
            self._gains[key] = 100 * (b.T @ value)[0]
        return self._gains[key]

    def _push(self, config: ControlConfig, fields: dict[str, Any]) -> float:
        cart, pole = (float(mass) for mass in fields["masses"])
        length = float(fields["lengths"][0])
        x, angle = float(fields["coordinates"][0]), _wrapped(float(fields["coordinates"][1]))
        speed, turn = (float(value) for value in fields["speeds"])
        if abs(angle) < CATCH_ANGLE:
            return float(-self._gain(cart, pole, length) @ np.array([x, angle, speed, turn]) / config.motor)
        half = length / 2
        missing = pole * GRAVITY * half * (1 - np.cos(angle)) - pole * half**2 * 2 / 3 * turn**2
        # Work on the pole is done by the cart's acceleration against the turn; the rest keeps the cart in the middle.
        wanted = -np.sign(missing * turn * np.cos(angle)) * 4.0 - 2 * x - 1.5 * speed
        return float((cart + pole) * wanted / config.motor)


class AcrobotSwinger(_Player):
    """Pumps energy into the acrobot: the elbow's power is its torque times its speed."""

    tasks = ("acrobot",)

    def _push(self, config: ControlConfig, fields: dict[str, Any]) -> float:
        upper, lower = (float(mass) for mass in fields["masses"])
        lengths = [float(length) for length in fields["lengths"]]
        first, elbow = (float(value) for value in fields["coordinates"])
        v = np.array([float(fields["speeds"][0]), float(fields["speeds"].sum())])  # of the arms, in space
        moments = np.array([upper * lengths[0] / 2 + lower * lengths[0], lower * lengths[1] / 2])
        angles = np.array([first, first + elbow])
        coupling = lower * lengths[0] * lengths[1] / 2 * np.cos(elbow)
        inertias = np.array([upper / 3 * lengths[0] ** 2 + lower * lengths[0] ** 2, lower / 3 * lengths[1] ** 2])
        kinetic = (inertias @ v**2) / 2 + coupling * v[0] * v[1]
        missing = GRAVITY * moments @ (1 - np.cos(angles)) - kinetic
        return float(np.sign(missing) * (np.sign(fields["speeds"][1]) or 1.0))


class GapSeeker(_Player):
    """Steers the point mass to the gap and then to the goal, against what the wind did to its speed."""

    tasks = ("point_mass",)

    def _push(self, config: ControlConfig, fields: dict[str, Any]) -> list[float]:
        place, speed = fields["coordinates"], fields["speeds"]
        is_below = place[1] < 0
        is_off = is_below and abs(place[0]) > 0.3
        target = np.array([GAP_X, BEFORE_WALL if is_off else GOAL_Y])
        stiffness = 1.0
        return list(
            (stiffness * (target - place) - 2 * np.sqrt(stiffness * fields["masses"][0]) * speed) / config.motor
        )


class ConstantPusher(Memoryless):
    """An adversary that always pushes the same way.

    Args:
        direction: Shares of the largest force, one for each direction; in [-1, 1].
    """

    def __init__(self, direction: tuple[float, ...]) -> None:
        self._direction = np.array(direction, np.float32)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the adversary's actions, [E, A] float32.

        Raises:
            ValueError: The agent pushes in another number of directions.
        """
        name, _ = find_agent(batch, agent)
        parts = batch.groups[name].actions.shape[2]
        if len(self._direction) != parts:
            raise ValueError(f"{agent} pushes in {parts} directions, got {len(self._direction)}")
        return np.tile(self._direction, (batch.num_envs, 1))
