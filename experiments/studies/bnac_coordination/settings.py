"""What the study bnac_coordination is told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from experiments.study import StudySettings
from games.bits.tables import MAX_TABLE_AGENTS

Graph = Literal["empty", "released_line", "line", "complete"]


class BnacCoordinationSettings(StudySettings):
    """The tabular experiment of the authors' release: exact gradients in the n-bit coordination game."""

    agents: list[int] = Field([2, 3, 5], min_length=1, description="numbers of agents")
    graphs: list[Graph] = Field(["empty", "released_line", "line", "complete"], min_length=1)
    seeds: int = Field(49, ge=1, description="seeds 1, 2, ... of the first logits")
    recorded: list[int] = Field(
        [0, 100, 250, 500, 1000, 2000], min_length=1, description="iterations that are written down; the last one ends"
    )
    step_size: float = Field(
        0.01, gt=0, allow_inf_nan=False, description="in the release's scaling, where each of 2^n states counts 1 / n"
    )
    discount: float = Field(0.95, ge=0, lt=1)
    flip: float = Field(0.1, ge=0, le=1, description="probability that a bit is turned by chance")

    @field_validator("agents", "graphs", "recorded")
    @classmethod
    def _check_once(cls, values: list[Any]) -> list[Any]:
        for value in values:
            if values.count(value) > 1:
                raise ValueError(f"must have each value once, got {value!r} twice")
        return values

    @field_validator("agents")
    @classmethod
    def _check_agents(cls, agents: list[int]) -> list[int]:
        for count in agents:
            if not 2 <= count <= MAX_TABLE_AGENTS:
                raise ValueError(f"must be in [2, {MAX_TABLE_AGENTS}], for tables of what a team can do; got {count}")
        return agents

    @field_validator("recorded")
    @classmethod
    def _check_iterations(cls, iterations: list[int]) -> list[int]:
        if min(iterations, default=0) < 0:
            raise ValueError(f"must be iterations from 0 on, got {min(iterations)}")
        return iterations

    def cells(self) -> list[tuple[int, str]]:
        """Returns the number of agents and the graph of every cell, small ones first."""
        return [(agents, graph) for agents in sorted(self.agents) for graph in self.graphs]
