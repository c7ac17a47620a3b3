"""One of the many seeds' learners as a module of RLlib."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchSquashedGaussian
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from ray.rllib.core.rl_module.torch import TorchRLModule

from marl.qarl.soft_actor_critic import SacSettings
from marl.qarl.trainer import TrainerSettings, make_learners


class SoftActorCriticModule(TorchRLModule, InferenceOnlyAPI):
    """Actor, twin critics with targets, and temperature of one agent: a `SoftActorCritics` of one seed.

    `model_config`:
        settings: Fields of `TrainerSettings`.
        sac: Fields of `SacSettings`.
        role: Of the agent.
        seed: Of the run.

    Attributes:
        learner: It acts and learns on [1, n, ...]; what runners have of this module acts alone.
    """

    def setup(self) -> None:
        """Makes the networks, and shows RLlib what a checkpoint has to hold."""
        model: Any = self.model_config
        observation, action = self.observation_space.shape[0], self.action_space.shape[0]  # type: ignore[union-attr,index]
        settings = TrainerSettings(**model["settings"], sac=SacSettings(**model["sac"]))
        self.learner = make_learners(settings, model["role"], (observation, action), [model["seed"]])
        for name, network in self.learner.networks().items():
            setattr(self, name, network)
        self.register_buffer("log_temperature", self.learner.log_temperature)
        self.action_dist_cls = TorchSquashedGaussian

    def get_non_inference_attributes(self) -> list[str]:
        """Returns what runners do without."""
        judged = self.learner.judged_actor()
        return [*(name for name, own in self.learner.networks().items() if own is not judged), "log_temperature"]

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Returns means and log deviations [n, 2 A] of the actions before they are squashed, for [n, D]."""
        inputs: torch.Tensor = self.learner.judged_actor()(batch[Columns.OBS][None])[0]
        return {Columns.ACTION_DIST_INPUTS: inputs}
