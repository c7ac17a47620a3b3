"""Moments in the life of a run at which a test can kill it."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from os import killpg

from experiments.run_folder import RunFolder

PATIENCE_S = 240.0
POLL_S = 0.001  # writing a checkpoint takes some hundredths of a second

Process = subprocess.Popen


def _watch(process: Process, is_so: Callable[[], bool]) -> None:
    """Returns when it is so, or when the process has ended."""
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and not is_so():
        assert time.monotonic() < end, "the run does not get on"
        time.sleep(POLL_S)


def starting(process: Process, run: RunFolder, chance: random.Random) -> None:
    """While modules are imported, Ray starts or the checkpoint is read."""
    time.sleep(chance.uniform(0, 6))


def training(process: Process, run: RunFolder, chance: random.Random) -> None:
    """Anywhere in an iteration, some iterations after the one where it went on."""
    num_rows = len(run.read_metrics()) + chance.randint(1, 4)
    _watch(process, lambda: len(run.read_metrics()) >= num_rows)
    time.sleep(chance.uniform(0, 0.3))


def writing_a_checkpoint(process: Process, run: RunFolder, chance: random.Random) -> None:
    """Between the first file of a checkpoint and the rename that makes it count, or the removal of an old one."""
    trained = run.trained_steps()
    _watch(process, lambda: run.trained_steps() > trained)  # a folder that an earlier kill left does not count
    _watch(process, lambda: any(run.checkpoints_path.glob(".*.partial")))
    time.sleep(chance.uniform(0, 0.05))


def finishing(process: Process, run: RunFolder, chance: random.Random) -> None:
    """Between the end of training and the end of the process: in the evaluation, the replay or the report."""
    begin = time.time()
    written = chance.choice([run.evaluation_path, run.replay_path / "episode.gif", run.replay_path / "episode.mp4"])
    _watch(process, lambda: written.exists() and written.stat().st_mtime >= begin)
    time.sleep(chance.uniform(0, 0.2))


def kill_at(
    moment: Callable[[Process, RunFolder, random.Random], None], process: Process, run: RunFolder, chance: random.Random
) -> bool:
    """Kills a process and all that it started; returns False if it had come to its end by then."""
    moment(process, run, chance)
    was_alive = process.poll() is None
    with suppress(ProcessLookupError):
        killpg(process.pid, signal.SIGKILL)
    _, errors = process.communicate()
    assert was_alive or process.returncode == 0, errors
    return was_alive
