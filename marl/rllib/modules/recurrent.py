"""RecurrentActorCriticModule: policy and value on one GRU, with action masks."""

from __future__ import annotations

from typing import Any

import gymnasium
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchMultiCategorical
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import nn

from marl.rllib.modules.actor_critic import forbid, make_layer, make_torso, num_inputs


class RecurrentActorCriticModule(TorchRLModule, ValueFunctionAPI, InferenceOnlyAPI):
    """Hidden layers, a gated recurrent unit (Cho et al. 2014), and a head each for policy and value.

    It sees [B, L, D], or a Dict{"observations", "action_mask"} of that, and its state [B, H] before the first step.

    `model_config`:
        fcnet_hiddens: Widths of the hidden layers before the unit; [64].
        fcnet_activation: "relu" (default), "tanh" or "silu".
        gru_size: H; 64.
        max_seq_len: L, steps that the learner unrolls; 20.
    """

    def setup(self) -> None:
        """Builds the networks."""
        space: Any = self.observation_space
        settings: Any = self.model_config
        if isinstance(space, gymnasium.spaces.Dict):
            space = space["observations"]
        sizes = [gymnasium.spaces.flatdim(space), *settings.get("fcnet_hiddens", [64])]
        self._size = int(settings.get("gru_size", 64))
        self.torso = make_torso(sizes, settings.get("fcnet_activation", "relu"))
        self.gru = nn.GRU(sizes[-1], self._size, batch_first=True)
        self.policy_head = make_layer(self._size, num_inputs(self.action_space), gain=0.01)
        self.value_head = make_layer(self._size, 1, gain=1.0)
        if isinstance(self.action_space, gymnasium.spaces.MultiDiscrete):
            self.action_dist_cls = TorchMultiCategorical.get_partial_dist_cls(  # type: ignore[misc]
                space=self.action_space, input_lens=[int(n) for n in self.action_space.nvec]
            )

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Returns an empty memory, [H]."""
        return {"h": torch.zeros(self._size)}

    def get_non_inference_attributes(self) -> list[str]:
        """Returns what a runner can do without."""
        return ["value_head"]

    def _embed(self, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
        observations, mask = batch[Columns.OBS], batch.get("action_mask")
        if isinstance(observations, dict):
            observations, mask = observations["observations"], observations["action_mask"]
        before = batch[Columns.STATE_IN]["h"].unsqueeze(0).contiguous()
        embeddings, after = self.gru(self.torso(observations), before)
        return embeddings, mask, after.squeeze(0)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        embeddings, mask, after = self._embed(batch)
        logits = forbid(self.policy_head(embeddings), mask)
        return {
            Columns.ACTION_DIST_INPUTS: logits,
            Columns.STATE_OUT: {"h": after},
            Columns.EMBEDDINGS: embeddings,
        }

    def compute_values(self, batch: dict[str, Any], embeddings: torch.Tensor | None = None) -> torch.Tensor:
        """Returns values [B, L]."""
        if embeddings is None:
            embeddings = self._embed(batch)[0]
        return self.value_head(embeddings).squeeze(-1)
