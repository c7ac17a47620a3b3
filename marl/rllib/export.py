"""Trained modules as plain policy files, for players that need neither Ray nor a pickle, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from agents.trained import PolicyDescription, PolicyError, load_policy, save_policy
from marl.rllib.modules.actor_critic import ActorCriticModule
from marl.rllib.modules.q_module import QModule

Module = ActorCriticModule | QModule


def export_policy(module: Module, folder: Path, env_id: str, settings: dict[str, Any]) -> None:
    """Writes `policy.json` and `policy.safetensors`; the value network of an actor and critic stays behind.

    Args:
        module: The trained module, inference-only or whole. A Q network becomes the policy that is greedy in it.
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.

    Raises:
        ValueError: A dueling or distributional Q network, which is no plain stack of layers.
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
        is_greedy=isinstance(module, QModule),
    )
    save_policy(folder, description, [(layer.weight.detach(), layer.bias.detach()) for layer in linear])


def import_policy(module: Module, folder: Path) -> None:
    """Gives a module the network that `export_policy` wrote; a value network stays as it is, a target network follows.

    Raises:
        PolicyError: A file is missing or damaged, or its network is of another shape or kind.
    """
    description, network = load_policy(folder)
    if description.distribution != "categorical":
        raise PolicyError(f"{folder} holds a policy of {description.distribution!r}, the module has logits")
    ours, theirs = (_linear_layers(module), [layer for layer in network if isinstance(layer, nn.Linear)])
    shapes = [[tuple(layer.weight.shape) for layer in layers] for layers in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise PolicyError(f"{folder} holds layers {shapes[1]} of {description.env_id}, the module has {shapes[0]}")
    with torch.no_grad():
        for layer, its in zip(ours, theirs, strict=True):
            layer.weight.copy_(its.weight)
            layer.bias.copy_(its.bias)
    if isinstance(module, QModule) and hasattr(module, "_target_encoder"):
        for network_of, target in module.get_target_network_pairs():
            target.load_state_dict(network_of.state_dict())


def _linear_layers(module: Module) -> list[nn.Linear]:
    if isinstance(module, QModule) and (module.uses_dueling or module.num_atoms > 1):
        raise ValueError("only plain Q networks become policy files: set dueling=False and num_atoms=1")
    parts: Any = (
        (module.encoder, module.af) if isinstance(module, QModule) else (module.policy_torso, module.policy_head)
    )
    return [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Linear)]
