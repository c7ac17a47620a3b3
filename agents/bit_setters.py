"""Scripted players of the coordination game: what is best, and the trap beside it."""

from __future__ import annotations

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.batch import Batch


class BitSetter(Memoryless):
    """Sets the same bit always: 0 is the optimum if all do, 1 the trap that nobody leaves alone.

    Args:
        bit: 0 or 1.

    Raises:
        ValueError: Another number.
    """

    def __init__(self, bit: int = 0) -> None:
        if bit not in (0, 1):
            raise ValueError(f"bit must be 0 or 1, got {bit!r}")
        self._bit = bit

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32."""
        find_agent(batch, agent)
        return np.full(batch.num_envs, self._bit, np.int32)

    def act_rows(self, batch: Batch, agent: str, envs: np.ndarray) -> np.ndarray:
        """Returns the agent's actions in some envs, [n] int32."""
        return self.act(batch, agent)[envs]
