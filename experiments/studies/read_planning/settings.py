"""What the study read_planning is told, and the tasks that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import pydantic
from pydantic import Field

from experiments.study import StudySettings
from games.names import unknown_name
from games.sandwich import RECIPES
from games.sort import LEVELS as SORT_LEVELS
from games.sweep import LEVELS as SWEEP_LEVELS


@dataclass(frozen=True)
class Task:
    """A level of a world.

    Attributes:
        id: Of the environment.
        config: Settings that differ from the id's.
        noise: Of the scripted planner: chosen so that checks of validity alone leave room above them.
        has_exact_values: Whether dynamic programming visits all its states in seconds.
    """

    id: str
    config: dict[str, Any]
    noise: float
    has_exact_values: bool = False


TASKS: Mapping[str, Task] = {
    **{level: Task("cooperation/sweep_v0", {"level": level}, 0.25) for level in SWEEP_LEVELS},
    **{level: Task("cooperation/sandwich_v0", {"level": level}, 0.6, True) for level in RECIPES},
    **{level: Task("cooperation/sort_v0", {"level": level}, 0.7, True) for level in SORT_LEVELS},
    "cramped_room": Task("overcooked/read_cramped_room_v0", {}, 0.1),
    "forced_coordination": Task("overcooked/read_forced_coordination_v0", {}, 0.1),
}
HARD = ("y2_g3", "y3_g3", "recipe3", "recipe4", "sort4", "sort5", "cramped_room", "forced_coordination")
TITLES = {
    "none": "no feedback",
    "validity": "validity only",
    "validity_s": "validity only, robot by robot",
    "reflexion": "Reflexion-like",
    "read_j": "ReAd-J",
    "read_s": "ReAd-S",
    "read_j_alone": "ReAd-J, no validity",
    "read_j_twice": "ReAd-J, asked twice at most",
    "coin": "refused at random",
    "shuffled": "shuffled critic",
    "argmax": "critic alone",
    "argmax_valid": "critic alone, valid plans",
}  # of the methods, as in `marl.read.methods`, which takes seconds to import
WITHOUT_CRITIC = 0  # in the place of a critic's seed


class ReadPlanningSettings(StudySettings):
    """Planners with and without a critic's advantages."""

    planner: Literal["script", "stand_in"] = Field("script", description="who is asked")
    folder: str = Field("", description="of the stand-in, from `python -m marl.small_planner`")
    temperature: float = Field(1.0, ge=0, description="of the stand-in")
    tasks: list[str] = Field(list(TASKS), min_length=1)
    methods: list[str] = Field(list(TITLES), min_length=1)
    episodes: int = Field(200, ge=2, description="of every method, paired by their planner's seed")
    critics: int = Field(5, ge=1, description="critics a task, each from experience of its own")
    experience: int = Field(1500, ge=1, description="episodes that a critic is fitted to")
    critic_steps: int = Field(4000, ge=1, description="updates of a critic")
    discount: float = Field(0.95, gt=0, le=1)
    max_queries: int = Field(10, ge=2, description="of a question")
    bar: float = Field(
        -0.01, description="a score must be above it, in shares of the largest return; refusals double it"
    )
    resets: list[int] = Field([1, 2, 3], description="steps after which recipe3 is reset silently")
    parallel: int = Field(1, ge=1, description="processes")

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        for task in self.tasks:
            if task not in TASKS:
                raise ValueError(str(unknown_name("task", task, TASKS)))
        for method in self.methods:
            if method not in TITLES:
                raise ValueError(str(unknown_name("method", method, TITLES)))
        if "coin" in self.methods and "read_j" not in self.methods:
            raise ValueError("methods must have read_j beside coin, which refuses as often")
        if self.planner == "stand_in" and not self.folder:
            raise ValueError("a stand-in needs its folder: python -m marl.small_planner ID FOLDER makes one")
        return self

    def cells(self) -> list[tuple[str, int]]:
        """Returns task and critic of every cell; first the methods without a critic, of all tasks."""
        return [(task, seed) for seed in range(WITHOUT_CRITIC, self.critics + 1) for task in self.tasks]
