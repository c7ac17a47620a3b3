"""What a centralised critic sees: the observations of all agents of an env side by side, as PettingZoo's `state()`.

A fragment holds every observation once; the states are views of it or one copy, and a row of the train batch knows
which of them is its own. They meet in the minibatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from games.batch import Group
from marl.rllib.runner.fragment import Fragment
from marl.rllib.runner.observations import as_features, as_tensor

# Columns of a minibatch: [B, S] float32, and [B] int64 place of the agent in `batch.agents`.
GLOBAL_STATE = "global_state"
AGENT_INDEX = "agent_index"


class GlobalStateAPI:
    """A module whose `compute_values` reads columns "global_state" [B, S] and "agent_index" [B] beside the others.

    Mix it into an RLModule with ValueFunctionAPI. `use_batched_runner` adds "global_state_size" and "num_agents" to its
    `model_config`. Runners need neither column: play is decentralised.
    """


def global_state_size(groups: Mapping[str, Group]) -> int:
    """Returns S, the numbers in the observations of all agents of an env together."""
    return sum(int(np.prod(group.observations.shape[1:])) for group in groups.values())


def global_states(fragment: Fragment) -> np.ndarray:
    """Returns [(T+1)·E, S], row t·E + e for step t of env e; a view where the world has one group."""
    parts = [group.observations.reshape(fragment.num_rows, -1) for group in fragment.groups.values()]
    return parts[0] if len(parts) == 1 else np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def final_global_states(fragment: Fragment) -> np.ndarray:
    """Returns [F, S] for the episode ends of a fragment."""
    num_ends = len(fragment.final_index)
    parts = [group.final_observations.reshape(num_ends, -1) for group in fragment.groups.values()]
    return parts[0] if len(parts) == 1 else np.concatenate([part.astype(np.float32) for part in parts], axis=1)


class StateColumn:
    """The states of B rows of a train batch, looked up in a table when a minibatch needs them.

    Behaves like a tensor [B, S] as far as minibatches ask: `index_select`, `to`, `len`.

    Args:
        table: [N, S] in the world's dtype.
        rows: [B] int64.
    """

    def __init__(self, table: torch.Tensor, rows: torch.Tensor) -> None:
        self._table, self._rows = table, rows

    def __len__(self) -> int:
        return len(self._rows)

    def index_select(self, dim: int, rows: torch.Tensor) -> StateColumn:
        """Returns some rows, still as a column that looks up."""
        return StateColumn(self._table, self._rows.index_select(dim, rows))

    def to(self, device: Any) -> torch.Tensor:
        """Returns the states [B, S] float32 on a device."""
        return as_features(self._table.index_select(0, self._rows).to(device))


def join_tables(tables: list[np.ndarray]) -> torch.Tensor:
    """Returns the states of several fragments as one table."""
    return as_tensor(np.concatenate(tables) if len(tables) > 1 else tables[0])
