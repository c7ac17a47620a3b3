"""BufferPool: large arrays that are used again once nobody looks at them.

A fragment of small images is tens of megabytes. Fresh memory of that size comes from the kernel page by page, which
costs more than stepping the envs (measured: a fifth of all sampling).
"""

from __future__ import annotations

import sys

import numpy as np

# References to a buffer in the list that nobody else uses: the list, the loop variable, getrefcount's argument.
UNUSED_REFERENCES = 3
MAX_BUFFERS = 4


class BufferPool:
    """Hands out uninitialized arrays.

    A view, and a tensor made from one, keeps the buffer under it alive; that reference is how the pool knows that a
    buffer is in use, so nothing has to be given back.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[tuple[int, ...], np.dtype], list[np.ndarray]] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Returns an array that nobody else can see."""
        buffers = self._buffers.setdefault((shape, dtype), [])
        for buffer in buffers:
            if sys.getrefcount(buffer) == UNUSED_REFERENCES:
                return buffer.view()
        buffer = np.empty(shape, dtype)
        if len(buffers) < MAX_BUFFERS:
            buffers.append(buffer)
        return buffer.view()
