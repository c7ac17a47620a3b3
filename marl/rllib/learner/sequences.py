"""Sequences: how the steps of recurrent modules are laid out for the loss.

RLlib's recurrent modules train on zero-padded sequences [S, L, ...] with their state at the start of each (`STATE_IN`)
and a `LOSS_MASK`. L is the module's `max_seq_len`; a new sequence starts with every episode and at steps 0, L, 2L, ...
of the fragment, for which the runner kept the state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import tree
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI

from marl.rllib.learner.advantages import Discounts, generalized_advantages
from marl.rllib.learner.played import Played
from marl.rllib.learner.value_pass import VALUE_PASS_ROWS, as_array, device_of
from marl.rllib.runner.memory import initial_leaves, max_seq_len
from marl.rllib.runner.observations import as_rows, as_tensor, module_input


class Sequences:
    """Where every step of some agents goes. T steps, E envs, n agents, S sequences, B steps in which agents are alive.

    Args:
        played: By the agents.
        length: L.

    Attributes:
        num_sequences: S.
        length: L.
        steps: Three arrays [B]: step, env and agent of each row.
        places: Two arrays [B]: sequence and position in it.
        starts: Three arrays [S]: step, env and agent with which each sequence starts.
    """

    def __init__(self, played: Played, length: int) -> None:
        self.length = length
        goes_on, alive = played.transitions.goes_on, played.alive[:-1]
        is_start = np.zeros(alive.shape, bool)
        is_start[::length] = True
        is_start[1:] |= ~goes_on[:-1]
        # One trajectory after the other, so that counting starts numbers the sequences.
        shape = alive.transpose(1, 2, 0).shape
        starts, rows = (np.flatnonzero(array.transpose(1, 2, 0)) for array in (is_start, alive))
        number = np.searchsorted(starts, rows, side="right") - 1
        # Sequences of agents that were out are left out.
        kept, sequence = np.unique(number, return_inverse=True)
        self.num_sequences = len(kept)
        self.places = (sequence, rows - starts[number])
        self.steps = self._unravel(rows, shape)
        self.starts = self._unravel(starts[kept], shape)

    @staticmethod
    def _unravel(rows: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        e, p, t = np.unravel_index(rows, shape)
        return t, e, p

    def lay_out(self, rows: np.ndarray, extra: int = 0) -> np.ndarray:
        """Returns rows [B, ...] as [S, L + extra, ...], zeros where there is no step."""
        laid = np.zeros((self.num_sequences, self.length + extra, *rows.shape[1:]), rows.dtype)
        laid[self.places] = rows
        return laid

    def mask(self) -> np.ndarray:
        """Returns [S, L] bool; whether there is a step."""
        return self.lay_out(np.ones(len(self.steps[0]), bool))


def sequence_rows(module: Any, played: Played, module_id: str, discounts: Discounts) -> dict[str, Any]:
    """Returns the columns [S, L, ...] of the steps that a recurrent module's agents took.

    Args:
        module: Recurrent.
        played: By its agents.
        module_id: Of the module.
        discounts: Of the module.
    """
    sequences = Sequences(played, max_seq_len(module))
    states = _states_in(module, played, sequences, module_id)
    names = {
        Columns.ACTIONS: played.group.actions,
        Columns.ACTION_LOGP: played.group.action_logp,
        Columns.ACTION_DIST_INPUTS: played.group.action_dist_inputs,
    }
    columns: dict[str, Any] = {
        Columns.OBS: sequences.lay_out(as_rows(played.observations[:-1][sequences.steps])),
        **{name: sequences.lay_out(array[:, :, played.columns][sequences.steps]) for name, array in names.items()},
        Columns.LOSS_MASK: sequences.mask(),
        Columns.STATE_IN: states,
    }
    if played.masks is not None:
        columns["action_mask"] = sequences.lay_out(played.masks[:-1][sequences.steps])
    if isinstance(module, ValueFunctionAPI):
        v_t, v_tp1 = _sequence_values(module, played, sequences, states)
        r_t = played.group.rewards[:, :, played.columns]
        advantages = generalized_advantages(r_t, v_t, v_tp1, played.transitions.goes_on, discounts)
        columns["advantages"] = sequences.lay_out(advantages[sequences.steps])
        columns["value_targets"] = sequences.lay_out((advantages + v_t)[sequences.steps])
    return columns


def _states_in(module: Any, played: Played, sequences: Sequences, module_id: str) -> Any:
    """Returns the module's state [S, ...] before the first step of each sequence."""
    t, e, p = sequences.starts
    was_kept = t % sequences.length == 0
    start = initial_leaves(module)
    leaves = []
    for kept, initial in zip(played.group.states[module_id], start, strict=True):
        leaf = np.repeat(initial.numpy()[None], len(t), axis=0)
        leaf[was_kept] = kept[t[was_kept] // sequences.length, e[was_kept], p[was_kept]]
        leaves.append(leaf)
    return tree.unflatten_as(module.get_initial_state(), leaves)


def _sequence_values(module: Any, played: Played, sequences: Sequences, states: Any) -> tuple[np.ndarray, np.ndarray]:
    """Returns v_t and v_tp1, [T, E, n] each.

    Every sequence gets what was seen after its last step as one step more, so that V of it comes out of the same pass.
    """
    fragment = played.fragment
    t, e, p = sequences.steps
    number, position = sequences.places
    seen = sequences.lay_out(as_rows(played.observations[:-1][sequences.steps]), extra=1)
    after = as_rows(played.observations[1:][sequences.steps])
    if len(fragment.final_index):
        end_of = np.full(fragment.ended.shape, -1)
        end_of[tuple(fragment.final_index.T)] = np.arange(len(fragment.final_index))
        ends = end_of[t, e]
        has_ended = ends >= 0
        after[has_ended] = as_rows(played.final_observations[ends[has_ended], p[has_ended]])
    # Later steps of a sequence overwrite what earlier ones wrote beyond themselves with the same; only the last stays.
    seen[number, position + 1] = after
    masks = None
    if played.masks is not None:
        masks = sequences.lay_out(played.masks[:-1][sequences.steps], extra=1)
        masks[number, position + 1] = np.maximum(masks[number, position + 1], played.masks[1:][sequences.steps])
    values = _unroll(module, seen, masks, states)
    v_t, v_tp1 = (np.zeros(played.alive[:-1].shape, np.float32) for _ in range(2))
    v_t[sequences.steps] = values[number, position]
    v_tp1[sequences.steps] = values[number, position + 1]
    v_tp1[played.transitions.is_terminal] = 0
    return v_t, v_tp1


def _unroll(module: Any, seen: np.ndarray, masks: np.ndarray | None, states: Any) -> np.ndarray:
    """Returns V [S, L + 1]."""
    num_sequences, length = seen.shape[:2]
    values = np.empty((num_sequences, length), np.float32)
    device = device_of(module)
    step = max(1, VALUE_PASS_ROWS // length)
    with torch.no_grad():
        for first in range(0, num_sequences, step):
            chosen = slice(first, first + step)
            flat = seen[chosen].reshape(-1, seen.shape[-1])
            flat_masks = None if masks is None else masks[chosen].reshape(len(flat), -1)
            inputs = module_input(flat, flat_masks, device)
            seen_by_step = tree.map_structure(lambda rows: rows.reshape(-1, length, rows.shape[-1]), inputs)
            before = tree.map_structure(lambda leaf, rows=chosen: as_tensor(leaf[rows]).to(device), states)
            batch = {Columns.OBS: seen_by_step, Columns.STATE_IN: before}
            values[chosen] = as_array(module.compute_values(batch))
    return values
