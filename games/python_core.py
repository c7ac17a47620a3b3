"""What cores that are written in Python share: foreign engines behind the methods of `games._core.Batch`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from games.batch import MAX_PENDING_EPISODES

AUTORESETS = ("same_step", "next_step", "disabled")


class PythonCore:
    """Checks of sizes, envs and masks, and the log of episodes that ended (games/_core.pyi).

    Args:
        num_envs: E.
        num_agents: N, of all groups.
        autoreset: "same_step", "next_step" or "disabled".
    """

    def __init__(self, num_envs: int, num_agents: int, autoreset: str) -> None:
        if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
            raise ValueError(f"num_envs must be a whole number of at least 1, got {num_envs!r}")
        if autoreset not in AUTORESETS:
            raise ValueError(f"autoreset must be one of {', '.join(AUTORESETS)}, got {autoreset!r}")
        self._num_envs, self._num_agents, self._autoreset = num_envs, num_agents, autoreset
        self._ended_lengths: deque[int] = deque(maxlen=MAX_PENDING_EPISODES)
        self._ended_returns: deque[list[float]] = deque(maxlen=MAX_PENDING_EPISODES)
        self._ended_statistics: deque[list[float]] = deque(maxlen=MAX_PENDING_EPISODES)

    def statistic_names(self) -> list[str]:
        """Returns the names of the numbers that each episode ends with."""
        return []

    def read_lengths(self) -> np.ndarray:
        """Returns and forgets the lengths of episodes that ended, [n]."""
        lengths = np.array(self._ended_lengths, np.int32)
        self._ended_lengths.clear()
        return lengths

    def read_returns(self) -> np.ndarray:
        """Returns and forgets the returns of episodes that ended, [n, N]."""
        returns = np.array(self._ended_returns, np.float64).reshape(-1, self._num_agents)
        self._ended_returns.clear()
        return returns

    def read_statistics(self) -> np.ndarray:
        """Returns and forgets the statistics of episodes that ended, [n, number of names]."""
        shape = (len(self._ended_statistics), len(self.statistic_names()))
        statistics = np.array(self._ended_statistics, np.float64).reshape(shape)
        self._ended_statistics.clear()
        return statistics

    def _log_episode(self, length: int, returns: Iterable[float], statistics: Iterable[float] = ()) -> None:
        self._ended_lengths.append(length)
        self._ended_returns.append(list(returns))
        self._ended_statistics.append(list(statistics))

    def _check_env(self, env: int) -> int:
        if isinstance(env, bool) or not isinstance(env, int) or not 0 <= env < self._num_envs:
            raise IndexError(f"env must be in [0, {self._num_envs - 1}], got {env!r}")
        return env

    def _envs_to_reset(self, mask: np.ndarray | None) -> list[int]:
        """Returns the envs of a mask, all where there is none."""
        if mask is None:
            return list(range(self._num_envs))
        if not (isinstance(mask, np.ndarray) and mask.dtype == np.uint8 and mask.shape == (self._num_envs,)):
            raise ValueError(f"a reset mask must be an array of {self._num_envs} uint8, got {mask!r}")
        return np.flatnonzero(mask).tolist()
