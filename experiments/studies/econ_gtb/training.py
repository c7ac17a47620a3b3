"""PPO for the workers of gather-trade-build, with checkpoints."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from rich.console import Console

from agents.random_player import RandomPlayer
from agents.saez_planner import SaezPlanner
from econ.taxation import SaezTax, us_federal
from experiments.cluster import ray_session
from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder
from experiments.scalars import Scalars
from experiments.studies.econ_gtb.settings import ENV_ID, GtbSettings
from marl.rllib import ActorCriticModule, configure_envs
from marl.rllib.export import export_policy
from marl.two_level import WORKERS, Level, Sampling, saez_state, share_samples, two_level_config, warm_up

MEASURES = ("productivity", "equality", "houses", "trades", "mean_labor", "mean_utility", "taxes")
SAEZ_FILE = "saez.json"


def make_saez(seed: int) -> SaezPlanner:
    """Makes the planner that estimates the elasticity from what it sees."""
    return SaezPlanner(SaezTax(us_federal().cutoffs))


class _Training:
    """An algorithm with what a checkpoint holds beside it."""

    def __init__(self, run: RunFolder, settings: GtbSettings) -> None:
        self.run, self.settings = run, settings
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
        config = two_level_config(ENV_ID, settings.world_settings(), workers=level, planner=planner, sampling=sampling)
        self.algorithm = config.build_algo()
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
            if self.settings.tax == "saez":
                (folder / SAEZ_FILE).write_text(json.dumps(saez_state(self.algorithm)) + "\n", encoding="utf-8")
            module = self.algorithm.get_module(WORKERS)
            assert isinstance(module, ActorCriticModule)
            export_policy(module, folder, ENV_ID, self.settings.world_settings())

        self.run.save_checkpoint(self.steps, write)

    def iterate(self) -> dict[str, float]:
        """Runs one RLlib iteration and returns its row of metrics."""
        start, settings = time.monotonic(), self.settings
        envs = settings.num_envs * max(1, settings.num_env_runners)
        weight = warm_up(self.steps / (envs * settings.horizon), settings.warm_up_episodes)
        configure_envs(self.algorithm, labor_weight=weight)
        result = self.algorithm.train()
        if settings.tax == "saez":
            share_samples(self.algorithm)
        self.seconds += time.monotonic() - start
        sampled, learnt = result["env_runners"], result["learners"][WORKERS]
        self.steps = int(sampled["num_env_steps_sampled_lifetime"])
        row = {"steps": self.steps, "seconds": round(self.seconds, 3), "labor_weight": round(weight, 6)}
        row |= {name: float(sampled.get(f"{name}_mean", math.nan)) for name in MEASURES}
        row |= {name: float(learnt[name]) for name in ("entropy", "policy_loss", "vf_loss", "vf_explained_var")}
        if not all(math.isfinite(row[name]) for name in ("entropy", "policy_loss", "vf_loss")):
            raise RunError(
                f"the loss became {row['policy_loss']} after {self.steps} steps; try a smaller learning_rate"
            )
        return row


def train(run: RunFolder, settings: GtbSettings, ray_address: str | None) -> bool:
    """Trains until `total_steps`, from the latest checkpoint if there is one; returns whether training is complete."""
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
    saved_at, shown = time.monotonic(), {}
    title = f"Gather-trade-build, {settings.tax}"
    with (
        StopRequest() as stop,
        Scalars(run) as scalars,
        TrainingProgress(title, settings.total_steps, training.steps, Console()) as progress,
    ):
        while training.steps < settings.total_steps and not stop.is_made:
            row = training.iterate()
            run.append_metrics(row)
            scalars.add(row)
            if not math.isnan(row["productivity"]):  # episodes do not end in every iteration
                shown = {name: f"{row[name]:.2f}" for name in ("productivity", "equality")}
            progress.update(training.steps, shown)
            if time.monotonic() - saved_at > settings.checkpoint_every_s:
                training.save()
                saved_at = time.monotonic()
        training.save()
