"""One cell of the study: an arm with a seed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from experiments.cell_training import CellTraining, run_cells
from experiments.run_folder import RunFolder
from experiments.studies.gmah_trash.settings import (
    ENDS,
    FLAT,
    GMAH,
    INDEPENDENT,
    NUM_ENVS,
    POLICY,
    VALUES,
    WORLD,
    GmahTrashSettings,
    TrashCell,
)
from games.spec import spec
from marl.gmah import GMAHConfig
from marl.mappo import MAPPOConfig
from marl.qmix import IQLConfig, QMIXConfig, VDNConfig

FLAT_CONFIGS = {"qmix": QMIXConfig, "vdn": VDNConfig, "iql": IQLConfig}
assert tuple(FLAT_CONFIGS) == FLAT


def make_config(cell: TrashCell, settings: GmahTrashSettings) -> Any:
    """Returns the config of a cell."""
    horizon = spec(WORLD).config(**settings.world_settings()).properties().horizon
    updates = max(1, NUM_ENVS * horizon // settings.frames_per_update)
    epsilon = ((0, 1.0), (max(1, int(settings.epsilon_share * cell.steps)), settings.epsilon))
    values = VALUES | {"lr": settings.lr, "updates_per_round": updates, "epsilon": epsilon}
    config: Any
    if cell.arm in GMAH:
        config = GMAHConfig().training(**values, low_epsilon=epsilon)
        phases = {"low_level_steps": cell.low_level_steps, "independent_steps": int(INDEPENDENT * cell.steps)}
        config.training(**{**phases, **GMAH[cell.arm]})
    elif cell.arm in FLAT_CONFIGS:
        config = FLAT_CONFIGS[cell.arm]().training(**values)
    else:
        policy = POLICY | {"lr": settings.policy_lr, "entropy_coeff": settings.entropy}
        config = MAPPOConfig().training(**policy, critic="central" if cell.arm == "mappo" else "own")
        config.env_runners(rollout_fragment_length=horizon)
    config.training(gamma=settings.gamma).environment(WORLD, env_config=settings.world_settings())
    config.env_runners(num_envs_per_env_runner=NUM_ENVS).debugging(seed=cell.seed, log_level="ERROR")
    interval = max(1, cell.steps // settings.evaluations // (NUM_ENVS * horizon))
    return config.evaluation(
        evaluation_interval=interval, evaluation_duration=settings.episodes, evaluation_duration_unit="episodes"
    )


class TrashTraining(CellTraining):
    """Trains a cell; pieces are the team's."""

    shown = "delivered"

    def measure(self, result: dict[str, Any], judged: dict[str, Any]) -> dict[str, float]:
        """Returns pieces delivered while learning and in evaluations, and how subgoals went."""
        subgoals = result.get("subgoals", {})
        return {
            "delivered": result["env_runners"].get("delivered_mean", math.nan),
            "judged_delivered": judged.get("delivered_mean", math.nan),
            "judged_length": judged.get("episode_len_mean", math.nan),
            **{name: subgoals.get(name, math.nan) for name in (*ENDS, "length", "phase")},
        }


def open_cell(cell: TrashCell, folder: Path, settings: GmahTrashSettings) -> TrashTraining:
    """Returns the training of a cell in the folder of a run."""
    return TrashTraining(cell, folder, make_config(cell, settings), settings.checkpoint_every_s)


def train(run: RunFolder, settings: GmahTrashSettings) -> bool:
    """Trains all cells that are not done; returns whether all are."""
    return run_cells("gmah_trash", run.path, settings.cells(), lambda cell: open_cell(cell, run.path, settings))
