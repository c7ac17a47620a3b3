"""Trained modules as plain policy files, for players that need neither Ray nor a pickle, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from agents.trained import PolicyDescription, PolicyError, load_policy, save_policy
from marl.rllib.modules.actor_critic import ActorCriticModule


def export_policy(module: ActorCriticModule, folder: Path, env_id: str, settings: dict[str, Any]) -> None:
    """Writes `policy.json` and `policy.safetensors`; the value network stays behind.

    Args:
        module: The trained module, inference-only or whole.
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.
    """
    linear = _linear_layers(module)
    model: Any = module.model_config
    description = PolicyDescription(
        env_id=env_id,
        settings=settings,
        observation_size=linear[0].in_features,
        hidden_sizes=[layer.out_features for layer in linear[:-1]],
        num_actions=linear[-1].out_features,
        activation=model.get("fcnet_activation", "relu"),
        observation_scale=model.get("observation_scale", 1.0),
    )
    save_policy(folder, description, [(layer.weight.detach(), layer.bias.detach()) for layer in linear])


def import_policy(module: ActorCriticModule, folder: Path) -> None:
    """Gives a module the policy network that `export_policy` wrote; its value network stays as it is.

    Raises:
        PolicyError: A file is missing or damaged, or its network is of another shape.
    """
    description, network = load_policy(folder)
    ours, theirs = (_linear_layers(module), [layer for layer in network if isinstance(layer, nn.Linear)])
    shapes = [[tuple(layer.weight.shape) for layer in layers] for layers in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise PolicyError(f"{folder} holds layers {shapes[1]} of {description.env_id}, the module has {shapes[0]}")
    with torch.no_grad():
        for layer, its in zip(ours, theirs, strict=True):
            layer.weight.copy_(its.weight)
            layer.bias.copy_(its.bias)


def _linear_layers(module: ActorCriticModule) -> list[nn.Linear]:
    parts = (module.policy_torso, module.policy_head)
    return [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Linear)]
