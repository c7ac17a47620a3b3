"""Decentralised policies of a trained team as policy files, one folder an agent, for `agents.trained.TrainedPlayer`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import games
from agents.trained import PolicyDescription, save_policy
from marl.mappo.layers import AgentLinear, AgentNetwork
from marl.mappo.module import TeamModule
from marl.rllib.runner.actions import Categorical, MultiCategorical

PLAIN_NAME = re.compile(r"\w[\w.-]*")  # of a folder: no way out of the one that it is put into


def export_team(
    module: TeamModule,
    folder: Path,
    env_id: str,
    settings: dict[str, Any],
    agents: Sequence[str],
    *,
    without_edges: bool = False,
) -> list[Path]:
    """Writes `<folder>/<agent>/policy.json` and `policy.safetensors` for every agent, and returns the folders.

    What agents share is written for each of them; who an agent is becomes part of its first layer's bias.

    Args:
        module: The trained module, inference-only or whole.
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.
        agents: Names of its agents, one for each that the module plays.
        without_edges: Exports a module that still has a graph, as if its edges were gone. Its agents then do not see
            what they saw in training.

    Raises:
        ValueError: Networks that policy files do not hold (layer normalisation, continuous actions), edges that would
            be lost, names that are not one plain name for each agent, or no such world.
        FileNotFoundError: There is no such folder.
        FileExistsError: Something is there already. Nothing has been written then, nor after any of these errors.
    """
    folders = _check(module, folder, env_id, settings, agents, without_edges)
    policy = module.policy
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
    for number, own in enumerate(folders):
        own.mkdir()
        save_policy(own, description, _layers_of(policy, number))
    return folders


def _check(
    module: TeamModule, folder: Path, env_id: str, settings: dict[str, Any], agents: Sequence[str], without_edges: bool
) -> list[Path]:
    """Returns the agents' folders, of which none is there yet."""
    has_norms = any(isinstance(layer, torch.nn.LayerNorm) for layer in module.policy.modules())
    if has_norms or not isinstance(module.kind, Categorical | MultiCategorical):
        raise ValueError("only networks of linear layers and activations, with discrete actions, become policy files")
    if getattr(module, "keeps_edges", False) and not without_edges:
        raise ValueError("policy files hold no graph: set keeps_edges to False first, or say without_edges=True")
    if not _are_plain(agents) or len(set(agents)) != len(agents) or len(agents) != module.num_agents:
        raise ValueError(f"agents must be {module.num_agents} different plain names, got {agents!r}")
    games.spec(env_id).config(**settings)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    folders = [folder / agent for agent in agents]
    for own in folders:
        if own.exists():
            raise FileExistsError(f"{own} exists already")
    return folders


def _are_plain(names: Sequence[str]) -> bool:
    is_list = not isinstance(names, str)
    return is_list and all(isinstance(name, str) and PLAIN_NAME.fullmatch(name) for name in names)


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
