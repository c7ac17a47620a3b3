"""Settings of the study `econ_one_step`: two economies, what planners want there, and how both levels learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from pydantic import Field

import econ  # noqa: F401 - registers its worlds
import games
from econ.one_step import OneStepConfig
from experiments.study import StudySettings

EPISODE_STEPS = 2


@dataclass(frozen=True)
class Economy:
    """A setting of which nearly the best schedules are known.

    Attributes:
        name: A or B, as in the issue.
        env_id: Of the world.
        objectives: What planners want.
    """

    name: str
    env_id: str
    objectives: tuple[str, ...]


ECONOMIES = {
    "A": Economy("A", "econ/one_step_v0", ("inverse_income_utility",)),
    "B": Economy("B", "econ/one_step_elastic_v0", ("inverse_income_utility", "equality_productivity")),
}


def world_config(economy: Economy) -> OneStepConfig:
    """Returns the world of an economy, with its default settings."""
    return cast(OneStepConfig, games.spec(economy.env_id).config())


@dataclass(frozen=True)
class Cell:
    """One training run: workers learn under random schedules, then planners with them, each from those workers.

    Attributes:
        economy: Where.
        seed: Of everything.
    """

    economy: Economy
    seed: int

    def path(self, folder: Path) -> Path:
        """Returns its folder."""
        return folder / "cells" / f"{self.economy.name}-{self.seed}"


class OneStepSettings(StudySettings):
    """Workers first under random schedules (phase 1), then planner and workers together (phase 2)."""

    economies: list[Literal["A", "B"]] = Field(["A", "B"], min_length=1, description="A: elasticity 0.4; B: 1")
    seeds: list[int] = Field([0, 1, 2, 3, 4], min_length=1)
    parallel: int = Field(1, ge=1, description="runs at a time, one core each")
    num_envs: int = Field(96, ge=1, description="economies side by side")
    worker_episodes: int = Field(300, ge=1, description="phase 1: episodes of each env, one between two updates")
    planner_episodes: int = Field(200, ge=1, description="phase 2: likewise")
    annealing_share: float = Field(0.3, ge=0, le=1, description="of phase 2, in which the tax limit rises to 100 %")
    first_limit: float = Field(0.1, ge=0, le=1, description="phase 2: the highest rate at first")
    hidden_sizes: list[int] = Field([256, 256], description="of the workers' networks; the planner's are [64, 64]")
    worker_learning_rate: float = Field(3e-3, gt=0, description="phase 1: at the start; falls to a tenth")
    worker_entropy: float = Field(0.5, ge=0, description="phase 1: coefficient at the start; falls to 0.02")
    phase_2_learning_rate: float = Field(1e-3, gt=0, description="of the workers")
    phase_2_entropy: float = Field(0.3, ge=0, description="of the workers: they have to keep trying, see README")
    planner_learning_rate: float = Field(2e-3, gt=0, description="at the start; falls to a tenth")
    planner_entropy: float = Field(0.2, ge=0, description="coefficient at the start; falls to 0")
    num_epochs: int = Field(2, ge=1)
    minibatch_size: int = Field(3200, ge=1, description="decisions of workers")

    def cells(self) -> list[Cell]:
        """Returns all runs, seed by seed."""
        return [Cell(ECONOMIES[name], seed) for seed in self.seeds for name in self.economies]
