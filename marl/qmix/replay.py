"""EpisodeReplay: the newest episodes in one set of arrays, each as long as it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from marl.qmix.episodes import Columns, Episode
from marl.rllib.errors import TrainingError

OF_MOMENTS = ("observations", "action_masks")


class Drawn(NamedTuple):
    """B episodes, the longest of L steps.

    Attributes:
        mask: [B, L] bool; whether an episode has so many steps.
        is_terminal: [B, L] bool; whether it ended by rule in this step.
        groups: By group, columns [B, L, P, ...], those of moments [B, L+1, P, ...]. Beyond an episode's end they repeat
            its last row.
    """

    mask: np.ndarray
    is_terminal: np.ndarray
    groups: dict[str, Columns]


class DrawnSteps(NamedTuple):
    """B steps, each by itself.

    Attributes:
        groups: By group, columns [B, P, ...] of the steps and of the moments before them.
        following: By group, "observations" and "action_masks" of the moments after them.
    """

    groups: dict[str, Columns]
    following: dict[str, Columns]


class EpisodeReplay:
    """A ring of moments. An episode of n steps lies in n + 1 neighbouring ones; nothing is padded.

    Memory: capacity times the bytes of one moment of all agents, observations in the world's dtype; at the end of the
    ring at most one episode's room stays empty.

    Args:
        capacity: Moments; the oldest episodes make room.
        seed: Of the draws.
    """

    def __init__(self, capacity: int, seed: int | Sequence[int] | None = None) -> None:
        self.capacity = capacity
        self._rng = np.random.default_rng(seed)
        self._groups: dict[str, Columns] = {}
        self._episodes: deque[tuple[int, int, bool]] = deque()  # first moment, steps, whether it ended by rule
        self._cursor = 0

    def __len__(self) -> int:
        return len(self._episodes)

    @property
    def num_steps(self) -> int:
        """Env steps that are stored."""
        return sum(steps for _, steps, _ in self._episodes)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for columns in self._groups.values() for array in columns.values())

    def add(self, episode: Episode) -> None:
        """Adds an episode, over the oldest ones.

        Raises:
            TrainingError: It is longer than the whole replay.
        """
        steps = len(episode)
        if steps + 1 > self.capacity:
            raise TrainingError(f"an episode of {steps} steps does not fit into capacity={self.capacity}")
        if not self._groups:
            self._groups = {name: self._make(columns) for name, columns in episode.groups.items()}
        self._make_room(steps + 1)
        first = self._cursor
        for name, columns in episode.groups.items():
            for key, values in columns.items():
                self._groups[name][key][first : first + len(values)] = values
        self._episodes.append((first, steps, episode.is_terminal))
        self._cursor += steps + 1

    def _make(self, columns: Columns) -> Columns:
        return {name: np.zeros((self.capacity, *values.shape[1:]), values.dtype) for name, values in columns.items()}

    def _make_room(self, moments: int) -> None:
        if self._cursor + moments > self.capacity:
            while self._episodes and self._episodes[0][0] >= self._cursor:  # of the last time round
                self._episodes.popleft()
            self._cursor = 0
        stop = self._cursor + moments
        while self._episodes and self._cursor <= self._episodes[0][0] < stop:
            self._episodes.popleft()

    def draw(self, count: int) -> Drawn:
        """Returns `count` different episodes, all as likely.

        Raises:
            ValueError: There are not so many.
        """
        if not 1 <= count <= len(self):
            raise ValueError(f"can draw 1 to {len(self)} episodes, got {count}")
        chosen = [self._episodes[i] for i in self._rng.choice(len(self), count, replace=False).tolist()]
        firsts, steps = np.array([c[0] for c in chosen]), np.array([c[1] for c in chosen])
        times = np.arange(int(steps.max()) + 1)
        moments = firsts[:, None] + np.minimum(times, steps[:, None])
        taken = firsts[:, None] + np.minimum(times[:-1], steps[:, None] - 1)
        mask = times[:-1] < steps[:, None]
        is_last = times[:-1] == steps[:, None] - 1
        groups = {
            name: {key: array[moments if key in OF_MOMENTS else taken] for key, array in columns.items()}
            for name, columns in self._groups.items()
        }
        return Drawn(mask, is_last & np.array([c[2] for c in chosen])[:, None], groups)

    def draw_steps(self, count: int) -> DrawnSteps:
        """Returns `count` steps, all as likely, with replacement.

        Raises:
            ValueError: Nothing is stored.
        """
        if not self._episodes:
            raise ValueError("nothing is stored yet")
        steps = np.array([length for _, length, _ in self._episodes])
        ends = steps.cumsum()
        number = self._rng.integers(ends[-1], size=count)
        episode = np.searchsorted(ends, number, side="right")
        moments = np.array([first for first, _, _ in self._episodes])[episode] + number - (ends - steps)[episode]
        groups, following = dict[str, Columns](), dict[str, Columns]()
        for name, columns in self._groups.items():
            groups[name] = {key: array[moments] for key, array in columns.items()}
            following[name] = {key: columns[key][moments + 1] for key in OF_MOMENTS if key in columns}
        return DrawnSteps(groups, following)

    # ---- state ----

    def get_state(self) -> dict[str, Any]:
        """Returns everything; a restored replay draws what this one would draw."""
        used = max([self._cursor, *(first + steps + 1 for first, steps, _ in self._episodes)])
        return {
            "capacity": self.capacity,
            "groups": {
                name: {key: array[:used].copy() for key, array in columns.items()}
                for name, columns in self._groups.items()
            },
            "episodes": list(self._episodes),
            "cursor": self._cursor,
            "generator": self._rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` of a replay of the same capacity returned."""
        if state["capacity"] != self.capacity:
            raise ValueError(f"the state is of a replay of capacity {state['capacity']}, this one has {self.capacity}")
        self._groups = {name: self._make(columns) for name, columns in state["groups"].items()}
        for name, columns in state["groups"].items():
            for key, values in columns.items():
                self._groups[name][key][: len(values)] = values
        self._episodes = deque(tuple(each) for each in state["episodes"])
        self._cursor = state["cursor"]
        self._rng.bit_generator.state = state["generator"]
