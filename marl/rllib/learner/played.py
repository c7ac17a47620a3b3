"""Played: what one module's agents of one group did in a fragment."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from marl.rllib.learner.advantages import Transitions, find_transitions
from marl.rllib.runner import fragment as fragments
from marl.rllib.runner.fragment import Fragment, GroupFragment


class Played:
    """Views of a fragment. T steps, E envs, n agents of one group that one module plays.

    Args:
        fragment: All of it.
        group: One of its groups.
        columns: Places of the agents in the group.
    """

    def __init__(self, fragment: Fragment, group: GroupFragment, columns: fragments.Columns) -> None:
        self.fragment, self.group, self.columns = fragment, group, columns
        self.observations = group.observations[:, :, columns]  # [T+1, E, n, D...]
        self.masks = None if group.action_masks is None else group.action_masks[:, :, columns]  # [T+1, E, n, K]
        self.alive = group.alive[:, :, columns]  # [T+1, E, n]

    @cached_property
    def transitions(self) -> Transitions:
        """How the agents' steps hang together."""
        return find_transitions(self.group, self.fragment.ended, self.columns)

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
        """Returns the rows [B, ...] of an array [T, E, P, ...] in which the agents were alive."""
        array, alive = array[:, :, self.columns], self.alive[:-1]
        if alive.all():
            return array.reshape(-1, *array.shape[3:])  # a view, where the module plays the whole group
        return array[alive]
