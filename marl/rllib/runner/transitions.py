"""Transitions: how the steps of a fragment hang together, agent by agent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marl.rllib.runner.fragment import Columns, GroupFragment


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


def find_transitions(group: GroupFragment, ended: np.ndarray, columns: Columns) -> Transitions:
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
