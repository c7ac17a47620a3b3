"""What players keep between two steps, for those that keep nothing, or a generator alone."""

from __future__ import annotations

from typing import Any

import numpy as np


class Memoryless:
    """A player that keeps nothing: what it sees is all that counts."""

    def get_state(self) -> dict[str, Any]:
        """Returns nothing."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over nothing."""


class GeneratorAlone:
    """A player that keeps nothing but its generator, `_rng`."""

    _rng: np.random.Generator

    def get_state(self) -> dict[str, Any]:
        """Returns the generator's state."""
        return {"generator": self._rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over a generator's state."""
        self._rng.bit_generator.state = state["generator"]
