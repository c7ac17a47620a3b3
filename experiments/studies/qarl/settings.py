"""Settings of the study `qarl`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import pydantic
from pydantic import Field, PositiveInt

import games
from experiments.study import StudySettings
from games.names import unknown_name
from marl.qarl.attack import AttackSettings
from marl.qarl.methods import METHODS
from marl.qarl.soft_actor_critic import SacSettings
from marl.qarl.trainer import TrainerSettings
from marl.robustness.grid import Axis, fixed_ratio_grid, make_bodies, reference_grid

OF_METHODS = ("shows_context", "context_scales_force", "contexts")  # settings of the world that a method decides about


class QarlSettings(StudySettings):
    """One method in one world, many seeds at once."""

    model_config: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(allow_inf_nan=False)

    world: str = Field("control/cartpole_swingup_v0", description="with groups protagonist and adversary")
    world_settings: dict[str, Any] = Field({"horizon": 250, "substeps": 2}, description="beyond the id's")
    method: str = Field("qarl", description="one of marl.qarl.methods.METHODS")
    seeds: int = Field(10, ge=1, description="runs, side by side")
    first_seed: int = Field(0, ge=0, lt=2**32, description="of first_seed, first_seed + 1, ...")
    iterations: int = Field(
        100, ge=1, description="each a phase of the adversary's, if there is one, and one of its own"
    )
    episodes: int = Field(5, ge=1, description="of a phase")
    threshold: float = Field(10.0, description="discounted return that curricula ask of the protagonist")
    hot: float = Field(0.05, gt=0, description="temperature at which schedules begin")
    cold: float = Field(0.001, gt=0, description="temperature at which they end")
    shift: float = Field(0.5, ge=0, description="largest length of an attack's shift of an action (cat)")
    mixing: float = Field(0.1, ge=0, le=1, description="share of the second actor (mixed_ne_ld)")
    hidden_sizes: list[PositiveInt] = Field([64, 64], min_length=1)
    learning_rate: float = Field(1e-3, gt=0, description="of actors, critics and temperatures")
    first_temperature: float = Field(0.005, gt=0, description="where it is learned")
    steps_per_update: int = Field(3, ge=1, description="env steps of a seed for each update")
    warm_up: int = Field(1000, ge=1, description="transitions of an agent before it learns, attackers too")
    checkpoint_s: float = Field(300.0, gt=0, description="seconds between checkpoints")
    judged_episodes: int = Field(20, ge=1, description="of each number but the grid's")
    cell_episodes: int = Field(5, ge=1, description="of each cell of the grid")
    grid: Literal["fixed_ratio", "reference"] = Field(
        "fixed_ratio", description="around the own body, or the release's"
    )
    grid_ratio: float = Field(2.0, gt=1, description="own / ratio to own * ratio")
    grid_points: int = Field(11, ge=2, description="of each axis")
    generations: int = Field(6, ge=1, description="of the search for the worst body in the grid's range")
    population: int = Field(100, ge=2, description="bodies of a generation")
    attack_budgets: list[int] = Field([10, 20], min_length=1, description="iterations of the common attack, rising")
    restarts: int = Field(3, ge=1, description="fresh adversaries of each protagonist")

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        if self.method not in METHODS:
            raise unknown_name("method", self.method, METHODS)
        if self.attack_budgets != sorted(set(self.attack_budgets)) or self.attack_budgets[0] < 1:
            raise ValueError(f"attack_budgets must rise from at least 1, got {self.attack_budgets}")
        taken = [name for name in OF_METHODS if name in self.world_settings]
        if taken:
            raise ValueError(f"world_settings must leave {', '.join(taken)} to the method {self.method}")
        config = games.spec(self.world).config(**self.world_settings)
        make_bodies(config, self.axes())
        iterations = min(self.iterations, self.attack_budgets[-1])
        fewest = iterations * self.episodes * config.properties().horizon  # transitions of an agent or an attacker
        if self.warm_up > fewest:
            raise ValueError(f"warm_up must be at most {fewest}, or somebody never learns; got {self.warm_up}")
        self.trainer_settings()
        return self

    @property
    def seed_numbers(self) -> range:
        """Of the runs."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def total_steps(self) -> int:
        """Env steps of a seed, at most: episodes may end before their horizon."""
        return self.iterations * self.iteration_steps

    @property
    def iteration_steps(self) -> int:
        """Env steps of a seed in an iteration, at most."""
        horizon = games.spec(self.world).config(**self.world_settings).properties().horizon
        return self.episodes * horizon * (2 if METHODS[self.method].has_adversary else 1)

    def _sac(self) -> SacSettings:
        rate = self.learning_rate
        return SacSettings(tuple(self.hidden_sizes), rate, rate, rate, self.first_temperature)

    def trainer_settings(self) -> TrainerSettings:
        """Returns what the trainer is told."""
        names = ("method", "iterations", "episodes", "threshold", "hot", "cold", "shift", "mixing", "steps_per_update")
        given = {name: getattr(self, name) for name in names}
        capacity = self.iterations * self.iteration_steps  # nothing is forgotten
        return TrainerSettings(**given, sac=self._sac(), critic_after=self.warm_up, capacity=capacity)

    def attack_settings(self) -> AttackSettings:
        """Returns what the common attack is told."""
        return AttackSettings(
            restarts=self.restarts,
            iterations=self.attack_budgets[-1],
            judged_episodes=self.episodes * -(-self.judged_episodes // self.episodes),
            episodes=self.episodes,
            sac=self._sac(),
            steps_per_update=self.steps_per_update,
            first=self.warm_up,
        )

    def axes(self) -> tuple[Axis, ...]:
        """Returns the grid's axes."""
        if self.grid == "reference":
            return reference_grid(self.world, self.grid_points)
        return fixed_ratio_grid(self.world, self.grid_ratio, self.grid_points, self.world_settings)
