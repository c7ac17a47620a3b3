"""Played: what one module's agents of one group did in a fragment."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from marl.rllib.runner import fragment as fragments
from marl.rllib.runner.decisions import Decisions, every_step, find_decisions
from marl.rllib.runner.fragment import Fragment, GroupFragment, OpenDecisions
from marl.rllib.runner.transitions import Transitions, find_transitions


class Played:
    """Views of a fragment. T steps, E envs, n agents of one group that one module plays.

    Args:
        fragment: All of it.
        group: One of its groups.
        columns: Places of the agents in the group.
        folds_waiting: Whether steps in which an agent only waits are folded into the decision before them; otherwise
            they count as decisions.
    """

    def __init__(
        self, fragment: Fragment, group: GroupFragment, columns: fragments.Columns, *, folds_waiting: bool = True
    ) -> None:
        self.fragment, self.group, self.columns, self._folds_waiting = fragment, group, columns, folds_waiting
        self.observations = group.observations[:, :, columns]  # [T+1, E, n, D...]
        self.masks = None if group.action_masks is None else group.action_masks[:, :, columns]  # [T+1, E, n, K]
        self.alive = group.alive[:, :, columns]  # [T+1, E, n]

    @cached_property
    def transitions(self) -> Transitions:
        """How the agents' steps hang together."""
        return find_transitions(self.group, self.fragment.ended, self.columns)

    @cached_property
    def decisions(self) -> Decisions:
        """Where the agents decide."""
        if self._folds_waiting:
            return find_decisions(self.group, self.transitions, self.columns)
        return every_step(self.group, self.columns)

    @property
    def opened(self) -> OpenDecisions | None:
        """Decisions of earlier fragments that may close in this one."""
        return self.group.opened if self._folds_waiting else None

    @cached_property
    def is_row(self) -> np.ndarray:
        """[T, E, n] bool; whether a step is a decision whose outcome the fragment shows."""
        return self.decisions.decides[:-1] & ~self.decisions.is_open

    @cached_property
    def agent_indices(self) -> np.ndarray:
        """[n] places of the agents among all agents of the world."""
        first = 0
        for group in self.fragment.groups.values():
            if group is self.group:
                break
            first += len(group.agents)
        return np.arange(first, first + len(self.group.agents))[self.columns]

    @cached_property
    def final_observations(self) -> np.ndarray:
        """[F, n, D...]."""
        return self.group.final_observations[:, self.columns]

    def steps(self, array: np.ndarray) -> np.ndarray:
        """Returns the rows [B, ...] of an array [T, E, P, ...] that `is_row` says."""
        array = array[:, :, self.columns]
        if self.is_row.all():
            return array.reshape(-1, *array.shape[3:])  # a view, where the module plays the whole group
        return array[self.is_row]
