"""Many seeds trained side by side, with checkpoints, and their policies as files."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder
from experiments.studies.qarl.settings import QarlSettings
from marl.qarl import checkpoint
from marl.qarl.export import export_actor
from marl.qarl.methods import METHODS
from marl.qarl.process import settle_process
from marl.qarl.replay_learner import SeedDivergedError
from marl.qarl.trainer import IterationResult, ManySeedsTrainer

TOLD = {"nothing": None, "temperature": 0.0, "force": 1.0, "constant": 0.0}  # where policies are judged, by context


def make_trainer(settings: QarlSettings) -> ManySeedsTrainer:
    """Returns the training before its first iteration."""
    return ManySeedsTrainer(settings.world, settings.world_settings, settings.trainer_settings(), settings.seed_numbers)


def open_trainer(run: RunFolder, settings: QarlSettings) -> ManySeedsTrainer:
    """Returns the training as the newest checkpoint has it.

    Raises:
        RunError: The checkpoint is damaged.
    """
    trainer, place = make_trainer(settings), run.latest_checkpoint()
    if place is not None:
        try:
            checkpoint.load(trainer, place)
        except checkpoint.CheckpointError as error:
            raise RunError(str(error)) from None
    return trainer


def policy_path(run: RunFolder, role: str, seed: int) -> Path:
    """Returns the folder of a policy."""
    return run.path / "policies" / f"seed-{seed}" / role


def train(run: RunFolder, settings: QarlSettings, ray_address: str | None) -> bool:
    """Trains, or goes on; returns whether training is complete.

    Raises:
        RunError: The checkpoint is damaged, or a seed has diverged.
    """
    settle_process()
    trainer = open_trainer(run, settings)
    steps = trainer.iteration * settings.iteration_steps
    run.drop_metrics_after(steps)
    last = time.monotonic()
    title = f"{settings.method}, {settings.world}"
    with StopRequest() as stop, TrainingProgress(title, settings.total_steps, steps, Console()) as progress:
        while trainer.iteration < settings.iterations and not stop.is_made:
            try:
                result = trainer.iterate()
            except SeedDivergedError as error:
                raise RunError(f"{run.path}, iteration {trainer.iteration}: {error}") from None
            steps += settings.iteration_steps
            run.append_metrics(_row(steps, settings, trainer, result))
            progress.update(steps, {"return": f"{result.returns.mean():.1f}"})
            if time.monotonic() - last > settings.checkpoint_s:
                run.save_checkpoint(steps, partial(checkpoint.save, trainer))
                last = time.monotonic()
    is_complete = trainer.iteration == settings.iterations
    if is_complete:
        _export(run, settings, trainer)
    run.save_checkpoint(steps, partial(checkpoint.save, trainer, with_replays=not is_complete))
    return is_complete


def _row(steps: int, settings: QarlSettings, trainer: ManySeedsTrainer, result: IterationResult) -> dict[str, float]:
    own = trainer.students["protagonist"].learners.log_temperature.detach().exp().mean()
    row = {"steps": steps, "iteration": trainer.iteration, "return": result.returns.mean()}
    row |= {"discounted": result.discounted.mean(), "context": result.contexts.mean(), "share": result.shares.mean()}
    row |= {"adversary_temperature": result.temperatures.mean(), "protagonist_temperature": float(own)}
    columns = {"return": result.returns, "discounted": result.discounted, "temperature": result.temperatures}
    if METHODS[settings.method].follows_schedule:
        columns["scheduled"] = trainer.temperatures.means(trainer.iteration)
    for name, values in columns.items():
        row |= {f"{name}_{seed}": value for seed, value in zip(settings.seed_numbers, values, strict=True)}
    return {name: float(np.round(value, 6)) for name, value in row.items()}


def _export(run: RunFolder, settings: QarlSettings, trainer: ManySeedsTrainer) -> None:
    for role, student in trainer.students.items():
        for index, seed in enumerate(settings.seed_numbers):
            folder = policy_path(run, role, seed)
            folder.mkdir(parents=True, exist_ok=True)
            told = TOLD[METHODS[settings.method].context]
            export_actor(student.learners, index, folder, settings.world, settings.world_settings, context=told)
