from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from marl.rllib.runner.buffers import MAX_BUFFERS, BufferPool

SHAPE, DTYPE = (3, 4), np.dtype(np.float32)


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("shape", [(3, 4), (5,), (0, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_array_is_as_ordered(shape: tuple[int, ...], dtype: type) -> None:
    array = BufferPool().empty(shape, np.dtype(dtype))
    assert (array.shape, array.dtype) == (shape, dtype)
    assert array.flags.writeable
    assert array.flags.c_contiguous
    assert array.flags.aligned


@pytest.fixture
def allocations(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of all arrays that are really new: malloc may give the same address twice."""
    shapes: list[tuple[int, ...]] = []
    empty = np.empty

    def note(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        shapes.append(shape)
        return empty(shape, dtype)

    monkeypatch.setattr(np, "empty", note)
    return shapes


def test_an_array_nobody_looks_at_is_used_again(allocations: list[tuple[int, ...]]) -> None:
    pool = BufferPool()
    for _ in range(3):
        pool.empty(SHAPE, DTYPE)
    assert allocations == [SHAPE]
    pool.empty((2, 2), DTYPE)
    assert allocations == [SHAPE, (2, 2)]


@pytest.mark.parametrize(
    "look",
    [
        lambda array: array,
        lambda array: array[1:],
        lambda array: array[1:].reshape(-1)[2:],
        lambda array: torch.from_numpy(array[:2]),
        lambda array: torch.from_numpy(array).reshape(-1)[3:],
        memoryview,
    ],
)
def test_an_array_somebody_looks_at_is_not_handed_out(look) -> None:
    pool = BufferPool()
    array = pool.empty(SHAPE, DTYPE)
    array[...] = 7.0
    place = address(array)
    view = look(array)
    del array
    others = [pool.empty(SHAPE, DTYPE) for _ in range(3)]
    for other in others:
        assert address(other) != place
        other[...] = 0.0
    assert (np.asarray(view) == 7.0).all()
    del view
    assert address(pool.empty(SHAPE, DTYPE)) == place


def test_no_array_is_shared_where_the_interpreter_counts_fewer_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 borrows references to local variables: getrefcount says one less than before."""
    count = sys.getrefcount
    monkeypatch.setattr(sys, "getrefcount", lambda thing: count(thing) - 2)  # one of them is the lambda's own
    pool = BufferPool()
    kept = [pool.empty(SHAPE, DTYPE) for _ in range(3)]
    assert len({address(array) for array in kept}) == 3


def test_arrays_kept_for_good_do_not_stop_others_from_being_used_again(allocations: list[tuple[int, ...]]) -> None:
    pool = BufferPool()
    kept = [pool.empty(SHAPE, DTYPE) for _ in range(MAX_BUFFERS)]
    for _ in range(3):
        pool.empty(SHAPE, DTYPE)
    assert len(allocations) == len(kept) + 1


def test_a_pool_keeps_few_unused_buffers(allocations: list[tuple[int, ...]]) -> None:
    pool = BufferPool()
    for _ in range(2):
        kept = [pool.empty(SHAPE, DTYPE) for _ in range(MAX_BUFFERS + 2)]
        del kept
    assert len(allocations) == MAX_BUFFERS + 2 + 2


def test_an_array_outlives_its_pool() -> None:
    pool = BufferPool()
    array = pool.empty(SHAPE, DTYPE)
    array[...] = 3.0
    del pool
    assert (array == 3.0).all()
