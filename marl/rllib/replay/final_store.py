"""FinalStore: the last observations of ended episodes, beside a ring that keeps all others."""

from __future__ import annotations

from typing import Any

import numpy as np

# Room that is added where there is none left. Little, because it is memory that nobody uses.
GROWTH = 1.1


class FinalStore:
    """Observations [F, P, D...] of each group, found by ascending keys.

    Args:
        examples: By group, an array [any, P, D...] of the same shape and dtype.
    """

    def __init__(self, examples: dict[str, np.ndarray]) -> None:
        self._keys = np.zeros(0, np.int64)
        self._observations = {name: np.zeros((0, *array.shape[1:]), array.dtype) for name, array in examples.items()}
        self._start = self._stop = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._keys.nbytes + sum(array.nbytes for array in self._observations.values())

    def add(self, keys: np.ndarray, observations: dict[str, np.ndarray]) -> None:
        """Adds observations [n, P, D...] under keys [n] that are greater than all before."""
        if self._stop + len(keys) > len(self._keys):
            self._make_room(len(keys))
        stop = self._stop + len(keys)
        self._keys[self._stop : stop] = keys
        for name, array in observations.items():
            self._observations[name][self._stop : stop] = array
        self._stop = stop

    def _make_room(self, num_more: int) -> None:
        kept = slice(self._start, self._stop)
        num_kept = self._stop - self._start
        # Moving all down is paid for by the room it leaves, a tenth of what there is at least.
        size = max(len(self._keys), int((num_kept + num_more) * GROWTH) + 1)

        def moved(array: np.ndarray) -> np.ndarray:
            room = np.zeros((size, *array.shape[1:]), array.dtype)
            room[:num_kept] = array[kept]
            return room

        self._keys = moved(self._keys)
        self._observations = {name: moved(array) for name, array in self._observations.items()}
        self._start, self._stop = 0, num_kept

    def forget_before(self, key: int) -> None:
        """Drops all with smaller keys."""
        self._start += int(np.searchsorted(self._keys[self._start : self._stop], key))

    def find(self, name: str, keys: np.ndarray) -> np.ndarray:
        """Returns the observations [n, P, D...] of a group under keys [n], all of which must be there."""
        kept = self._keys[self._start : self._stop]
        places = np.searchsorted(kept, keys)
        assert (kept[places] == keys).all(), "an episode ended without a final observation"
        return self._observations[name][self._start + places]

    def get_state(self) -> dict[str, Any]:
        """Returns what is kept."""
        kept = slice(self._start, self._stop)
        observations = {name: array[kept].copy() for name, array in self._observations.items()}
        return {"keys": self._keys[kept].copy(), "observations": observations}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned."""
        self._keys, self._observations = state["keys"].copy(), dict(state["observations"])
        self._start, self._stop = 0, len(self._keys)
