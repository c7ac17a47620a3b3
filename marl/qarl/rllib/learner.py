"""RLlib's learner around the update that all seeds of a study share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

from marl.qarl.rllib.module import SoftActorCriticModule
from marl.qarl.soft_actor_critic import SoftActorCritics, Transitions
from marl.rllib.errors import check_losses
from marl.rllib.restorable import RestorableLearner

GENERATORS = "generators"


def to_batch(module_id: str, transitions: Transitions) -> MultiAgentBatch:
    """Returns transitions [1, n, ...] as RLlib's rows [n, ...] of a module."""
    columns = {
        Columns.OBS: transitions.observations[0],
        Columns.ACTIONS: transitions.actions[0],
        Columns.REWARDS: transitions.rewards[0],
        Columns.NEXT_OBS: transitions.nexts[0],
        Columns.TERMINATEDS: transitions.ends[0],
    }
    return MultiAgentBatch({module_id: SampleBatch(columns)}, env_steps=len(columns[Columns.REWARDS]))


def _to_transitions(columns: dict[str, Any]) -> Transitions:
    names = (Columns.OBS, Columns.ACTIONS, Columns.REWARDS, Columns.NEXT_OBS, Columns.TERMINATEDS)
    return Transitions(*(columns[name][None] for name in names))


class SoftActorCriticLearner(RestorableLearner, TorchLearner):
    """Takes the steps of `SoftActorCritics.update`: critics, then actor, then temperature, then targets.

    RLlib's own SAC takes the gradients of all of them at the same weights. A checkpoint holds the generators of the
    noise, so that a restored learner draws what it would have drawn.
    """

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers the optimizers that the networks came with; none for a player."""
        if not isinstance(self.module[module_id], SoftActorCriticModule):
            return
        for name, optimizer in self._own(module_id).optimizers().items():
            parameters = [each for group in optimizer.param_groups for each in group["params"]]
            self.register_optimizer(module_id=module_id, optimizer_name=name, optimizer=optimizer, params=parameters)

    def _own(self, module_id: str) -> SoftActorCritics:
        module: Any = self.module[module_id]
        own: SoftActorCritics = module.learner
        return own

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> torch.Tensor:
        """Returns the losses of critics and actor, added, of a batch that is not learned from."""
        own, transitions = self._own(module_id), _to_transitions(batch)
        return (own.critic_losses(transitions) + own.actor_losses(transitions)[0]).sum()

    def _update(self, batch: dict[str, Any], **kwargs: Any) -> tuple[Any, Any, Any]:
        """Does one update of each module that a batch has rows of.

        Raises:
            DivergedError: A loss is not a number.
        """
        losses = {}
        for module_id, columns in batch.items():
            numbers = self._own(module_id).update(_to_transitions(columns))
            losses[module_id] = (numbers["critic_loss"] + numbers["actor_loss"]).sum()
            for name, values in numbers.items():
                self.metrics.log_value((module_id, name), values.item(), window=1)
        check_losses(losses)
        return {}, losses, {}

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and those of the generators."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(GENERATORS, components, not_components):
            state[GENERATORS] = {
                module_id: [each.get_state().numpy() for each in module.learner.generators]
                for module_id, module in self.module.items()
                if isinstance(module, SoftActorCriticModule)
            }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        for module_id, numbers in state.get(GENERATORS, {}).items():
            for generator, each in zip(self._own(module_id).generators, numbers, strict=True):
                generator.set_state(torch.from_numpy(each.copy()))
