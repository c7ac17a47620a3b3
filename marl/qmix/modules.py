"""Agents and mixer as modules of RLlib: what is saved, sent to runners, and restored."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import nn

from marl.qmix.networks import AgentNetwork, MonotonicMixer, SumMixer
from marl.qmix.values import explore, forbid


class TargetedModule(TorchRLModule, InferenceOnlyAPI):
    """A network and its target, a copy that follows from afar. Runners have the network alone."""

    network: nn.Module

    def _copy_target(self) -> None:
        if not self.inference_only:
            self.target_network = copy.deepcopy(self.network).requires_grad_(False)

    def get_non_inference_attributes(self) -> list[str]:
        """Returns what a runner can do without."""
        return ["target_network"]

    def follow(self, tau: float) -> None:
        """Moves the target a share tau of the way to the network; 1: all of it."""
        with torch.no_grad():
            pairs = zip(self.network.parameters(), self.target_network.parameters(), strict=True)
            for own, target in pairs:
                target.lerp_(own, tau) if tau < 1 else target.copy_(own)


class AgentModule(TargetedModule):
    """Action values of n agents that share a network.

    A runner shows it rows env by env, in each env the n agents in their order: that is how it knows who is who.

    `model_config`:
        hidden_sizes, is_recurrent, observation_scale: As `FactorizationSettings` has them.
        num_agents: n.
        agent_ids: Whether a one-hot vector of the agent's place among them stands behind its observation.
        epsilon: Schedule (env steps of this runner, chance).
    """

    def setup(self) -> None:
        """Builds the networks."""
        space: Any = self.observation_space
        model: Any = self.model_config
        if isinstance(space, gymnasium.spaces.Dict):
            space = space["observations"]
        self.num_agents = int(model["num_agents"])
        self.has_ids = bool(model["agent_ids"])
        self.scale = float(model["observation_scale"])
        self._times, self._chances = np.array(model["epsilon"], np.float64).T
        num_inputs = gymnasium.spaces.flatdim(space) + (self.num_agents if self.has_ids else 0)
        num_actions = int(self.action_space.n)  # type: ignore[union-attr]
        self.network = AgentNetwork(num_inputs, model["hidden_sizes"], num_actions, model["is_recurrent"])
        self._copy_target()

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Returns an empty memory [H], or nothing where there is none."""
        size = self.agent_network.memory_size
        return {"h": torch.zeros(size)} if size else {}

    @property
    def agent_network(self) -> AgentNetwork:
        """The online network."""
        network: Any = self.network
        return network

    def epsilon_at(self, step: int) -> float:
        """Returns the chance of a random action after so many env steps."""
        return float(np.interp(step, self._times, self._chances))

    def add_ids(self, features: torch.Tensor) -> torch.Tensor:
        """Returns features [..., n, D], scaled, with who is who behind them."""
        features = features * self.scale if self.scale != 1 else features
        if not self.has_ids:
            return features
        ids = torch.eye(self.num_agents, device=features.device).expand(*features.shape[:-1], self.num_agents)
        return torch.cat([features, ids], dim=-1)

    def unroll(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns values [B, T, n, K] of episodes from their beginnings, and the target's, without gradients.

        Args:
            observations: [B, T, n, D...].
        """
        batch, steps = observations.shape[:2]
        features = self.add_ids(observations.flatten(3).to(torch.float32))
        rows = features.transpose(1, 2).flatten(0, 1)
        online = self.network(rows)[0]
        with torch.no_grad():
            target = self.target_network(rows)[0]
        shape = batch, self.num_agents, steps, -1
        return online.view(shape).transpose(1, 2), target.view(shape).transpose(1, 2)

    def _act(self, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor | None, dict[str, Any]]:
        """Returns values and masks as the batch has them, [R, K] or [R, 1, K], and what else comes out."""
        observations, masks = batch[Columns.OBS], None
        if isinstance(observations, dict):
            observations, masks = observations["observations"], observations["action_mask"]
        rows = observations.reshape(-1, self.num_agents, observations.shape[-1])
        rows = self.add_ids(rows).flatten(0, 1).unsqueeze(1)
        state = batch.get(Columns.STATE_IN, {})
        values, after = self.network(rows, state.get("h"))
        values = values if observations.ndim == 3 else values.squeeze(1)
        return values, masks, {} if after is None else {Columns.STATE_OUT: {"h": after}}

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Returns values, the largest of which is what a greedy agent does."""
        values, masks, rest = self._act(batch)
        return {Columns.ACTION_DIST_INPUTS: forbid(values, masks), **rest}

    def _forward_exploration(self, batch: dict[str, Any], t: int = 0, **kwargs: Any) -> dict[str, Any]:
        """Returns logits from which the runner draws: its generator is seeded and saved."""
        values, masks, rest = self._act(batch)
        return {Columns.ACTION_DIST_INPUTS: explore(values, masks, self.epsilon_at(t)), **rest}


class MixerModule(TargetedModule):
    """The mixer and its target. It plays nobody.

    `model_config`:
        mixer: "qmix" or "vdn".
        num_agents, state_size, mixing_size, hypernet_size: As `MonotonicMixer` has them.
    """

    def setup(self) -> None:
        """Builds the networks."""
        model: Any = self.model_config
        sizes = (model[name] for name in ("num_agents", "state_size", "mixing_size", "hypernet_size"))
        self.network = MonotonicMixer(*sizes) if model["mixer"] == "qmix" else SumMixer()
        self._copy_target()

    def mix(self, local_q: torch.Tensor, states: torch.Tensor, *, by_target: bool = False) -> torch.Tensor:
        """Returns q_tot [B, T] for local_q [B, T, P] in states [B, T, S]."""
        mixer = self.target_network if by_target else self.network
        mixed: torch.Tensor = mixer(local_q.flatten(0, 1), states.flatten(0, 1))
        return mixed.view(local_q.shape[:2])

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {"q_tot": self.mix(batch["local_q"], batch["states"])}
