"""Settings of the study `rae_trust`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import Field

from agents.noisy_player import NoisyPlayer
from agents.protocol import Player
from agents.random_player import RandomPlayer
from agents.trust_hunters import PlantGatherer, StagHunter
from experiments.populations.settings import Arm, PopulationSettings, Scene, risk_averse_arms
from marl.psro.population import SCRIPTED

SLIP = 0.3  # share of a stranger's steps that are random


def _clumsy(make: Callable[[int], Player], seed: int) -> Player:
    return NoisyPlayer(make(seed), SLIP, seed)


CONVENTIONS: Mapping[str, Callable[[int], Player]] = {"hunter": StagHunter, "gatherer": PlantGatherer}
STRANGERS: Mapping[str, Callable[[int], Player]] = {
    "random": RandomPlayer,
    "clumsy hunter": partial(_clumsy, StagHunter),
    "clumsy gatherer": partial(_clumsy, PlantGatherer),
}


class TrustStudySettings(PopulationSettings):
    """Ways of PSRO in the trust dilemma."""

    world: str = Field("grid/trust_once_v0", description="grid/trust_once_v0: one encounter; or another of grid/trust")
    world_settings: dict[str, Any] = Field(
        {"width": 3, "height": 3, "num_plants": 1}, description="settings of the world that differ from the id's"
    )
    gammas: list[float] = Field([0, 0.05, 0.1, 0.25, 0.5, 1], description="risk aversions of RAE-PSRO, 1 / return")
    others: list[str] = Field(
        ["self_play", "uniform", "nash", "nash_path", "prd", "alpha_rank"], description="meta-solvers beside it"
    )
    first_policies: list[str] = Field(
        ["hunter", "gatherer"],
        min_length=1,
        description="what every population begins with; each seed turns them one further",
    )
    env_steps: int = Field(200_000, ge=1, description="of each response")
    oracle_settings: dict[str, Any] = Field(
        {"fragment_steps": 16, "learning_rate": 3e-3}, description="further settings of the PPO oracle"
    )
    epochs: int = Field(3, ge=1, description="of every run; each adds a policy for each agent, and one without ends it")

    def scene(self) -> Scene:
        """Returns the world, both conventions, strangers and events."""
        return Scene(
            self.world,
            self.world_settings,
            {**SCRIPTED, **CONVENTIONS},
            STRANGERS,
            ("catches", "maulings", "plants_eaten"),
        )

    def arms(self) -> list[Arm]:
        """Returns RAE-PSRO for every gamma, after the others."""
        return [*(Arm(name, name) for name in self.others), *risk_averse_arms(self.gammas)]
