"""PPO's update without RLlib, on dummy rows: what the benchmark holds RLlib's learner against."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


def _make_network(sizes: Sequence[int]) -> nn.Sequential:
    layers = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def update_bare(
    rows: int, observation_size: int, hidden_sizes: Sequence[int], num_actions: int, epochs: int, minibatches: int
) -> None:
    """Runs the forward passes, losses and optimiser steps of one PPO update, with separate value network.

    Args:
        rows: Agent steps in the batch.
        observation_size: Numbers per observation.
        hidden_sizes: Of both networks.
        num_actions: Logits.
        epochs: Passes over the rows.
        minibatches: Per epoch.
    """
    observations = torch.zeros((rows, observation_size))
    policy = _make_network([observation_size, *hidden_sizes, num_actions])
    value = _make_network([observation_size, *hidden_sizes, 1])
    optimiser = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=1e-5)
    for _ in range(epochs):
        for chosen in torch.randperm(rows).chunk(minibatches):
            inputs = observations[chosen]
            log_probabilities = policy(inputs).log_softmax(-1)
            ratio = (log_probabilities[:, 0] - log_probabilities[:, 0].detach()).exp()
            entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
            loss = -torch.minimum(ratio, ratio.clamp(0.7, 1.3)).mean() - 0.01 * entropy.mean()
            loss = loss + value(inputs).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def run_forwards(module: nn.Module, rows: int, observation_shape: Sequence[int], times: int) -> None:
    """Runs a module's exploration forward some times on zero observations."""
    observations = torch.zeros((rows, *observation_shape))
    for _ in range(times):
        module.forward_exploration({"obs": observations})  # type: ignore[operator]
