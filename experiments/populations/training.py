"""The runs of all arms, as Ray tasks of one epoch each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments.interruption import StopRequest
from experiments.populations.errors import as_run_errors
from experiments.populations.settings import Arm, PopulationSettings
from experiments.progress import TrainingProgress
from experiments.run_folder import RunFolder
from marl.psro.psro import Psro
from marl.psro.records import read_epochs
from marl.psro.workers import Workers


def run_path(run: RunFolder, arm: Arm, seed: int) -> Path:
    """Returns the folder of one run of PSRO."""
    return run.path / "runs" / f"{arm.name}-{seed}"


def open_psro(run: RunFolder, settings: PopulationSettings, arm: Arm, seed: int) -> Psro:
    """Opens one run of PSRO.

    Raises:
        RunError: A file of it is missing or damaged.
    """
    with as_run_errors():
        return Psro(run_path(run, arm, seed), settings.run_settings(arm, seed), scripted=settings.scene().scripted)


def do_epoch(run: RunFolder, settings: PopulationSettings, arm: Arm, seed: int) -> None:
    """Does one epoch of one run, or the one that ends it."""
    psro = open_psro(run, settings, arm, seed)
    if psro.num_complete < settings.epochs:
        psro.step()
    else:
        psro.close()


def num_complete(run: RunFolder, arm: Arm, seed: int) -> int:
    """Returns how many epochs of a run are complete.

    Raises:
        RunError: The file of one is missing or damaged.
    """
    with as_run_errors():
        return sum(record.is_complete for record in read_epochs(run_path(run, arm, seed) / "epochs"))


def train(run: RunFolder, settings: PopulationSettings, ray_address: str | None, title: str) -> bool:
    """Does the epochs that are left, all arms of one seed before the next seed; Ctrl-C ends it after those under way.

    Returns:
        Whether all are done.

    Raises:
        RunError: A file is missing or damaged; or the runs are meant to be symmetric, and the world is not.
    """
    from marl.rllib.session import start_ray

    arms = settings.arms()
    each = settings.epochs + 1  # the last one has no responses
    done = sum(min(each, num_complete(run, arm, seed)) for arm in arms for seed in range(settings.seeds))
    total = each * len(arms) * settings.seeds
    if done == total:
        return True
    address: dict[str, Any] = {"address": ray_address} if ray_address else {"num_cpus": settings.parallel}
    start_ray(**address)
    workers = Workers(settings.parallel)
    with StopRequest() as stop, TrainingProgress(title, total, done, Console(), unit="epochs") as progress:
        for seed in range(settings.seeds):
            for epoch in range(each):
                missing = [arm for arm in arms if num_complete(run, arm, seed) <= epoch]
                for _ in _run(workers, [partial(do_epoch, run, settings, arm, seed) for arm in missing]):
                    done += 1
                    progress.update(done, {"seed": f"{seed + 1} of {settings.seeds}"})
                    if stop.is_made:
                        return False
    return True


def _run(workers: Workers, tasks: Sequence[Callable[[], None]]) -> Iterator[Any]:
    with as_run_errors():
        yield from workers.run(tasks)
