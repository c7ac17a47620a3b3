"""SumTree: draws from many weighted things in proportion to their weights (Schaul et al. 2016, appendix B.2.1).

A binary tree costs a NumPy call for each of its twenty levels. Here a node has 64 children, so that a million leaves
make four levels, and a whole batch of draws goes down together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Children of a node. A batch of 32 draws reads 32 x 64 numbers a level, which costs little more than the call itself.
FANOUT = 64


class SumTree:
    """Weights of n leaves, their sums and their least.

    Args:
        num_leaves: n; all weights are 0 at first.
        dtype: Of the weights.
    """

    def __init__(self, num_leaves: int, dtype: Any) -> None:
        self._leaves = np.zeros(0, dtype)
        self.grow(num_leaves)

    def grow(self, num_leaves: int) -> None:
        """Adds leaves of weight 0 until there are at least n."""
        size = -(-max(num_leaves, 1) // FANOUT) * FANOUT
        if size <= len(self._leaves):
            return
        leaves = np.zeros(size, self._leaves.dtype)
        leaves[: len(self._leaves)] = self._leaves
        self._leaves = leaves
        self._sums: list[np.ndarray] = []
        self._least: list[np.ndarray] = []
        while size > 1:
            size = -(-size // FANOUT)
            padded = size if size == 1 else -(-size // FANOUT) * FANOUT
            self._sums.append(np.zeros(padded, np.float64))
            self._least.append(np.full(padded, np.inf, np.float64))
        self._update(np.arange(len(leaves) // FANOUT))

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._leaves.nbytes + sum(level.nbytes for level in (*self._sums, *self._least))

    @property
    def leaves(self) -> np.ndarray:
        """Weights [n or a few more]; not to be written to."""
        return self._leaves

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self._sums[-1][0])

    @property
    def least(self) -> float:
        """The smallest weight that is not 0; infinite where there is none."""
        return float(self._least[-1][0])

    def write(self, first: int, weights: np.ndarray) -> None:
        """Sets the weights [m] of leaves that stand side by side."""
        if len(weights):
            self._leaves[first : first + len(weights)] = weights
            self._update(np.arange(first // FANOUT, (first + len(weights) - 1) // FANOUT + 1))

    def set(self, leaves: np.ndarray, weights: np.ndarray) -> None:
        """Sets the weights [m] of any leaves [m]; of a leaf that is given twice the last one counts."""
        self._leaves[leaves] = weights
        self._update(np.unique(leaves // FANOUT))

    def _update(self, nodes: np.ndarray) -> None:
        # Sums are added up anew, never corrected by differences, so that rounding errors do not pile up.
        sums = least = self._leaves
        for level, (next_sums, next_least) in enumerate(zip(self._sums, self._least, strict=True)):
            children = sums.reshape(-1, FANOUT)[nodes]
            next_sums[nodes] = children.sum(axis=1, dtype=np.float64)
            children = least.reshape(-1, FANOUT)[nodes].astype(np.float64, copy=False)
            if level == 0:
                children = np.where(children > 0, children, np.inf)
            next_least[nodes] = children.min(axis=1)
            sums, least = next_sums, next_least
            nodes = np.unique(nodes // FANOUT)

    def draw(self, rng: np.random.Generator, num: int) -> np.ndarray:
        """Draws leaves [num] with replacement, each in proportion to its weight. Some weight must not be 0."""
        return self.find(rng.random(num) * self.total)

    def find(self, positions: np.ndarray) -> np.ndarray:
        """Returns the leaf [m] in whose share of the running total each position [m] lies."""
        nodes = np.zeros(len(positions), np.int64)
        rest = np.asarray(positions, np.float64)
        every = np.arange(len(positions))
        for level in (*self._sums[-2::-1], self._leaves):
            children = level.reshape(-1, FANOUT)[nodes]
            ends = children.cumsum(axis=1, dtype=np.float64)
            child = (ends <= rest[:, None]).sum(axis=1)
            # Rounding may put a position at or behind the end of the last child.
            last = FANOUT - 1 - np.argmax(children[:, ::-1] > 0, axis=1)
            child = np.minimum(child, last)
            rest = rest - np.where(child > 0, ends[every, child - 1], 0.0)
            nodes = nodes * FANOUT + child
        return nodes
