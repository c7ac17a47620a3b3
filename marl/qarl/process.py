"""What a process that learns with small networks does first."""

from __future__ import annotations

import ctypes

import torch

# Names of glibc's malloc.h; other C libraries have no mallopt, and then nothing is done.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
LARGEST_THRESHOLD = 32 * 2**20  # that glibc takes
KEPT = 2**30  # bytes


def settle_process() -> None:
    """Gives torch one thread, and keeps freed memory for the next update.

    With products as small as these, more threads wait for each other most of the time. Activations of ten seeds are
    just large enough that malloc would give each of them back to the system, and get and clear it anew.
    """
    torch.set_num_threads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for name, value in ((M_MMAP_THRESHOLD, LARGEST_THRESHOLD), (M_TRIM_THRESHOLD, KEPT), (M_TOP_PAD, 2**26)):
            mallopt(name, value)
