"""ActorCriticModule: a policy and a value network for flat observations, light enough for one CPU thread."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import gymnasium
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchMultiCategorical
from ray.rllib.core.learner.utils import make_target_network
from ray.rllib.core.rl_module.apis import (
    TARGET_NETWORK_ACTION_DIST_INPUTS,
    InferenceOnlyAPI,
    TargetNetworkAPI,
    ValueFunctionAPI,
)
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import nn

from marl.rllib.modules.products import RoundedLinear, set_precision
from marl.rllib.runner.observations import as_features

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}

# Logit of an action that a mask forbids: its probability is exactly 0 in float32, and sums stay finite.
FORBIDDEN_LOGIT = -1e9


class ActorCriticModule(TorchRLModule, ValueFunctionAPI, TargetNetworkAPI, InferenceOnlyAPI):
    """Multi-layer perceptrons for policy and value, apart or with a shared torso.

    Learners that ask for it (APPO's) also get a target policy, which follows the policy from afar.

    Observations may have any shape and dtype; with a Dict{"observations", "action_mask"} space forbidden actions get
    probability 0.

    `model_config` (RLlib's names, so that `config.rl_module(model_config=...)` serves both):
        fcnet_hiddens: Widths of the hidden layers; [64, 64].
        fcnet_activation: "relu" (default, a quarter faster than tanh here), "tanh" or "silu".
        vf_share_layers: Whether policy and value share the hidden layers; PPO's default is False.
        observation_scale: Multiplies the observations; 1.0. Choose 1/255 for bytes that use their whole range.
        value_scale: Multiplies the values; 1.0. The size that discounted returns have, so that weights of a usual size
            can put them out.
        matmul_precision: "highest" (default), "high" or "medium", of float32 products of these layers
            (`torch.set_float32_matmul_precision` has their meaning; that of the process stays). "medium" rounds their
            factors to bfloat16, on processors that multiply those faster.
    """

    def setup(self) -> None:
        """Builds the networks; orthogonal weights, a nearly uniform first policy (Andrychowicz et al. 2021)."""
        space: Any = self.observation_space
        settings: Any = self.model_config
        if isinstance(space, gymnasium.spaces.Dict):
            space = space["observations"]
        sizes = [gymnasium.spaces.flatdim(space), *settings.get("fcnet_hiddens", [64, 64])]
        activation = settings.get("fcnet_activation", "relu")
        self._scale = float(settings.get("observation_scale", 1.0))
        self._value_scale = float(settings.get("value_scale", 1.0))
        self._is_shared = bool(settings.get("vf_share_layers", False))
        self.policy_torso = make_torso(sizes, activation)
        self.policy_head = make_layer(sizes[-1], num_inputs(self.action_space), gain=0.01)
        if not self._is_shared:
            self.value_torso = make_torso(sizes, activation)
        self.value_head = make_layer(sizes[-1], 1, gain=1.0)
        set_precision(self, settings.get("matmul_precision", "highest"))
        if isinstance(self.action_space, gymnasium.spaces.MultiDiscrete):
            self.action_dist_cls = TorchMultiCategorical.get_partial_dist_cls(  # type: ignore[misc]
                space=self.action_space, input_lens=[int(n) for n in self.action_space.nvec]
            )

    def train(self, mode: bool = True) -> ActorCriticModule:
        """Switches between training and evaluation, where that is a change.

        RLlib switches before every forward pass, which for a network this small takes a quarter of its time.
        """
        return self if self.training == mode else super().train(mode)

    def get_non_inference_attributes(self) -> list[str]:
        """Returns what a runner can do without."""
        values = ["value_head"] if self._is_shared else ["value_head", "value_torso"]
        return [*values, "target_policy_torso", "target_policy_head"]

    def make_target_networks(self) -> None:
        """Makes the target policy, a copy of the policy."""
        self.target_policy_torso = make_target_network(self.policy_torso)
        self.target_policy_head = make_target_network(self.policy_head)

    def get_target_network_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Returns the parts of the policy, each with its counterpart of the target policy."""
        return [(self.policy_torso, self.target_policy_torso), (self.policy_head, self.target_policy_head)]

    def forward_target(self, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Returns the target policy's distribution inputs [B, L]."""
        features, mask = self._features(batch)
        logits = self.target_policy_head(self.target_policy_torso(features))
        return {TARGET_NETWORK_ACTION_DIST_INPUTS: forbid(logits, mask)}

    def _features(self, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor | None]:
        # A runner sends the pair as the env gave it; the learner's rows keep the mask in a column of its own, which is
        # where RLlib's own masking module looks for it.
        observations, mask = batch[Columns.OBS], batch.get("action_mask")
        if isinstance(observations, dict):
            observations, mask = observations["observations"], observations["action_mask"]
        features = as_features(observations)
        return (features if self._scale == 1.0 else features * self._scale), mask

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, torch.Tensor]:
        features, mask = self._features(batch)
        embeddings = self.policy_torso(features)
        output = {Columns.ACTION_DIST_INPUTS: forbid(self.policy_head(embeddings), mask)}
        if self._is_shared:
            output[Columns.EMBEDDINGS] = embeddings
        return output

    def compute_values(self, batch: dict[str, Any], embeddings: torch.Tensor | None = None) -> torch.Tensor:
        """Returns values [B]."""
        if embeddings is None:
            torso = self.policy_torso if self._is_shared else self.value_torso
            embeddings = torso(self._features(batch)[0])
        values = self.value_head(embeddings).squeeze(-1)
        return values if self._value_scale == 1.0 else values * self._value_scale


def forbid(logits: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Returns logits [..., K] in which actions without a 1 in the mask have no chance."""
    return logits if mask is None else logits.masked_fill(mask == 0, FORBIDDEN_LOGIT)


def make_layer(inputs: int, outputs: int, gain: float) -> nn.Linear:
    """Returns a layer with orthogonal weights of a gain, and no bias at first."""
    layer = RoundedLinear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def make_torso(sizes: list[int], activation: str) -> nn.Sequential:
    """Returns hidden layers.

    Args:
        sizes: Of the input and of every layer.
        activation: After every layer.

    Raises:
        ValueError: No such activation.
    """
    if activation not in _ACTIVATIONS:
        raise ValueError(f"fcnet_activation must be one of {sorted(_ACTIVATIONS)}, got {activation!r}")
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [make_layer(inputs, outputs, gain=2**0.5), _ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)


def num_inputs(space: Any) -> int:
    """Returns how many distribution inputs an action space needs."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        return int(space.nvec.sum())
    return 2 * gymnasium.spaces.flatdim(space)
