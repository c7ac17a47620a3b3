"""Many calls of one function in processes of their own, with a bar; Ctrl-C lets running ones end and starts no more."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from rich.console import Console

from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress


def call_in_processes(
    title: str,
    function: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    *,
    total: int,
    parallel: int,
    take: Callable[[Any], None] = lambda result: None,
    unit: str = "cells",
    reuses_processes: bool = False,
) -> bool:
    """Makes the calls that are left, a few at a time.

    Args:
        title: Of the bar.
        function: Module-level, for processes start by importing it.
        calls: Its arguments, for each call that is left.
        total: Calls in all, those included that were made before.
        parallel: Processes at a time.
        take: Gets each result, here, in the order in which they come.
        unit: What calls are called.
        reuses_processes: Whether a process makes many calls; Ray and torch leave less behind where it makes one.

    Returns:
        Whether all calls are made. What a call raises is raised here, after those under way; no others begin then.
    """
    done, waiting = total - len(calls), iter(calls)
    under_way: set[Future[Any]] = set()
    pool = ProcessPoolExecutor(
        parallel,
        mp_context=multiprocessing.get_context("spawn"),
        max_tasks_per_child=None if reuses_processes else 1,
    )
    with StopRequest() as stop, TrainingProgress(title, total, done, Console(), unit=unit) as progress, pool:
        while True:
            # No more than can run: a pool also makes calls that wait in its queue after it was told to stop.
            while not stop.is_made and len(under_way) < parallel and (call := next(waiting, None)) is not None:
                under_way.add(pool.submit(function, *call))
            if not under_way:
                break
            ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in ended:
                take(future.result())
                done += 1
                progress.update(done, {})
    return done == total
