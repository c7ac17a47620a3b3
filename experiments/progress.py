"""What a person sees while a study trains."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_EVERY_S = 15.0  # where the output is no terminal


class TrainingProgress:
    """A bar with steps, steps a second, some numbers of the study and the time left; lines where there is no terminal.

    Args:
        title: Left of the bar.
        total_steps: Where it ends.
        done_steps: Where it starts.
        console: Of the command.
        unit: What the steps are called.
    """

    def __init__(self, title: str, total_steps: int, done_steps: int, console: Console, unit: str = "steps") -> None:
        self._title, self._total, self._console, self._unit = title, total_steps, console, unit
        self._start_steps, self._start_time = done_steps, time.monotonic()
        self._last_line = 0.0
        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=60)
        self._task = self._bar.add_task(title, total=total_steps, completed=done_steps, numbers="starting")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, steps: int, numbers: Mapping[str, str]) -> None:
        """Shows the state of things.

        Args:
            steps: Env steps so far.
            numbers: What to show, by name.
        """
        rate = (steps - self._start_steps) / max(time.monotonic() - self._start_time, 1e-9)
        shown = "  ".join(
            [
                f"{steps:,} {self._unit}",
                f"{rate:{',.0f' if rate >= 10 else '.2g'}} {self._unit}/s",
                *(f"{k} {v}" for k, v in numbers.items()),
            ]
        )
        self._bar.update(self._task, completed=min(steps, self._total), numbers=shown)
        if not self._console.is_terminal and (
            time.monotonic() - self._last_line > LINE_EVERY_S or steps >= self._total
        ):
            self._last_line = time.monotonic()
            left = f"{max(0, self._total - steps) / rate:.0f} s left" if rate > 0 else ""
            self._console.print(
                f"{self._title}: {100 * min(1, steps / self._total):3.0f} %  {shown}  {left}", soft_wrap=True
            )
