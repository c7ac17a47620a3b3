"""What a user can put right: one type of error, brought whole out of Ray's processes, and told in a line.

RLlib restarts a runner in which anything was raised and goes on without its fragments, so a mistake in a mapping or a
module makes training wait for ever. Here such an error travels to the driver as the result of the call (`Failure`) and
is raised there, in the first line that looks at it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from ray.exceptions import ActorDiedError, RayError, RayTaskError

from games.names import UnknownNameError

logger = logging.getLogger(__name__)

# What the machine does and not the user; RLlib starts the runner again.
TROUBLES_OF_THE_MACHINE = (RayError, MemoryError, ConnectionError)


class TrainingError(ValueError):
    """Something that the user can put right. The message says what was given, what was expected and where."""


class DivergedError(TrainingError, FloatingPointError):
    """A loss or a weight is not a number any more."""


USER_ERRORS = (TrainingError, UnknownNameError)


class Failure:
    """Stands for the result of a call in another process that failed there; looking at it raises the error.

    Args:
        error: With a message that needs no traceback.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __reduce__(self) -> tuple[type, tuple[Exception]]:
        return Failure, (self._error,)

    def _raise(self, *args: Any) -> NoReturn:
        raise self._error from None

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # Python's own questions, such as those of a debugger
            raise AttributeError(name)
        self._raise()

    __getitem__ = __iter__ = __len__ = __bool__ = __call__ = _raise


def answer(call: Callable[[], Any]) -> Any:
    """Returns what a call returns, or the Failure that stands for it where a user can put right what it raised."""
    try:
        return call()
    except USER_ERRORS as error:
        return Failure(error.with_traceback(None))


def answer_all(call: Callable[[], Any], who: str) -> Any:
    """Returns what a call returns, or a Failure for whatever it raised but the troubles of a machine.

    Args:
        call: What the driver asked for.
        who: Which process this is.

    Raises:
        RayError, MemoryError, ConnectionError: The call met with trouble that a new process may not have.
    """
    try:
        return answer(call)
    except TROUBLES_OF_THE_MACHINE:
        raise
    except Exception as error:
        logger.exception("%s failed", who)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}, in {frame.name}"
        return Failure(TrainingError(f"{who} failed: {type(error).__name__}: {error} ({place})"))


def check_losses(losses: Mapping[str, torch.Tensor]) -> None:
    """Raises DivergedError where the loss of a module is not a number."""
    for module_id, loss in losses.items():
        if not math.isfinite(loss.item()):  # torch.isfinite would record what it does for the gradient, at a cost
            raise DivergedError(
                f"the loss of module {module_id!r} is {loss.item()}: training has diverged. A smaller learning "
                "rate, gradient clipping or smaller rewards may help (config.training(lr=..., grad_clip=...))"
            )


def check_weights(module_id: str, module: Any) -> None:
    """Raises DivergedError where a weight of a module is not a number."""
    if not all(torch.isfinite(weights).all() for weights in module.parameters()):
        raise DivergedError(network_diverged(module_id)) from None


def network_diverged(module_id: str) -> str:
    """Returns what there is to say of a network that answers with NaN."""
    return (
        f"the network of module {module_id!r} answers with NaN: its weights have diverged; a smaller learning rate "
        "or gradient clipping (config.training(lr=..., grad_clip=...)) may help"
    )


def explain(error: BaseException) -> str | None:
    """Returns one line about an error that a user can put right, or that another process met; None for any other."""
    if isinstance(error, RayTaskError) and error.cause is not None:
        error = error.cause
    if isinstance(error, USER_ERRORS):
        return str(error)
    if isinstance(error, ActorDiedError):
        return "a process of the training died; where memory is short, fewer envs or runners may help"
    if isinstance(error, RayError):
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return None


@contextlib.contextmanager
def explain_errors() -> Iterator[None]:
    """Ends the program with one line on stderr, and status 1, where an error within `with` has an explanation."""
    try:
        yield
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        sys.exit(line)
