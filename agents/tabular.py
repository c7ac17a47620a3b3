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

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from agents.trained import PolicyError
from games import _core
from games.batch import Batch, Group

FORMAT = "agora-table-1"


class TabularPlayer(GeneratorAlone):
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
        if _Rows(seen, seen.dtype).num_different != len(seen):
            raise PolicyError("a table has one row for each observation, this one has one of them twice")
        self._observations, self._rows = seen, dict[np.dtype[Any], _Rows]()
        thresholds = np.cumsum(given, axis=1)
        self._thresholds = thresholds[:, :-1] / thresholds[:, -1:]
        # Best responses are pure: nothing is drawn for them.
        is_pure = bool((given.max(axis=1, initial=0) == given.sum(axis=1)).all())
        self._choices = given.argmax(axis=1).astype(np.int32) if is_pure else None
        self._everywhere = np.zeros(0, np.int64)
        self._rng = np.random.default_rng(seed)

    @property
    def num_actions(self) -> int:
        """K."""
        return self._thresholds.shape[1] + 1

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns actions, [E] int32."""
        if len(self._everywhere) != batch.num_envs:
            self._everywhere = np.arange(batch.num_envs)
        return self.act_rows(batch, agent, self._everywhere)

    def act_rows(self, batch: Batch, agent: str, envs: np.ndarray) -> np.ndarray:
        """Returns actions in some envs, [n] int32.

        Raises:
            PolicyError: The world shows or takes something else than the table is for.
        """
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        size = group.observations[0, 0].size
        if size != self._observations.shape[1]:
            raise PolicyError(
                f"the table has {self._observations.shape[1]} numbers per observation, {batch.spec.id} shows {size}"
            )
        if getattr(group.action_space, "n", None) != self.num_actions:
            raise PolicyError(f"the table has {self.num_actions} actions, {agent} {group.action_space}")
        if group.observations.dtype not in self._rows:
            self._rows[group.observations.dtype] = _Rows(self._observations, group.observations.dtype, self._choices)
        rows = self._rows[group.observations.dtype]
        actions = rows.choose(group, row, envs)
        if actions is None:
            masks = None if group.action_masks is None else group.action_masks[envs, row]
            actions = self._draw(rows.find(group, row, envs), masks)
        return actions

    def _draw(self, found: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        """Returns actions [n] for what `find_rows` says: where nothing is forced, they are drawn."""
        actions = (-2 - found).astype(np.int32)
        decides = np.flatnonzero(found >= -1)
        draws, rows = self._rng.random(len(decides)), found[decides]
        drawn = (draws[:, None] >= self._thresholds[np.maximum(rows, 0)]).sum(axis=1)
        if (rows < 0).any():
            legal = _uniform(None if masks is None else masks[decides], draws, self.num_actions)
            drawn = np.where(rows >= 0, drawn, legal)
        actions[decides] = drawn
        return actions


class _Rows:
    """The rows of a table in the dtype of a world, to be found by their bytes (games/core/rows.h).

    Rows that the dtype cannot say are left out: no world shows them.

    Args:
        rows: [S, D] float64.
        dtype: Of the world's observations.
        choices: [S] int32 the action beside each row, where there is just one.

    Attributes:
        num_different: Rows, equal ones counted once.
    """

    def __init__(self, rows: np.ndarray, dtype: np.dtype[Any], choices: np.ndarray | None = None) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            cast = rows.astype(dtype)
        self._numbers = np.flatnonzero((cast == rows).all(axis=1)).astype(np.int32)
        self._choices = _NO_CHOICES if choices is None else choices[self._numbers]
        self._bytes = _as_bytes(cast[self._numbers])
        self._slots = np.empty(1 << (2 * len(self._numbers)).bit_length(), np.int32)
        _core.index_rows(self._bytes, self._slots)
        self.num_different = int(np.count_nonzero(self._slots >= 0))

    def choose(self, group: Group, agent: int, envs: np.ndarray) -> np.ndarray | None:
        """Returns actions [n] int32; None where one has to be drawn."""
        if not len(self._choices):
            return None
        actions, unknown = self._ask(group, agent, envs, self._choices)
        return None if unknown else actions

    def find(self, group: Group, agent: int, envs: np.ndarray) -> np.ndarray:
        """Returns [n] int32 which row is shown, -1 for none, -2 - a where `a` is the only legal action."""
        found, unknown = self._ask(group, agent, envs, _NO_CHOICES)
        if unknown:  # -0 has other bytes than 0
            missing = np.flatnonzero(found == -1)
            seen = _as_bytes(group.observations[envs[missing], agent].reshape(len(missing), -1))[:, None]
            again = np.empty(len(missing), np.int32)
            everywhere = np.arange(len(missing))
            _core.find_rows(self._bytes, self._slots, seen, _NO_MASKS, 0, everywhere, _NO_CHOICES, again)
            found[missing] = again
        if len(self._numbers):
            found = np.where(found >= 0, self._numbers[np.maximum(found, 0)], found)
        return found

    def _ask(self, group: Group, agent: int, envs: np.ndarray, choices: np.ndarray) -> tuple[np.ndarray, int]:
        """Returns what `agora_find_rows` writes, and how many rows are unknown."""
        num_envs, num_agents = group.observations.shape[:2]
        seen = group.observations.reshape(num_envs, num_agents, -1).view(np.uint8)
        masks = _NO_MASKS if group.action_masks is None else group.action_masks
        found, envs = np.empty(len(envs), np.int32), np.ascontiguousarray(envs, np.int64)
        return found, _core.find_rows(self._bytes, self._slots, seen, masks, agent, envs, choices, found)


_NO_CHOICES = np.zeros(0, np.int32)
_NO_MASKS = np.zeros((0, 0, 0), np.uint8)


def _as_bytes(rows: np.ndarray) -> np.ndarray:
    """Returns rows [n, D] as bytes [n, B]; equal numbers have equal bytes."""
    return np.ascontiguousarray(rows + rows.dtype.type(0)).view(np.uint8)


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
    return _load(folder, seed)[0]


def read_table(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads the observations [S, D] and probabilities [S, K] that `save_table` wrote.

    Raises:
        PolicyError: A file is missing or damaged; the message names it.
    """
    return _load(folder, 0)[1:]


def _load(folder: Path, seed: int) -> tuple[TabularPlayer, np.ndarray, np.ndarray]:
    for path in (folder / _ABOUT, folder / _ARRAYS):
        if not path.is_file():
            raise PolicyError(f"no policy file {path}")
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise PolicyError(f"{folder / _ABOUT} was written by another version")
        arrays = load_file(folder / _ARRAYS)
        observations, probabilities = arrays["observations"], arrays["probabilities"]
        return TabularPlayer(observations, probabilities, seed), observations, probabilities
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
        if isinstance(error, PolicyError) and str(folder) in str(error):
            raise
        raise PolicyError(f"{folder} is damaged: {error}") from None


_ABOUT, _ARRAYS = "table.json", "table.safetensors"
