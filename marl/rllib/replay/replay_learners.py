"""Learners of DQN and SAC that take rows of a replay buffer, and survive a checkpoint whole."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import torch
from ray.rllib.algorithms.dqn.torch.dqn_torch_learner import DQNTorchLearner
from ray.rllib.algorithms.sac.torch.sac_torch_learner import SACTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.sample_batch import MultiAgentBatch

from marl.rllib.errors import answer, check_losses
from marl.rllib.learner.ranks import all_or_none
from marl.rllib.restorable import RestorableLearner
from marl.rllib.runner.observations import as_features

LAST_TARGET_UPDATES = "last_target_updates"
LOG_ALPHAS = "log_alphas"

# Observations and masks of the rows, as `marl.rllib.replay.replay_buffer.ReplayBuffer` names them.
SEEN = ((Columns.OBS, "action_mask"), (Columns.NEXT_OBS, "next_action_mask"))


class ReplayLearner(RestorableLearner, DQNTorchLearner):
    """DQN's learner on rows [B, ...] with observations in the world's dtype.

    Masks come to the module as the runner shows them, inside of a dict with the observations.

    A checkpoint holds the time of the last update of the target network. RLlib's own does not: after a restore the
    next update would come at once.
    """

    def _make_batch_if_necessary(self, training_data: TrainingData) -> MultiAgentBatch:
        batch: Any = super()._make_batch_if_necessary(training_data)
        for columns in batch.policy_batches.values():
            for name, mask in SEEN:
                columns[name] = as_features(columns[name])
                if mask in columns:
                    columns[name] = {"observations": columns[name], "action_mask": columns[mask]}
        return batch

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers RLlib's optimizers; none for a module without weights, such as a scripted player."""
        if self.get_parameters(self.module[module_id]):
            super().configure_optimizers_for_module(module_id, config)

    def compute_losses(self, *, fwd_out: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
        """Returns the loss of each module.

        Raises:
            DivergedError: A loss is not a number; no weight has been changed by it.
        """
        with all_or_none():
            losses = super().compute_losses(fwd_out=fwd_out, batch=batch)
            check_losses(losses)
        return losses

    def apply(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls a function with this learner for a driver in another process, where a user's error is raised."""
        return answer(partial(func, self, *args, **kwargs))

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and the time of the last target updates, in env steps."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(LAST_TARGET_UPDATES, components, not_components):
            state[LAST_TARGET_UPDATES] = {module_id: int(t) for module_id, t in self.last_update_ts_by_mid.items()}
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        self.last_update_ts_by_mid.update(state.get(LAST_TARGET_UPDATES, {}))


class ReplayDQNLearner(ReplayLearner):
    """DQN on a replay buffer."""

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers Adam in one fused kernel, which halves the time of its step."""
        parameters = self.get_parameters(self.module[module_id])
        if parameters:
            optimizer = torch.optim.Adam(parameters, fused=True)
            self.register_optimizer(
                module_id=module_id, optimizer=optimizer, params=parameters, lr_or_lr_schedule=config.lr
            )


class ReplaySACLearner(ReplayLearner, SACTorchLearner):  # type: ignore[misc]
    """SAC on a replay buffer. Its temperatures survive a checkpoint, which RLlib's own do not."""

    def add_module(self, *, module_id: str, module_spec: RLModuleSpec, **kwargs: Any) -> Any:
        """Adds a module and its temperature.

        RLlib puts another tensor in the place of the one that it has just given to the optimizer, so that the
        temperature of an added module would never change.
        """
        spec = super().add_module(module_id=module_id, module_spec=module_spec, **kwargs)
        self.curr_log_alpha[module_id] = self.get_optimizer(module_id, "alpha").param_groups[0]["params"][0]
        return spec

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and the logarithms of the temperatures."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(LOG_ALPHAS, components, not_components):
            variables: dict[str, Any] = self.curr_log_alpha
            state[LOG_ALPHAS] = {module_id: variable.item() for module_id, variable in variables.items()}
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        for module_id, log_alpha in state.get(LOG_ALPHAS, {}).items():
            variable: Any = self.curr_log_alpha[module_id]
            variable.data.fill_(log_alpha)  # in place: the optimizer holds this very tensor
