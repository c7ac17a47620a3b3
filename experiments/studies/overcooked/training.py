"""PPO self-play on a kitchen, under RLlib on the batched runner, with checkpoints."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from rich.console import Console

from experiments.cluster import ray_session
from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder
from experiments.scalars import Scalars
from experiments.studies.overcooked.settings import OvercookedSettings
from marl.rllib import ActorCriticModule, configure_envs, use_batched_runner
from marl.rllib.export import export_policy

MODULE = "cook"

# Iterations in a row without a single fragment: the runners died, and RLlib starts them again.
PATIENCE_ITERATIONS = 20


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


class _Training:
    """An algorithm with what a checkpoint holds beside it."""

    def __init__(self, run: RunFolder, settings: OvercookedSettings) -> None:
        self.run, self.settings = run, settings
        self.algorithm = make_config(settings).build_algo()
        self.steps, self.seconds = 0, 0.0
        checkpoint = run.latest_checkpoint()
        if checkpoint is not None:
            self._restore(checkpoint)
        run.drop_metrics_after(self.steps)

    def _restore(self, checkpoint: Path) -> None:
        try:
            progress = json.loads((checkpoint / "progress.json").read_text(encoding="utf-8"))
            self.steps, self.seconds = int(progress["steps"]), float(progress["seconds"])
            self.algorithm.restore_from_path(str((checkpoint / "rllib").absolute()))
        except Exception as error:  # RLlib's files of another version fail in any way that pickles can
            raise RunError(f"checkpoint {checkpoint} cannot be restored: {type(error).__name__}: {error}") from None

    def save(self) -> None:
        """Writes a checkpoint of this moment."""

        def write(folder: Path) -> None:
            self.algorithm.save_to_path(str((folder / "rllib").absolute()))
            progress = {"steps": self.steps, "seconds": self.seconds}
            (folder / "progress.json").write_text(json.dumps(progress) + "\n", encoding="utf-8")
            module = self.algorithm.get_module(MODULE)
            assert isinstance(module, ActorCriticModule)
            export_policy(module, folder, self.settings.env_id, self.settings.world_settings())

        self.run.save_checkpoint(self.steps, write)

    def _train(self) -> dict[str, Any]:
        for _ in range(PATIENCE_ITERATIONS):
            result = self.algorithm.train()
            if "env_runners" in result:
                return result
        raise RunError("no env runner answers any more; where memory is short, fewer envs or runners may help")

    def iterate(self) -> dict[str, float]:
        """Runs one RLlib iteration and returns its row of metrics."""
        start = time.monotonic()
        weight = shaping_weight(self.settings, self.steps)
        configure_envs(self.algorithm, shaped_reward_weight=weight)
        result = self._train()
        self.seconds += time.monotonic() - start
        sampled, learnt = result["env_runners"], result["learners"][MODULE]
        self.steps = int(sampled["num_env_steps_sampled_lifetime"])
        row = {"steps": self.steps, "seconds": round(self.seconds, 3), "shaped_reward_weight": weight}
        for name in ("sparse_return", "shaped_return", "deliveries"):
            for measure in ("mean", "std"):
                row[f"{name}_{measure}"] = float(sampled.get(f"{name}_{measure}", math.nan))
        row["episodes"] = float(sampled.get("num_episodes", 0))
        for name in ("entropy", "policy_loss", "vf_loss", "vf_explained_var"):
            row[name] = float(learnt[name])
        if not all(math.isfinite(row[name]) for name in ("entropy", "policy_loss", "vf_loss")):
            raise RunError(
                f"the loss became {row['policy_loss']} after {self.steps} steps; try a smaller learning_rate"
            )
        return row


def _show(progress: TrainingProgress, row: dict[str, float]) -> None:
    numbers = {}
    if not math.isnan(row["deliveries_mean"]):
        numbers = {"soups/episode": f"{row['deliveries_mean']:.1f}", "return": f"{row['sparse_return_mean']:.0f}"}
    progress.update(int(row["steps"]), numbers)


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
        _iterate_to_the_end(training)
        training.algorithm.stop()
    return training.steps >= settings.total_steps


def _iterate_to_the_end(training: _Training) -> None:
    run, settings = training.run, training.settings
    last = {"deliveries_mean": math.nan, "sparse_return_mean": math.nan}
    saved_at = time.monotonic()
    title = f"Overcooked, {settings.kitchen_name}"
    with (
        StopRequest() as stop,
        Scalars(run) as scalars,
        TrainingProgress(title, settings.total_steps, training.steps, Console()) as progress,
    ):
        while training.steps < settings.total_steps and not stop.is_made:
            row = training.iterate()
            run.append_metrics(row)
            scalars.add(row)
            if not math.isnan(row["deliveries_mean"]):  # episodes do not end in every iteration
                last = {name: row[name] for name in last}
            _show(progress, row | last)
            if time.monotonic() - saved_at > settings.checkpoint_every_s:
                training.save()
                saved_at = time.monotonic()
        training.save()
