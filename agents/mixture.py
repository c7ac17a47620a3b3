"""A mixed strategy over players: one of them is drawn for every episode, as PSRO's opponents are (never for a step)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.protocol import Player, RowPlayer
from games.batch import Batch


class MixturePlayer:
    """Plays every episode as one member, drawn when the episode begins.

    Args:
        members: The players; each keeps its own memory and generator.
        probabilities: Of each member, [K]; at least 0, in sum 1.
        seed: Of the generator of the draws.
        numbers: [K] what members are called in `drawn` and in the log; 0, 1, ... by default.
        keeps_log: Whether `take_log` is going to be called.

    Attributes:
        drawn: [E] int64, number of who plays in each env since its episode began; empty before the first action.

    Raises:
        ValueError: Not a probability for each member.
    """

    def __init__(
        self,
        members: Sequence[Player],
        probabilities: Sequence[float] | np.ndarray,
        seed: int = 0,
        *,
        numbers: np.ndarray | None = None,
        keeps_log: bool = False,
    ) -> None:
        given = np.asarray(probabilities, np.float64)
        if given.shape != (len(members),) or not (given >= 0).all() or abs(given.sum() - 1) > 1e-6:
            raise ValueError(f"{len(members)} members need as many probabilities that sum to 1, got {given.tolist()}")
        self._members, self._thresholds = list(members), np.cumsum(given / given.sum())[:-1]
        self._rng = np.random.default_rng(seed)
        self._numbers = np.arange(len(members)) if numbers is None else np.asarray(numbers, np.int64)
        self.drawn = np.zeros(0, np.int64)
        self._log: list[np.ndarray] | None = [] if keeps_log else None

    def take_log(self) -> np.ndarray:
        """Returns [T, E] who played in each step since the last call.

        Raises:
            ValueError: The mixture keeps no log.
        """
        if self._log is None:
            raise ValueError("this mixture keeps no log; make it with keeps_log=True")
        log, self._log = self._log, []
        return np.array(log, np.int64).reshape(len(log), len(self.drawn))

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the actions of the drawn members, [E] or [E, A].

        Members without a memory are asked for the envs that they play in, all others for every env, so that they see
        each episode from its beginning.
        """
        self._draw(batch)
        if self._log is not None:
            self._log.append(self.drawn.copy())
        actions: np.ndarray | None = None
        for number, member in zip(self._numbers.tolist(), self._members, strict=True):
            envs = np.flatnonzero(self.drawn == number)
            if isinstance(member, RowPlayer):
                if not len(envs):
                    continue
                chosen = member.act_rows(batch, agent, envs)
            else:
                chosen = member.act(batch, agent)[envs]
            if actions is None:
                actions = np.zeros((batch.num_envs, *chosen.shape[1:]), chosen.dtype)
            actions[envs] = chosen
        assert actions is not None  # every env has a member
        return actions

    def _draw(self, batch: Batch) -> None:
        if len(self.drawn) != batch.num_envs:
            self.drawn = self._draws(batch.num_envs)
        elif batch.ended.any():
            ended = np.flatnonzero(batch.ended)
            self.drawn[ended] = self._draws(len(ended))

    def _draws(self, count: int) -> np.ndarray:
        return self._numbers[np.searchsorted(self._thresholds, self._rng.random(count), side="right")]

    def get_state(self) -> dict[str, Any]:
        """Returns the generator, who plays where, and the members' states."""
        return {
            "generator": self._rng.bit_generator.state,
            "drawn": self.drawn.copy(),
            "members": [member.get_state() for member in self._members],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal mixture returned."""
        self._rng.bit_generator.state = state["generator"]
        self.drawn = np.array(state["drawn"], np.int64)
        for member, its_state in zip(self._members, state["members"], strict=True):
            member.set_state(its_state)
