"""Ctrl-C that waits for the end of an iteration, so that what is saved is whole."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Self


class StopRequest:
    """While active, the first Ctrl-C (or SIGTERM) only sets `is_made`; a second one interrupts at once."""

    def __init__(self) -> None:
        self.is_made = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.is_made:
            raise KeyboardInterrupt
        self.is_made = True
