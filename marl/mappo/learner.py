"""The update of a team: clipped ratios of each agent with the team's advantage, and a robust loss of values.

Yu et al. 2022, appendix A, over B rows and the agents that are in:

    policy loss = - mean min(ratio_i A, clip(ratio_i) A) - entropy coefficient * mean entropy_i
    value loss  =   mean max(huber(V - target), huber(clip(V, old V) - target)),  V and targets in units of their scale
"""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch import nn

from marl.mappo.actions import entropy
from marl.mappo.module import TeamModule
from marl.mappo.rows import OLD_VALUES, TeamRows
from marl.rllib.learner.ppo_learner import PPOFragmentLearner
from marl.rllib.runner.team import ALIVE

ACTOR, CRITIC = "actor", "critic"  # the two optimizers of a module


class TeamLearner(PPOFragmentLearner):
    """Trains `TeamModule`s on team rows; a player of `agents/` among the modules is left as it is.

    Actor and critic have an optimizer each, and their gradients are clipped apart.
    """

    def make_rows(self) -> ConnectorV2:
        """Returns the connector that makes team rows."""
        config: Any = self.config
        return TeamRows(
            discounts=self.discounts,
            is_trained=self.should_module_be_updated,
            credit=config.credit,
            value_normalization=config.value_normalization,
        )

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers Adam for the actor, and for the critic."""
        module: Any = self.module[module_id].unwrapped()
        if not isinstance(module, TeamModule):
            return
        for name, (parameters, rate) in self.optimizer_parts(module, config).items():
            self.register_optimizer(
                module_id=module_id,
                optimizer_name=name,
                optimizer=torch.optim.Adam(parameters, eps=config.adam_epsilon, fused=True),
                params=parameters,
                lr_or_lr_schedule=rate,
            )

    def optimizer_parts(self, module: Any, config: Any) -> dict[str, tuple[list[Any], Any]]:
        """Returns the parameters and the rate of each optimizer."""
        of_critic = list(module.critic.parameters())
        kept = {id(parameter) for parameter in of_critic}
        of_actor = [each for each in module.parameters() if id(each) not in kept]
        rate = config.lr if config.critic_lr is None else config.critic_lr
        return {ACTOR: (of_actor, config.lr), CRITIC: (of_critic, rate)}

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> torch.Tensor:
        """Returns the loss of one module."""
        module: Any = self.module[module_id].unwrapped()
        alive = batch[ALIVE].to(torch.float32)
        inputs, actions = fwd_out[Columns.ACTION_DIST_INPUTS], batch[Columns.ACTIONS]
        logp = module.kind.log_prob(inputs.flatten(0, 1), actions.flatten(0, 1)).reshape(alive.shape)
        change = (logp - batch[Columns.ACTION_LOGP]) * alive
        ratio = torch.exp(change if config.ratio == "agent" else change.sum(dim=1, keepdim=True).expand_as(change))
        advantages = batch[Postprocessing.ADVANTAGES]
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        policy_loss = -_mean(torch.minimum(advantages * ratio, advantages * clipped), alive)
        disorder = _mean(entropy(module.kind, inputs), alive)
        value_loss = self._value_loss(module, config, batch, alive)
        coefficient: Any = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
        loss = policy_loss - coefficient * disorder + config.vf_loss_coeff * value_loss
        numbers = {POLICY_LOSS_KEY: policy_loss, VF_LOSS_KEY: value_loss, ENTROPY_KEY: disorder}
        further, told = self.further_loss(module, config, batch, fwd_out)
        if self.is_last_minibatch:
            is_out = (ratio - 1).abs() > config.clip_param
            numbers |= {"clipped_share": _mean(is_out.to(torch.float32), alive), **told}
            self.metrics.log_dict({name: each.detach() for name, each in numbers.items()}, key=module_id, window=1)
        return loss + further

    def further_loss(
        self, module: Any, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> tuple[Any, dict[str, torch.Tensor]]:
        """Returns what an algorithm adds to the loss, and numbers to log."""
        return 0.0, {}

    def _value_loss(self, module: Any, config: Any, batch: dict[str, Any], alive: torch.Tensor) -> torch.Tensor:
        values = module.raw_values(batch)
        targets = batch[Postprocessing.VALUE_TARGETS]
        losses = _huber(values - targets, config.huber_delta)
        if config.value_clip is not None:
            old = batch[OLD_VALUES]
            near = old + (values - old).clamp(-config.value_clip, config.value_clip)
            losses = torch.maximum(losses, _huber(near - targets, config.huber_delta))
        return _mean(losses, alive.amax(dim=1, keepdim=True) if values.shape[1] == 1 else alive)

    def postprocess_gradients(self, gradients_dict: dict[Any, Any]) -> dict[Any, Any]:
        """Scales the gradients of each optimizer to the largest norm that the config allows."""
        if self.config.grad_clip is None:
            return gradients_dict
        for module_id, names in self._module_optimizers.items():
            exempt = {id(parameter) for parameter in self.unclipped(self.module[module_id].unwrapped())}
            for name in names:
                optimizer: Any = self.get_optimizer(module_id, name)
                own = [parameter for group in optimizer.param_groups for parameter in group["params"]]
                nn.utils.clip_grad_norm_([each for each in own if id(each) not in exempt], self.config.grad_clip)
        return gradients_dict

    def unclipped(self, module: Any) -> list[torch.Tensor]:
        """Returns parameters whose gradients are left as they are."""
        return []


def _mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)


def _huber(errors: torch.Tensor, delta: float | None) -> torch.Tensor:
    """Returns half the square of small errors, and what goes on linearly beyond delta; None: half of all squares."""
    if delta is None:
        return errors.square() / 2
    return nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=delta)
