"""TeamModule: a policy for each agent of a team and a critic that sees them all, for the whole team in one pass.

B rows, each a step of one env; N agents of one group; D numbers in an observation; S in the global state; L
distribution inputs; V values, one of the team or one of each agent.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule

from marl.mappo.layers import AgentNetwork
from marl.mappo.value_scale import ValueScale
from marl.rllib.learner.decision_rows import ACTION_MASK
from marl.rllib.learner.global_state import GLOBAL_STATE
from marl.rllib.modules.actor_critic import forbid, num_inputs
from marl.rllib.runner.actions import action_kind
from marl.rllib.runner.team import ACTION_NOISE, ALIVE, TeamAPI


class TeamModule(TorchRLModule, ValueFunctionAPI, InferenceOnlyAPI, TeamAPI):
    """Decentralised policies with a critic for training (Yu et al. 2022).

    `model_config`, all set by `MAPPOConfig`:
        num_agents: N.
        state_size: S, numbers in the observations of all agents of the world.
        network: Keywords of `AgentNetwork` for the policy: sharing, has_ids, activation, head_gain, ...
        critic_network: Those that the critic has otherwise.
        hidden_sizes: Of policy and critic.
        observation_scale: Multiplies observations.
        critic: "central", which sees the global state, or "own", which sees an agent's observation.
        has_team_value: Whether a central critic says one value for the team; otherwise one for each agent.

    Attributes:
        kind: How actions are drawn.
        policy: The policies' network.
        critic: The values' network.
        value_scale: The scale of values; at 0 and 1 where values are not normalised.
    """

    def setup(self) -> None:
        """Builds the networks."""
        settings: Any = self.model_config
        space: Any = self.observation_space
        if isinstance(space, gymnasium.spaces.Dict):
            space = space["observations"]
        self.num_agents = int(settings["num_agents"])
        self.observation_size = gymnasium.spaces.flatdim(space)
        self.kind = action_kind(self.action_space)  # type: ignore[arg-type]
        self._scale = float(settings["observation_scale"])
        hidden, outputs = list(settings["hidden_sizes"]), num_inputs(self.action_space)
        network = dict(settings["network"])
        self.policy = AgentNetwork([self.observation_size, *hidden, outputs], self.num_agents, **network)
        self.is_central = settings["critic"] == "central"
        self.has_team_value = bool(settings["has_team_value"])
        seen = int(settings["state_size"]) if self.is_central else self.observation_size
        judged = 1 if self.has_team_value else self.num_agents
        self.critic = AgentNetwork(
            [seen, *hidden, 1], judged, **{**network, **settings["critic_network"], "has_ids": judged > 1}
        )
        self.value_scale = ValueScale()

    def train(self, mode: bool = True) -> TeamModule:
        """Switches between training and evaluation, where that is a change, which RLlib asks for at every pass."""
        return self if self.training == mode else super().train(mode)

    def get_non_inference_attributes(self) -> list[str]:
        """Returns what a runner can do without."""
        return ["critic", "value_scale"]

    # ---- playing ----

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, torch.Tensor]:
        return self._play(batch)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, torch.Tensor]:
        return self._play(batch)

    def _play(self, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Returns actions, distribution inputs and log-probabilities, rows [E·N, ...] (`TeamAPI`)."""
        if ALIVE not in batch:
            raise ValueError("a team's module chooses for a whole team at once, which the batched runner alone knows")
        observations, mask = self._split(batch[Columns.OBS])
        observations, mask = (self._by_team(rows) for rows in (observations, mask))
        noise = self._by_team(batch[ACTION_NOISE])
        inputs, actions = self.choose(observations, mask, batch[ALIVE], noise, batch)
        inputs, actions = inputs.flatten(0, 1), actions.flatten(0, 1)
        logp = self.kind.log_prob(inputs, actions) * batch[ALIVE].flatten()
        return {Columns.ACTIONS: actions, Columns.ACTION_DIST_INPUTS: inputs, Columns.ACTION_LOGP: logp}

    def _by_team(self, rows: Any) -> Any:
        return None if rows is None else rows.reshape(-1, self.num_agents, *rows.shape[1:])

    def _split(self, seen: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        return (seen["observations"], seen["action_mask"]) if isinstance(seen, dict) else (seen, None)

    def choose(
        self,
        observations: torch.Tensor,
        mask: torch.Tensor | None,
        alive: torch.Tensor,
        noise: np.ndarray | None,
        further: dict[str, Any],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns distribution inputs [B, N, L] and actions [B, N, ...]; agents that are out have zeros of both.

        Args:
            observations: [B, N, D].
            mask: [B, N, K], or None.
            alive: [B, N] bool.
            noise: [B, N, num_noise] of the actions; None: the likeliest are taken.
            further: By name, what `draw_noise` drew, [B, ...] each.
        """
        inputs = forbid(self.policy(observations * self._scale), mask) * alive[..., None]
        return inputs, self.draw(inputs, noise) * _like(alive, self.kind.shape)

    def draw(self, inputs: torch.Tensor, noise: np.ndarray | None) -> torch.Tensor:
        """Returns actions [..., A] for distribution inputs [..., L] and noise [..., num_noise]."""
        rows = inputs.detach().reshape(-1, inputs.shape[-1]).cpu().numpy()
        drawn = self.kind.sample(rows, None if noise is None else noise.reshape(-1, noise.shape[-1]))
        actions = torch.from_numpy(drawn.astype(self.kind.dtype)).reshape(*inputs.shape[:-1], *self.kind.shape)
        return actions.to(inputs.device)

    # ---- learning ----

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, torch.Tensor]:
        """Returns the distribution inputs [B, N, L] with which the actions [B, N, ...] of a batch were chosen."""
        logits = self.policy(batch[Columns.OBS] * self._scale)
        return {Columns.ACTION_DIST_INPUTS: forbid(logits, batch.get(ACTION_MASK))}

    def raw_values(self, batch: dict[str, Any]) -> torch.Tensor:
        """Returns values [B, V] in units of their scale, of observations [B, N, D] and who is in [B, N].

        In worlds with several groups a central critic needs the states [B, S] beside them.
        """
        observations = batch[Columns.OBS]
        if not self.is_central:
            return self.critic(observations * self._scale).squeeze(-1)
        state = batch.get(GLOBAL_STATE)
        if state is None:  # who is out is not seen
            state = (observations * batch[ALIVE][..., None]).flatten(1)
        states = (state * self._scale)[:, None]
        if not self.has_team_value:
            states = states.expand(-1, self.num_agents, -1)
        return self.critic(states).squeeze(-1)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """Returns values [B, V]."""
        mean, deviation = self.value_scale.numbers()
        return self.raw_values(batch) * deviation + mean


def _like(alive: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Returns [B, N, 1, ...], with a dimension for each of an action's."""
    return alive.reshape(*alive.shape, *[1] * len(shape))
