"""Settings of the study `qmix_benchmarks`: which worlds and learners, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from experiments.cells import Cell, Once, Seeds
from experiments.study import StudySettings

Arm = Literal["iql", "vdn", "qmix", "mappo"]
World = Literal["foraging_8x8", "foraging_10x10", "spread", "trash"]

IDS: dict[str, str] = {
    "foraging_8x8": "grid/foraging_8x8_2p_2f_coop_v0",
    "foraging_10x10": "grid/foraging_10x10_3p_3f_v0",
    "spread": "particles/simple_spread_v0",
    "trash": "grid/trash_v0",
}
STEPS = {"foraging_8x8": 2_000_000, "foraging_10x10": 2_000_000, "spread": 2_000_000, "trash": 2_000_000}

NUM_ENVS = 16

# The same for all learners of values. Batch, an update for every episode, replay of 5,000 episodes, epsilon over
# 200,000 steps, GRU and the rate in foraging are those of an EPyMARL configuration that its users discuss
# (uoe-agents/epymarl, issue 3); soft targets are ours.
TRAINING: dict[str, dict[str, Any]] = {
    "foraging_8x8": {"lr": 3e-4, "capacity": 250_000, "updates_per_round": NUM_ENVS},
    "foraging_10x10": {"lr": 3e-4, "capacity": 250_000, "updates_per_round": NUM_ENVS},
    "spread": {"lr": 5e-4, "capacity": 125_000, "updates_per_round": NUM_ENVS},
    "trash": {"lr": 3e-4, "capacity": 500_000, "updates_per_round": NUM_ENVS},
}
SHARED: dict[str, Any] = {
    "hidden_sizes": (64,),
    "is_recurrent": True,
    "episodes_per_update": 32,
    "team_reward": "sum",
    "standardize_rewards": True,
    "target_update_interval": 1,
    "tau": 0.01,
    "epsilon": ((0, 1.0), (200_000, 0.05)),
}


# Of MAPPO, which has as many env steps and no replay: an episode of every env a round, ten passes over it.
POLICY: dict[str, Any] = {"lr": 7e-4, "hidden_sizes": (64, 64), "num_epochs": 10}


@dataclass(frozen=True)
class BenchmarkCell(Cell):
    """A learner on a world with a seed.

    Attributes:
        world: A key of IDS.
    """

    world: str

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.world}-{self.arm}-{self.seed}"


class BenchmarkSettings(StudySettings):
    """Every learner on every world with every seed, one run after the other."""

    worlds: Once[World] = Field(["foraging_8x8", "foraging_10x10", "spread"])
    arms: Once[Arm] = Field(["iql", "vdn", "qmix", "mappo"])
    seeds: Seeds = Field([0, 1, 2, 3, 4])
    scale: float = Field(1.0, gt=0, description="of the env steps of every run")
    evaluations: int = Field(25, ge=1, description="greedy evaluations of a run")
    episodes: int = Field(96, ge=1, description="of an evaluation")
    checkpoint_every_s: float = Field(300, gt=0)

    def cells(self) -> list[BenchmarkCell]:
        """Returns all runs, seed by seed."""
        return [
            BenchmarkCell(arm, seed, int(self.scale * STEPS[world]), world)
            for seed in self.seeds
            for world in self.worlds
            for arm in self.arms
        ]
