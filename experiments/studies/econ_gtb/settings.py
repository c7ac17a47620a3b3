"""Settings of the study `econ_gtb`: how taxes are set, and how workers learn under them."""

from __future__ import annotations

from typing import Any, Literal, Self

import pydantic
from pydantic import Field

import econ  # noqa: F401 - registers its worlds
from experiments.study import StudySettings

ENV_ID = "econ/gather_trade_build_v0"
NUM_WORKERS = 4


class GtbSettings(StudySettings):
    """One policy for four workers in the open quadrant, under taxes that do not learn."""

    tax: Literal["free_market", "us_federal", "saez", "flat"] = Field("us_federal", description="how rates are set")
    seed: int = Field(0, ge=0, lt=2**31)
    total_steps: int = Field(25_000_000, ge=1, description="env steps of training; the paper's phase 1 has 25 million")
    num_envs: int = Field(60, ge=1, description="envs of one runner")
    num_env_runners: int = Field(0, ge=0, description="remote runners; 0: the main process steps the envs")
    fragment_steps: int = Field(200, ge=1, description="steps of each env between two updates")
    horizon: int = Field(1000, ge=100, description="steps of an episode: tax periods of a tenth of it")
    flat_rate: float = Field(0.3, ge=0, le=1, description="tax flat: the rate")
    warm_up_episodes: float = Field(
        40, ge=0, description="labor costs 1 - exp(-episodes of each env / this) of what it will; 0: all of it at once"
    )
    hidden_sizes: list[pydantic.PositiveInt] = Field([128, 128], description="of policy and of value network")
    learning_rate: float = Field(3e-4, gt=0)
    entropy_coefficient: float = Field(0.025, ge=0)
    discount: float = Field(0.998, gt=0, le=1)
    gae_lambda: float = Field(0.98, gt=0, le=1)
    clip: float = Field(0.2, gt=0)
    num_epochs: int = Field(2, ge=1)
    minibatch_size: int = Field(6000, ge=1, description="decisions of workers")
    gradient_clip: float = Field(0.5, gt=0)
    checkpoint_every_s: float = Field(60.0, ge=0, description="seconds between two checkpoints")
    evaluation_episodes: int = Field(40, ge=1)

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Self:
        batch = self.num_envs * max(1, self.num_env_runners) * self.fragment_steps * NUM_WORKERS
        if self.minibatch_size > batch:
            raise ValueError(
                f"minibatch_size must be at most num_envs x fragment_steps x 4 = {batch}, got {self.minibatch_size}"
            )
        return self

    def world_settings(self) -> dict[str, Any]:
        """Returns settings of the world beyond the id's."""
        model = "planner_rates" if self.tax == "saez" else self.tax
        return {
            "tax_model": model,
            "flat_rate": self.flat_rate,
            "horizon": self.horizon,
            "tax_period": self.horizon // 10,
        }


def name_run(settings: GtbSettings) -> str:
    """Returns a name for the folder of a run."""
    return f"econ_gtb-{settings.tax}-seed{settings.seed}"
