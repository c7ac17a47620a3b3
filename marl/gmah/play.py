"""A trained team on its own: actions and subgoals of whole batches, greedily, without Ray."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from ray.rllib.core.columns import Columns

from marl.gmah.module import CAUSES, SUBGOALS, GoalModule
from marl.gmah.task_tree import TaskTree
from marl.rllib.runner.team import ACTION_NOISE, ALIVE


class Played(NamedTuple):
    """What a team did in a step: [E, P] each.

    Attributes:
        actions: Of the world.
        subgoals: In force, by their places in the task tree.
        causes: Why they were chosen (`marl.gmah.goals.CAUSES`); 0: they go on.
    """

    actions: np.ndarray
    subgoals: np.ndarray
    causes: np.ndarray


class GoalTeam:
    """Plays E envs from the beginnings of their episodes, and remembers everybody's subgoal.

    Args:
        module: The trained module, inference-only or whole.
        num_envs: E.
    """

    def __init__(self, module: GoalModule, num_envs: int) -> None:
        self._module, rows = module, num_envs * module.num_agents
        start = module.get_initial_state()
        self._memory = {name: leaf.repeat(rows, *[1] * leaf.ndim) for name, leaf in start.items()}

    @property
    def tree(self) -> TaskTree:
        """The subgoals."""
        return self._module.tree

    def act(self, observations: np.ndarray, action_masks: np.ndarray | None = None) -> Played:
        """Returns what the team does next.

        Args:
            observations: [E, P, D].
            action_masks: [E, P, K], 1 = legal; None: everything is.
        """
        shape = observations.shape[:2]
        seen: Any = torch.from_numpy(observations.reshape(shape[0] * shape[1], 1, -1).copy())
        if action_masks is not None:
            masks = torch.from_numpy(action_masks.reshape(shape[0] * shape[1], 1, -1).copy())
            seen = {"observations": seen, "action_mask": masks}
        batch: dict[str, Any] = {
            Columns.OBS: seen,
            Columns.STATE_IN: self._memory,
            ALIVE: torch.ones(shape, dtype=torch.bool),
            ACTION_NOISE: None,
        }
        with torch.inference_mode():
            output = self._module.forward_inference(batch)
        self._memory = output[Columns.STATE_OUT]
        told = (output[name].squeeze(1).numpy().reshape(shape) for name in (Columns.ACTIONS, SUBGOALS, CAUSES))
        return Played(*told)
