"""Settings of the study `runner_agreement`: what is compared, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from experiments.study import StudySettings

# Env steps of a run: enough for every algorithm to have learnt something, and minutes on RLlib's runner.
STEPS = {"ppo": 80_000, "appo": 160_000, "impala": 160_000, "dqn": 40_000, "dqn_prioritized": 40_000, "sac": 12_000}

STOCK, BATCHED, BATCHED_STOCK_ROWS = "stock", "batched", "batched_stock_rows"


@dataclass(frozen=True)
class Cell:
    """One training run.

    Attributes:
        algorithm: A key of STEPS.
        runner: "stock" (RLlib's), "batched", or "batched_stock_rows": the batched runner with RLlib's bootstrap rows,
            which differ for V-trace only (`marl/rllib/learner/fragment_to_trajectories.py`).
        seed: Of everything.
        steps: Env steps.
    """

    algorithm: str
    runner: str
    seed: int
    steps: int

    def path(self, folder: Path) -> Path:
        """Returns where its curve goes."""
        return folder / "cells" / f"{self.algorithm}-{self.runner}-{self.seed}.csv"


class AgreementSettings(StudySettings):
    """Every algorithm on every runner with every seed."""

    algorithms: list[str] = Field(list(STEPS), min_length=1)
    seeds: list[int] = Field([0, 1, 2, 3, 4], min_length=1)
    scale: float = Field(1.0, gt=0, description="of the env steps of every run")
    parallel: int = Field(2, ge=1, description="runs at a time, one core each")

    def cells(self) -> list[Cell]:
        """Returns all runs, seed by seed."""
        return [
            Cell(algorithm, runner, seed, int(self.scale * STEPS[algorithm]))
            for seed in self.seeds
            for algorithm in self.algorithms
            for runner in (STOCK, BATCHED, *([BATCHED_STOCK_ROWS] if algorithm in ("appo", "impala") else []))
        ]
