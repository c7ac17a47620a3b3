"""PPO's learner on fragments: RLlib's loss with less around it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from ray.rllib.algorithms.ppo.ppo import (
    LEARNER_RESULTS_KL_KEY,
    LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY,
    LEARNER_RESULTS_VF_LOSS_UNCLIPPED_KEY,
)
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchCategorical
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.utils.torch_utils import explained_variance

from marl.rllib.learner.fragment_learner import FragmentLearner

KL_COEFFS = "kl_coeffs"
ENTROPY_COEFFS = "entropy_coeffs"


class PPOFragmentLearner(FragmentLearner, PPOTorchLearner):
    """PPO's learner on fragments (Schulman et al. 2017, "Proximal policy optimization algorithms").

    Where actions are categorical, RLlib's loss is computed from one log-softmax instead of from distribution objects,
    and its numbers are logged for the last minibatch only, which is all that RLlib keeps of them.

    Its adaptive KL coefficients and scheduled entropy coefficients survive a checkpoint. RLlib's own do not: after a
    restore the first update would use the coefficient of the first step.
    """

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Any:
        """Returns the loss of one module, a scalar tensor; equals RLlib's."""
        module: Any = self.module[module_id].unwrapped()
        if module.get_train_action_dist_cls() is not TorchCategorical or Columns.LOSS_MASK in batch:
            return super().compute_loss_for_module(module_id=module_id, config=config, batch=batch, fwd_out=fwd_out)
        log_probs = torch.log_softmax(fwd_out[Columns.ACTION_DIST_INPUTS], dim=-1)
        logp = log_probs.gather(-1, batch[Columns.ACTIONS].unsqueeze(-1)).squeeze(-1)
        entropy = -(log_probs.exp() * log_probs).sum(-1).mean()
        ratio = torch.exp(logp - batch[Columns.ACTION_LOGP])
        advantages = batch[Postprocessing.ADVANTAGES]
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        policy_loss = -torch.minimum(advantages * ratio, advantages * clipped).mean()
        kl: Any = _mean_kl(batch[Columns.ACTION_DIST_INPUTS], log_probs) if config.use_kl_loss else 0.0
        coefficient: Any = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
        loss: Any = policy_loss - coefficient * entropy
        if config.use_critic:
            values = module.compute_values(batch, embeddings=fwd_out.get(Columns.EMBEDDINGS))
            errors = (values - batch[Postprocessing.VALUE_TARGETS]).square()
        else:
            errors, values = torch.zeros_like(ratio), torch.zeros_like(ratio)
        value_loss = errors.clamp(max=config.vf_clip_param).mean()
        loss = loss + config.vf_loss_coeff * value_loss
        if config.use_kl_loss:
            loss = loss + self.curr_kl_coeffs_per_module[module_id] * kl
        if self.is_last_minibatch:
            found: dict[str, Any] = {POLICY_LOSS_KEY: policy_loss, VF_LOSS_KEY: value_loss, ENTROPY_KEY: entropy}
            found[LEARNER_RESULTS_VF_LOSS_UNCLIPPED_KEY] = errors.mean()
            targets = batch[Postprocessing.VALUE_TARGETS]
            found[LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY] = explained_variance(targets, values)
            found[LEARNER_RESULTS_KL_KEY] = kl
            self.metrics.log_dict(found, key=module_id, window=1)
        return loss

    def compute_gradients(self, loss_per_module: dict[str, Any], **kwargs: Any) -> dict[Any, Any]:
        """Returns the gradients of the sum of all losses.

        Without making the sum, and without the optimizers' profiling of RLlib's `zero_grad`: both take as long as
        a layer.
        """
        losses = [loss for loss in loss_per_module.values() if loss.grad_fn is not None]
        if self._grad_scalers is not None or not losses:
            return super().compute_gradients(loss_per_module, **kwargs)
        for parameter in self._params.values():
            parameter.grad = None
        torch.autograd.backward(losses)
        return {name: parameter.grad for name, parameter in self._params.items()}

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and the coefficients."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(ENTROPY_COEFFS, components, not_components):
            schedules = self.entropy_coeff_schedulers_per_module.items()
            state[ENTROPY_COEFFS] = {
                module_id: float(schedule.get_current_value()) for module_id, schedule in schedules
            }
        if self._check_component(KL_COEFFS, components, not_components):
            state[KL_COEFFS] = {m: self.curr_kl_coeffs_per_module[m].item() for m in self.module.keys()}  # noqa: SIM118
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        for module_id, coefficient in state.get(KL_COEFFS, {}).items():
            variable: Any = self.curr_kl_coeffs_per_module[module_id]
            variable.data.fill_(coefficient)
        for module_id, coefficient in state.get(ENTROPY_COEFFS, {}).items():
            current = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
            if isinstance(current, torch.Tensor):  # a float: no schedule, the config has it
                current.data.fill_(coefficient)


def _mean_kl(logits_before: torch.Tensor, log_probs: torch.Tensor) -> torch.Tensor:
    """Returns the mean Kullback-Leibler divergence of policies with logits [B, K] from those now, log_probs [B, K]."""
    before = torch.log_softmax(logits_before, dim=-1)
    return (before.exp() * (before - log_probs)).sum(-1).mean()
