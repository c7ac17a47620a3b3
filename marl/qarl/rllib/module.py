"""One of the many seeds' learners as a module of RLlib."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchSquashedGaussian
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from ray.rllib.core.rl_module.torch import TorchRLModule

from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics


class SoftActorCriticModule(TorchRLModule, InferenceOnlyAPI):
    """Actor, twin critics with targets, and temperature of one agent: a `SoftActorCritics` of one seed.

    `model_config`:
        sac: Fields of `SacSettings`.
        seed: Of the first weights and of the learner's noise.

    Attributes:
        learner: It acts and learns on [1, n, ...]; what runners have of this module acts alone.
    """

    def setup(self) -> None:
        """Makes the networks, and shows RLlib what a checkpoint has to hold."""
        model: Any = self.model_config
        observation, action = self.observation_space.shape[0], self.action_space.shape[0]  # type: ignore[union-attr,index]
        self.learner = SoftActorCritics(observation, action, SacSettings(**model["sac"]), [model["seed"]])
        self.actor, self.critics, self.targets = self.learner.actor, self.learner.critics, self.learner.targets
        self.register_buffer("log_temperature", self.learner.log_temperature)
        self.action_dist_cls = TorchSquashedGaussian

    def get_non_inference_attributes(self) -> list[str]:
        """Returns what runners do without."""
        return ["critics", "targets", "log_temperature"]

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Returns means and log deviations [n, 2 A] of the actions before they are squashed, for [n, D]."""
        inputs: torch.Tensor = self.actor(batch[Columns.OBS][None])[0]
        return {Columns.ACTION_DIST_INPUTS: inputs}
