"""EpisodeReplay: the newest episodes in one set of arrays, each as long as it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from marl.qmix.episodes import Columns, Episode
from marl.rllib.errors import TrainingError


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


def part(drawn: Drawn, rows: slice) -> Drawn:
    """Returns some of the episodes, as views."""
    groups = {name: {key: array[rows] for key, array in columns.items()} for name, columns in drawn.groups.items()}
    return Drawn(drawn.mask[rows], drawn.is_terminal[rows], groups)


class DrawnSteps(NamedTuple):
    """B steps, each by itself.

    Attributes:
        groups: By group, columns [B, P, ...] of the steps and of the moments before them.
        following: By group, the columns of moments, of those after them.
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
        self._of_moments: frozenset[str] = frozenset()  # columns with a row more than an episode has steps
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
            every = [each for columns in episode.groups.values() for each in columns.items()]
            self._of_moments = frozenset(key for key, values in every if len(values) == steps + 1)
        self._make_room(steps + 1)
        first = self._cursor
        for name, columns in episode.groups.items():
            for key, values in columns.items():
                self._groups[name][key][first : first + len(values)] = values
        self._episodes.append((first, steps, episode.is_terminal))
        self._cursor += steps + 1

    def clear(self) -> None:
        """Forgets all episodes, and lets go of their room."""
        self._groups, self._cursor = {}, 0
        self._episodes.clear()

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
            name: {key: array[moments if key in self._of_moments else taken] for key, array in columns.items()}
            for name, columns in self._groups.items()
        }
        return Drawn(mask, is_last & np.array([c[2] for c in chosen])[:, None], groups)

    def draw_steps(self, count: int) -> DrawnSteps:
        """Returns `count` steps, all as likely, with replacement.

        Raises:
            ValueError: Nothing is stored.
        """
        moments, _ = self._pick_steps(count)
        groups, following = dict[str, Columns](), dict[str, Columns]()
        for name, columns in self._groups.items():
            groups[name] = {key: array[moments] for key, array in columns.items()}
            following[name] = {key: array[moments + 1] for key, array in columns.items() if key in self._of_moments}
        return DrawnSteps(groups, following)

    def draw_short(self, count: int) -> Drawn:
        """Returns `count` steps, all as likely, with replacement, as episodes of one step each.

        Raises:
            ValueError: Nothing is stored.
        """
        taken, is_terminal = self._pick_steps(count)
        taken, moments = taken[:, None], taken[:, None] + np.arange(2)
        groups = {
            name: {key: array[moments if key in self._of_moments else taken] for key, array in columns.items()}
            for name, columns in self._groups.items()
        }
        return Drawn(np.ones((count, 1), bool), is_terminal[:, None], groups)

    def _pick_steps(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns [count] the moments before some steps, and whether these ended their episodes by rule."""
        if not self._episodes:
            raise ValueError("nothing is stored yet")
        firsts, steps, terminal = (np.array(each) for each in zip(*self._episodes, strict=True))
        ends = steps.cumsum()
        number = self._rng.integers(ends[-1], size=count)
        episode = np.searchsorted(ends, number, side="right")
        is_terminal = (number == ends[episode] - 1) & terminal[episode]
        return firsts[episode] + number - (ends - steps)[episode], is_terminal

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
            "of_moments": sorted(self._of_moments),
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
        self._of_moments = frozenset(state["of_moments"])
        self._episodes = deque(tuple(each) for each in state["episodes"])
        self._cursor = state["cursor"]
        self._rng.bit_generator.state = state["generator"]
