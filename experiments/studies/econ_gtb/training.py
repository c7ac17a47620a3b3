"""PPO for workers and planner of gather-trade-build, with checkpoints.

A checkpoint holds, beside RLlib's own files, `policy.*` of the workers, `weights.safetensors` (theirs, value network
included), `planner/policy.*` of a planner that learns and `saez.json` of Saez's formula. A run that begins with another
one's workers copies these files into its own folder `start/` first.
"""

from __future__ import annotations

import json
import math
import shutil
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from safetensors.numpy import load_file, save_file

from agents.random_player import RandomPlayer
from agents.trained import TrainedPlayer
from experiments.checkpointed import CheckpointedTraining
from experiments.cluster import ray_session
from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_gtb.evaluation import PLANNER_FOLDER, SAEZ_FILE, make_saez, start_folder
from experiments.studies.econ_gtb.settings import ENV_ID, GtbSettings
from experiments.study import open_run
from marl.rllib import ActorCriticModule, configure_envs, stagger_envs
from marl.rllib.export import export_policy
from marl.rllib.runner.player_module import MakePlayer
from marl.two_level import (
    PLANNER,
    WORKERS,
    Level,
    OverTime,
    Sampling,
    falling,
    saez_state,
    share_samples,
    take_weights,
    two_level_config,
    warm_up,
    weights_of,
)

MEASURES = ("productivity", "equality", "houses", "trades", "mean_labor", "mean_utility", "taxes")
WEIGHTS_FILE = "weights.safetensors"


def _planner(settings: GtbSettings, start: Path | None) -> Level | MakePlayer:
    is_alone = settings.learns == "one_worker"
    if settings.tax == "saez":
        return partial(make_saez, start / SAEZ_FILE if is_alone and start else None)
    if settings.tax != "planner":
        return RandomPlayer  # a schedule leaves its planner nothing to decide: whoever plays it picks its only action
    if is_alone and start:
        return partial(TrainedPlayer, start / PLANNER_FOLDER)
    rate = settings.planner_learning_rate
    return Level(
        learning_rate=falling(rate, rate / 10, settings.total_steps),
        entropy_coefficient=falling(settings.planner_entropy, 0.0, settings.total_steps),
        discount=settings.planner_discount,
        gae_lambda=settings.gae_lambda,
        hidden_sizes=tuple(settings.planner_sizes),
        return_scale=settings.planner_return_scale,
    )


def make_config(settings: GtbSettings, start: Path | None = None) -> PPOConfig:
    """Translates the study's settings into RLlib's.

    Args:
        settings: Of the run.
        start: Its folder `start/`, where it has one.
    """

    def fall(number: float) -> OverTime:
        return (
            number
            if settings.final_share == 1
            else falling(number, number * settings.final_share, settings.total_steps)
        )

    workers = Level(
        learning_rate=fall(settings.learning_rate),
        entropy_coefficient=fall(settings.entropy_coefficient),
        discount=settings.discount,
        gae_lambda=settings.gae_lambda,
        hidden_sizes=tuple(settings.hidden_sizes),
        return_scale=settings.return_scale,
    )
    sampling = Sampling(
        num_envs=settings.num_envs,
        fragment_steps=settings.fragment_steps,
        num_env_runners=settings.num_env_runners,
        num_epochs=settings.num_epochs,
        minibatch_size=settings.minibatch_size,
        clip=settings.clip,
        gradient_clip=settings.gradient_clip,
        matmul_precision=settings.matmul_precision,
        seed=settings.seed,
    )
    others = partial(TrainedPlayer, start) if settings.learns == "one_worker" and start else None
    return two_level_config(
        ENV_ID,
        settings.training_world(),
        workers=workers,
        planner=_planner(settings, start),
        sampling=sampling,
        others=others,
    )


def take_start(run: RunFolder, settings: GtbSettings) -> Path | None:
    """Returns the run's copy of what it begins with, made now if it is not there; None: it begins with nothing.

    Raises:
        RunError: The run that it begins with has no checkpoint, or its taxes are others where nobody adapts to them.
    """
    if settings.start is None:
        return None
    place = start_folder(run)
    if not place.exists():
        before, study, given = open_run(Path(settings.start))
        if study.name != "econ_gtb":
            raise RunError(f"start must be a run of econ_gtb, {settings.start} is one of {study.name}")
        checkpoint = before.latest_checkpoint()
        if checkpoint is None:
            raise RunError(f"{settings.start} has no checkpoint yet")
        if settings.learns == "one_worker" and given.tax != settings.tax:
            raise RunError(f"learns=one_worker needs the taxes of its start, tax={given.tax}; got {settings.tax}")
        aside = place.with_name(".start.partial")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(checkpoint, aside, ignore=shutil.ignore_patterns("rllib", "*.json.tmp"))
        aside.rename(place)
    return place


class GtbTraining(CheckpointedTraining):
    """Workers of one economy, and its planner where that learns."""

    shown: ClassVar = {"productivity": ("productivity", ".0f"), "equality": ("equality", ".2f")}

    def __init__(self, run: RunFolder, settings: GtbSettings) -> None:
        self.settings = settings
        start = take_start(run, settings)
        algorithm = make_config(settings, start).build_algo()
        if run.latest_checkpoint() is None:
            stagger_envs(algorithm, settings.horizon)
            if start is not None:
                _take_workers(algorithm, start)
        super().__init__(run, algorithm, WORKERS)

    def prepare(self) -> dict[str, float]:
        """Tells the envs what labor costs."""
        constant = 0.0 if self.settings.start else self.settings.warm_up_steps
        weight = warm_up(self.steps, constant)
        configure_envs(self.algorithm, labor_weight=weight)
        return {"labor_weight": round(weight, 6)}

    def train_once(self) -> dict[str, Any]:
        """Runs one iteration; afterwards all runners know the incomes of all."""
        result = super().train_once()
        if self.settings.tax == "saez":
            share_samples(self.algorithm)
        return result

    def measure(self, sampled: dict[str, Any]) -> dict[str, float]:
        """Returns means over the episodes that ended."""
        return {name: float(sampled.get(f"{name}_mean", math.nan)) for name in MEASURES}

    def export(self, folder: Path) -> None:
        """Writes the policies and the state of Saez's formula."""
        if self.settings.tax == "saez":
            (folder / SAEZ_FILE).write_text(json.dumps(saez_state(self.algorithm)) + "\n", encoding="utf-8")
        save_file(weights_of(self.algorithm, WORKERS), folder / WEIGHTS_FILE)
        self._export_policy(WORKERS, folder)
        if isinstance(self.algorithm.get_module(PLANNER), ActorCriticModule):
            (folder / PLANNER_FOLDER).mkdir()
            self._export_policy(PLANNER, folder / PLANNER_FOLDER)

    def _export_policy(self, name: str, folder: Path) -> None:
        module = self.algorithm.get_module(name)
        assert isinstance(module, ActorCriticModule)
        export_policy(module, folder, ENV_ID, self.settings.world_settings())


def _take_workers(algorithm: Algorithm, start: Path) -> None:
    ours, theirs = weights_of(algorithm, WORKERS), load_file(start / WEIGHTS_FILE)
    if {name: array.shape for name, array in ours.items()} != {name: array.shape for name, array in theirs.items()}:
        raise RunError("the workers of `start` have networks of other sizes: give it the same hidden_sizes")
    take_weights(algorithm, WORKERS, theirs)


def train(run: RunFolder, settings: GtbSettings, ray_address: str | None) -> bool:
    """Trains until `total_steps`, from the latest checkpoint if there is one; returns whether training is complete."""
    checkpoint = run.latest_checkpoint()
    if checkpoint is not None and int(checkpoint.name) >= settings.total_steps:
        return True
    with ray_session(ray_address, settings.num_env_runners):
        training = GtbTraining(run, settings)
        title = f"Gather-trade-build, {settings.tax}"
        is_complete = training.train_until(settings.total_steps, title, settings.checkpoint_every_s)
        training.algorithm.stop()
    return is_complete
