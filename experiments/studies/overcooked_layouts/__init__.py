"""Study `overcooked_layouts`: all five classic kitchens, several seeds each. See README.md beside this file."""

from __future__ import annotations

from typing import Any, Self

import pydantic
from pydantic import Field

from experiments.run_folder import RunError, RunFolder
from experiments.studies.overcooked.settings import OvercookedSettings, name_run
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


# The long way round the counter takes more steps to discover: with the others' settings one seed of two had not served
# a soup when shaping ended, and then never did.
BY_LAYOUT = {"counter_circuit_o_1order": {"total_steps": 3_000_000, "shaping_fraction": 0.8}}


class LayoutsSettings(StudySettings):
    """The study `overcooked` over layouts and seeds."""

    layouts: list[str] = Field(list(CLASSICS), min_length=1)
    seeds: list[int] = Field([0, 1, 2], min_length=1)
    total_steps: int = Field(2_500_000, ge=1, description="env steps of a run, unless by_layout says otherwise")
    parallel: int = Field(2, ge=1, description="runs at a time, one core each")
    overrides: dict[str, Any] = Field({}, description="further settings of the study `overcooked`")
    by_layout: dict[str, dict[str, Any]] = Field(BY_LAYOUT, description="settings of single layouts, over the others")

    @pydantic.model_validator(mode="after")
    def _check_runs(self) -> Self:
        for name in ("layout", "seed", "total_steps"):
            if name in self.overrides:
                raise ValueError(f"overrides must not set {name!r}: layouts, seeds and total_steps do")
        for name, values in (("layouts", self.layouts), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not name one twice, got {values}")
        for settings in self.runs():
            OvercookedSettings(**settings)
        return self

    def runs(self) -> list[dict[str, Any]]:
        """Returns the settings of every run, all layouts under one seed before the next seed."""
        return [
            {"total_steps": self.total_steps, **self.overrides, **self.by_layout.get(layout, {})}
            | {"layout": layout, "seed": seed}
            for seed in self.seeds
            for layout in self.layouts
        ]


def make_jobs(run: RunFolder, settings: LayoutsSettings) -> list[Job]:
    """Returns one job for each layout and seed."""
    return [
        Job("overcooked", run.path / "jobs" / name_run(OvercookedSettings(**each)), each, each["total_steps"])
        for each in settings.runs()
    ]


def _train(run: RunFolder, settings: LayoutsSettings, ray_address: str | None) -> bool:
    return run_jobs("Overcooked, five kitchens", make_jobs(run, settings), settings.parallel, ray_address)


def _evaluate(run: RunFolder, settings: LayoutsSettings) -> None:
    jobs = make_jobs(run, settings)
    missing = [job.path for job in jobs if not job.is_complete]
    if missing:
        raise RunError(
            f"{len(missing)} of {len(jobs)} runs are not complete, {missing[0]} among them: agora resume {run.path}"
        )
    evaluate(run, [job.path for job in jobs])


def _report(run: RunFolder, settings: LayoutsSettings) -> None:
    report(run)


STUDY = Study(
    name="overcooked_layouts",
    claim="PPO self-play learns all five classic kitchens, seed after seed",
    settings=LayoutsSettings,
    name_run=lambda settings: "overcooked_layouts",
    train=_train,
    evaluate=_evaluate,
    render=None,
    report=_report,
)
