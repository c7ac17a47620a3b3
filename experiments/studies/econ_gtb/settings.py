"""Settings of the study `econ_gtb`: how taxes are set, and how workers and a planner learn under them."""

from __future__ import annotations

from typing import Any, Literal, Self

import pydantic
from pydantic import Field

import econ  # noqa: F401 - registers its worlds
from experiments.study import StudySettings

ENV_ID = "econ/gather_trade_build_v0"
NUM_WORKERS = 4


class GtbSettings(StudySettings):
    """One policy for four workers in the open quadrant, under taxes that are given, or that a planner learns to set."""

    tax: Literal["free_market", "us_federal", "saez", "flat", "planner"] = Field(
        "us_federal", description="how rates are set; planner: by a policy that learns too"
    )
    seed: int = Field(0, ge=0, lt=2**31)
    total_steps: int = Field(25_000_000, ge=1, description="env steps of training; the paper's phase 1 has 25 million")
    start: str | None = Field(None, description="a run folder; its workers are whom this run begins with (phase 2)")
    learns: Literal["all", "one_worker"] = Field(
        "all", description="one_worker: the first alone goes on learning beside workers and planner of `start`"
    )
    num_envs: int = Field(40, ge=1, description="envs of one runner, spread over the steps of an episode")
    num_env_runners: int = Field(0, ge=0, description="remote runners; 0: the main process steps the envs")
    fragment_steps: int = Field(100, ge=1, description="steps of each env between two updates")
    horizon: int = Field(1000, ge=100, description="steps of an episode: tax periods of a tenth of it")
    flat_rate: float = Field(0.3, ge=0, le=1, description="tax flat: the rate")
    warm_up_steps: float = Field(
        1_000_000,
        ge=0,
        description="labor costs 1 - exp(-env steps / this) of what it will; 0, or with start: all of it at once",
    )
    hidden_sizes: list[pydantic.PositiveInt] = Field([128, 128], description="of policy and of value network")
    learning_rate: float = Field(6e-4, gt=0)
    entropy_coefficient: float = Field(0.025, ge=0)
    final_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="of learning rate and entropy coefficient of the workers, to which they fall linearly",
    )
    discount: float = Field(0.995, gt=0, le=1)
    gae_lambda: float = Field(0.95, gt=0, le=1)
    return_scale: float = Field(
        15.0, gt=0, description="size of discounted returns: the unit that values are learned in"
    )
    clip: float = Field(0.2, gt=0)
    num_epochs: int = Field(2, ge=1)
    minibatch_size: int = Field(2000, ge=1, description="decisions of workers")
    gradient_clip: float = Field(0.5, gt=0)
    matmul_precision: Literal["highest", "high", "medium"] = Field(
        "medium", description="of float32 products; medium: bfloat16 factors, where the processor has them"
    )
    planner_sizes: list[pydantic.PositiveInt] = Field([64, 64], description="of the planner's networks")
    planner_learning_rate: float = Field(5e-5, gt=0, description="at the start; falls to a tenth")
    planner_entropy: float = Field(1.0, ge=0, description="coefficient at the start; falls to 0")
    planner_discount: float = Field(0.998, gt=0, le=1, description="by step of the world, a hundred of them a period")
    planner_return_scale: float = Field(100.0, gt=0)
    first_limit: float = Field(0.1, ge=0, le=1, description="tax planner: the highest rate at first")
    annealing_share: float = Field(0.3, ge=0, le=1, description="of training, in which that limit rises to 100 %")
    checkpoint_every_s: float = Field(60.0, ge=0, description="seconds between two checkpoints")
    evaluation_episodes: int = Field(40, ge=1)

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Self:
        is_alone = self.learns == "one_worker"
        workers = 1 if is_alone else NUM_WORKERS
        batch = self.num_envs * max(1, self.num_env_runners) * self.fragment_steps * workers
        if self.minibatch_size > batch:
            raise ValueError(
                f"minibatch_size must be at most num_envs x fragment_steps x {workers} = {batch}, "
                f"got {self.minibatch_size}"
            )
        if is_alone and self.start is None:
            raise ValueError("learns=one_worker needs start: the run folder of those whom it learns beside")
        return self

    def world_settings(self) -> dict[str, Any]:
        """Returns settings of the world beyond the id's, as they are in evaluations."""
        return {
            "tax_model": "planner_rates" if self.tax == "saez" else self.tax,
            "flat_rate": self.flat_rate,
            "horizon": self.horizon,
            "tax_period": self.horizon // 10,
        }

    def training_world(self) -> dict[str, Any]:
        """Returns settings of the world in training: rates of a learning planner have a limit that rises."""
        world = self.world_settings()
        envs = self.num_envs * max(1, self.num_env_runners)
        episodes = self.annealing_share * self.total_steps / (envs * self.horizon)
        if self.tax == "planner" and self.learns == "all" and episodes > 0 and self.first_limit < 1:
            slope = (1 - self.first_limit) / episodes
            world["tax_annealing"] = (-self.first_limit / slope, slope)
        return world


def name_run(settings: GtbSettings) -> str:
    """Returns a name for the folder of a run."""
    phase = "-alone" if settings.learns == "one_worker" else "-phase2" if settings.start else ""
    return f"econ_gtb-{settings.tax}{phase}-seed{settings.seed}"
