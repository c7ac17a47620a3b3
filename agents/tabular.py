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
        # Hashes order the rows; what is looked up is compared with the row itself.
        keys = _hash(seen)
        order = np.argsort(keys)
        self._keys, self._observations = keys[order], seen[order]
        if (self._keys[1:] == self._keys[:-1]).any():
            raise PolicyError("a table has one row for each observation, this one has one of them twice")
        thresholds = np.cumsum(given[order], axis=1)
        self._thresholds = thresholds[:, :-1] / thresholds[:, -1:]
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
        shown = group.observations[envs, row].reshape(len(envs), -1).astype(np.float64)
        if shown.shape[1] != self._observations.shape[1]:
            raise PolicyError(
                f"the table has {self._observations.shape[1]} numbers per observation, {batch.spec.id} shows "
                f"{shown.shape[1]}"
            )
        if getattr(group.action_space, "n", None) != self.num_actions:
            raise PolicyError(f"the table has {self.num_actions} actions, {agent} {group.action_space}")
        index = np.minimum(np.searchsorted(self._keys, _hash(shown)), len(self._keys) - 1)
        known = (self._observations[index] == shown).all(axis=1)
        draws = self._rng.random(len(envs))
        actions = (draws[:, None] >= self._thresholds[index]).sum(axis=1)
        if not known.all():
            masks = None if group.action_masks is None else group.action_masks[envs, row]
            actions = np.where(known, actions, _uniform(masks, draws, self.num_actions))
        return actions.astype(np.int32)

    def get_state(self) -> dict[str, Any]:
        """Returns the generator's state."""
        return {"generator": self._rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over a generator's state."""
        self._rng.bit_generator.state = state["generator"]


def _hash(rows: np.ndarray) -> np.ndarray:
    """Returns a 64-bit hash of each row of [n, D] float64, multilinear in the bits."""
    factors = np.random.default_rng(0).integers(0, 2**64, rows.shape[1], np.uint64, endpoint=False) | np.uint64(1)
    bits = (rows + 0.0).view(np.uint64)  # -0 becomes 0
    return ((bits ^ (bits >> np.uint64(29))) * factors).sum(axis=1, dtype=np.uint64)


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
