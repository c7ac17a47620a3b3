"""Rewards of populations of different sizes, brought to one scale each."""

from __future__ import annotations

import numpy as np

LEAST_DEVIATION = 1e-3  # of rewards that hardly differ, which must not blow up


class RewardScale:
    """Mean and standard deviation of all rewards that agents of a population were ever paid.

    The release has a replay buffer, and so a scale, for each game.
    """

    def __init__(self) -> None:
        # By number of agents: how many rewards, their sum, the sum of their squares.
        self._sums: dict[int, np.ndarray] = {}

    def add(self, num_agents: int, rewards: np.ndarray) -> None:
        """Takes rewards [n] of an episode of so many agents."""
        own = np.array([rewards.size, rewards.sum(dtype=np.float64), np.square(rewards, dtype=np.float64).sum()])
        self._sums[num_agents] = self._sums.get(num_agents, np.zeros(3)) + own

    def numbers(self, num_agents: int) -> tuple[float, float]:
        """Returns mean and standard deviation; 0 and 1 of a population that was never seen."""
        count, total, squares = self._sums.get(num_agents, np.zeros(3))
        if count == 0:
            return 0.0, 1.0
        mean = total / count
        return float(mean), max(LEAST_DEVIATION, float(max(0.0, squares / count - mean**2)) ** 0.5)

    def scale(self, rewards: np.ndarray, num_agents: np.ndarray) -> np.ndarray:
        """Returns rewards [B, N], of populations of so many agents [B], less the mean, over the deviation."""
        known = {int(n): self.numbers(int(n)) for n in np.unique(num_agents)}
        means, deviations = np.array([known[int(n)] for n in num_agents], np.float32).T
        scaled: np.ndarray = (rewards - means[:, None]) / deviations[:, None]
        return scaled

    def get_state(self) -> dict[int, np.ndarray]:
        """Returns the sums."""
        return {num_agents: sums.copy() for num_agents, sums in self._sums.items()}

    def set_state(self, state: dict[int, np.ndarray]) -> None:
        """Restores what `get_state` returned."""
        self._sums = {num_agents: sums.copy() for num_agents, sums in state.items()}
