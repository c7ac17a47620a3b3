"""Settings of the study `gmah_trash`: the arms, and what they differ in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field

from experiments.study import StudySettings

Arm = Literal[
    "gmah_mixer",
    "gmah",
    "qmix",
    "vdn",
    "iql",
    "mappo",
    "ippo",
    "fixed_1",
    "fixed_4",
    "fixed_8",
    "fixed_16",
    "not_adaptive",
    "no_autoencoder",
    "oracle",
    "random",
]

WORLD = "grid/trash_v0"
NUM_ENVS = 16

# By arm of GMAH, what it differs in from "gmah_mixer".
GMAH: dict[str, dict[str, Any]] = {
    "gmah_mixer": {},
    "gmah": {"mixer": "none"},
    "fixed_1": {"trigger": "fixed", "interval": 1},
    "fixed_4": {"trigger": "fixed", "interval": 4},
    "fixed_8": {"trigger": "fixed", "interval": 8},
    "fixed_16": {"trigger": "fixed", "interval": 16},
    "not_adaptive": {"trigger": "completion"},
    "no_autoencoder": {"autoencoder": False},
    # No high level learns, so that the low level need not rest.
    "oracle": {"chooser": "oracle", "independent_steps": 0},
    "random": {"chooser": "random", "independent_steps": 0},
}
FLAT = ("qmix", "vdn", "iql")
POLICY_GRADIENT = ("mappo", "ippo")
LABELS = {
    "gmah_mixer": "GMAH with mixer",
    "gmah": "GMAH without mixer",
    "qmix": "QMIX",
    "vdn": "VDN",
    "iql": "IQL",
    "mappo": "MAPPO",
    "ippo": "IPPO",
    "fixed_1": "every step",
    "fixed_4": "every 4 steps",
    "fixed_8": "every 8 steps",
    "fixed_16": "every 16 steps",
    "not_adaptive": "without adaptivity",
    "no_autoencoder": "without autoencoder",
    "oracle": "oracle's subgoals",
    "random": "random subgoals",
}

# What all learners of values have: networks, batch, an update for every episode, targets, rate, replay.
VALUES: dict[str, Any] = {
    "lr": 1e-3,
    "hidden_sizes": (64, 64),
    "is_recurrent": False,
    "observation_scale": 0.1,
    "episodes_per_update": 16,
    "updates_per_round": NUM_ENVS,
    "target_update_interval": 1,
    "tau": 0.01,
    "capacity": 200_000,
}
# Shares of a run's frames.
LOW_LEVEL, INDEPENDENT, EPSILON = 0.25, 0.15, 0.15
POLICY: dict[str, Any] = {"lr": 7e-4, "hidden_sizes": (64, 64), "observation_scale": 0.1, "num_epochs": 10}


@dataclass(frozen=True)
class Cell:
    """One training run.

    Attributes:
        arm: Who learns.
        seed: Of everything.
        steps: Env steps, all phases together.
    """

    arm: str
    seed: int
    steps: int

    def path(self, folder: Path) -> Path:
        """Returns the folder of its curve and checkpoints."""
        return folder / "cells" / f"{self.arm}-{self.seed}"

    @property
    def low_level_steps(self) -> int:
        """Frames in which only the low level learns; 0 where there is none."""
        return int(LOW_LEVEL * self.steps) if self.arm in GMAH else 0


class GmahTrashSettings(StudySettings):
    """Every arm with every seed, one run after the other, seed by seed."""

    arms: list[Arm] = Field(list(get_args(Arm)), min_length=1)
    seeds: list[int] = Field(list(range(10)), min_length=1)
    steps: int = Field(300_000, ge=1, description="env steps of a run, all phases together")
    evaluations: int = Field(20, ge=1, description="greedy evaluations of a run")
    episodes: int = Field(48, ge=1, description="of an evaluation")
    horizon: int = Field(128, ge=8, description="of an episode")
    checkpoint_every_s: float = Field(300, gt=0)

    def cells(self) -> list[Cell]:
        """Returns all runs."""
        return [Cell(arm, seed, self.steps) for seed in self.seeds for arm in self.arms]
