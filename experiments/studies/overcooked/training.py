"""PPO self-play on a kitchen, under RLlib on the batched runner, with checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

from ray.rllib.algorithms.ppo import PPOConfig

from experiments.checkpointed import CheckpointedTraining
from experiments.cluster import ray_session
from experiments.run_folder import RunFolder
from experiments.studies.overcooked.settings import OvercookedSettings
from marl.rllib import ActorCriticModule, configure_envs, use_batched_runner
from marl.rllib.export import export_policy

MODULE = "cook"


def choose_module(agent: Any, *args: Any, **kwargs: Any) -> str:
    """Self-play: one module for all cooks."""
    return MODULE


def make_config(settings: OvercookedSettings) -> PPOConfig:
    """Translates the study's settings into RLlib's."""
    entropy_schedule: Any = [[0, settings.entropy_coefficient], [settings.total_steps, 0.0]]
    config = (
        PPOConfig()
        .environment(settings.env_id, env_config=settings.training_settings())
        .env_runners(
            num_env_runners=settings.num_env_runners,
            num_envs_per_env_runner=settings.num_envs,
            rollout_fragment_length=settings.fragment_steps,
        )
        .multi_agent(policies={MODULE}, policy_mapping_fn=choose_module)
        .rl_module(
            model_config={
                "fcnet_hiddens": list(settings.hidden_sizes),
                "fcnet_activation": "relu",
                "vf_share_layers": True,
            }
        )
        .training(
            lr=settings.learning_rate,
            gamma=settings.discount,
            lambda_=settings.gae_lambda,
            clip_param=settings.clip,
            vf_loss_coeff=settings.value_loss_coefficient,
            vf_clip_param=math.inf,
            entropy_coeff=entropy_schedule,
            num_epochs=settings.num_epochs,
            minibatch_size=settings.minibatch_size,
            grad_clip=settings.gradient_clip,
            use_kl_loss=False,
        )
        .debugging(seed=settings.seed, log_level="ERROR")
    )
    return use_batched_runner(config)


def shaping_weight(settings: OvercookedSettings, steps: int) -> float:
    """Falls linearly from 1 to 0 over the first `shaping_fraction` of the training."""
    span = settings.shaping_fraction * settings.total_steps
    return max(0.0, 1.0 - steps / span) if span > 0 else 0.0


class _Training(CheckpointedTraining):
    """Cooks of a kitchen."""

    shown: ClassVar = {"deliveries_mean": ("soups/episode", ".1f"), "sparse_return_mean": ("return", ".0f")}

    def __init__(self, run: RunFolder, settings: OvercookedSettings) -> None:
        self.settings = settings
        super().__init__(run, make_config(settings).build_algo(), MODULE)

    def prepare(self) -> dict[str, float]:
        weight = shaping_weight(self.settings, self.steps)
        configure_envs(self.algorithm, shaped_reward_weight=weight)
        return {"shaped_reward_weight": weight}

    def measure(self, sampled: dict[str, Any]) -> dict[str, float]:
        row = {}
        for name in ("sparse_return", "shaped_return", "deliveries"):
            for measure in ("mean", "std"):
                row[f"{name}_{measure}"] = float(sampled.get(f"{name}_{measure}", math.nan))
        return row | {"episodes": float(sampled.get("num_episodes", 0))}

    def export(self, folder: Path) -> None:
        module = self.algorithm.get_module(MODULE)
        assert isinstance(module, ActorCriticModule)
        export_policy(module, folder, self.settings.env_id, self.settings.world_settings())


def train(run: RunFolder, settings: OvercookedSettings, ray_address: str | None) -> bool:
    """Trains until `total_steps`, from the latest checkpoint if there is one.

    Ctrl-C ends it after a checkpoint; kill -9 loses what came after the last one.

    Args:
        run: Its folder.
        settings: Of the study.
        ray_address: Of a Ray cluster; None or "local": Ray starts on this machine.

    Returns:
        Whether training is complete.
    """
    checkpoint = run.latest_checkpoint()
    if checkpoint is not None and int(checkpoint.name) >= settings.total_steps:
        return True
    with ray_session(ray_address, settings.num_env_runners):
        training = _Training(run, settings)
        title = f"Overcooked, {settings.kitchen_name}"
        is_complete = training.train_until(settings.total_steps, title, settings.checkpoint_every_s)
        training.algorithm.stop()
    return is_complete
