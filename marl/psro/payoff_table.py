"""What is known of every joint policy: moments and samples of the players' returns, means of the episodes' numbers.

The empirical game of Wellman 2006 and Lanctot et al. 2017, which keeps what mean-only tables lose: the second moment
within a cell (for confidence, for adaptive sampling, and for any measure of risk) and a uniform sample of episodes (for
quantiles). Moments are merged by Chan, Golub and LeVeque 1983.

    symbol    variable     shape
    K_i       sizes        policies of player i
    n(c)      counts       [K_1, ..., K_n] episodes of joint policy c
    m_q(c)    _means       [Q, K_1, ..., K_n] of quantity q: the n returns, then the named numbers
    M_q(c)    _squares     [Q, K_1, ..., K_n] sums of squared deviations from the mean
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marl.psro.files import replace_file

KEPT_EPISODES = 256  # of each cell, for quantiles
FORMAT = 1

Cell = tuple[int, ...]
"""A joint policy: the number of each player's policy."""


class PayoffTableError(ValueError):
    """A payoff file that is missing, damaged, or of another game."""


class PayoffTable:
    """Returns and named numbers of all joint policies of n players.

    Args:
        players: Their names.
        numbers: What an episode is described by beside the returns, such as "crashes".

    Attributes:
        players: As given.
        numbers: As given.
        counts: [K_1, ..., K_n] int64 episodes seen.
        rounds: [K_1, ..., K_n] int64 calls of `add`: which simulation of a cell comes next.
    """

    def __init__(self, players: Sequence[str], numbers: Sequence[str] = ()) -> None:
        self.players, self.numbers = tuple(players), tuple(numbers)
        empty = (0,) * len(self.players)
        quantities = len(self.players) + len(self.numbers)
        self.counts, self.rounds = np.zeros(empty, np.int64), np.zeros(empty, np.int64)
        self._means, self._squares = np.zeros((quantities, *empty)), np.zeros((quantities, *empty))
        self._episodes = np.zeros((*empty, KEPT_EPISODES, len(self.players)), np.float32)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Policies of each player."""
        return self.counts.shape

    def add_policies(self, sizes: Sequence[int]) -> None:
        """Makes room for more policies, unseen so far.

        Args:
            sizes: Policies of each player from now on.

        Raises:
            ValueError: Fewer than there are.
        """
        if len(sizes) != len(self.players) or any(new < old for new, old in zip(sizes, self.sizes, strict=True)):
            raise ValueError(f"a table of {self.sizes} policies cannot become one of {tuple(sizes)}")
        more = [(0, new - old) for new, old in zip(sizes, self.sizes, strict=True)]
        self.counts, self.rounds = np.pad(self.counts, more), np.pad(self.rounds, more)
        self._means, self._squares = (np.pad(array, [(0, 0), *more]) for array in (self._means, self._squares))
        self._episodes = np.pad(self._episodes, [*more, (0, 0), (0, 0)])

    def add(self, cell: Cell, returns: np.ndarray, numbers: dict[str, np.ndarray] | None = None) -> None:
        """Adds episodes of one joint policy.

        Args:
            cell: The joint policy.
            returns: [m, n] of each player.
            numbers: By name, [m]; all of the table's.

        Raises:
            ValueError: Wrong shapes, numbers that are not finite, no such cell.
        """
        values = self._check(cell, returns, numbers or {})
        old, new = int(self.counts[cell]), len(values)
        if not new:
            return
        at: Any = (slice(None), *cell)
        mean = values.mean(axis=0)
        delta = mean - self._means[at]
        self._means[at] += delta * (new / (old + new))
        self._squares[at] += ((values - mean) ** 2).sum(axis=0) + delta**2 * (old * new / (old + new))
        self._keep(cell, old, values[:, : len(self.players)])
        self.counts[cell] += new
        self.rounds[cell] += 1

    def _check(self, cell: Cell, returns: np.ndarray, numbers: dict[str, np.ndarray]) -> np.ndarray:
        if len(cell) != len(self.sizes) or not all(0 <= k < size for k, size in zip(cell, self.sizes, strict=True)):
            raise ValueError(f"no cell {cell} in a table of {self.sizes} policies")
        if numbers.keys() != set(self.numbers):
            raise ValueError(f"the table's numbers are {list(self.numbers)}, got {list(numbers)}")
        columns = [np.asarray(returns, np.float64), *(np.asarray(numbers[name])[:, None] for name in self.numbers)]
        if columns[0].ndim != 2 or columns[0].shape[1] != len(self.players):
            raise ValueError(f"returns must be [episodes, {len(self.players)}], got {list(columns[0].shape)}")
        values = np.concatenate(columns, axis=1)
        if not np.isfinite(values).all():
            raise ValueError(f"returns and numbers of cell {cell} must be finite")
        return values

    def _keep(self, cell: Cell, old: int, returns: np.ndarray) -> None:
        """Algorithm R (Vitter 1985): every episode so far is kept with the same probability."""
        generator = np.random.default_rng([*cell, int(self.rounds[cell])])
        number = np.arange(old, old + len(returns))
        place = np.where(number < KEPT_EPISODES, number, generator.integers(0, number + 1))
        kept = place < KEPT_EPISODES
        self._episodes[cell][place[kept]] = returns[kept]  # of two in one place the later one stays

    # ---- what is known ----

    @property
    def is_complete(self) -> bool:
        """Whether every cell has been seen."""
        return bool((self.counts > 0).all())

    def payoffs(self, numbers: Sequence[Sequence[int]] | None = None) -> np.ndarray:
        """Returns the mean returns, [n, K_1, ..., K_n].

        Args:
            numbers: Policies of each player that are asked for; None: all.

        Raises:
            ValueError: A cell has not been seen.
        """
        numbers = [range(size) for size in self.sizes] if numbers is None else numbers
        unseen = np.argwhere(self.counts[np.ix_(*numbers)] == 0)
        if len(unseen):
            cell = tuple(int(own[k]) for own, k in zip(numbers, unseen[0], strict=True))
            raise ValueError(f"no episode of cell {cell} yet")
        return self._means[np.ix_(range(len(self.players)), *numbers)]

    def variances(self) -> np.ndarray:
        """Returns the variance of single episodes' returns within each cell, [n, K...]; infinite below two episodes."""
        squares = self._squares[: len(self.players)]
        return np.where(self.counts > 1, squares / np.maximum(self.counts - 1, 1), np.inf)

    def standard_errors(self) -> np.ndarray:
        """Returns the standard errors of `payoffs`, [n, K...]."""
        return np.sqrt(self.variances() / np.maximum(self.counts, 1))

    def means(self, number: str) -> np.ndarray:
        """Returns the mean of a named number per episode, [K_1, ..., K_n]; NaN where nothing was seen."""
        mean = self._means[len(self.players) + self.numbers.index(number)]
        return np.where(self.counts > 0, mean, np.nan)

    def episodes(self, cell: Cell) -> np.ndarray:
        """Returns a uniform sample of a cell's returns, [up to KEPT_EPISODES, n] float32."""
        return self._episodes[cell][: min(KEPT_EPISODES, int(self.counts[cell]))].copy()

    def quantiles(self, cell: Cell, shares: Iterable[float]) -> np.ndarray:
        """Returns quantiles of the players' returns in a cell, [shares, n], from its sample of episodes."""
        return np.quantile(self.episodes(cell), list(shares), axis=0)

    # ---- file ----

    def save(self, path: Path) -> None:
        """Writes the table in one step: a reader sees the old file or the new one."""
        out = io.BytesIO()
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        np.savez_compressed(out, format=FORMAT, players=self.players, numbers=self.numbers, **arrays)
        replace_file(path, out.getvalue())

    @classmethod
    def load(cls, path: Path) -> PayoffTable:
        """Reads what `save` wrote.

        Raises:
            PayoffTableError: It is missing or damaged, or what it holds cannot be: counts below 0, numbers that are not
                finite.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                if int(file["format"]) != FORMAT:
                    raise PayoffTableError(f"{path} was written by another version")
                table = cls([str(name) for name in file["players"]], [str(name) for name in file["numbers"]])
                table.add_policies(file["counts"].shape)
                for name in _ARRAYS:
                    array = getattr(table, name)
                    if file[name].shape != array.shape or file[name].dtype != array.dtype:
                        raise PayoffTableError(f"{path} is damaged: {name} is {file[name].dtype} {file[name].shape}")
                    array[...] = file[name]
                table._check_content(path)
        except FileNotFoundError:
            raise PayoffTableError(f"no payoff file {path}") from None
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            if isinstance(error, PayoffTableError):
                raise
            raise PayoffTableError(f"{path} is damaged: {error}") from None
        return table

    def _check_content(self, path: Path) -> None:
        for name in ("counts", "rounds", "_squares"):
            if (getattr(self, name) < 0).any():
                raise PayoffTableError(f"{path} is damaged: {name.strip('_')} are below 0")
        for name in ("_means", "_squares", "_episodes"):
            if not np.isfinite(getattr(self, name)).all():
                raise PayoffTableError(f"{path} is damaged: {name.strip('_')} are not finite")
        if ((self.counts > 0) != (self.rounds > 0)).any():
            raise PayoffTableError(f"{path} is damaged: episodes and rounds of a cell do not go together")


_ARRAYS = ("counts", "rounds", "_means", "_squares", "_episodes")
