"""Agreement between learners that train on parts of one batch.

PyTorch averages gradients over learners minibatch by minibatch, so all must take the same number of minibatches with
the same modules in each: a learner with one more would wait for the others for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import distributed

from marl.rllib.errors import TrainingError


def sum_over_learners(values: np.ndarray) -> np.ndarray:
    """Returns the sum [n] of every learner's values [n]; the values themselves where there is one learner."""
    return _reduce(values, distributed.ReduceOp.SUM)


def least_of_learners(values: np.ndarray) -> np.ndarray:
    """Returns the smallest of every learner's values [n]."""
    return _reduce(values, distributed.ReduceOp.MIN)


def largest_of_learners(values: np.ndarray) -> np.ndarray:
    """Returns the largest of every learner's values [n]."""
    return _reduce(values, distributed.ReduceOp.MAX)


@contextmanager
def all_or_none() -> Iterator[None]:
    """Makes an error of one learner an error of all: the others would wait for it for ever.

    Raises:
        TrainingError: Another learner failed; says with what.
    """
    if not _are_several():
        yield
        return
    error: Exception | None = None
    try:
        yield
    except Exception as caught:
        error = caught
    num_failed = sum_over_learners(np.array([error is not None]))[0]
    if num_failed:
        told = _tell_all(error)
    if error is not None:
        raise error
    if num_failed:
        raise TrainingError(told)


def _tell_all(error: Exception | None) -> str:
    """Returns the message of the first learner that has an error."""
    if not distributed.is_initialized():
        return str(error)
    texts: list[str | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(texts, None if error is None else f"{type(error).__name__}: {error}")
    return next(text for text in texts if text is not None)


def _are_several() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _reduce(values: np.ndarray, operation: distributed.ReduceOp.RedOpType) -> np.ndarray:
    if not _are_several():
        return values
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    tensor = torch.as_tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(tensor, op=operation)
    return tensor.cpu().numpy()
