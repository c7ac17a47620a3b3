"""Plays the cells of the grid that are not there yet, some at a time, as Ray tasks.

What a cell needs is sent to its process and what it found comes back, so a cluster's nodes need no common file system.
This process alone writes: whoever kills it loses the cells under way, and a task whose process dies is started again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from experiments.cluster import LOCAL, ray_session
from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunFolder
from experiments.studies.econ_policy_study.cells import Files, Job, play_cell
from experiments.studies.econ_policy_study.settings import Cell, PolicyStudySettings, slug
from experiments.studies.econ_policy_study.tables import is_finished, write_cell
from experiments.studies.econ_policy_study.trained import find_policy, read_files, write_files


@dataclass(frozen=True)
class _Work:
    """A task, and what is done here with its result."""

    call: Callable[[], Any]
    keep: Callable[[Any], None]


def _store(place: Path, files: Files) -> None:
    """Writes a folder of files, which is there as a whole or not at all."""
    aside = place.with_name(f".{place.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    write_files(aside, files)
    os.replace(aside, place)


def _load(place: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(place.iterdir())}


def adapted_path(run: RunFolder, cell: Cell) -> Path:
    """Returns the folder of the workers that a cell's adaptation made."""
    return run.path / "adapted" / cell.file_name


def take_players(run: RunFolder, settings: PolicyStudySettings) -> None:
    """Copies trained players into the run folder, so that what becomes of their own runs does not matter."""
    for population in settings.workers:
        place = _players_path(run, "workers", population.name)
        if population.kind == "trained" and not place.exists():
            _store(place, read_files(Path(population.source)))
    for policy in settings.grid_policies():
        place = _players_path(run, "planner", policy.name)
        if policy.planner == "trained" and not place.exists():
            _store(place, read_files(find_policy(Path(policy.source), "planner")))


def _players_path(run: RunFolder, who: Literal["workers", "planner"], name: str) -> Path:
    return run.path / "players" / who / slug(name)


def make_job(run: RunFolder, settings: PolicyStudySettings, cell: Cell) -> Job:
    """Returns a cell with the files of its trained players; adapted workers if they have adapted already."""
    workers, planner = {}, {}
    if cell.population.kind == "trained":
        workers = _load(_players_path(run, "workers", cell.population.name))
        if cell.adapted and adapted_path(run, cell).exists():
            workers = _load(adapted_path(run, cell))
            if cell.policy.planner == "saez":  # the formula goes on with what it knew when they were done
                known = cell.population.model_copy(update={"trained_under": cell.policy})
                cell = cell.model_copy(update={"population": known})
    if cell.policy.planner == "trained":
        planner = _load(_players_path(run, "planner", cell.policy.name))
    return Job(cell, settings, workers, planner)


def _adapt(job: Job) -> Files:
    from experiments.studies.econ_policy_study.readaptation import adapt  # RLlib takes seconds to import

    return adapt(job)


def _missing(run: RunFolder, settings: PolicyStudySettings, adapted: bool) -> list[Cell]:
    cells = [cell for cell in settings.cells() if cell.adapted == adapted]
    return [cell for cell in cells if not is_finished(run, cell.file_name)]


def _first_wave(run: RunFolder, settings: PolicyStudySettings) -> Iterator[_Work]:
    """Cells as they stand, and workers that adapt."""
    for cell in _missing(run, settings, adapted=False):
        job = make_job(run, settings, cell)
        yield _Work(partial(play_cell, job), partial(write_cell, run, cell.file_name))
    for cell in _missing(run, settings, adapted=True):
        if not adapted_path(run, cell).exists():
            job = make_job(run, settings, cell)
            yield _Work(partial(_adapt, job), partial(_store, adapted_path(run, cell)))


def _second_wave(run: RunFolder, settings: PolicyStudySettings) -> Iterator[_Work]:
    """Cells of workers that have adapted."""
    for cell in _missing(run, settings, adapted=True):
        job = make_job(run, settings, cell)
        yield _Work(partial(play_cell, job), partial(write_cell, run, cell.file_name))


def run_grid(run: RunFolder, settings: PolicyStudySettings, ray_address: str | None) -> bool:
    """Plays the cells that are missing; returns whether all are there then."""
    take_players(run, settings)
    cells = settings.cells()
    total = len(cells) + sum(cell.adapted for cell in cells)
    left = len(_missing(run, settings, False)) + len(_missing(run, settings, True))
    left += sum(not adapted_path(run, cell).exists() for cell in _missing(run, settings, True))
    if not left:
        return True
    is_local = ray_address in (None, LOCAL)
    needs_ray = settings.parallel > 0 or bool(_missing(run, settings, True))
    session = ray_session(ray_address, max(1, settings.parallel) if is_local else 1)
    with (
        session if needs_ray else contextlib.nullcontext(),
        StopRequest() as stop,
        TrainingProgress("Policy study", total, total - left, Console(), unit="tasks") as progress,
    ):
        for wave in (_first_wave, _second_wave):
            for _ in _work_through(list(wave(run, settings)), settings.parallel):
                left -= 1
                progress.update(total - left, {})
                if stop.is_made:
                    return left == 0
    return True


def _work_through(works: Sequence[_Work], parallel: int) -> Iterator[None]:
    """Does all work, in any order, and keeps each result as soon as it is there."""
    if not parallel:
        for work in works:
            work.keep(work.call())
            yield
        return
    from marl.psro.workers import Workers

    for number, result in Workers(parallel).run([work.call for work in works]):
        works[number].keep(result)
        yield
