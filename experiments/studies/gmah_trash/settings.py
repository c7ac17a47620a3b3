"""Settings of the study `gmah_trash`: the arms, and what they differ in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import Field

from experiments.cells import Cell, Once, Seeds
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

World = Literal["short", "stock"]

WORLD = "grid/trash_v0"
WORLDS: dict[str, dict[str, Any]] = {"short": {"horizon": 40}, "stock": {"horizon": 128}}
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

# What all learners of values have: networks, batch, targets, replay.
VALUES: dict[str, Any] = {
    "hidden_sizes": (64, 64),
    "is_recurrent": False,
    "observation_scale": 0.1,
    "steps_per_update": 512,
    "target_update_interval": 1,
    "tau": 0.01,
    "capacity": 200_000,
}
# How a subgoal ends, as GMAH reports it: shares that a row keeps.
ENDS = ("completed", "void", "expired", "novel", "surprising")
# Shares of a run's frames.
LOW_LEVEL, INDEPENDENT = 0.25, 0.15
POLICY: dict[str, Any] = {"hidden_sizes": (64, 64), "observation_scale": 0.1, "num_epochs": 10}


@dataclass(frozen=True)
class TrashCell(Cell):
    """An arm with a seed; `steps` are those of all phases together."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.arm}-{self.seed}"

    @property
    def low_level_steps(self) -> int:
        """Frames in which only the low level learns; 0 where there is none."""
        return int(LOW_LEVEL * self.steps) if self.arm in GMAH else 0


class GmahTrashSettings(StudySettings):
    """Every arm with every seed, one run after the other, seed by seed."""

    world: World = "short"
    arms: Once[Arm] = Field(list(get_args(Arm)))
    seeds: Seeds = Field(list(range(10)))
    steps: int = Field(300_000, ge=1, description="env steps of a run, all phases together")
    evaluations: int = Field(20, ge=1, description="of a run")
    episodes: int = Field(48, ge=1, description="of an evaluation")
    horizon: int | None = Field(None, ge=8, description="of an episode; none: the world's")
    gamma: float = Field(0.99, ge=0, le=1, description="discount of all learners")
    lr: float = Field(1e-3, gt=0, description="rate of all learners of values")
    epsilon: float = Field(0.05, ge=0, le=1, description="share of random actions that stays, of the same")
    epsilon_share: float = Field(0.15, gt=0, le=1, description="of the frames, until which it falls there")
    frames_per_update: int = Field(80, ge=1, description="env steps for each update of the same")
    policy_lr: float = Field(7e-4, gt=0, description="rate of MAPPO and IPPO")
    entropy: float = Field(0.01, ge=0, description="reward of theirs for entropy")
    checkpoint_every_s: float = Field(300, gt=0)

    def world_settings(self) -> dict[str, Any]:
        """Returns what the world is made with."""
        return WORLDS[self.world] | ({} if self.horizon is None else {"horizon": self.horizon})

    def cells(self) -> list[TrashCell]:
        """Returns all runs."""
        return [TrashCell(arm, seed, self.steps) for seed in self.seeds for arm in self.arms]
