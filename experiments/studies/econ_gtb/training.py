"""PPO for the workers of gather-trade-build, with checkpoints."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar

from ray.rllib.algorithms.ppo import PPOConfig

from agents.random_player import RandomPlayer
from agents.saez_planner import SaezPlanner
from econ.taxation import SaezTax, us_federal
from experiments.checkpointed import CheckpointedTraining
from experiments.cluster import ray_session
from experiments.run_folder import RunFolder
from experiments.studies.econ_gtb.settings import ENV_ID, GtbSettings
from marl.rllib import ActorCriticModule, configure_envs
from marl.rllib.export import export_policy
from marl.two_level import WORKERS, Level, Sampling, saez_state, share_samples, two_level_config, warm_up

MEASURES = ("productivity", "equality", "houses", "trades", "mean_labor", "mean_utility", "taxes")
SAEZ_FILE = "saez.json"


def make_saez(seed: int) -> SaezPlanner:
    """Makes the planner that estimates the elasticity from what it sees."""
    return SaezPlanner(SaezTax(us_federal().cutoffs))


def make_config(settings: GtbSettings) -> PPOConfig:
    """Translates the study's settings into RLlib's."""
    level = Level(
        learning_rate=settings.learning_rate,
        entropy_coefficient=settings.entropy_coefficient,
        discount=settings.discount,
        gae_lambda=settings.gae_lambda,
        hidden_sizes=tuple(settings.hidden_sizes),
    )
    sampling = Sampling(
        num_envs=settings.num_envs,
        fragment_steps=settings.fragment_steps,
        num_env_runners=settings.num_env_runners,
        num_epochs=settings.num_epochs,
        minibatch_size=settings.minibatch_size,
        clip=settings.clip,
        gradient_clip=settings.gradient_clip,
        seed=settings.seed,
    )
    # The planner of a schedule has nothing to decide: whoever plays it picks its only action.
    planner = make_saez if settings.tax == "saez" else RandomPlayer
    return two_level_config(ENV_ID, settings.world_settings(), workers=level, planner=planner, sampling=sampling)


class _Training(CheckpointedTraining):
    """Workers of one economy."""

    shown: ClassVar = {"productivity": ("productivity", ".2f"), "equality": ("equality", ".2f")}

    def __init__(self, run: RunFolder, settings: GtbSettings) -> None:
        self.settings = settings
        super().__init__(run, make_config(settings).build_algo(), WORKERS)

    def prepare(self) -> dict[str, float]:
        settings = self.settings
        envs = settings.num_envs * max(1, settings.num_env_runners)
        weight = warm_up(self.steps / (envs * settings.horizon), settings.warm_up_episodes)
        configure_envs(self.algorithm, labor_weight=weight)
        return {"labor_weight": round(weight, 6)}

    def train_once(self) -> dict[str, Any]:
        result = super().train_once()
        if self.settings.tax == "saez":
            share_samples(self.algorithm)
        return result

    def measure(self, sampled: dict[str, Any]) -> dict[str, float]:
        return {name: float(sampled.get(f"{name}_mean", math.nan)) for name in MEASURES}

    def export(self, folder: Path) -> None:
        if self.settings.tax == "saez":
            (folder / SAEZ_FILE).write_text(json.dumps(saez_state(self.algorithm)) + "\n", encoding="utf-8")
        module = self.algorithm.get_module(WORKERS)
        assert isinstance(module, ActorCriticModule)
        export_policy(module, folder, ENV_ID, self.settings.world_settings())


def train(run: RunFolder, settings: GtbSettings, ray_address: str | None) -> bool:
    """Trains until `total_steps`, from the latest checkpoint if there is one; returns whether training is complete."""
    checkpoint = run.latest_checkpoint()
    if checkpoint is not None and int(checkpoint.name) >= settings.total_steps:
        return True
    with ray_session(ray_address, settings.num_env_runners):
        training = _Training(run, settings)
        title = f"Gather-trade-build, {settings.tax}"
        is_complete = training.train_until(settings.total_steps, title, settings.checkpoint_every_s)
        training.algorithm.stop()
    return is_complete
