"""What a run of PSRO is told."""

from __future__ import annotations

from typing import Any, Literal, Self

import pydantic
from pydantic import Field

import games
from marl.psro.meta_solvers import check_meta_solver
from marl.psro.risk_rewards import Kind, RiskAversion

ALL = "all"  # the player of a symmetric run


class PsroSettings(pydantic.BaseModel):
    """Settings of a run; wrong ones are refused with the name of the field."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    world: str = Field(description="one of games.env_ids()")
    world_settings: dict[str, Any] = Field({}, description="settings of the world that differ from the id's")
    symmetric: bool = Field(False, description="all agents share one population; the game must be symmetric")
    first_policies: tuple[str, ...] = Field(
        ("random",), min_length=1, description="scripted players that every population begins with"
    )
    meta_solver: str = Field("nash", description="a method of marl/equilibrium, self_play or rectified")
    meta_parameters: dict[str, Any] = Field({}, description="of the meta-solver; rae has defaults")
    oracle: Literal["exact", "ppo"] = Field("ppo", description="what learns responses")
    oracle_settings: dict[str, Any] = Field({}, description="fields of marl.psro.rllib_oracle.RLlibOracle")
    warm_start: bool = Field(False, description="responses grow from the last policy of the player")
    risk_aversion: float = Field(0.0, ge=0, description="gamma of the oracle, and of the meta-solver rae")
    variance: Kind = Field("opponents", description="which variance the oracle is averse to (risk_rewards.py)")
    tremble: float = Field(0.05, ge=0, lt=1, description="rae plays every one of K policies at least tremble / K")
    payoffs: Literal["simulated", "exact"] = Field("simulated", description="how cells are filled")
    episodes: int = Field(1000, ge=2, description="least episodes of a cell, where simulated")
    more_episodes: int = Field(0, ge=0, description="further episodes an epoch, to the cells that matter")
    nash_conv: Literal["responses", "exact"] = Field(
        "responses", description="a lower bound by the next responses, or exact where the world can be listed"
    )
    seed: int = Field(0, ge=0)

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        games.spec(self.world).config(**self.world_settings)
        check_meta_solver(self.meta_solver)
        if self.risk_aversion and self.oracle == "exact":
            raise ValueError("risk_aversion must be 0 with the exact oracle, whose responses are pure")
        return self

    def seats(self) -> dict[str, str]:
        """Returns from whose population each agent is played."""
        batch = games.make_batch(self.world, 1, **self.world_settings)
        return {agent: ALL if self.symmetric else agent for agent in batch.agents}

    @property
    def risk(self) -> RiskAversion:
        """What the oracle is averse to."""
        return RiskAversion(self.risk_aversion, self.variance)

    def solver_parameters(self, largest: int) -> dict[str, Any]:
        """Returns the parameters of the meta-solver for populations of at most `largest` policies."""
        if self.meta_solver != "rae":
            return self.meta_parameters
        return {"risk_aversion": self.risk_aversion, "floor": self.tremble / largest, **self.meta_parameters}
