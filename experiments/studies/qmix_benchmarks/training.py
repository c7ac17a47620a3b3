"""One cell of the study: a learner on a world with a seed, which a kill costs minutes at most."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments.checkpointed import CheckpointedAlgorithm
from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunFolder
from experiments.studies.qmix_benchmarks.settings import IDS, NUM_ENVS, SHARED, TRAINING, BenchmarkSettings, Cell
from games.spec import spec
from marl.qmix import IQLConfig, QMIXConfig, VDNConfig
from marl.rllib import start_ray

CONFIGS = {"iql": IQLConfig, "vdn": VDNConfig, "qmix": QMIXConfig}


def make_config(cell: Cell, settings: BenchmarkSettings) -> Any:
    """Returns the config of a cell; arms differ in nothing but their mixer."""
    id = IDS[cell.world]
    round_steps = NUM_ENVS * spec(id).properties.horizon
    interval = max(1, cell.steps // settings.evaluations // round_steps)
    config = CONFIGS[cell.arm]().environment(id).training(**SHARED, **TRAINING[cell.world])
    config.env_runners(num_envs_per_env_runner=NUM_ENVS).debugging(seed=cell.seed, log_level="ERROR")
    return config.evaluation(
        evaluation_interval=interval, evaluation_duration=settings.episodes, evaluation_duration_unit="episodes"
    )


class CellTraining(CheckpointedAlgorithm):
    """Trains a cell in its folder, on from the newest checkpoint.

    Args:
        cell: What to train.
        folder: Of the run.
        settings: Of the study.

    Raises:
        RunError: The newest checkpoint cannot be restored.
    """

    def __init__(self, cell: Cell, folder: Path, settings: BenchmarkSettings) -> None:
        self.cell, self.settings = cell, settings
        cell.path(folder).mkdir(parents=True, exist_ok=True)
        config = make_config(cell, settings)
        self._interval = config.evaluation_interval
        super().__init__(RunFolder(cell.path(folder)), config.build_algo())

    def iterate(self) -> dict[str, float]:
        """Does one round and returns its row; returns are sums over agents, greedy ones those of an evaluation."""
        start = time.process_time()
        result = self.algorithm.train()
        self.seconds += time.process_time() - start
        sampled = result["env_runners"]
        self.steps = int(sampled["num_env_steps_sampled_lifetime"])
        # RLlib shows an evaluation's numbers again in the iteration after it.
        is_judged = result["training_iteration"] % self._interval == 0
        judged = result["evaluation"]["env_runners"] if is_judged else {}
        row = {"steps": self.steps, "cpu_seconds": round(self.seconds, 1)}
        row["return"] = round(float(sampled["episode_return_mean"]), 4)
        row["greedy_return"] = round(float(judged.get("episode_return_mean", math.nan)), 4)
        row["greedy_delivered"] = round(float(judged.get("delivered_mean", math.nan)), 4)
        return row

    def train(self, stop: StopRequest, progress: TrainingProgress, done: int) -> bool:
        """Trains to the end, or until a stop is asked for; returns whether the end was reached.

        Args:
            stop: Asked after every round.
            progress: Is told of every round.
            done: Steps of the cells before this one.
        """
        saved_at = time.monotonic()
        while self.steps < self.cell.steps and not stop.is_made:
            row = self.iterate()
            self.run.append_metrics(row)
            progress.update(done + self.steps, {self.cell.path(Path()).name: f"{row['return']:.2f}"})
            if time.monotonic() - saved_at > self.settings.checkpoint_every_s:
                self.save()
                saved_at = time.monotonic()
        self.save()
        self.algorithm.stop()
        return self.steps >= self.cell.steps


def is_done(cell: Cell, folder: Path) -> bool:
    """Returns whether a cell has been trained to its end."""
    return RunFolder(cell.path(folder)).trained_steps() >= cell.steps


def run_cells(run: RunFolder, settings: BenchmarkSettings) -> bool:
    """Trains all cells that are not done, one after the other; returns whether all are."""
    cells = settings.cells()
    missing = [cell for cell in cells if not is_done(cell, run.path)]
    done = sum(cell.steps for cell in cells if cell not in missing)
    total = sum(cell.steps for cell in cells)
    start_ray(num_cpus=1)
    with StopRequest() as stop, TrainingProgress("qmix_benchmarks", total, done, Console()) as progress:
        for cell in missing:
            if stop.is_made or not CellTraining(cell, run.path, settings).train(stop, progress, done):
                return False
            done += cell.steps
    return True
