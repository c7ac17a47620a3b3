"""A player whose hand slips: somebody else to have trained with, or to be tested against."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.protocol import Player
from agents.random_player import RandomPlayer
from games.batch import Batch


class NoisyPlayer:
    """Acts as another player does, but for a share of its steps, in which it draws among the legal actions.

    Args:
        player: Whom it imitates.
        noise: Probability of a random action, in each step anew; in [0, 1].
        seed: Of its own generators.

    Raises:
        ValueError: `noise` is no probability.
    """

    def __init__(self, player: Player, noise: float, seed: int = 0) -> None:
        if not 0 <= noise <= 1:
            raise ValueError(f"noise must be in [0, 1], got {noise}")
        self._player, self._noise = player, noise
        self._rng = np.random.default_rng([seed, 0])
        self._random = RandomPlayer(int(self._rng.integers(2**31)))

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] or [E, A]."""
        actions = self._player.act(batch, agent).copy()
        slips = np.flatnonzero(self._rng.random(batch.num_envs) < self._noise)
        if len(slips):
            actions[slips] = self._random.act_rows(batch, agent, slips)
        return actions

    def get_state(self) -> dict[str, Any]:
        """Returns both players' states and the generator's."""
        return {
            "generator": self._rng.bit_generator.state,
            "player": self._player.get_state(),
            "random": self._random.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal player returned."""
        self._rng.bit_generator.state = state["generator"]
        self._player.set_state(state["player"])
        self._random.set_state(state["random"])
