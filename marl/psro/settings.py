"""What a run of PSRO is told."""

from __future__ import annotations

from typing import Any, Literal, Self

import pydantic
from pydantic import Field

import games
from marl.psro.meta_solvers import check_parameters
from marl.psro.oracles import OracleName, OracleSettings, read_oracle_settings
from marl.psro.risk_rewards import Kind, RiskAversion

ALL = "all"  # the player of a symmetric run


class PsroSettings(pydantic.BaseModel):
    """Settings of a run; wrong ones are refused with the name of the field."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    world: str = Field(description="one of games.env_ids()")
    world_settings: dict[str, Any] = Field({}, description="settings of the world that differ from the id's")
    symmetric: bool = Field(
        False, description="all agents share one population; their places must be alike, also in what they see"
    )
    first_policies: tuple[str, ...] = Field(
        ("random",), min_length=1, description="scripted players that every population begins with"
    )
    meta_solver: str = Field("nash", description="a method of marl/equilibrium, self_play or rectified")
    meta_parameters: dict[str, Any] = Field({}, description="of the meta-solver; rae has defaults")
    oracle: OracleName = Field("ppo", description="what learns responses")
    oracle_settings: dict[str, Any] = Field({}, description="of the oracle; marl/psro/oracles.py has them")
    warm_start: bool = Field(False, description="responses grow from the last policy of the player")
    risk_aversion: float = Field(0.0, ge=0, description="gamma of the oracle, and of the meta-solver rae")
    variance: Kind = Field("opponents", description="which variance the oracle is averse to (risk_rewards.py)")
    tremble: float = Field(0.05, ge=0, lt=1, description="rae plays every one of K policies at least tremble / K")
    diversity: float = Field(0.0, ge=0, description="tau of the bonus for payoffs unlike those so far (diversity.py)")
    levels: int = Field(1, ge=1, description="policies of each player that learn at a time (pipeline.py)")
    payoffs: Literal["simulated", "exact"] = Field("simulated", description="how cells are filled")
    episodes: int = Field(1000, ge=2, description="least episodes of a cell, where simulated")
    more_episodes: int = Field(0, ge=0, description="further episodes an epoch, to the cells that matter")
    nash_conv: Literal["responses", "exact", "fresh"] = Field(
        "responses",
        description="a lower bound by the next responses or by fresh ones, or exact where the world can be listed",
    )
    judge_settings: dict[str, Any] = Field({}, description="of the oracle for fresh responses, where they differ")
    judge_episodes: int = Field(2000, ge=2, description="by which each fresh response is measured")
    seed: int = Field(0, ge=0)

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        config = games.spec(self.world).config(**self.world_settings)
        if self.meta_solver == "rae" and "risk_aversion" in self.meta_parameters:
            raise ValueError("the risk aversion of rae is its oracles' too: give risk_aversion, not meta_parameters")
        properties = config.properties()
        is_zero_sum = properties.utility == "zero_sum"
        check_parameters(self.meta_solver, self.solver_parameters(1), properties.num_agents, is_zero_sum)
        if "exact" in (self.oracle, self.payoffs, self.nash_conv):
            from marl.psro.exact import check_listable  # OpenSpiel takes a while to import

            check_listable(self.world, self.world_settings)
        if self.judge_settings and self.nash_conv != "fresh":
            raise ValueError('judge_settings are for nash_conv="fresh"')
        read_oracle_settings(self.oracle, self.oracle_settings)
        read_oracle_settings(self.oracle, {**self.oracle_settings, **self.judge_settings})
        self._check_responses()
        return self

    def _check_responses(self) -> None:
        if self.risk_aversion and self.oracle != "ppo":
            raise ValueError(
                f"risk_aversion must be 0 with the oracle {self.oracle}, whose responses are pure, got "
                f"{self.risk_aversion:g}; oracle ppo knows it"
            )
        if self.risk_aversion and self.diversity and self.variance != "opponents":
            raise ValueError(f"diversity goes with variance='opponents', got {self.variance!r}")
        if self.diversity and self.oracle not in ("exact", "ppo"):
            raise ValueError(f"diversity needs the oracle exact or ppo, got {self.oracle!r}")
        if self.levels > 1 and (self.diversity or self.meta_solver in ("correlated", "rectified")):
            raise ValueError(
                "levels above 1 go neither with diversity nor with correlated or rectified meta-strategies, which ask "
                "for several responses"
            )

    def seats(self) -> dict[str, str]:
        """Returns from whose population each agent is played."""
        batch = games.make_batch(self.world, 1, **self.world_settings)
        return {agent: ALL if self.symmetric else agent for agent in batch.agents}

    @property
    def own_oracle(self) -> OracleSettings:
        """All settings of the oracle."""
        return read_oracle_settings(self.oracle, self.oracle_settings)

    @property
    def judge(self) -> OracleSettings:
        """All settings of the oracle for fresh responses."""
        return read_oracle_settings(self.oracle, {**self.oracle_settings, **self.judge_settings})

    @property
    def risk(self) -> RiskAversion:
        """What the oracle is averse to."""
        return RiskAversion(self.risk_aversion, self.variance)

    def solver_parameters(self, largest: int) -> dict[str, Any]:
        """Returns the parameters of the meta-solver for populations of at most `largest` policies."""
        if self.meta_solver != "rae":
            return self.meta_parameters
        return {"risk_aversion": self.risk_aversion, "floor": self.tremble / largest, **self.meta_parameters}
