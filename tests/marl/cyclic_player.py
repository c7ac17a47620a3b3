"""A player that goes through its actions in a circle, and callbacks that write down what they are told."""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.callbacks.callbacks import RLlibCallback

from games.batch import Batch


class CyclicPlayer:
    """Plays action t mod 3 in round t of every episode."""

    def __init__(self, seed: int = 0) -> None:
        self._round: np.ndarray | None = None

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        if self._round is None:
            self._round = np.zeros(batch.num_envs, np.int32)
        self._round[batch.ended != 0] = 0
        actions = self._round % 3
        self._round += 1
        return actions

    def get_state(self) -> dict[str, Any]:
        return {"round": None if self._round is None else self._round.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        self._round = state["round"]


class Diary(RLlibCallback):
    """Keeps what it is told in lists of the class."""

    created: list[Any] = []  # noqa: RUF012 - emptied by the test
    ended: list[Any] = []  # noqa: RUF012
    samples: list[Any] = []  # noqa: RUF012

    def on_environment_created(self, *, env: Any, **kwargs: Any) -> None:
        self.created.append(env)

    def on_episode_end(self, *, episode: Any, metrics_logger: Any, **kwargs: Any) -> None:
        self.ended.append(episode)
        metrics_logger.log_value("longest", len(episode), reduce="max", window=1)

    def on_sample_end(self, *, samples: Any, **kwargs: Any) -> None:
        self.samples.append(samples)
