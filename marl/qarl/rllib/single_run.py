"""The many-seeds trainer with one seed, whose updates go through RLlib's learners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from ray.rllib.core.learner.learner_group import LearnerGroup

from games.batch import Batch
from marl.qarl.arena import Arena
from marl.qarl.rllib.learner import to_batch
from marl.qarl.soft_actor_critic import SoftActorCritics, Transitions
from marl.qarl.trainer import ManySeedsTrainer, TrainerSettings


class GroupedLearner:
    """Acts with the learner of a module, and leaves its updates to the learner group.

    Args:
        role: The module.
        own: Its learner, in this process.
        group: Of learners, local.
    """

    def __init__(self, role: str, own: SoftActorCritics, group: LearnerGroup) -> None:
        self._role, self._own, self._group = role, own, group

    @property
    def log_temperature(self) -> torch.Tensor:
        """[1, 1], where it is learned."""
        return self._own.log_temperature

    def distribution(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mean and deviation [1, n, A] of the actions before tanh."""
        return self._own.distribution(observations)

    def act(self, observations: torch.Tensor, is_greedy: bool = False) -> torch.Tensor:
        """Returns actions [1, n, A] for observations [1, n, D]."""
        return self._own.act(observations, is_greedy)

    def update(self, batch: Transitions) -> dict[str, torch.Tensor]:
        """Does one update. The numbers of all of them stay with the learner until somebody reduces its metrics."""
        self._group.update(batch=to_batch(self._role, batch), _no_metrics_reduce=True)
        return {}


class SingleRun(ManySeedsTrainer):
    """What `ManySeedsTrainer` does with one seed, on the envs of a runner and with the learners of a group.

    Args:
        env_id: The world.
        env_settings: Of it.
        settings: Of the training.
        seed: Of all draws.
        batch: The runner's, `settings.episodes` envs.
        learners: By role, as `settings` has them.
    """

    def __init__(
        self,
        env_id: str,
        env_settings: Mapping[str, Any],
        settings: TrainerSettings,
        seed: int,
        *,
        batch: Batch,
        learners: Mapping[str, GroupedLearner],
    ) -> None:
        super().__init__(env_id, env_settings, settings, [seed])
        self._arena = Arena([batch], [seed])
        for role, student in self.students.items():
            grouped: Any = learners[role]
            student.learners = grouped

    @property
    def steps(self) -> dict[str, int]:
        """Env steps so far in which each role learned."""
        return {role: int(student.replay.num_written[0]) for role, student in self.students.items()}

    def get_state(self) -> dict[str, Any]:
        """Returns everything but networks, which RLlib keeps."""
        return {
            "iteration": self.iteration,
            "credit": {role: student.credit for role, student in self.students.items()},
            "temperatures": self.temperatures.get_state(),
            "replays": {role: student.replay.get_state() for role, student in self.students.items()},
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` of an equal run returned."""
        self.iteration = state["iteration"]
        self.temperatures.set_state(state["temperatures"])
        for role, student in self.students.items():
            student.credit = state["credit"][role]
            student.replay.set_state(*state["replays"][role])
