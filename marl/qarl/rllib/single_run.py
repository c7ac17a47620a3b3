"""The many-seeds trainer with one seed, whose updates go through RLlib's learners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from ray.rllib.core.learner.learner_group import LearnerGroup

from games.batch import Batch
from marl.qarl.replay import StackedReplay
from marl.qarl.rllib.learner import to_batch
from marl.qarl.soft_actor_critic import SoftActorCritics, Transitions
from marl.qarl.trainer import ManySeedsTrainer, TrainerSettings


def agent_seed(seed: int, index: int) -> int:
    """Returns the seed of an agent's networks and draws, as the many-seeds trainer has it."""
    return 2 * seed + index


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

    def act(self, observations: torch.Tensor, is_greedy: bool = False) -> torch.Tensor:
        """Returns actions [1, n, A] for observations [1, n, D]."""
        return self._own.act(observations, is_greedy)

    def update(self, batch: Transitions) -> None:
        """Does one update. The numbers of all of them stay with the learner until somebody reduces its metrics."""
        self._group.update(batch=to_batch(self._role, batch), _no_metrics_reduce=True)


class RestorableReplay(StackedReplay):
    """A replay whose content goes into a checkpoint and back."""

    @property
    def num_written(self) -> np.ndarray:
        """[S] transitions that ever came in."""
        return self._written

    def _stores(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray) and value.ndim > 1}

    def get_state(self) -> dict[str, Any]:
        """Returns what is stored, as much as there is of it, and the generators of the draws."""
        filled = int(self.sizes.max())
        return {
            "stores": {name: store[:, :filled].copy() for name, store in self._stores().items()},
            "written": self._written.copy(),
            "generators": [rng.bit_generator.state for rng in self._rngs],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` of an equal replay returned."""
        for name, store in self._stores().items():
            kept = state["stores"][name]
            store[:, : kept.shape[1]] = kept
        self._written[:] = state["written"]
        for rng, own in zip(self._rngs, state["generators"], strict=True):
            rng.bit_generator.state = own


class SingleRun(ManySeedsTrainer):
    """What `ManySeedsTrainer` does with one seed, on the envs of a runner and with the learners of a group.

    Args:
        env_id: The world.
        env_settings: Of it.
        settings: Of the training.
        seed: Of the draws of replays and curriculum.
        batch: The runner's, `settings.episodes` envs.
        learners: By role, as `settings` has them.
    """

    learners: dict[str, Any]

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
        self._batches = [batch]
        for index, role in enumerate(self.learners):
            group = batch.groups[role]
            sizes = (group.observations.shape[2], group.actions.shape[2])
            self.learners[role] = learners[role]
            self._replays[role] = RestorableReplay([agent_seed(seed, index)], settings.capacity, *sizes)

    @property
    def steps(self) -> dict[str, int]:
        """Env steps so far in which each role learned."""
        return {role: int(replay.num_written[0]) for role, replay in self._restorable().items()}

    def _restorable(self) -> dict[str, RestorableReplay]:
        return {role: replay for role, replay in self._replays.items() if isinstance(replay, RestorableReplay)}

    def get_state(self) -> dict[str, Any]:
        """Returns everything but networks and envs, which RLlib keeps."""
        return {
            "iteration": self.iteration,
            "credit": dict(self._credit),
            "curriculum": self.curricula[0].get_state(),
            "replays": {role: replay.get_state() for role, replay in self._restorable().items()},
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` of an equal run returned."""
        self.iteration = state["iteration"]
        self._credit.update(state["credit"])
        self.curricula[0].set_state(state["curriculum"])
        for role, replay in self._restorable().items():
            replay.set_state(state["replays"][role])
