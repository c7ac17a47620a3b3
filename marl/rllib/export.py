"""Trained modules as plain policy files, for players that need neither Ray nor a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from agents.trained import PolicyDescription, save_policy
from marl.rllib.modules.actor_critic import ActorCriticModule


def export_policy(module: ActorCriticModule, folder: Path, env_id: str, settings: dict[str, Any]) -> None:
    """Writes `policy.json` and `policy.safetensors`; the value network stays behind.

    Args:
        module: The trained module, inference-only or whole.
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.
    """
    parts = (module.policy_torso, module.policy_head)
    linear = [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Linear)]
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
