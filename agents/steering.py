"""How a particle is brought to a place: the action of one agent of a particle world that wants to be somewhere."""

from __future__ import annotations

import numpy as np

from games.batch import Group

# A body left alone glides v * dt / damping further: 0.1 s / 0.25. A full action adds its acceleration * dt to v.
GLIDE_S, DT_S = 0.4, 0.1
STAY, LEFT, RIGHT, DOWN, UP = range(5)


def steer(missing: np.ndarray, velocity: np.ndarray, accel: float, is_continuous: bool) -> np.ndarray:
    """Returns the move that lets a body come to rest nearest to where it wants to be.

    Args:
        missing: [2] the wanted place minus the body's.
        velocity: [2] of the body.
        accel: Acceleration of a full action.
        is_continuous: Whether actions are numbers.

    Returns:
        [] int32, one of 5 moves, or [5] float32.
    """
    wanted = (missing - GLIDE_S * velocity) / (GLIDE_S * DT_S * accel)  # in full actions
    if is_continuous:
        return _numbers(np.clip(wanted, -1, 1))
    return np.array(STAY, np.int32) if np.abs(wanted).max() < 0.5 else _choice(wanted)


def steer_all(
    missing: np.ndarray, velocity: np.ndarray, accel: float, is_continuous: bool, glide_s: float = GLIDE_S
) -> np.ndarray:
    """Returns what `steer` returns for each of many bodies, [...] int32 or [..., 5] float32.

    Args:
        missing: [..., 2] the wanted places minus the bodies'.
        velocity: [..., 2] of the bodies.
        accel: Acceleration of a full action.
        is_continuous: Whether actions are numbers.
        glide_s: Seconds of travel at today's velocity that a body reckons with; less brakes later.
    """
    wanted = (missing - glide_s * velocity) / (GLIDE_S * DT_S * accel)  # in full actions
    if is_continuous:
        x, y = np.moveaxis(np.clip(wanted, -1, 1), -1, 0)
        numbers = [np.zeros_like(x), *(np.maximum(side, 0) for side in (-x, x, -y, y))]
        return np.stack(numbers, axis=-1).astype(np.float32)
    along_y = np.abs(wanted[..., 1]) > np.abs(wanted[..., 0])
    larger = np.where(along_y, wanted[..., 1], wanted[..., 0])
    choices = np.where(along_y, DOWN, LEFT) + (larger > 0)  # RIGHT follows LEFT, UP follows DOWN
    return np.where(np.abs(larger) < 0.5, STAY, choices).astype(np.int32)


def push_all(direction: np.ndarray, is_continuous: bool) -> np.ndarray:
    """Returns the full moves along directions, as `push` does, [...] int32 or [..., 5] float32.

    Args:
        direction: [..., 2] of any length; zeros: stay.
        is_continuous: Whether actions are numbers.
    """
    length = np.abs(direction).max(axis=-1, keepdims=True)
    share = np.divide(direction, length, out=np.zeros_like(direction, float), where=length > 0)
    return steer_all(share * GLIDE_S * DT_S, np.zeros_like(share), 1.0, is_continuous)


def push(direction: np.ndarray, is_continuous: bool) -> np.ndarray:
    """Returns the full move along a direction: along its larger axis where moves are choices.

    Args:
        direction: [2] of any length; zeros: stay.
        is_continuous: Whether actions are numbers.

    Returns:
        [] int32, one of 5 moves, or [5] float32.
    """
    length = np.abs(direction).max()
    share = direction / length if length > 0 else direction
    if is_continuous:
        return _numbers(share)
    if length == 0:
        return np.array(STAY, np.int32)
    return _choice(share)


def _numbers(share: np.ndarray) -> np.ndarray:
    """Returns [nothing, left, right, down, up] for a push of [2] in [-1, 1]."""
    return np.array([0, max(-share[0], 0), max(share[0], 0), max(-share[1], 0), max(share[1], 0)], np.float32)


def _choice(share: np.ndarray) -> np.ndarray:
    """Returns the move along the larger part of a push."""
    axis = int(np.argmax(np.abs(share)))
    return np.array(((LEFT, RIGHT), (DOWN, UP))[axis][int(share[axis] > 0)], np.int32)


def idle(group: Group) -> np.ndarray:
    """Returns the action, [] or [A], that does nothing and says the first word or none."""
    return np.zeros(group.actions.shape[2:], group.actions.dtype)
