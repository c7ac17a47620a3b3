"""PPO's update without RLlib: what the benchmarks hold RLlib's learner against."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch import nn

COLUMNS = (
    Columns.OBS,
    Columns.ACTIONS,
    Columns.ACTION_LOGP,
    Postprocessing.ADVANTAGES,
    Postprocessing.VALUE_TARGETS,
)


def _make_network(sizes: Sequence[int]) -> nn.Sequential:
    layers = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def update_bare(columns: dict[str, Any], config: PPOConfig, hidden_sizes: Sequence[int], minibatch_size: int) -> None:
    """Trains fresh policy and value networks for one PPO update, in as few lines as PyTorch needs.

    The forward passes, the loss and the optimizer are those of `PPOFragmentLearner`. There are no checks of losses and
    gradients, no metrics, and the values and advantages are there already.

    Args:
        columns: Of one module, tensors [B, ...]; actions are categorical.
        config: For the epochs and the coefficients of the loss; no KL loss.
        hidden_sizes: Of both networks.
        minibatch_size: Rows.
    """
    chosen_columns = [columns[name] for name in COLUMNS]
    rows, num_observed = columns[Columns.OBS].shape
    num_actions = columns[Columns.ACTION_DIST_INPUTS].shape[-1]
    policy = _make_network([num_observed, *hidden_sizes, num_actions])
    value = _make_network([num_observed, *hidden_sizes, 1])
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=config.lr, fused=True)
    for _ in range(config.num_epochs):
        for chosen in torch.randperm(rows).split(minibatch_size):
            part = [column.index_select(0, chosen) for column in chosen_columns]
            loss = _loss(policy, value, part, config)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def _loss(policy: nn.Module, value: nn.Module, part: list[torch.Tensor], config: PPOConfig) -> torch.Tensor:
    observations, actions, logp_before, advantages, targets = part
    inputs = observations.to(torch.float32)
    log_probs = policy(inputs).log_softmax(-1)
    ratio = (log_probs.gather(-1, actions.unsqueeze(-1)).squeeze(-1) - logp_before).exp()
    clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
    entropy = -(log_probs.exp() * log_probs).sum(-1).mean()
    errors = (value(inputs).squeeze(-1) - targets).square().clamp(max=config.vf_clip_param)
    policy_loss = -torch.minimum(advantages * ratio, advantages * clipped).mean()
    return policy_loss - config.entropy_coeff * entropy + config.vf_loss_coeff * errors.mean()
