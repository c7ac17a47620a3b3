"""Settings of the study `econ_policy_study`: the grid, the world, and how workers adapt."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pydantic
from pydantic import Field

import econ  # noqa: F401 - registers its worlds
import games
from econ.gather_trade_build import GatherTradeBuildConfig
from experiments.run_folder import RunError
from experiments.studies.econ_policy_study.policies import Policy, Schedules, read_policy, read_schedule_file
from experiments.studies.econ_policy_study.populations import Population, read_population
from experiments.study import StudySettings

ENV_ID = "econ/gather_trade_build_v0"
OPEN_QUADRANT = "quadrant_25x25_20each_30clump"
MOST_SEED = 2**31 - 1  # what is made of a seed stays below the 2^64 that worlds take
DEFAULT_POLICIES = ("free_market", "us_federal", "flat", "saez")


class Layout(pydantic.BaseModel, extra="forbid", frozen=True):
    """A map.

    Attributes:
        name: In all tables.
        source: What the world takes: a name, or the text of a map.
    """

    name: str
    source: str


class Cell(pydantic.BaseModel, frozen=True):
    """One place of the grid: episodes of one population under one policy.

    Attributes:
        policy: Who sets the rates.
        population: Who works.
        layout: Where.
        seed: Of everything.
        adapted: Whether workers went on learning under this policy.
    """

    policy: Policy
    population: Population
    layout: Layout
    seed: int
    adapted: bool = False

    @cached_property
    def file_name(self) -> str:
        """Of its parts of the tables; no two cells of a grid share it."""
        words = (self.policy.name, self.population.name, self.layout.name, f"seed{self.seed}")
        return slug("-".join(words)) + ("-adapted" if self.adapted else "")


def slug(name: str) -> str:
    """Returns a name as it may stand in a path."""
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", name)


def _as_words(given: Any) -> list[Any]:
    """A list, or one word with commas."""
    if isinstance(given, str):
        return [word.strip() for word in given.split(",") if word.strip()]
    return list(given) if isinstance(given, list | tuple) else [given]


class PolicyStudySettings(StudySettings):
    """Policies x workers x layouts x seeds, each a cell of some episodes side by side."""

    policies: list[Policy] = Field([], description="words, see README; none: four, or with a schedule the workers' own")
    schedule: Schedules | None = Field(None, description="a CSV file of schedules; each is a policy more")
    workers: list[Population] = Field(
        [Population(name=name, kind=name) for name in ("trading", "lone")],
        min_length=1,
        description="trading, trading:PRICE, lone, random, or a run folder of trained workers",
    )
    layouts: list[Layout] = Field(
        [Layout(name=OPEN_QUADRANT, source=OPEN_QUADRANT)],
        min_length=1,
        description="names of maps, random_<kind>, or .txt files of maps",
    )
    seeds: list[int] = Field([0, 1, 2, 3, 4], min_length=1)
    episodes: int = Field(4, ge=1, description="of each cell, side by side")
    num_agents: int | None = Field(None, ge=2, description="workers; default: as trained, or 4")
    horizon: int | None = Field(None, ge=10, description="steps of an episode; default: as trained, or 1,000")
    tax_period: int | None = Field(None, ge=1, description="steps; default: a tenth of the horizon")
    world: dict[str, Any] = Field({}, description="further settings of the world")
    saez_rounds: int = Field(2, ge=0, description="Saez's formula: uncounted rounds of episodes before the others")
    parallel: int = Field(2, ge=0, description="cells at a time, as Ray tasks; 0: one after the other, without Ray")
    readapt_steps: int = Field(
        200_000, ge=0, description="env steps that trained workers go on learning under each policy; 0: they do not"
    )
    readapt_envs: int = Field(40, ge=1, description="re-adaptation: envs side by side")
    readapt_learning_rate: float = Field(3e-4, gt=0, description="re-adaptation: at the start; falls to a tenth")
    readapt_entropy: float = Field(0.025, ge=0, description="re-adaptation: entropy bonus at the start; falls likewise")

    @pydantic.field_validator("policies", mode="before")
    @classmethod
    def _read_policies(cls, given: Any) -> Any:
        return [read_policy(each) if isinstance(each, str) else each for each in _as_words(given)]

    @pydantic.field_validator("schedule", mode="before")
    @classmethod
    def _read_schedule(cls, given: Any) -> Any:
        return read_schedule_file(given) if isinstance(given, str) else given

    @pydantic.field_validator("workers", mode="before")
    @classmethod
    def _read_workers(cls, given: Any) -> Any:
        return [read_population(each) if isinstance(each, str) else each for each in _as_words(given)]

    @pydantic.field_validator("layouts", mode="before")
    @classmethod
    def _read_layouts(cls, given: Any) -> Any:
        return [_read_layout(each) if isinstance(each, str) else each for each in _as_words(given)]

    @pydantic.field_validator("seeds", mode="before")
    @classmethod
    def _read_seeds(cls, given: Any) -> Any:
        return _as_words(given)

    @pydantic.model_validator(mode="after")
    def _check_grid(self) -> Self:
        policies = self.grid_policies()
        names = {
            "policies": [policy.name for policy in policies],
            "workers": [population.name for population in self.workers],
            "layouts": [layout.name for layout in self.layouts],
        }
        for field, given in names.items():
            files = [slug(name) for name in given]
            twice = [name for name in given if files.count(slug(name)) > 1]
            if twice:
                raise ValueError(f"{field} must have different names, got {' and '.join(map(repr, twice))}")
        if len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0 or max(self.seeds) > MOST_SEED:
            raise ValueError(f"seeds must be different numbers from 0 to {MOST_SEED}, got {self.seeds}")
        for name in self.world:
            if name in ("layout", "num_agents", "horizon", "tax_period") or name.startswith("tax_"):
                raise ValueError(f"world must not set {name!r}: the study's own settings do")
        self._trained_world()
        for layout in self.layouts:
            self._check_layout(layout, policies[0])
        for policy in policies:
            try:
                self.world_config(policy, self.layouts[0])
            except ValueError as error:
                raise ValueError(f"policy {policy.name}: {error}") from None
            self._check_brackets(policy)
        self._check_periods_and_prices(self.world_config(policies[0], self.layouts[0]))
        return self

    def _check_periods_and_prices(self, config: GatherTradeBuildConfig) -> None:
        if config.tax_period > config.horizon:
            raise ValueError(
                f"tax_period must be at most the horizon, {config.horizon}, for any tax day, got {config.tax_period}"
            )
        for population in self.workers:
            if population.kind == "trading" and population.price > config.max_bid_ask:
                raise ValueError(
                    f"workers: {population.name}: a price must be in [0, {config.max_bid_ask}], got {population.price}"
                )

    def _check_layout(self, layout: Layout, policy: Policy) -> None:
        try:
            seen = _observation_size(self.world_settings(policy, layout))
        except ValueError as error:
            raise ValueError(f"layouts: {layout.name}: {error}") from None
        brackets = len(self.world_config(policy, layout).cutoffs)
        for population in self._trained():
            shown = seen + population.brackets - brackets
            if population.observation_size != shown:
                raise ValueError(
                    f"workers: {population.name} were trained on {population.observation_size} numbers per "
                    f"observation, this world shows {shown}: num_agents, view, max_bid_ask or sees_all differ"
                )

    def _check_brackets(self, policy: Policy) -> None:
        count = len(self.world_config(policy, self.layouts[0]).cutoffs)
        is_from_file = self.schedule is not None and policy.name in self.schedule.rates
        where = self.schedule.file if self.schedule is not None and is_from_file else f"policy {policy.name}"
        for population in self._trained():
            if count != population.brackets:
                raise ValueError(
                    f"{where}: {count} brackets, but workers {population.name} were trained with {population.brackets}"
                )

    def _trained(self) -> list[Population]:
        return [population for population in self.workers if population.kind == "trained"]

    def _trained_world(self) -> dict[str, Any]:
        """Settings of the world that trained workers bring along."""
        own = {"num_agents": self.num_agents, "horizon": self.horizon, "tax_period": self.tax_period}
        given = {name for name, value in own.items() if value is not None} | set(self.world)
        if self.horizon is not None:
            given.add("tax_period")
        found: dict[str, tuple[Any, str]] = {}
        for population in self._trained():
            for name, value in population.world.items():
                other, whose = found.setdefault(name, (value, population.name))
                if other != value and name not in given:
                    raise ValueError(
                        f"{name}: workers {whose} were trained with {other!r}, {population.name} with {value!r}: "
                        f"say {name}"
                    )
        return {name: value for name, (value, _) in found.items()}

    def world_settings(self, policy: Policy, layout: Layout) -> dict[str, Any]:
        """Returns settings of the world beyond the id's."""
        world = self._trained_world() | self.world
        for name, value in (("num_agents", self.num_agents), ("horizon", self.horizon)):
            if value is not None:
                world[name] = value
        horizon = world.get("horizon", 1000)
        if self.horizon is not None or "tax_period" not in world:
            world["tax_period"] = max(1, horizon // 10)
        if self.tax_period is not None:
            world["tax_period"] = self.tax_period
        return {**world, "layout": layout.source, **policy.tax}

    def world_config(self, policy: Policy, layout: Layout) -> GatherTradeBuildConfig:
        """Returns the world's config, checked."""
        config = games.spec(ENV_ID).config(**self.world_settings(policy, layout))
        assert isinstance(config, GatherTradeBuildConfig)
        return config

    def grid_policies(self) -> list[Policy]:
        """Returns all policies of the grid; where a schedule is asked about alone, what workers know comes first."""
        schedules = self.schedule.policies() if self.schedule is not None else []
        if self.policies:
            return [*self.policies, *schedules]
        if not schedules:
            return [read_policy(word) for word in DEFAULT_POLICIES]
        known = [population.trained_under for population in self._trained() if population.trained_under is not None]
        return [known[0] if known else read_policy("free_market"), *schedules]

    def cells(self) -> list[Cell]:
        """Returns the grid, seed by seed, so that what is there of a run that was stopped can be compared."""
        return [
            Cell(policy=policy, population=population, layout=layout, seed=seed, adapted=adapted)
            for seed in self.seeds
            for layout in self.layouts
            for population in self.workers
            for policy in self.grid_policies()
            for adapted in ([False, True] if population.kind == "trained" and self.readapt_steps else [False])
        ]


def _observation_size(world: dict[str, Any]) -> int:
    batch = games.make_batch(ENV_ID, 1, **world)
    return int(np.prod(batch.groups["workers"].observations.shape[2:]))


def _read_layout(word: str) -> Layout:
    if not word.endswith(".txt"):
        return Layout(name=word, source=word)
    path = Path(word)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"layouts: cannot read {word}: {error}") from None
    return Layout(name=path.stem, source=text if "\n" in text else text + "\n")


def name_run(settings: PolicyStudySettings) -> str:
    """Returns a name for the folder of a run."""
    return "econ_policy_study" + (f"-{slug(Path(settings.schedule.file).stem)}" if settings.schedule else "")
