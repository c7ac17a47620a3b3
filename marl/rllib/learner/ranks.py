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
        RuntimeError: Another learner failed.
    """
    error: Exception | None = None
    try:
        yield
    except Exception as caught:
        error = caught
    num_failed = sum_over_learners(np.array([error is not None]))[0]
    if error is not None:
        raise error
    if num_failed:
        raise RuntimeError("another learner failed on its part of the batch; its error is the cause")


def _reduce(values: np.ndarray, operation: distributed.ReduceOp.RedOpType) -> np.ndarray:
    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    tensor = torch.as_tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(tensor, op=operation)
    return tensor.cpu().numpy()
