"""The value pass: V of everything that a fragment saw, with the learner's weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from ray.rllib.core.columns import Columns

from marl.rllib.learner.global_state import (
    AGENT_INDEX,
    GLOBAL_STATE,
    GlobalStateAPI,
    final_global_states,
    global_states,
)
from marl.rllib.learner.played import Played
from marl.rllib.runner.observations import as_features, as_tensor, module_input

# Rows of one value pass: the float32 copy of this many 520-number observations still fits in a CPU's cache.
VALUE_PASS_ROWS = 4096


class _States(NamedTuple):
    """What a centralised critic sees of B rows: a table [N, S], the row of each in it, and its agent."""

    table: np.ndarray
    rows: np.ndarray
    agents: np.ndarray


def value_pass(module: Any, played: Played) -> tuple[np.ndarray, np.ndarray]:
    """Returns v_t and v_tp1, [T, E, n] each; 0 where the agent is out or waits, v_tp1 also after a termination.

    Args:
        module: With RLlib's ValueFunctionAPI, not recurrent.
        played: By the module's agents.
    """
    fragment, transitions = played.fragment, played.transitions
    needed = played.decisions.decides.copy()
    # An agent that is cut off while the episode goes on has its last observation in the next row, where it is out.
    needed[1:] |= transitions.is_cut & ~fragment.ended[:, :, None]
    values = np.zeros(needed.shape, np.float32)
    index = None if needed.all() else np.nonzero(needed)
    observations, masks = played.observations, played.masks
    if index is None:
        observations, masks = (_flatten(array) for array in (observations, masks))
    states = _seen_states(module, played, needed) if isinstance(module, GlobalStateAPI) else None
    values[needed] = values_of(module, observations, masks, states, index)
    v_tp1 = values[1:].copy()
    if len(fragment.final_index):
        t, e = fragment.final_index.T
        v_tp1[t, e] = _final_values(module, played)
    v_tp1[transitions.is_terminal] = 0
    return values[:-1], v_tp1


def _flatten(array: Any) -> Any:
    return None if array is None else array.reshape(-1, *array.shape[3:])  # a view, mostly


def _seen_states(module: Any, played: Played, needed: np.ndarray) -> _States:
    t, e, p = np.nonzero(needed)
    return _States(global_states(played.fragment), t * needed.shape[1] + e, played.agent_indices[p])


def _final_values(module: Any, played: Played) -> np.ndarray:
    """Returns [F, n]."""
    finals, masks = played.final_observations, played.masks
    rows = finals.reshape(-1, *finals.shape[2:])
    all_legal = None if masks is None else np.ones((len(rows), masks.shape[-1]), np.uint8)
    states = None
    if isinstance(module, GlobalStateAPI):
        num_ends, num_agents = finals.shape[:2]
        state_rows = np.repeat(np.arange(num_ends), num_agents)
        states = _States(final_global_states(played.fragment), state_rows, np.tile(played.agent_indices, num_ends))
    return values_of(module, rows, all_legal, states).reshape(finals.shape[:2])


def values_of(
    module: Any,
    observations: np.ndarray,
    masks: np.ndarray | None,
    states: _States | None = None,
    index: tuple[np.ndarray, ...] | None = None,
) -> np.ndarray:
    """Returns V [B] of observations [B, D...], or of B of them.

    Args:
        module: With values.
        observations: [B, D...]; with an index, [..., D...].
        masks: Likewise; or None.
        states: For a centralised critic.
        index: Which observations, [B] for each of the dimensions in front. They are copied a pass at a time: a copy of
            all rows of a fragment takes longer to get memory for than to make.
    """
    values = np.empty(len(observations) if index is None else len(index[0]), np.float32)
    device = device_of(module)
    with torch.no_grad():
        for first in range(0, len(values), VALUE_PASS_ROWS):
            rows = slice(first, first + VALUE_PASS_ROWS)
            chosen: Any = rows if index is None else tuple(places[rows] for places in index)
            seen = module_input(observations[chosen], None if masks is None else masks[chosen], device)
            batch = {Columns.OBS: seen}
            if states is not None:
                table_rows = states.table[states.rows[rows]]
                batch[GLOBAL_STATE] = as_features(as_tensor(table_rows).to(device))
                batch[AGENT_INDEX] = as_tensor(states.agents[rows]).to(device)
            values[rows] = as_array(module.compute_values(batch))
    return values


def device_of(module: Any) -> torch.device | None:
    """Returns where a module's weights lie; None: it has none."""
    return next((parameter.device for parameter in module.parameters()), None)


def as_array(values: Any) -> np.ndarray:
    """Returns a tensor of any device as an array."""
    return values.detach().cpu().numpy()
