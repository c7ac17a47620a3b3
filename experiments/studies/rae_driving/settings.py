"""Settings of the study `rae_driving`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field

from agents.highway_driver import CautiousDriver, HighwayDriver
from agents.noisy_player import NoisyPlayer
from agents.protocol import Player
from experiments.populations.settings import Arm, PopulationSettings, Scene, risk_averse_arms
from marl.psro.population import SCRIPTED

SLIP = 0.2  # share of a clumsy driver's steps that are random


def _highway_driver(seed: int) -> Player:
    return HighwayDriver()


def _cautious_driver(seed: int) -> Player:
    return CautiousDriver()


def _clumsy_driver(seed: int) -> Player:
    return NoisyPlayer(HighwayDriver(), SLIP, seed)


STRANGERS: Mapping[str, Callable[[int], Player]] = {
    "highway driver": _highway_driver,
    "cautious driver": _cautious_driver,
    "clumsy driver": _clumsy_driver,
}


class DrivingStudySettings(PopulationSettings):
    """Ways of PSRO between two cars."""

    duel: Literal["overtaking", "two_car_intersection"] = Field("overtaking", description="driving/<duel>_v0")
    world_settings: dict[str, Any] = Field({}, description="settings of the world that differ from the id's")
    epochs: int = Field(6, ge=1, description="of every run; each adds a policy for each agent, and one without ends it")
    env_steps: int = Field(150_000, ge=1, description="of each response")
    gammas: list[float] = Field([0, 0.05, 0.1, 0.25, 0.5, 1], description="risk aversions of RAE-PSRO, 1 / return")
    others: list[str] = Field(
        ["self_play", "uniform", "nash", "nash_path", "prd", "alpha_rank"], description="meta-solvers beside it"
    )

    def scene(self) -> Scene:
        """Returns the duel, strangers and events."""
        world = f"driving/{self.duel}_v0"
        return Scene(world, self.world_settings, SCRIPTED, STRANGERS, ("crashes", "arrivals"))

    def arms(self) -> list[Arm]:
        """Returns RAE-PSRO for every gamma, after the others."""
        return [*(Arm(name, name) for name in self.others), *risk_averse_arms(self.gammas)]
