"""One cell of the study: a learner on a world with a seed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from experiments.cell_training import CellTraining, run_cells
from experiments.run_folder import RunFolder
from experiments.studies.qmix_benchmarks.settings import (
    IDS,
    NUM_ENVS,
    POLICY,
    SHARED,
    TRAINING,
    BenchmarkCell,
    BenchmarkSettings,
)
from games.spec import spec
from marl.mappo import MAPPOConfig
from marl.qmix import IQLConfig, QMIXConfig, VDNConfig

CONFIGS = {"iql": IQLConfig, "vdn": VDNConfig, "qmix": QMIXConfig}


def make_config(cell: BenchmarkCell, settings: BenchmarkSettings) -> Any:
    """Returns the config of a cell; learners of values differ in nothing but their mixer."""
    id = IDS[cell.world]
    horizon = spec(id).properties.horizon
    interval = max(1, cell.steps // settings.evaluations // (NUM_ENVS * horizon))
    config: Any
    if cell.arm in CONFIGS:
        config = CONFIGS[cell.arm]().environment(id).training(**SHARED, **TRAINING[cell.world])
    else:
        config = MAPPOConfig().environment(id).training(**POLICY).env_runners(rollout_fragment_length=horizon)
        config.evaluation(evaluation_config={"explore": False})
    config.env_runners(num_envs_per_env_runner=NUM_ENVS).debugging(seed=cell.seed, log_level="ERROR")
    return config.evaluation(
        evaluation_interval=interval, evaluation_duration=settings.episodes, evaluation_duration_unit="episodes"
    )


class BenchmarkTraining(CellTraining):
    """Trains a cell; returns are sums over agents, greedy ones those of an evaluation."""

    shown = "return"

    def measure(self, result: dict[str, Any], judged: dict[str, Any]) -> dict[str, float]:
        """Returns returns, and pieces delivered where the world has some."""
        return {
            "return": result["env_runners"]["episode_return_mean"],
            "greedy_return": judged.get("episode_return_mean", math.nan),
            "greedy_delivered": judged.get("delivered_mean", math.nan),
        }


def open_cell(cell: BenchmarkCell, folder: Path, settings: BenchmarkSettings) -> BenchmarkTraining:
    """Returns the training of a cell in the folder of a run."""
    return BenchmarkTraining(cell, folder, make_config(cell, settings), settings.checkpoint_every_s)


def train(run: RunFolder, settings: BenchmarkSettings) -> bool:
    """Trains all cells that are not done; returns whether all are."""
    return run_cells("qmix_benchmarks", run.path, settings.cells(), lambda cell: open_cell(cell, run.path, settings))
