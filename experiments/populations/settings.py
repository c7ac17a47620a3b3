"""Settings that all such studies share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from agents.protocol import Player
from experiments.study import StudySettings
from marl.psro.risk_rewards import Kind
from marl.psro.settings import PsroSettings


@dataclass(frozen=True)
class Arm:
    """One way of PSRO.

    Attributes:
        name: Of it.
        meta_solver: One of marl.psro.meta_solvers.META_SOLVERS.
        gamma: Risk aversion of the meta-solver and of its oracles.
        parameters: Of the meta-solver.
    """

    name: str
    meta_solver: str
    gamma: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """Where populations play.

    Attributes:
        world: One of games.env_ids().
        settings: Of the world, beyond the id's.
        scripted: Scripted players that populations may begin with, by name.
        strangers: Players that nobody trains with, by name; never looked at before the results.
        events: Statistics of an episode that the study is about, such as crashes.
    """

    world: str
    settings: Mapping[str, Any]
    scripted: Mapping[str, Callable[[int], Player]]
    strangers: Mapping[str, Callable[[int], Player]]
    events: tuple[str, ...]


def risk_averse_arms(gammas: list[float]) -> list[Arm]:
    """Returns an arm of RAE-PSRO for each gamma."""
    return [Arm(f"rae {gamma:g}", "rae", gamma) for gamma in gammas]


class PopulationSettings(StudySettings, ABC):
    """Arms times seeds; every run has the same budget."""

    seeds: int = Field(10, ge=1, description="runs of each arm, with the seeds 0, 1, ...")
    epochs: int = Field(5, ge=1, description="of every run; each adds a policy for each agent, and one without ends it")
    env_steps: int = Field(300_000, ge=1, description="of each response")
    oracle_settings: dict[str, Any] = Field({}, description="further settings of the PPO oracle")
    first_policies: list[str] = Field(
        ["random"], min_length=1, description="what every population begins with; each seed turns them one further"
    )
    cell_episodes: int = Field(1000, ge=2, description="episodes of each cell of the payoff table")
    group_episodes: int = Field(
        5000, ge=1, description="of each run with each group of partners in the tournament, at least; as many with each"
    )
    variance: Kind = Field("opponents", description="which variance risk-averse oracles mean (marl/psro/risk_rewards)")
    symmetric: bool = Field(
        False, description="both agents draw from one population; their places must be alike, also in what they see"
    )
    parallel: int = Field(2, ge=1, description="runs at a time, one core each")

    @abstractmethod
    def scene(self) -> Scene:
        """Returns where populations play."""

    @abstractmethod
    def arms(self) -> list[Arm]:
        """Returns what is compared."""

    def run_settings(self, arm: Arm, seed: int) -> PsroSettings:
        """Returns the settings of one run."""
        scene, first = self.scene(), seed % len(self.first_policies)
        given: dict[str, Any] = {
            "world": scene.world,
            "world_settings": dict(scene.settings),
            # Self-play begins with the last one, so that with one order it would have one outcome in all seeds.
            "first_policies": (*self.first_policies[first:], *self.first_policies[:first]),
            "meta_solver": arm.meta_solver,
            "meta_parameters": dict(arm.parameters),
            "risk_aversion": arm.gamma,
            "variance": self.variance,
            "oracle": "ppo",
            "oracle_settings": {"env_steps": self.env_steps, **self.oracle_settings},
            "episodes": self.cell_episodes,
            "symmetric": self.symmetric,
            "seed": seed,
        }
        return PsroSettings(**given)
