from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl.rllib.replay.sum_tree import SumTree


@pytest.mark.parametrize("size", [1, 63, 64, 65, 4096, 5000])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_position_is_found_where_the_running_total_passes_it(size: int, dtype: type) -> None:
    rng = np.random.default_rng(size)
    weights = (rng.integers(0, 4, size) * (rng.random(size) < 0.3)).astype(dtype)
    weights[rng.integers(size)] = 3
    tree = SumTree(size, dtype)
    tree.write(0, weights)
    total = int(weights.sum())
    assert tree.total == total
    assert tree.least == weights[weights > 0].min()
    # Position 0.5 + k lies in unit k of the running total.
    expected = np.repeat(np.arange(size), weights.astype(int))
    np.testing.assert_array_equal(tree.find(np.arange(total) + 0.5), expected)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 300),
    changes=st.lists(st.tuples(st.integers(0, 299), st.floats(0, 1e6, width=32)), max_size=30),
    seed=st.integers(0, 2**32),
)
def test_nothing_without_weight_is_ever_drawn(size: int, changes: list[tuple[int, float]], seed: int) -> None:
    tree, weights = SumTree(size, np.float32), np.zeros(size, np.float32)
    for leaf, weight in [*changes, (0, 1e-3)]:
        if leaf < size:
            weights[leaf] = weight
            tree.set(np.array([leaf]), np.array([weight], np.float32))
    assert tree.total == pytest.approx(weights.sum(dtype=np.float64), rel=1e-6)
    assert tree.least == weights[weights > 0].min()
    assert (weights[tree.draw(np.random.default_rng(seed), 200)] > 0).all()
    # Rounding may put a draw on the very end.
    assert (weights[tree.find(np.array([0.0, tree.total, np.nextafter(tree.total, 0)]))] > 0).all()


def test_a_grown_tree_keeps_its_weights() -> None:
    tree = SumTree(3, np.float32)
    tree.write(0, np.array([1, 0, 2], np.float32))
    tree.grow(10_000)
    tree.set(np.array([9_999]), np.array([4], np.float32))
    np.testing.assert_array_equal(tree.find(np.array([0.5, 1.5, 2.5, 3.5, 6.5])), [0, 2, 2, 9_999, 9_999])


def test_draws_follow_the_weights() -> None:
    weights = np.array([0.5, 0.0, 4.0, 1.5] * 40, np.float32)
    tree = SumTree(len(weights), np.float32)
    tree.write(0, weights)
    found = np.bincount(tree.draw(np.random.default_rng(1), 100_000), minlength=len(weights))
    assert not found[1::4].any()
    has_weight = weights > 0
    expected = 100_000 * weights[has_weight] / weights.sum()
    # 120 leaves: chi-square with 119 degrees of freedom exceeds 170 once in 700 times; the seed is fixed.
    assert ((found[has_weight] - expected) ** 2 / expected).sum() < 170
