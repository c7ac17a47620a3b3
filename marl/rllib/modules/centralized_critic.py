"""CentralizedCriticModule: decentralised policies whose values see what all agents see, as MAPPO has them."""

from __future__ import annotations

from typing import Any

import torch

from marl.rllib.learner.global_state import AGENT_INDEX, GLOBAL_STATE, GlobalStateAPI
from marl.rllib.modules.actor_critic import ActorCriticModule, make_layer, make_torso


class CentralizedCriticModule(ActorCriticModule, GlobalStateAPI):
    """An `ActorCriticModule` with V(global state, agent).

    Yu et al. 2022, "The surprising effectiveness of PPO in cooperative multi-agent games", section 3: one value network
    for all agents, fed with their observations side by side.

    `model_config` as ActorCriticModule's, without `vf_share_layers`, and, set by `use_batched_runner`:
        global_state_size: S, numbers in the global state.
        num_agents: N, agents of the world; the value network gets a one-hot of the agent beside the state.
    """

    def setup(self) -> None:
        """Builds the networks."""
        settings: Any = self.model_config
        if settings.get("vf_share_layers", False):
            raise ValueError("a centralised critic shares no layers with a policy, which sees less: vf_share_layers")
        missing = [name for name in ("global_state_size", "num_agents") if name not in settings]
        if missing:
            raise ValueError(f"model_config lacks {missing}; marl.rllib.use_batched_runner adds them")
        super().setup()
        self._num_agents = int(settings["num_agents"])
        sizes = [int(settings["global_state_size"]) + self._num_agents, *settings.get("fcnet_hiddens", [64, 64])]
        self.value_torso = make_torso(sizes, settings.get("fcnet_activation", "relu"))
        self.value_head = make_layer(sizes[-1], 1, gain=1.0)

    def compute_values(self, batch: dict[str, Any], embeddings: torch.Tensor | None = None) -> torch.Tensor:
        """Returns values [B] for global states [B, S] and agent indices [B]."""
        state = batch[GLOBAL_STATE] * self._scale
        agent = torch.nn.functional.one_hot(batch[AGENT_INDEX], self._num_agents).to(state.dtype)
        return self.value_head(self.value_torso(torch.cat([state, agent], dim=-1))).squeeze(-1)
