"""Measures of social outcomes over recorded episodes, as defined by Perolat et al. 2017.

*A multi-agent reinforcement learning model of common-pool resource appropriation*, section 2. Arrays are [T, E, P]:
T steps of E episodes with P agents each. R^i is the return of agent i, the sum of its rewards over the T steps.

    efficiency      U = sum_i R^i / T
    equality        E = 1 - sum_i sum_j |R^i - R^j| / (2 P sum_i R^i)          (one minus the Gini coefficient)
    sustainability  S = 1/P sum_i t^i,  t^i = mean step (from 1) in which agent i got a positive reward
    peace           P = (P T - steps that agents spent in time-out) / T

The paper takes the mean over episodes; these functions return each episode's value, [E]. Where the definitions leave a
gap the docstrings say how it is closed.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def _check(name: str, array: Any) -> np.ndarray:
    checked = np.asarray(array, np.float64)
    if checked.ndim != 3 or 0 in checked.shape:
        raise ValueError(f"{name} must have the shape [T, E, P] and no empty axis, got {list(checked.shape)}")
    if not np.isfinite(checked).all():
        raise ValueError(f"{name} must be finite, got {checked[~np.isfinite(checked)][0]}")
    return checked


def efficiency(rewards: Any) -> np.ndarray:
    """Returns the reward of all agents together in a mean step, [E].

    Args:
        rewards: [T, E, P].
    """
    rewards = _check("rewards", rewards)
    return rewards.sum(axis=(0, 2)) / len(rewards)


def equality(rewards: Any) -> np.ndarray:
    """Returns one minus the Gini coefficient of the returns, [E].

    1 where all returns are alike, all zero included. Negative returns can take the value below 0; where the returns
    differ and do not sum to a positive number it is not defined, and nan.

    Args:
        rewards: [T, E, P].
    """
    returns = _check("rewards", rewards).sum(axis=0)
    gaps = np.abs(returns[:, :, None] - returns[:, None, :]).sum(axis=(1, 2))
    totals = returns.sum(axis=1)
    defined = np.where(totals > 0, totals, np.nan)
    return np.where(gaps == 0, 1.0, 1 - gaps / (2 * returns.shape[1] * defined))


def sustainability(rewards: Any) -> np.ndarray:
    """Returns the mean step in which agents got positive rewards, [E]; an agent that never did counts as 0.

    Args:
        rewards: [T, E, P].
    """
    is_positive = _check("rewards", rewards) > 0
    steps = np.arange(1, len(is_positive) + 1)[:, None, None]
    return ((steps * is_positive).sum(axis=0) / np.maximum(is_positive.sum(axis=0), 1)).mean(axis=1)


def peace(out: Any) -> np.ndarray:
    """Returns the mean number of agents that are not in time-out, [E].

    Args:
        out: [T, E, P], 1 where an agent is in time-out (the info `out` of the commons).
    """
    out = _check("out", out)
    if not np.isin(out, (0, 1)).all():
        raise ValueError(f"out must be 0 or 1, got {out[~np.isin(out, (0, 1))][0]:g}")
    return out.shape[2] - out.sum(axis=(0, 2)) / len(out)


def measures(rewards: Any, out: Any = None) -> dict[str, np.ndarray]:
    """Returns all measures by name, [E] each; peace only where `out` is given.

    Args:
        rewards: [T, E, P].
        out: [T, E, P] or None, as for `peace`.
    """
    values = {
        "efficiency": efficiency(rewards),
        "equality": equality(rewards),
        "sustainability": sustainability(rewards),
    }
    if out is None:
        return values
    if np.shape(out) != np.shape(rewards):
        raise ValueError(f"out must have the shape of rewards, {list(np.shape(rewards))}, got {list(np.shape(out))}")
    return {**values, "peace": peace(out)}
