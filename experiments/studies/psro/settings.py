"""What a sweep of PSRO runs is told."""

from __future__ import annotations

from typing import Any, Literal, Self

import pydantic
from pydantic import Field

import games
from experiments.study import StudySettings
from marl.psro.oracles import OracleName
from marl.psro.risk_rewards import Kind
from marl.psro.settings import PsroSettings


class SweepSettings(StudySettings):
    """Meta-solvers times seeds, on one world."""

    world: str = Field("cards/kuhn_poker_v0", description="one of `agora list`; its version may be left out")
    world_settings: dict[str, Any] = Field({}, description="settings of the world that differ from the id's")
    meta_solver: list[str] = Field(["nash", "uniform"], min_length=1, description="names, or one word with commas")
    meta_parameters: dict[str, dict[str, Any]] = Field({}, description="of meta-solvers, by their names")
    oracle: OracleName = Field("exact", description="what learns responses")
    oracle_settings: dict[str, Any] = Field({}, description="of the oracle; marl/psro/oracles.py has them")
    seeds: int = Field(2, ge=1, description="runs of each meta-solver, with the seeds 0, 1, ...")
    epochs: int = Field(12, ge=1)
    parallel: int = Field(0, ge=0, description="oracles and simulations at a time, as Ray tasks; 0: none, here")
    symmetric: bool = False
    warm_start: bool = False
    risk_aversion: float = Field(
        0.1, ge=0, description="gamma of rae and of its oracles, per unit of return; all others are risk-neutral"
    )
    variance: Kind = "opponents"
    tremble: float = Field(0.05, ge=0, lt=1)
    levels: int = Field(1, ge=1, description="policies of each player that learn at a time: a pipeline where above 1")
    payoffs: Literal["simulated", "exact"] = "simulated"
    episodes: int = Field(2000, ge=2, description="least of a cell")
    more_episodes: int = Field(
        2000, ge=0, description="further episodes an epoch, to the cells that matter: by default as one more cell has"
    )
    diversity: float = Field(0.0, ge=0, description="tau of the bonus for payoffs unlike those so far")
    nash_conv: Literal["responses", "exact", "fresh"] = "responses"
    judge_settings: dict[str, Any] = Field({}, description="of the oracle for fresh responses, where they differ")
    judge_episodes: int = Field(2000, ge=2)

    @pydantic.field_validator("meta_solver", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return [word.strip() for word in given.split(",")] if isinstance(given, str) else given

    @pydantic.field_validator("world")
    @classmethod
    def _complete(cls, given: str) -> str:
        return f"{given}_v0" if given not in games.env_ids() and f"{given}_v0" in games.env_ids() else given

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.meta_solver)) != len(self.meta_solver):
            raise ValueError(f"meta_solver must not name one twice, got {self.meta_solver}")
        for name in self.meta_parameters:
            if name not in self.meta_solver:
                raise ValueError(f"meta_parameters are for {name}, which is not among {self.meta_solver}")
        self.runs()
        return self

    def runs(self) -> dict[str, PsroSettings]:
        """Returns the settings of every run by its name, all meta-solvers under one seed before the next seed."""
        own = {"meta_solver", "meta_parameters", "risk_aversion", "seeds", "epochs", "parallel"}
        shared = {name: getattr(self, name) for name in type(self).model_fields if name not in own}
        return {
            f"{solver}-{seed}": PsroSettings(
                meta_solver=solver,
                meta_parameters=self.meta_parameters.get(solver, {}),
                risk_aversion=self.risk_aversion if solver == "rae" else 0.0,
                seed=seed,
                **shared,
            )
            for seed in range(self.seeds)
            for solver in self.meta_solver
        }
