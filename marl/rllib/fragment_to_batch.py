"""FragmentToBatch: the one learner connector between runners and the loss. Values, advantages, rows.

Generalized advantage estimation (Schulman et al. 2016, "High-dimensional continuous control using generalized advantage
estimation", eq. 11 and 16), for all T steps, E envs and P agents at once:

    delta_t     = r_t + discount * v_tp1 - v_t
    advantage_t = delta_t + discount * lambda * advantage_tp1

v_tp1 is 0 after a termination and V(final observation) after a truncation; in both cases advantage_tp1 counts as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.evaluation.postprocessing import Postprocessing

from marl.rllib import fragment as fragments
from marl.rllib.fragment import Fragment, GroupFragment
from marl.rllib.observations import as_tensor, module_input

# Rows of one value pass: the float32 copy of this many 520-number observations still fits in a CPU's cache.
VALUE_PASS_ROWS = 4096

# The column in which an action mask travels to the loss.
ACTION_MASK = "action_mask"


class Discounts(NamedTuple):
    """Of one module: the discount factor gamma, and lambda of generalized advantage estimation."""

    gamma: float
    lambda_: float


def generalized_advantages(
    r_t: np.ndarray, v_t: np.ndarray, v_tp1: np.ndarray, goes_on: np.ndarray, discounts: Discounts
) -> np.ndarray:
    """Returns advantages [T, ...].

    Args:
        r_t: [T, ...] rewards.
        v_t: [T, ...] values of what was seen before each step.
        v_tp1: [T, ...] values of what was seen after it; 0 after a termination.
        goes_on: [T, ...] bool; whether step t+1 belongs to the same episode.
        discounts: Of the module.
    """
    delta_t = r_t + discounts.gamma * v_tp1 - v_t
    weight_t = (discounts.gamma * discounts.lambda_) * goes_on.astype(np.float32)
    advantages = np.empty_like(delta_t)
    advantage_tp1 = np.zeros_like(delta_t[0])
    for t in reversed(range(len(delta_t))):
        advantage_tp1 = delta_t[t] + weight_t[t] * advantage_tp1
        advantages[t] = advantage_tp1
    return advantages


class Transitions(NamedTuple):
    """How the steps of one module's agents in a fragment hang together. T steps, E envs, P agents.

    Attributes:
        is_terminal: [T, E, P] bool; nothing follows step t for the agent.
        is_cut: [T, E, P] bool; the episode was truncated after step t.
        goes_on: [T, E, P] bool; step t+1 is the agent's next one.
    """

    is_terminal: np.ndarray
    is_cut: np.ndarray
    goes_on: np.ndarray


def find_transitions(group: GroupFragment, ended: np.ndarray, columns: fragments.Columns) -> Transitions:
    """Returns how the steps of some agents of a group hang together.

    Args:
        group: The arrays.
        ended: [T, E] bool, an episode ended in this step.
        columns: The agents.
    """
    terminations, truncations = group.terminations[:, :, columns], group.truncations[:, :, columns]
    ended = ended[:, :, None]
    # An agent that is out without either flag cannot earn any more: nothing follows.
    is_terminal = terminations | (~truncations & ~ended & ~group.alive[1:, :, columns])
    is_cut = ~is_terminal & (truncations | ended)
    return Transitions(is_terminal, is_cut, ~is_terminal & ~is_cut)


class FragmentToBatch(ConnectorV2):
    """Turns the runners' fragments into one batch of rows per module.

    Values come from the learner's weights. Rows of agents that were out are dropped, advantages are standardized over
    what is left. Rows keep the order of time: `FragmentLearner` shuffles them anew for every epoch.

    Args:
        input_observation_space: Unused; RLlib's convention.
        input_action_space: Unused; RLlib's convention.
        discounts: Of each module.
        is_trained: Whether a module is trained; the others need no rows.
    """

    def __init__(
        self,
        input_observation_space: Any = None,
        input_action_space: Any = None,
        *,
        discounts: Callable[[str], Discounts],
        is_trained: Callable[[str], bool] = lambda module_id: True,
    ) -> None:
        super().__init__(input_observation_space, input_action_space)
        self._discounts, self._is_trained = discounts, is_trained

    def __call__(  # type: ignore[override]
        self,
        *,
        rl_module: MultiRLModule,
        batch: dict[str, Any],
        episodes: list[Fragment],
        **kwargs: Any,
    ) -> dict[str, dict[str, torch.Tensor]]:
        """Returns columns by module: observations [B, D] in the world's dtype, and what the loss needs [B, ...]."""
        parts: dict[str, list[dict[str, np.ndarray]]] = {}
        for fragment in episodes:
            for group in fragment.groups.values():
                for module_id, columns in group.columns():
                    if self._is_trained(module_id):
                        rows = module_rows(
                            rl_module[module_id].unwrapped(), fragment, group, columns, self._discounts(module_id)
                        )
                        parts.setdefault(module_id, []).append(rows)
        return {module_id: _join(module_parts) for module_id, module_parts in parts.items()}


def module_rows(
    module: RLModule, fragment: Fragment, group: GroupFragment, columns: fragments.Columns, discounts: Discounts
) -> dict[str, np.ndarray]:
    """Returns the columns [B, ...] of the steps that one module's agents took in one group of a fragment."""
    alive = group.alive[:-1, :, columns]
    rows = {
        Columns.OBS: _take(group.observations[:-1], columns, alive),
        Columns.ACTIONS: _take(group.actions, columns, alive),
        Columns.ACTION_LOGP: _take(group.action_logp, columns, alive),
        Columns.ACTION_DIST_INPUTS: _take(group.action_dist_inputs, columns, alive),
    }
    if group.action_masks is not None:
        rows[ACTION_MASK] = _take(group.action_masks[:-1], columns, alive)
    if isinstance(module, ValueFunctionAPI):
        transitions = find_transitions(group, fragment.ended, columns)
        v_t, v_tp1 = _value_pass(module, fragment, group, columns, transitions)
        r_t = group.rewards[:, :, columns]
        advantages = generalized_advantages(r_t, v_t, v_tp1, transitions.goes_on, discounts)
        rows[Postprocessing.ADVANTAGES] = advantages[alive]
        rows[Postprocessing.VALUE_TARGETS] = (advantages + v_t)[alive]
    return rows


def _take(array: np.ndarray, columns: fragments.Columns, alive: np.ndarray) -> np.ndarray:
    array = array[:, :, columns]
    if alive.all():
        return array.reshape(-1, *array.shape[3:])  # a view, where the module plays the whole group
    return array[alive]


def _value_pass(
    module: Any,
    fragment: Fragment,
    group: GroupFragment,
    columns: fragments.Columns,
    transitions: Transitions,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns v_t and v_tp1, [T, E, P] each; v_t is 0 where the agent is out."""
    observations = group.observations[:, :, columns]
    masks = None if group.action_masks is None else group.action_masks[:, :, columns]
    needed = group.alive[:, :, columns].copy()
    # An agent that is cut off while the episode goes on has its last observation in the next row, where it is out.
    needed[1:] |= transitions.is_cut & ~fragment.ended[:, :, None]
    values = np.zeros(needed.shape, np.float32)
    if needed.all():
        rows = observations.reshape(-1, *observations.shape[3:])
        values[...] = _values(module, rows, None if masks is None else masks.reshape(len(rows), -1)).reshape(
            values.shape
        )
    else:
        values[needed] = _values(module, observations[needed], None if masks is None else masks[needed])
    v_tp1 = values[1:].copy()
    if len(fragment.final_index):
        t, e = fragment.final_index.T
        v_tp1[t, e] = _final_values(module, group.final_observations[:, columns], masks)
    v_tp1[transitions.is_terminal] = 0
    return values[:-1], v_tp1


def _final_values(module: Any, observations: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
    """Returns [F, P] for observations [F, P, D...]."""
    rows = observations.reshape(-1, *observations.shape[2:])
    all_legal = None if masks is None else np.ones((len(rows), masks.shape[-1]), np.uint8)
    return _values(module, rows, all_legal).reshape(observations.shape[:2])


def _values(module: Any, observations: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
    """Returns [B] for observations [B, D...]."""
    values = np.empty(len(observations), np.float32)
    device = next((parameter.device for parameter in module.parameters()), None)
    with torch.no_grad():
        for first in range(0, len(observations), VALUE_PASS_ROWS):
            rows = slice(first, first + VALUE_PASS_ROWS)
            batch = {Columns.OBS: module_input(observations[rows], None if masks is None else masks[rows], device)}
            values[rows] = as_array(module.compute_values(batch))
    return values


def as_array(values: Any) -> np.ndarray:
    """Returns a tensor of any device as an array."""
    return values.detach().cpu().numpy()


def _join(parts: list[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    columns = {
        name: np.concatenate([part[name] for part in parts]) if len(parts) > 1 else parts[0][name] for name in parts[0]
    }
    if Postprocessing.ADVANTAGES in columns:
        advantages = columns[Postprocessing.ADVANTAGES]
        columns[Postprocessing.ADVANTAGES] = (advantages - advantages.mean()) / max(1e-4, advantages.std())
    return {name: as_tensor(column) for name, column in columns.items()}
