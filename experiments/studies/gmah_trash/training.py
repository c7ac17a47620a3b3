"""One cell of the study: an arm with a seed, which a kill costs minutes at most."""

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
from experiments.studies.gmah_trash.settings import (
    EPSILON,
    FLAT,
    GMAH,
    INDEPENDENT,
    NUM_ENVS,
    POLICY,
    VALUES,
    WORLD,
    Cell,
    GmahTrashSettings,
)
from marl.gmah import GMAHConfig
from marl.mappo import MAPPOConfig
from marl.qmix import IQLConfig, QMIXConfig, VDNConfig
from marl.rllib import start_ray

FLAT_CONFIGS = {"qmix": QMIXConfig, "vdn": VDNConfig, "iql": IQLConfig}
assert tuple(FLAT_CONFIGS) == FLAT


def make_config(cell: Cell, settings: GmahTrashSettings) -> Any:
    """Returns the config of a cell."""
    epsilon = ((0, 1.0), (max(1, int(EPSILON * cell.steps)), 0.05))
    config: Any
    if cell.arm in GMAH:
        config = GMAHConfig().training(**VALUES, epsilon=epsilon, low_epsilon=epsilon)
        phases = {"low_level_steps": cell.low_level_steps, "independent_steps": int(INDEPENDENT * cell.steps)}
        config.training(**{**phases, **GMAH[cell.arm]})
    elif cell.arm in FLAT_CONFIGS:
        config = FLAT_CONFIGS[cell.arm]().training(**VALUES, epsilon=epsilon)
    else:
        config = MAPPOConfig().training(**POLICY, critic="central" if cell.arm == "mappo" else "own")
        config.env_runners(rollout_fragment_length=settings.horizon)
        config.evaluation(evaluation_config={"explore": False})
    config.environment(WORLD, env_config={"horizon": settings.horizon})
    config.env_runners(num_envs_per_env_runner=NUM_ENVS).debugging(seed=cell.seed, log_level="ERROR")
    interval = max(1, cell.steps // settings.evaluations // (NUM_ENVS * settings.horizon))
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

    def __init__(self, cell: Cell, folder: Path, settings: GmahTrashSettings) -> None:
        self.cell, self.settings = cell, settings
        cell.path(folder).mkdir(parents=True, exist_ok=True)
        config = make_config(cell, settings)
        self._interval = config.evaluation_interval
        super().__init__(RunFolder(cell.path(folder)), config.build_algo())

    def iterate(self) -> dict[str, float]:
        """Does one round and returns its row; a return is one agent's, which is the team's."""
        start = time.process_time()
        result = self.algorithm.train()
        self.seconds += time.process_time() - start
        sampled = result["env_runners"]
        self.steps = int(sampled["num_env_steps_sampled_lifetime"])
        # RLlib shows an evaluation's numbers again in the iteration after it.
        is_judged = result["training_iteration"] % self._interval == 0
        judged = result["evaluation"]["env_runners"] if is_judged else {}
        subgoals = result.get("subgoals", {})
        row = {"steps": self.steps, "cpu_seconds": round(self.seconds, 1)}
        row["delivered"] = round(float(sampled.get("delivered_mean", math.nan)), 4)
        row["greedy_delivered"] = round(float(judged.get("delivered_mean", math.nan)), 4)
        row["greedy_length"] = round(float(judged.get("episode_len_mean", math.nan)), 4)
        row |= {name: round(float(subgoals.get(name, math.nan)), 4) for name in ("completed", "length", "phase")}
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
            progress.update(done + self.steps, {self.cell.path(Path()).name: f"{row['delivered']:.2f}"})
            if time.monotonic() - saved_at > self.settings.checkpoint_every_s:
                self.save()
                saved_at = time.monotonic()
        self.save()
        self.algorithm.stop()
        return self.steps >= self.cell.steps


def is_done(cell: Cell, folder: Path) -> bool:
    """Returns whether a cell has been trained to its end."""
    return RunFolder(cell.path(folder)).trained_steps() >= cell.steps


def run_cells(run: RunFolder, settings: GmahTrashSettings) -> bool:
    """Trains all cells that are not done, one after the other; returns whether all are."""
    cells = settings.cells()
    missing = [cell for cell in cells if not is_done(cell, run.path)]
    done = sum(cell.steps for cell in cells if cell not in missing)
    total = sum(cell.steps for cell in cells)
    start_ray(num_cpus=1)
    with StopRequest() as stop, TrainingProgress("gmah_trash", total, done, Console()) as progress:
        for cell in missing:
            if stop.is_made or not CellTraining(cell, run.path, settings).train(stop, progress, done):
                return False
            done += cell.steps
    return True
