"""Generalized advantage estimation for all T steps, E envs and P agents of a fragment at once.

Schulman et al. 2016, "High-dimensional continuous control using generalized advantage estimation", eq. 11 and 16:

    delta_t     = r_t + discount * v_tp1 - v_t
    advantage_t = delta_t + discount * lambda * advantage_tp1

v_tp1 is 0 after a termination and V(final observation) after a truncation; in both cases advantage_tp1 counts as 0.

**Waiting.** An agent with a single legal action decides nothing: it waits for its turn, or for its next tax period. Its
steps of waiting belong to the decision before them, as in a semi-Markov decision process (Sutton, Precup and Singh,
"Between MDPs and semi-MDPs", 1999): for a decision at t after which the next one comes n steps later

    delta_t     = r_t + discount r_{t+1} + ... + discount^(n-1) r_{t+n-1} + discount^n v_{t+n} - v_t
    advantage_t = delta_t + discount^n * lambda * advantage_{t+n}

The recursion above comes to the same if lambda counts as 1 wherever the next step is one of waiting, because the values
of those steps cancel out; here they are 0. So one pass over the steps serves both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Discounts(NamedTuple):
    """Of one module: the discount factor gamma, and lambda of generalized advantage estimation."""

    gamma: float
    lambda_: float


def generalized_advantages(
    r_t: np.ndarray,
    v_t: np.ndarray,
    v_tp1: np.ndarray,
    goes_on: np.ndarray,
    discounts: Discounts,
    waits_tp1: np.ndarray | None = None,
) -> np.ndarray:
    """Returns advantages [T, ...]; at steps of waiting, what is to come until the next decision and with it.

    Args:
        r_t: [T, ...] rewards.
        v_t: [T, ...] values of what was seen before each step.
        v_tp1: [T, ...] values of what was seen after it; 0 after a termination.
        goes_on: [T, ...] bool; whether step t+1 belongs to the same episode.
        discounts: Of the module.
        waits_tp1: [T, ...] bool; whether the agent only waits in step t+1, where its values are 0. None: never.
    """
    delta_t = r_t + discounts.gamma * v_tp1 - v_t
    weight_t = (discounts.gamma * discounts.lambda_) * goes_on.astype(np.float32)
    if waits_tp1 is not None:
        weight_t[goes_on & waits_tp1] = discounts.gamma
    advantages = np.empty_like(delta_t)
    advantage_tp1 = np.zeros_like(delta_t[0])
    for t in reversed(range(len(delta_t))):
        advantage_tp1 = delta_t[t] + weight_t[t] * advantage_tp1
        advantages[t] = advantage_tp1
    return advantages
