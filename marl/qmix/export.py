"""An agent of a trained team as plain policy files: it plays alone, greedily, without mixer, Ray or state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from agents.trained import PolicyDescription, save_policy
from marl.qmix.modules import AgentModule


def export_agent(module: AgentModule, place: int, folder: Path, env_id: str, settings: dict[str, Any]) -> None:
    """Writes `policy.json` and `policy.safetensors` of one agent.

    What the network adds for its one-hot place goes into the first bias, so that the player needs to be told nothing.

    Args:
        module: The trained module, inference-only or whole.
        place: Of the agent among those that share the module, in [0, n).
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.

    Raises:
        ValueError: There is no such agent; or the network is recurrent, which policy files are not.
    """
    if not 0 <= place < module.num_agents:
        raise ValueError(f"place must be in [0, {module.num_agents}), got {place}")
    network = module.agent_network
    if network.gru is not None:
        raise ValueError("policy files hold no memory: only is_recurrent=False can be exported; save_to_path keeps all")
    linear = [layer for layer in (*network.torso, network.head) if isinstance(layer, nn.Linear)]
    weights = [(layer.weight.detach(), layer.bias.detach()) for layer in linear]
    num_seen = linear[0].in_features - (module.num_agents if module.has_ids else 0)
    if module.has_ids:
        first, bias = weights[0]
        weights[0] = first[:, :num_seen], bias + first[:, num_seen + place]
    description = PolicyDescription(
        env_id=env_id,
        settings=settings,
        observation_size=num_seen,
        hidden_sizes=[layer.out_features for layer in linear[:-1]],
        num_actions=linear[-1].out_features,
        observation_scale=module.scale,
        is_greedy=True,
    )
    save_policy(folder, description, weights)
