"""Generalized advantage estimation for all T steps, E envs and P agents of a fragment at once.

Schulman et al. 2016, "High-dimensional continuous control using generalized advantage estimation", eq. 11 and 16:

    delta_t     = r_t + discount * v_tp1 - v_t
    advantage_t = delta_t + discount * lambda * advantage_tp1

v_tp1 is 0 after a termination and V(final observation) after a truncation; in both cases advantage_tp1 counts as 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marl.rllib.runner import fragment as fragments
from marl.rllib.runner.fragment import GroupFragment


class Discounts(NamedTuple):
    """Of one module: the discount factor gamma, and lambda of generalized advantage estimation."""

    gamma: float
    lambda_: float


def generalized_advantages(
    r_t: np.ndarray, v_t: np.ndarray, v_tp1: np.ndarray, goes_on: np.ndarray, discounts: Discounts
) -> np.ndarray:
    """Returns advantages [T, ...].

    Args:
        r_t: [T, ...] rewards.
        v_t: [T, ...] values of what was seen before each step.
        v_tp1: [T, ...] values of what was seen after it; 0 after a termination.
        goes_on: [T, ...] bool; whether step t+1 belongs to the same episode.
        discounts: Of the module.
    """
    delta_t = r_t + discounts.gamma * v_tp1 - v_t
    weight_t = (discounts.gamma * discounts.lambda_) * goes_on.astype(np.float32)
    advantages = np.empty_like(delta_t)
    advantage_tp1 = np.zeros_like(delta_t[0])
    for t in reversed(range(len(delta_t))):
        advantage_tp1 = delta_t[t] + weight_t[t] * advantage_tp1
        advantages[t] = advantage_tp1
    return advantages


class Transitions(NamedTuple):
    """How the steps of one module's agents in a fragment hang together. T steps, E envs, P agents.

    Attributes:
        is_terminal: [T, E, P] bool; nothing follows step t for the agent.
        is_cut: [T, E, P] bool; the episode was truncated after step t.
        goes_on: [T, E, P] bool; step t+1 is the agent's next one.
    """

    is_terminal: np.ndarray
    is_cut: np.ndarray
    goes_on: np.ndarray


def find_transitions(group: GroupFragment, ended: np.ndarray, columns: fragments.Columns) -> Transitions:
    """Returns how the steps of some agents of a group hang together.

    Args:
        group: The arrays.
        ended: [T, E] bool, an episode ended in this step.
        columns: The agents.
    """
    terminations, truncations = group.terminations[:, :, columns], group.truncations[:, :, columns]
    ended = ended[:, :, None]
    # An agent that is out without either flag cannot earn any more: nothing follows.
    is_terminal = terminations | (~truncations & ~ended & ~group.alive[1:, :, columns])
    is_cut = ~is_terminal & (truncations | ended)
    return Transitions(is_terminal, is_cut, ~is_terminal & ~is_cut)
