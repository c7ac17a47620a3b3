"""Many runs of one study, a few at a time, each in a process and a run folder of its own."""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder

POLL_S = 2.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, eq=False)
class Job:
    """One run of a sweep.

    Attributes:
        study: Its study.
        path: Its run folder.
        settings: By name.
        total_steps: Env steps that it trains for.
        needs: Run folders of jobs that must be complete before it starts.
    """

    study: str
    path: Path
    settings: dict[str, Any]
    total_steps: int
    needs: tuple[Path, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether it has trained to the end and its report, the last thing that a run writes, is there."""
        run = RunFolder(self.path)
        return run.report_path.exists() and run.trained_steps() >= self.total_steps

    def count_steps(self) -> int:
        """Returns how far it has got."""
        rows = RunFolder(self.path).read_metrics()
        return int(rows[-1]["steps"]) if rows else 0

    def start(self, log: IO[str], ray_address: str | None) -> subprocess.Popen[str]:
        """Starts it, or goes on with it; it ends, after a checkpoint, when this process does."""
        command = [sys.executable, "-m", "experiments"]
        if (self.path / "settings.json").exists():
            command += ["resume", str(self.path)]
        else:
            # JSON is YAML, which is what the command reads.
            words = [f"{name}={json.dumps(value)}" for name, value in self.settings.items()]
            command += ["run", self.study, *words, "--out", str(self.path)]
        command += ["--ray-address", ray_address] if ray_address else []
        # In a session of its own, so that Ctrl-C reaches only us and each job gets one signal from us.
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )


def _die_with_parent() -> None:
    """Asks Linux for SIGTERM when the parent ends, kill -9 included; other systems have nothing like it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _next_ready(waiting: list[Job], running: Iterable[Job]) -> Job | None:
    """Returns the first job that needs none of the others, if there is one."""
    unfinished = {job.path for job in (*waiting, *running)}
    return next((job for job in waiting if unfinished.isdisjoint(job.needs)), None)


def _work(jobs: list[Job], parallel: int, stop: StopRequest, ray_address: str | None) -> Iterator[None]:
    """Keeps `parallel` jobs going until all are through; yields between two looks."""
    waiting, running = [job for job in jobs if not job.is_complete], dict[Job, subprocess.Popen[str]]()
    is_stopping = False
    while running or (waiting and not stop.is_made):
        while len(running) < parallel and not stop.is_made:
            job = _next_ready(waiting, running)
            if job is None:
                break
            waiting.remove(job)
            job.path.parent.mkdir(parents=True, exist_ok=True)
            with job.path.with_suffix(".log").open("a", encoding="utf-8") as log:
                running[job] = job.start(log, ray_address)
        time.sleep(POLL_S)
        if stop.is_made and not is_stopping:
            is_stopping = True
            for process in running.values():
                process.terminate()  # it writes a checkpoint
        for job, process in list(running.items()):
            if process.poll() is None:
                continue
            del running[job]
            if process.returncode != 0 and not stop.is_made:
                for other in running.values():
                    other.terminate()  # it writes a checkpoint
                log_path = job.path.with_suffix(".log")
                raise RunError(f"run {job.path} ended with status {process.returncode}; see {log_path}")
        yield


def run_jobs(title: str, jobs: list[Job], parallel: int, ray_address: str | None) -> bool:
    """Runs all jobs; those that are complete already are left alone, begun ones go on.

    Ctrl-C makes each job write a checkpoint and end.

    Args:
        title: Of the progress display.
        jobs: What to run.
        parallel: How many at a time.
        ray_address: Of a Ray cluster; None: each job starts Ray for itself.

    Returns:
        Whether all are complete.

    Raises:
        RunError: A job failed; the message names its log.
    """
    total = sum(job.total_steps for job in jobs)
    done = sum(min(job.count_steps(), job.total_steps) for job in jobs)
    with StopRequest() as stop, TrainingProgress(title, total, done, Console()) as progress:
        for _ in _work(jobs, parallel, stop, ray_address):
            steps = sum(min(job.count_steps(), job.total_steps) for job in jobs)
            progress.update(steps, {"runs": f"{sum(job.is_complete for job in jobs)} of {len(jobs)}"})
    return all(job.is_complete for job in jobs)
