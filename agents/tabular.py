"""Policies that are tables: a distribution over actions for each observation, as two files that cannot execute.

What exact oracles make for small worlds: a best response names an action for every information state, and an
information state is known by the observation that it shows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

from agents.protocol import find_agent
from agents.trained import PolicyError
from games.batch import Batch

FORMAT = "agora-table-1"


class TabularPlayer:
    """Draws from the distribution that stands beside what it sees; uniformly among legal actions where none does.

    Args:
        observations: [S, D], all different.
        probabilities: [S, K] of the actions; rows sum to 1.
        seed: Of the player's own generator.

    Raises:
        PolicyError: Arrays that do not fit together, rows that are no distribution, one observation twice.
    """

    def __init__(self, observations: np.ndarray, probabilities: np.ndarray, seed: int = 0) -> None:
        seen, given = np.asarray(observations, np.float64), np.asarray(probabilities, np.float64)
        if seen.ndim != 2 or given.ndim != 2 or len(seen) != len(given):
            raise PolicyError(f"a table needs [S, D] and [S, K], got {list(seen.shape)} and {list(given.shape)}")
        if not np.isfinite(seen).all() or not (given >= 0).all() or (np.abs(given.sum(axis=1) - 1) > 1e-6).any():
            raise PolicyError("a table needs finite observations, and rows of probabilities that sum to 1")
        if len(np.unique(seen, axis=0)) != len(seen):
            raise PolicyError("a table has one row for each observation, this one has one of them twice")
        self._observations, self._rows = seen, dict[np.dtype[Any], _Rows]()
        thresholds = np.cumsum(given, axis=1)
        self._thresholds = thresholds[:, :-1] / thresholds[:, -1:]
        # Best responses are pure: nothing is drawn for them.
        self._pure = given.argmax(axis=1) if (given.max(axis=1, initial=0) == given.sum(axis=1)).all() else None
        self._rng = np.random.default_rng(seed)

    @property
    def num_actions(self) -> int:
        """K."""
        return self._thresholds.shape[1] + 1

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns actions, [E] int32."""
        return self.act_rows(batch, agent, np.arange(batch.num_envs))

    def act_rows(self, batch: Batch, agent: str, envs: np.ndarray) -> np.ndarray:
        """Returns actions in some envs, [n] int32.

        Raises:
            PolicyError: The world shows or takes something else than the table is for.
        """
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        size = int(np.prod(group.observations.shape[2:]))
        if size != self._observations.shape[1]:
            raise PolicyError(
                f"the table has {self._observations.shape[1]} numbers per observation, {batch.spec.id} shows {size}"
            )
        if getattr(group.action_space, "n", None) != self.num_actions:
            raise PolicyError(f"the table has {self.num_actions} actions, {agent} {group.action_space}")
        if group.action_masks is None:
            return self._choose(group.observations[envs, row], None)
        # Who waits for others has one legal action, and nothing to look up.
        masks = group.action_masks[envs, row]
        actions = masks.argmax(axis=1).astype(np.int32)
        decides = np.flatnonzero(np.count_nonzero(masks, axis=1) > 1)
        actions[decides] = self._choose(group.observations[envs[decides], row], masks[decides])
        return actions

    def _choose(self, observations: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        """Returns actions [n] for observations [n, D...]."""
        if observations.dtype not in self._rows:
            self._rows[observations.dtype] = _Rows(self._observations, observations.dtype)
        index, is_known = self._rows[observations.dtype].find(observations)
        if self._pure is not None and is_known.all():
            return self._pure[index].astype(np.int32)
        draws = self._rng.random(len(index))
        actions = (draws[:, None] >= self._thresholds[index]).sum(axis=1)
        if not is_known.all():
            actions = np.where(is_known, actions, _uniform(masks, draws, self.num_actions))
        return actions.astype(np.int32)

    def get_state(self) -> dict[str, Any]:
        """Returns the generator's state."""
        return {"generator": self._rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over a generator's state."""
        self._rng.bit_generator.state = state["generator"]


class _Rows:
    """The rows of a table in the dtype of a world, to be found by a hash of their bits.

    Args:
        rows: [S, D] float64, at least one.
        dtype: Of the world's observations.
    """

    def __init__(self, rows: np.ndarray, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        with np.errstate(over="ignore", invalid="ignore"):
            cast = rows.astype(dtype)
        # A row that this dtype cannot say is shown by no world.
        kept = np.flatnonzero((cast == rows).all(axis=1))
        words = self._words(cast[kept])
        self._factors = np.random.default_rng(0).integers(0, 2**64, words.shape[1], np.uint64) | np.uint64(1)
        keys = self._hash(words)
        order = np.argsort(keys, kind="stable")
        self._keys, self._sorted, self._numbers = keys[order], words[order], kept[order]

    def find(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the number [n] of the row that equals each observation [n, D...], and [n] whether there is one."""
        if not len(self._keys):
            return np.zeros(len(observations), np.int64), np.zeros(len(observations), bool)
        words = self._words(observations.reshape(len(observations), int(np.prod(observations.shape[1:]))))
        place = np.minimum(np.searchsorted(self._keys, self._hash(words)), len(self._keys) - 1)
        return self._numbers[place], (self._sorted[place] == words).all(axis=1)

    def _words(self, rows: np.ndarray) -> np.ndarray:
        """Returns rows [n, D] as [n, W] words of 64 bits."""
        size = rows.shape[1]
        words = np.zeros((len(rows), -(-size * self._dtype.itemsize // 8)), np.uint64)
        np.add(rows, self._dtype.type(0), out=words.view(self._dtype)[:, :size])  # -0 becomes 0
        return words

    def _hash(self, words: np.ndarray) -> np.ndarray:
        """Returns a 64-bit hash of each row, multilinear in the mixed bits."""
        return ((words ^ (words >> np.uint64(29))) * self._factors).sum(axis=1, dtype=np.uint64)


def _uniform(masks: np.ndarray | None, draws: np.ndarray, num_actions: int) -> np.ndarray:
    """Returns for each draw in [0, 1) a legal action, all equally likely."""
    if masks is None:
        return (draws * num_actions).astype(np.int64)
    legal = np.cumsum(masks, axis=1)
    return (legal > draws[:, None] * legal[:, -1:]).argmax(axis=1)


def save_table(folder: Path, env_id: str, observations: np.ndarray, probabilities: np.ndarray) -> None:
    """Writes a table.

    Args:
        folder: Exists already.
        env_id: Where it plays.
        observations: [S, D].
        probabilities: [S, K].
    """
    TabularPlayer(observations, probabilities)  # refuses now what nobody could load
    arrays = {"observations": np.asarray(observations, np.float64), "probabilities": np.asarray(probabilities)}
    save_file({name: np.ascontiguousarray(array, np.float64) for name, array in arrays.items()}, folder / _ARRAYS)
    (folder / _ABOUT).write_text(json.dumps({"format": FORMAT, "env_id": env_id}) + "\n", encoding="utf-8")


def load_table(folder: Path, seed: int = 0) -> TabularPlayer:
    """Returns who plays what `save_table` wrote.

    Raises:
        PolicyError: A file is missing or damaged; the message names it.
    """
    return TabularPlayer(*read_table(folder), seed)


def read_table(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads the observations [S, D] and probabilities [S, K] that `save_table` wrote.

    Raises:
        PolicyError: A file is missing or damaged; the message names it.
    """
    for path in (folder / _ABOUT, folder / _ARRAYS):
        if not path.is_file():
            raise PolicyError(f"no policy file {path}")
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise PolicyError(f"{folder / _ABOUT} was written by another version")
        arrays = load_file(folder / _ARRAYS)
        TabularPlayer(arrays["observations"], arrays["probabilities"])
        return arrays["observations"], arrays["probabilities"]
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
        if isinstance(error, PolicyError) and str(folder) in str(error):
            raise
        raise PolicyError(f"{folder} is damaged: {error}") from None


_ABOUT, _ARRAYS = "table.json", "table.safetensors"
