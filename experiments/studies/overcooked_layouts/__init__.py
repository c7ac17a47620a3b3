"""Study `overcooked_layouts`: all five classic kitchens, several seeds each. See README.md beside this file."""

from __future__ import annotations

from typing import Any, Self

import pydantic
from pydantic import Field

from experiments.run_folder import RunFolder
from experiments.studies.overcooked.settings import OvercookedSettings
from experiments.studies.overcooked_layouts.analysis import evaluate, report
from experiments.study import Study, StudySettings
from experiments.sweep import Job, run_jobs

CLASSICS = (
    "cramped_room",
    "asymmetric_advantages",
    "coordination_ring",
    "forced_coordination",
    "counter_circuit_o_1order",
)


class LayoutsSettings(StudySettings):
    """The study `overcooked` over layouts and seeds, with equal steps for each."""

    layouts: list[str] = Field(list(CLASSICS), min_length=1)
    seeds: list[int] = Field([0, 1, 2], min_length=1)
    total_steps: int = Field(4_000_000, ge=1, description="env steps of each run")
    parallel: int = Field(2, ge=1, description="runs at a time, one core each")
    overrides: dict[str, Any] = Field({}, description="further settings of the study `overcooked`")

    @pydantic.model_validator(mode="after")
    def _check_runs(self) -> Self:
        for layout in self.layouts:
            OvercookedSettings(layout=layout, **self.overrides)
        return self


def make_jobs(run: RunFolder, settings: LayoutsSettings) -> list[Job]:
    """Returns one job for each layout and seed."""
    return [
        Job(
            study="overcooked",
            path=run.path / "jobs" / f"{layout}-seed{seed}",
            settings={"layout": layout, "seed": seed, "total_steps": settings.total_steps, **settings.overrides},
            total_steps=settings.total_steps,
        )
        for seed in settings.seeds
        for layout in settings.layouts
    ]


def _train(run: RunFolder, settings: LayoutsSettings, ray_address: str | None) -> bool:
    return run_jobs("Overcooked, five kitchens", make_jobs(run, settings), settings.parallel)


def _evaluate(run: RunFolder, settings: LayoutsSettings) -> None:
    evaluate(run, [job.path for job in make_jobs(run, settings)])


def _render(run: RunFolder, settings: LayoutsSettings) -> None:
    """Each job has rendered its own replay."""


def _report(run: RunFolder, settings: LayoutsSettings) -> None:
    report(run)


STUDY = Study(
    name="overcooked_layouts",
    claim="one set of hyper-parameters learns all five classic kitchens, seed after seed",
    settings=LayoutsSettings,
    name_run=lambda settings: "overcooked_layouts",
    train=_train,
    evaluate=_evaluate,
    render=_render,
    report=_report,
)
