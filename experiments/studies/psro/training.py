"""All runs of a sweep, an epoch of each in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from experiments.interruption import StopRequest
from experiments.populations.errors import as_run_errors
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder
from experiments.studies.psro.settings import SweepSettings
from marl.psro.psro import Psro
from marl.psro.records import EpochRecord
from marl.psro.workers import Workers


def open_runs(run: RunFolder, settings: SweepSettings, workers: Workers | None = None) -> dict[str, Psro]:
    """Returns the runs of a sweep, by name.

    Raises:
        RunError: A file of one is missing or damaged.
    """
    with as_run_errors():
        return {name: Psro(run.path / "runs" / name, each, workers=workers) for name, each in settings.runs().items()}


def open_complete_runs(run: RunFolder, settings: SweepSettings) -> dict[str, Psro]:
    """Returns the same, of a sweep that is complete.

    Raises:
        RunError: A run is not complete, or a file of one is missing or damaged.
    """
    runs = open_runs(run, settings)
    for name, each in runs.items():
        if each.num_complete <= settings.epochs:
            raise RunError(f"{run.path / 'runs' / name} is not complete: agora resume {run.path}")
    return runs


def train(run: RunFolder, settings: SweepSettings, ray_address: str | None) -> bool:
    """Does the epochs that are left; Ctrl-C ends it after the epoch that is under way.

    Raises:
        RunError: A file is missing or damaged; the world is too large to be exact; the meta-solver cannot solve what
            was found; or the runs are meant to be symmetric, and the world is not.
    """
    if settings.parallel or settings.oracle in ("ppo", "dqn"):
        from marl.rllib.session import start_ray

        address: dict[str, Any] = {"address": ray_address} if ray_address else {}
        start_ray(**address)
    shown = dict[str, str]()

    def watch(kind: str, in_flight: int, waiting: int) -> None:
        progress.update(done, {**shown, f"{kind} in flight": f"{in_flight} of {in_flight + waiting}"})

    runs = open_runs(run, settings, Workers(settings.parallel, watch))
    total = (settings.epochs + 1) * len(runs)  # the last one of a run has no responses
    done = sum(each.num_complete for each in runs.values())
    with StopRequest() as stop, TrainingProgress("PSRO", total, done, Console(), unit="epochs") as progress:
        for epoch in range(settings.epochs + 1):
            for name, each in runs.items():
                if each.num_complete > epoch:
                    continue
                if stop.is_made:
                    return False
                record = _do_epoch(each, is_last=epoch == settings.epochs)
                done += 1
                shown = dict(_shown(name, record, settings))
                progress.update(done, shown)
    return True


def _do_epoch(run: Psro, *, is_last: bool) -> EpochRecord:
    with as_run_errors():
        return run.close() if is_last else run.step()


def _shown(name: str, record: EpochRecord, settings: SweepSettings) -> Mapping[str, str]:
    gap = distance(record)
    return {
        "run": name,
        "epoch": f"{min(record.number + 1, settings.epochs)} of {settings.epochs}",
        "NashConv": "" if gap is None else f"{'' if record.nash_conv is not None else 'at least '}{gap:.3g}",
    }


def distance(record: EpochRecord) -> float | None:
    """Returns the exact NashConv of an epoch's meta-strategy, or what is known of the one before it; None: nothing."""
    if record.nash_conv is not None:
        return record.nash_conv
    if record.bound is not None:
        return record.bound.nash_conv
    return None if record.gains is None else sum(record.gains)
