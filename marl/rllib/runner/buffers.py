"""BufferPool: large arrays that are used again once nobody looks at them.

A fragment of small images is tens of megabytes. Fresh memory of that size comes from the kernel page by page, which
costs more than stepping the envs (measured: a fifth of all sampling).
"""

from __future__ import annotations

import weakref

import numpy as np

# Unused buffers of one shape that wait for their next use; further ones are freed.
MAX_BUFFERS = 4


class _Loan:
    """The owner of a buffer's memory, as NumPy sees it.

    NumPy keeps the object behind an `__array_interface__` alive as long as any array, view or tensor over its memory;
    so the end of the loan is the end of the last of them.
    """

    def __init__(self, buffer: np.ndarray) -> None:
        self.__array_interface__ = buffer.__array_interface__


class BufferPool:
    """Hands out uninitialized arrays, and takes each back when its last view is gone. Nothing has to be given back."""

    def __init__(self) -> None:
        self._unused: dict[tuple[tuple[int, ...], np.dtype], list[np.ndarray]] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Returns an array that nobody else can see."""
        unused = self._unused.setdefault((shape, dtype), [])
        buffer = unused.pop() if unused else np.empty(shape, dtype)
        loan = _Loan(buffer)
        weakref.finalize(loan, _take_back, unused, buffer).atexit = False
        return np.asarray(loan)


def _take_back(unused: list[np.ndarray], buffer: np.ndarray) -> None:
    if len(unused) < MAX_BUFFERS:
        unused.append(buffer)
