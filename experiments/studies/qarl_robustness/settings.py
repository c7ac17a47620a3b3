"""Settings of the study `qarl_robustness`, and the runs that they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pydantic
from pydantic import Field

from experiments.run_folder import RunFolder
from experiments.studies.qarl import STUDY as SINGLE
from experiments.studies.qarl.settings import QarlSettings
from experiments.studies.qarl_robustness.tasks import TASKS
from experiments.study import StudySettings
from experiments.sweep import Job
from games.names import unknown_name
from marl.qarl.methods import METHODS
from marl.robustness.statistics import LEVEL, least_p_value

DOUBLED = " x 2"  # after the name of a method that is trained for twice as long
OWN = ("world", "world_settings", "threshold", "seeds", "first_seed", "method", "iterations")  # of each run


@dataclass(frozen=True)
class Arm:
    """A method with its budget.

    Attributes:
        method: One of marl.qarl.methods.METHODS.
        is_doubled: Whether it has twice the iterations: as many env steps in all as a method with two phases.
    """

    method: str
    is_doubled: bool = False

    @property
    def name(self) -> str:
        """As in tables."""
        return self.method + DOUBLED if self.is_doubled else self.method


class RobustnessSettings(StudySettings):
    """Methods times worlds; seeds of a run are trained side by side."""

    tasks: list[str] = Field(list(TASKS), min_length=1, description="of tasks.py")
    methods: list[str] = Field(["qarl", "sac", "rarl", "force", "cat", "mixed_ne_ld"], min_length=1)
    seeds: int = Field(10, ge=1, description="runs of each, with the seeds 0, 1, ...")
    iterations: int = Field(80, ge=1, description="of every method; protagonists have equal samples")
    doubles: bool = Field(True, description="methods of one phase once more with as many env steps as those of two")
    cross_play_episodes: int = Field(2, ge=1, description="of each protagonist with each adversary")
    rounds: int = Field(200, ge=8, description="episodes of each pool, and those that certificates rest on")
    parallel: int = Field(1, ge=1, description="runs at a time, one core each")
    overrides: dict[str, Any] = Field({}, description="further settings of the study `qarl`")

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        for kind, given, known in (("task", self.tasks, TASKS), ("method", self.methods, METHODS)):
            for name in given:
                if name not in known:
                    raise unknown_name(kind, name, known)
            if len(set(given)) != len(given):
                raise ValueError(f"{kind}s must not name one twice, got {given}")
        taken = [name for name in OWN if name in self.overrides]
        if taken:
            raise ValueError(f"overrides must leave {', '.join(taken)} to tasks.py, methods, seeds and iterations")
        for task in self.tasks:
            for arm in self.arms():
                self.run_settings(task, arm)
        return self

    def tables(self) -> dict[str, list[Arm]]:
        """Returns what is compared, by whose samples are equal; the first of a table is compared with its others.

        "protagonist": every method has as many iterations. "total": those without an adversary have twice as many, so
        that all have as many env steps.
        """
        found = {"protagonist": [Arm(name) for name in self.methods]}
        if self.doubles and not all(METHODS[name].has_adversary for name in self.methods):
            found["total"] = [Arm(name, not METHODS[name].has_adversary) for name in self.methods]
        return found

    def arms(self) -> list[Arm]:
        """Returns all that is trained, each once."""
        return list(dict.fromkeys(arm for arms in self.tables().values() for arm in arms))

    def doubts(self) -> list[str]:
        """Returns a line about each table that can say nothing of a single world, whatever comes out."""
        found = []
        for name, (_, *rivals) in self.tables().items():
            least = least_p_value(self.seeds, len(rivals))
            if rivals and least > LEVEL:
                found.append(
                    f"{self.seeds} seeds and {len(rivals)} rivals: no p-value of one world can be below {least:.2g}, "
                    f"so that all its verdicts are inconclusive (equal samples: {name})"
                )
        return found

    def run_settings(self, task: str, arm: Arm) -> QarlSettings:
        """Returns the settings of one run.

        Raises:
            RunError: An override that the study `qarl` does not take.
        """
        about = TASKS[task]
        given: dict[str, Any] = {
            "world": about.world,
            "world_settings": dict(about.settings),
            "threshold": about.threshold,
            "seeds": self.seeds,
            "method": arm.method,
            "iterations": self.iterations * (2 if arm.is_doubled else 1),
        }
        found: QarlSettings = SINGLE.read_settings({**about.training, **self.overrides, **given})
        return found


def run_path(run: RunFolder, task: str, arm: Arm) -> Path:
    """Returns the folder of one run."""
    return run.path / "jobs" / f"{task}-{arm.method}{'-doubled' if arm.is_doubled else ''}"


def make_jobs(run: RunFolder, settings: RobustnessSettings) -> list[Job]:
    """Returns the runs, all of one world before the next one's."""
    jobs = []
    for task in settings.tasks:
        for arm in settings.arms():
            own = settings.run_settings(task, arm)
            jobs.append(Job("qarl", run_path(run, task, arm), own.model_dump(), own.total_steps))
    return jobs
