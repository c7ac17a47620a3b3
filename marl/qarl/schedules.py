"""Which temperatures the episodes of an iteration have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from marl.qarl.methods import Method
from marl.qarl.temperature import GammaCurriculum

LINEAR_SHARE = 2 / 3  # of the iterations after which the linear schedule has ended
POINT_STEP = 0.001  # by which the point falls
PAIRS = 30  # of temperature and return, for an update


class PointSchedule:
    """One temperature that falls by a step whenever the mean return of thirty episodes is good enough.

    Args:
        threshold: Discounted return that is.
        hot: The first.
        cold: The last.
    """

    def __init__(self, threshold: float, hot: float, cold: float) -> None:
        self.temperature, self._threshold, self._cold = hot, threshold, cold
        self._returns: list[float] = []

    @property
    def mean_temperature(self) -> float:
        """Of now."""
        return self.temperature

    def draw(self, count: int) -> np.ndarray:
        """Returns [count] of it."""
        return np.full(count, self.temperature)

    def add(self, temperatures: np.ndarray, returns: np.ndarray) -> None:
        """Notes [n] discounted returns."""
        self._returns.extend(np.asarray(returns, float).ravel().tolist())

    def update(self) -> None:
        """Falls, or not, where there are enough."""
        if len(self._returns) < PAIRS:
            return
        if np.mean(self._returns) > self._threshold:
            self.temperature = max(self._cold, self.temperature - POINT_STEP)
        self._returns = []

    def get_state(self) -> dict[str, Any]:
        """Returns what it remembers; JSON."""
        return {"temperature": self.temperature, "returns": self._returns}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal schedule returned."""
        self.temperature, self._returns = float(state["temperature"]), [float(got) for got in state["returns"]]


class Temperatures:
    """Of the adversaries of S seeds.

    Args:
        method: Its schedule is meant.
        iterations: Of the training.
        threshold: Discounted return that curriculum and point ask of the protagonist.
        hot: Where schedules begin.
        cold: Where they end.
        seeds: One a run.

    Attributes:
        followers: One a seed, where returns decide.
    """

    def __init__(
        self, method: Method, iterations: int, threshold: float, hot: float, cold: float, seeds: Sequence[int]
    ) -> None:
        self._method, self._iterations, self._hot, self._cold = method, iterations, hot, cold
        self._count = len(seeds)
        self.followers: list[GammaCurriculum | PointSchedule] = []
        if method.schedule.startswith("curriculum"):
            rate, is_released = 1 / cold, method.schedule == "curriculum_released"  # the target's concentration is 1
            self.followers = [
                GammaCurriculum(threshold, start=hot * rate, rate=rate, is_released=is_released, seed=seed)
                for seed in seeds
            ]
        elif method.schedule == "point":
            self.followers = [PointSchedule(threshold, hot, cold) for _ in seeds]

    def draw(self, iteration: int, episodes: int) -> np.ndarray:
        """Returns [S, episodes] temperatures."""
        if self.followers:
            drawn = np.stack([follower.draw(episodes) for follower in self.followers])
            return np.repeat(drawn[:, :1], episodes, axis=1) if self._method.draws_once else drawn
        return np.repeat(self.means(iteration)[:, None], episodes, axis=1)

    def means(self, iteration: int) -> np.ndarray:
        """Returns [S] mean temperatures of an iteration; of followers, those of now."""
        if self.followers:
            return np.array([follower.mean_temperature for follower in self.followers])
        share = 1.0
        if self._method.schedule == "linear":
            share = min(1.0, iteration / (LINEAR_SHARE * self._iterations))
        return np.full(self._count, self._cold + (1 - share) * (self._hot - self._cold))

    def note(self, temperatures: np.ndarray, returns: np.ndarray) -> None:
        """Tells what discounted returns [S, n] protagonists got at temperatures [S, n]."""
        if not self.followers:
            return
        for follower, own, got in zip(self.followers, temperatures, returns, strict=True):
            follower.add(own, got)
            follower.update()

    def get_state(self) -> list[dict[str, Any]]:
        """Returns what the followers remember; JSON."""
        return [follower.get_state() for follower in self.followers]

    def set_state(self, states: list[dict[str, Any]]) -> None:
        """Takes over what `get_state` of an equal one returned."""
        for follower, state in zip(self.followers, states, strict=True):
            follower.set_state(state)
