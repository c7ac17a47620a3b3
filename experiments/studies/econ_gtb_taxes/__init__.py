"""Study `econ_gtb_taxes`: the same workers go on under five taxes, seed after seed. See README.md beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import pydantic
from pydantic import Field

from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_gtb.settings import GtbSettings
from experiments.studies.econ_gtb_taxes.analysis import evaluate, report
from experiments.study import Study, StudySettings
from experiments.sweep import Job, run_jobs

Tax = Literal["free_market", "us_federal", "saez", "flat", "planner"]


class TaxesSettings(StudySettings):
    """The study `econ_gtb` over taxes and seeds: phase 1 without taxes, phase 2 under each, then one worker alone."""

    taxes: list[Tax] = Field(["free_market", "us_federal", "saez", "flat", "planner"], min_length=1)
    seeds: list[int] = Field([0, 1, 2, 3, 4], min_length=1)
    phase_1_steps: int = Field(6_000_000, ge=1, description="env steps without taxes, once for each seed")
    phase_2_steps: int = Field(4_000_000, ge=1, description="env steps under each tax, from the workers of phase 1")
    final_share: float = Field(
        0.2, gt=0, le=1, description="of learning rate and entropy coefficient, to which they fall in phase 2"
    )
    gain_share: float = Field(0.1, ge=0, description="of both together, in which one worker learns alone; 0: none does")
    gain_episodes: int = Field(200, ge=1, description="in which that worker plays, before and after")
    parallel: int = Field(1, ge=1, description="runs at a time, one core each")
    overrides: dict[str, Any] = Field({}, description="further settings of the study `econ_gtb`")

    @pydantic.model_validator(mode="after")
    def _check_runs(self) -> Self:
        for name in ("tax", "seed", "total_steps", "start", "learns", "final_share"):
            if name in self.overrides:
                raise ValueError(f"overrides must not set {name!r}: the study does")
        for name, values in (("taxes", self.taxes), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not name one twice, got {values}")
        GtbSettings(**self.overrides)
        return self


def _phase_1_job(folder: Path, settings: TaxesSettings, seed: int) -> Job:
    steps = settings.phase_1_steps
    given = {**settings.overrides, "tax": "free_market", "seed": seed, "total_steps": steps}
    return Job("econ_gtb", folder / f"phase1-seed{seed}", given, steps)


def phase_2_path(folder: Path, tax: str, seed: int) -> Path:
    """Returns the run folder of phase 2."""
    return folder / f"{tax}-seed{seed}"


def _phase_2_job(folder: Path, settings: TaxesSettings, tax: str, seed: int) -> Job:
    start, steps = folder / f"phase1-seed{seed}", settings.phase_2_steps
    given = {**settings.overrides, "tax": tax, "seed": seed, "total_steps": steps, "start": str(start)}
    given |= {"final_share": settings.final_share}
    return Job("econ_gtb", phase_2_path(folder, tax, seed), given, steps, needs=(start,))


def alone_path(folder: Path, tax: str, seed: int) -> Path:
    """Returns the run folder in which one worker goes on alone."""
    return folder / f"{tax}-seed{seed}-alone"


def _alone_job(folder: Path, settings: TaxesSettings, tax: str, seed: int) -> Job:
    start = phase_2_path(folder, tax, seed)
    steps = round(settings.gain_share * (settings.phase_1_steps + settings.phase_2_steps))
    shared = GtbSettings(**settings.overrides)
    given = {**settings.overrides, "tax": tax, "seed": seed, "total_steps": steps, "start": str(start)}
    # As at the end of phase 2: with the first rate one worker, who alone has a quarter of the data, got worse.
    given |= {"learns": "one_worker", "learning_rate": shared.learning_rate * settings.final_share}
    given |= {"entropy_coefficient": shared.entropy_coefficient * settings.final_share}
    decisions = shared.num_envs * max(1, shared.num_env_runners) * shared.fragment_steps  # of one worker in an update
    given |= {"minibatch_size": min(shared.minibatch_size, decisions)}
    given |= {"evaluation_episodes": settings.gain_episodes}
    return Job("econ_gtb", alone_path(folder, tax, seed), given, steps, needs=(start,))


def make_jobs(run: RunFolder, settings: TaxesSettings) -> list[Job]:
    """Returns both phases of one seed before those of the next; whoever learns alone comes last."""
    folder, jobs = run.path / "jobs", list[Job]()
    for seed in settings.seeds:
        jobs.append(_phase_1_job(folder, settings, seed))
        jobs += [_phase_2_job(folder, settings, tax, seed) for tax in settings.taxes]
    if settings.gain_share > 0:
        jobs += [_alone_job(folder, settings, tax, seed) for seed in settings.seeds for tax in settings.taxes]
    return jobs


def _train(run: RunFolder, settings: TaxesSettings, ray_address: str | None) -> bool:
    return run_jobs("Gather-trade-build, taxes", make_jobs(run, settings), settings.parallel, ray_address)


def _evaluate(run: RunFolder, settings: TaxesSettings) -> None:
    complete = {job.path for job in make_jobs(run, settings) if job.is_complete}
    folder = run.path / "jobs"
    cells = [
        (str(tax), seed)
        for seed in settings.seeds
        for tax in settings.taxes
        if phase_2_path(folder, tax, seed) in complete
    ]
    if not cells:
        raise RunError(f"no run of phase 2 is complete yet: agora resume {run.path}")
    alone = {cell: alone_path(folder, *cell) for cell in cells if alone_path(folder, *cell) in complete}
    phase_1 = {seed: folder / f"phase1-seed{seed}" for seed in settings.seeds}
    evaluate(run, {cell: phase_2_path(folder, *cell) for cell in cells}, phase_1, alone)


def _report(run: RunFolder, settings: TaxesSettings) -> None:
    report(run)


STUDY = Study(
    name="econ_gtb_taxes",
    claim="trained workers answer given taxes as the paper's do: each raises equality x productivity; a learned "
    "planner does not reproduce",
    settings=TaxesSettings,
    name_run=lambda settings: "econ_gtb_taxes",
    train=_train,
    evaluate=_evaluate,
    render=None,
    report=_report,
)
