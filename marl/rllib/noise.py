"""What Ray and RLlib say to everybody, whatever they do; it is kept from the screen, and everything else is not."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, TextIO

from ray._private import worker

# Of records of the loggers below "ray". None depends on what the user does.
NOISE = re.compile(
    "|".join(
        [
            r"You are running \w+ on the new API stack!",
            "Install gputil for GPU system monitoring",
            "Token authentication is enabled for this Ray cluster",
            # RLlib's own modules call each other in ways that RLlib has deprecated.
            r"`RLModule\(config=\[RLModuleConfig object\]\)` has been deprecated",
            r"`ray\.rllib\.algorithms\.appo\.torch\.appo_torch_rl_module\.APPOTorchRLModule` has been deprecated",
            r"Trainable\.setup took [\d.]+ seconds",
        ]
    )
)

# Of what the node's daemon sends: whoever waits for the process is told so as well, and some are ended on purpose.
DAEMON_NOISE = "A worker died or was killed while executing a task by an unexpected system error"

ANNOUNCEMENT = b"Set ray log level from environment variable RAY_BACKEND_LOG_LEVEL"


class NoiseFilter(logging.Filter):
    """Stops records that match `NOISE`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether a record is no noise."""
        return NOISE.search(record.getMessage()) is None


_filter = NoiseFilter()
_print = worker.print_to_stdstream


def _print_unless_noise(data: dict[str, Any], *args: Any, **kwargs: Any) -> None:
    if not any(DAEMON_NOISE in line for line in data["lines"]):
        _print(data, *args, **kwargs)


def silence_noise() -> None:
    """Keeps noise from Ray's handlers of log records in this process; a second call changes nothing."""
    for name in ("ray", "ray.rllib"):
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(_filter)
    worker.print_to_stdstream = _print_unless_noise


@contextlib.contextmanager
def quiet_backend() -> Iterator[None]:
    """Starts Ray's compiled parts within `with` so that they say fatal things only, which they would announce.

    They write past Python, and warn of each runner that RLlib starts (ray-project/ray#53727). What is written within
    `with` comes at its end, without the announcement. RAY_BACKEND_LOG_LEVEL, where it is set, decides instead.
    """
    if "RAY_BACKEND_LOG_LEVEL" in os.environ:
        yield
        return
    os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
    try:
        with _without_announcement(sys.__stdout__), _without_announcement(sys.__stderr__):
            yield
    finally:
        del os.environ["RAY_BACKEND_LOG_LEVEL"]


@contextlib.contextmanager
def _without_announcement(stream: TextIO | None) -> Iterator[None]:
    if stream is None:  # a process without a terminal
        yield
        return
    stream.flush()
    number = stream.fileno()
    real = os.dup(number)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), number)
        try:
            yield
        finally:
            stream.flush()
            os.dup2(real, number)
            os.close(real)
            kept.seek(0)
            for line in kept:
                if ANNOUNCEMENT not in line:
                    os.write(number, line)
