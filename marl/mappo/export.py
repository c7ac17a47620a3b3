"""Decentralised policies of a trained team as policy files, one folder an agent, for `agents.trained.TrainedPlayer`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from agents.trained import PolicyDescription, save_policy
from marl.mappo.layers import AgentLinear, AgentNetwork
from marl.mappo.module import TeamModule
from marl.rllib.runner.actions import Categorical, MultiCategorical


def export_team(
    module: TeamModule, folder: Path, env_id: str, settings: dict[str, Any], agents: Sequence[str]
) -> list[Path]:
    """Writes `<folder>/<agent>/policy.json` and `policy.safetensors` for every agent, and returns the folders.

    What agents share is written for each of them; who an agent is becomes part of its first layer's bias.

    Args:
        module: The trained module, inference-only or whole. Of a module with a graph, the policies without its edges.
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.
        agents: Names of its agents.

    Raises:
        ValueError: Networks that policy files do not hold: layer normalisation, or continuous actions.
    """
    policy = module.policy
    has_norms = any(isinstance(layer, torch.nn.LayerNorm) for layer in policy.modules())
    if has_norms or not isinstance(module.kind, Categorical | MultiCategorical):
        raise ValueError("only networks of linear layers and activations, with discrete actions, become policy files")
    model: Any = module.model_config
    description = PolicyDescription(
        env_id=env_id,
        settings=settings,
        observation_size=module.observation_size,
        hidden_sizes=list(model["hidden_sizes"]),
        num_actions=module.kind.num_inputs,
        activation=model["network"]["activation"],
        observation_scale=model["observation_scale"],
    )
    folders = [folder / agent for agent in agents]
    for number, own in enumerate(folders):
        own.mkdir()
        save_policy(own, description, _layers_of(policy, number))
    return folders


def _layers_of(policy: AgentNetwork, agent: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Returns weight and bias of each linear layer, as one agent has them."""
    layers: list[AgentLinear] = [*policy.hidden, policy.head]
    own = []
    for layer in layers:
        assert layer.bias is not None
        copy = agent % len(layer.weight)
        own.append((layer.weight.detach()[copy], layer.bias.detach()[copy]))
    if policy.ids is not None:
        own[0] = (own[0][0], own[0][1] + policy.ids.detach()[agent])
    return own
