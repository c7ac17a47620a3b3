"""Settings of the study `mra_populations`: worlds, ways to learn, and what is judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

import games
from experiments.study import StudySettings, check_different
from games.names import unknown_name


@dataclass(frozen=True)
class World:
    """A world of the study, whose populations have one number: agents, or collectors.

    Attributes:
        env_id: Of it.
        slots: Names of the settings that say how many there are.
        fixed: Settings that are always the same.
        taught: Settings that training has besides; what is judged is always the world without them.
        partners: How many agents of another group there are besides, whose setting comes second; 0: there is no other.
        trained: Sizes of the training.
        judged: Sizes of the evaluation.
        adapted: The size to which trained networks adapt.
        grown: Sizes of the curriculum.
    """

    env_id: str
    slots: tuple[str, ...]
    fixed: dict[str, Any]
    taught: dict[str, Any]
    partners: int
    trained: tuple[int, ...]
    judged: tuple[int, ...]
    adapted: int
    grown: tuple[int, ...]

    def of(self, size: int) -> dict[str, Any]:
        """Returns the settings of one size."""
        counts = (size, self.partners) if self.partners else (size,)
        return {**self.fixed, **dict(zip(self.slots, counts, strict=True))}

    def of_many(self, sizes: tuple[int, ...]) -> dict[str, Any]:
        """Returns the settings of a world in which every episode has one of some sizes."""
        rows = [(size, self.partners) for size in sizes] if self.partners else list(sizes)
        return {**self.of(max(sizes)), "populations": rows}

    def to_learn(self, sizes: tuple[int, ...]) -> dict[str, Any]:
        """Returns the settings of `of_many` as training has them."""
        return {**self.of_many(sizes), **self.taught}

    @property
    def horizon(self) -> int:
        """Steps of an episode."""
        config: Any = games.spec(self.env_id).config(**self.of(self.trained[0]))
        return int(config.horizon)

    @property
    def teams_grown(self) -> int:
        """Teams that a curriculum trains, in all its stages.

        One group has nothing to mix, so that as many go on as are kept; two have more matches than there is room for.
        """
        return CANDIDATES + (CANDIDATES if self.partners else KEPT) * (len(self.grown) - 1)


CANDIDATES, KEPT = 3, 2  # of the curriculum; EPC has 6 and 3 in its cooperative game

WORLDS = {
    "resources": World(
        env_id="particles/resource_occupation_v0",
        slots=("num_agents",),
        fixed={},
        taught={"shared_reward": False},
        partners=0,
        trained=(6, 9, 12),
        judged=(3, 6, 9, 12, 24, 48),
        adapted=24,
        grown=(3, 6, 12),
    ),
    "treasures": World(
        env_id="particles/treasure_collection_v0",
        slots=("num_collectors", "num_banks"),
        fixed={},
        taught={"shared_reward": False},
        partners=2,
        trained=(3, 6, 9),
        judged=(2, 3, 6, 9, 12),
        adapted=12,
        grown=(3, 6, 9),
    ),
}

# What each way to learn has beside the settings of all; specialists and the curriculum have their own worlds.
METHODS: dict[str, dict[str, Any]] = {
    "mra": {},
    "no_latent": {"num_latents": 1},
    "uniform": {"prior": "uniform", "information_coeff": 0.0},
    "released": {"is_released": True, "lr": 3e-4, "inverse_temperature": 30.0},  # its own rates as well
    "curriculum": {"num_latents": 1},
    **{f"specialist_{size}": {"num_latents": 1, "size": size} for size in (2, 3, 6, 9, 12, 24)},
}
ADAPTING = ("mra", "no_latent")  # whose networks adapt
MOST_SEED = 999  # those of evaluation, and of the episodes that latents are tried in, begin at a million


def trained_sizes(world: str, method: str) -> tuple[int, ...]:
    """Returns the sizes of population that a way to learn is trained in."""
    if method == "curriculum":
        return WORLDS[world].grown
    size = METHODS[method].get("size")
    return WORLDS[world].trained if size is None else (size,)


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        world: A key of WORLDS.
        method: A key of METHODS.
        seed: Of everything.
        env_steps: Of its training.
    """

    world: str
    method: str
    seed: int
    env_steps: int

    def path(self, folder: Path) -> Path:
        """Returns where its returns go."""
        return folder / "cells" / f"{self.world}-{self.method}-{self.seed}.csv"

    def team_path(self, folder: Path) -> Path:
        """Returns where its trained networks go, a folder for each group."""
        return folder / "cells" / f"{self.world}-{self.method}-{self.seed}"

    def curve_path(self, folder: Path) -> Path:
        """Returns where its learning goes."""
        return folder / "cells" / f"{self.world}-{self.method}-{self.seed}-curve.csv"

    def latents_path(self, folder: Path) -> Path:
        """Returns where the latents go that it had while it was judged."""
        return folder / "cells" / f"{self.world}-{self.method}-{self.seed}-latents.csv"


class MraPopulationsSettings(StudySettings):
    """Every pair of a world and a way to learn with every seed."""

    pairs: list[str] = Field(
        [
            *(f"resources-{method}" for method in ("mra", "no_latent", "uniform", "released", "curriculum")),
            *(f"resources-specialist_{size}" for size in (3, 6, 9, 12)),
            *(f"treasures-{method}" for method in ("mra", "no_latent", "uniform", "curriculum")),
        ],
        min_length=1,
        description="worlds and ways to learn",
    )
    seeds: list[int] = Field(list(range(1, 6)), min_length=1)
    env_steps: int = Field(120_000, ge=1, description="of every run, all candidates of a curriculum together")
    num_envs: int = Field(24, ge=1, description="played side by side")
    training: dict[str, Any] = Field(
        {
            **{"lr": 1e-3, "inverse_temperature": 10.0, "team_error": "own"},
            **{"batch_steps": 64, "updates_per_round": 20, "prior_updates": 4},
        },
        description="of every run, beside the method's own",
    )
    judged: list[int] = Field([], description="sizes of the evaluation, in place of the worlds' own")
    episodes: int = Field(200, ge=1, description="of an evaluation")
    tries: int = Field(200, ge=1, description="episodes by which a latent is chosen, or its logits are updated")
    anchor_episodes: int = Field(5000, ge=2, description="of random play, a fifth of scripted, in every population")
    updates: list[int] = Field([1, 5, 20], description="k, of adaptation")
    parallel: int = Field(2, ge=1, description="runs at a time, one core each")

    @field_validator("seeds")
    @classmethod
    def _check_seeds(cls, seeds: list[int]) -> list[int]:
        return check_different(seeds, least=1, most=MOST_SEED)

    @field_validator("updates")
    @classmethod
    def _check_updates(cls, updates: list[int]) -> list[int]:
        return check_different(updates, least=1)

    @field_validator("pairs")
    @classmethod
    def _check_pairs(cls, pairs: list[str]) -> list[str]:
        for pair in pairs:
            world, _, method = pair.partition("-")
            if world not in WORLDS:
                raise unknown_name("world", world, tuple(WORLDS))
            if method not in METHODS:
                raise unknown_name("method", method, tuple(METHODS))
        return check_different(pairs)

    @model_validator(mode="after")
    def _check_runs(self) -> MraPopulationsSettings:
        check_different(self.judged, least=1)
        for world in dict.fromkeys(cell.world for cell in self.cells()):
            for size in self.judged:
                games.spec(WORLDS[world].env_id).config(**WORLDS[world].of_many((size,)))
        defaults, own = type(self).model_fields, ("training", "env_steps", "num_envs")
        if any(getattr(self, name) != defaults[name].default for name in own):
            from experiments.studies.mra_populations.cells import check_training  # with Ray, which takes seconds

            check_training(self)
        return self

    def cells(self) -> list[Cell]:
        """Returns all runs, seed by seed."""
        named = [pair.partition("-")[::2] for pair in self.pairs]
        return [Cell(world, method, seed, self.env_steps) for seed in self.seeds for world, method in named]
