"""A mixed strategy over players: one of them is drawn for every episode, as PSRO's opponents are (never for a step)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.protocol import Player, RowPlayer
from games.batch import Batch


class MixturePlayer:
    """Plays every episode as one member, drawn when the episode begins.

    Mixtures with the same probabilities and seed draw the same in the same envs. With `plays` they are then the seats
    of one joint draw, of which each plays its own part.

    Args:
        members: The players; each keeps its own memory and generator.
        probabilities: Of each draw, [K]; at least 0, in sum 1.
        seed: Of the generator of the draws.
        numbers: [K] what draws are called in `drawn` and in the log; 0, 1, ... by default.
        plays: [K] index of the member that each draw plays; by default draw k plays member k.
        keeps_log: Whether `take_log` is going to be called.

    Raises:
        ValueError: Not a probability for each draw.
    """

    def __init__(
        self,
        members: Sequence[Player],
        probabilities: Sequence[float] | np.ndarray,
        seed: int = 0,
        *,
        numbers: np.ndarray | None = None,
        plays: np.ndarray | None = None,
        keeps_log: bool = False,
    ) -> None:
        self._plays = np.arange(len(members)) if plays is None else np.asarray(plays, np.int64)
        given = np.asarray(probabilities, np.float64)
        if given.shape != self._plays.shape or not (given >= 0).all() or abs(given.sum() - 1) > 1e-6:
            what = "members" if plays is None else "draws"
            raise ValueError(
                f"{len(self._plays)} {what} need as many probabilities that sum to 1, got {given.tolist()}"
            )
        self._members, self._thresholds = list(members), np.cumsum(given / given.sum())[:-1]
        self._rng = np.random.default_rng(seed)
        self._numbers = np.arange(len(given)) if numbers is None else np.asarray(numbers, np.int64)
        self._draws = np.zeros(0, np.int64)  # [E] index of the draw
        self._log: list[np.ndarray] | None = [] if keeps_log else None

    @property
    def drawn(self) -> np.ndarray:
        """[E] int64, number of the draw in each env since its episode began; empty before the first action."""
        return self._numbers[self._draws]

    def take_log(self) -> np.ndarray:
        """Returns [T, E] the number of the draw in each step since the last call.

        Raises:
            ValueError: The mixture keeps no log.
        """
        if self._log is None:
            raise ValueError("this mixture keeps no log; make it with keeps_log=True")
        log, self._log = self._log, []
        return np.array(log, np.int64).reshape(len(log), len(self._draws))

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the actions of the drawn members, [E] or [E, A].

        Members without a memory are asked for the envs that they play in, all others for every env, so that they see
        each episode from its beginning.
        """
        self._draw(batch)
        if self._log is not None:
            self._log.append(self.drawn)
        actions: np.ndarray | None = None
        playing = self._plays[self._draws]
        for index, member in enumerate(self._members):
            envs = np.flatnonzero(playing == index)
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
        if len(self._draws) != batch.num_envs:
            self._draws = self._draw_some(batch.num_envs)
        elif batch.ended.any():
            ended = np.flatnonzero(batch.ended)
            self._draws[ended] = self._draw_some(len(ended))

    def _draw_some(self, count: int) -> np.ndarray:
        return np.searchsorted(self._thresholds, self._rng.random(count), side="right")

    def get_state(self) -> dict[str, Any]:
        """Returns the generator, who plays where, and the members' states."""
        return {
            "generator": self._rng.bit_generator.state,
            "draws": self._draws.copy(),
            "members": [member.get_state() for member in self._members],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal mixture returned."""
        self._rng.bit_generator.state = state["generator"]
        self._draws = np.array(state["draws"], np.int64)
        for member, its_state in zip(self._members, state["members"], strict=True):
            member.set_state(its_state)
