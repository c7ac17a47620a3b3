"""From fragments to a batch whose rows are steps of a whole team.

T steps, E envs, N agents of a group, V values (1 of the team, or N), B rows. A row keeps the agents of a step together,
because with a graph the probability of one's action hangs on what others did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.evaluation.postprocessing import Postprocessing

from marl.mappo.module import TeamModule
from marl.mappo.value_scale import keep_values
from marl.rllib.learner.advantages import Discounts, generalized_advantages
from marl.rllib.learner.decision_rows import ACTION_MASK
from marl.rllib.learner.fragment_to_batch import LEAST_DEVIATION
from marl.rllib.learner.global_state import GLOBAL_STATE, final_global_states, global_states
from marl.rllib.learner.minibatches import ModuleColumns
from marl.rllib.learner.ranks import all_or_none, sum_over_learners
from marl.rllib.learner.value_pass import as_array, device_of
from marl.rllib.runner.fragment import Fragment, GroupFragment
from marl.rllib.runner.observations import as_tensor
from marl.rllib.runner.team import ALIVE
from marl.rllib.runner.transitions import Transitions, find_transitions

# Columns beside RLlib's: [B, V] what the critic said when the rows were made, in units of the scale since then.
OLD_VALUES = "old_values"

TEAM_ROWS = 2048  # of one value pass


class TeamRows(ConnectorV2):
    """Turns fragments into one batch of team rows per module.

    Args:
        input_observation_space: Unused; RLlib's convention.
        input_action_space: Unused; RLlib's convention.
        discounts: Of each module.
        is_trained: Whether a module is trained; the others need no rows.
        credit: "team": everybody is credited with the mean reward of who is in, which is the reward where all are paid
            alike, up to the end of the episode. "own": with its own reward, until it is out.
        value_normalization: "running", "popart", or None: values are learned as they are.
    """

    def __init__(
        self,
        input_observation_space: Any = None,
        input_action_space: Any = None,
        *,
        discounts: Callable[[str], Discounts],
        is_trained: Callable[[str], bool],
        credit: str,
        value_normalization: str | None,
    ) -> None:
        super().__init__(input_observation_space, input_action_space)
        self._discounts, self._is_trained = discounts, is_trained
        self._credit, self._normalization = credit, value_normalization

    def __call__(  # type: ignore[override]
        self, *, rl_module: MultiRLModule, batch: dict[str, Any], episodes: list[Fragment], **kwargs: Any
    ) -> ModuleColumns:
        """Returns columns by module, [B, ...] each, rows in the order of time."""
        with all_or_none():
            joined = self._join(rl_module, episodes)
        for module_id, columns in joined.items():
            module: Any = rl_module[module_id].unwrapped()
            _standardize(columns)
            self._rescale(module, columns)
        return joined

    def _join(self, rl_module: MultiRLModule, episodes: list[Fragment]) -> ModuleColumns:
        parts: dict[str, list[dict[str, Any]]] = {}
        for fragment in episodes:
            for group in fragment.groups.values():
                module_id = group.modules[0]
                if self._is_trained(module_id):
                    module: Any = rl_module[module_id].unwrapped()
                    rows = self._rows(module, fragment, group, self._discounts(module_id))
                    parts.setdefault(module_id, []).append(rows)
        return {
            module_id: {name: as_tensor(np.concatenate([part[name] for part in own])) for name in own[0]}
            for module_id, own in sorted(parts.items())
        }

    def _rows(self, module: TeamModule, fragment: Fragment, group: GroupFragment, discounts: Discounts) -> Any:
        seen = _seen(fragment, group)
        values, values_tp1 = self._values(module, fragment, group, seen)
        transitions = self._transitions(fragment, group)
        values_tp1 = np.where(transitions.is_terminal, 0, values_tp1).astype(np.float32)
        rewards = self._rewards(group)
        if values.shape[2] > rewards.shape[2]:
            rewards = np.repeat(rewards, values.shape[2], axis=2)
        goes_on = np.broadcast_to(transitions.goes_on, values.shape)
        advantages = generalized_advantages(rewards, values, values_tp1, goes_on, discounts)
        steps = {
            **{name: array[:-1] for name, array in seen.items()},
            Columns.ACTIONS: group.actions,
            Columns.ACTION_LOGP: group.action_logp,
            Postprocessing.ADVANTAGES: np.broadcast_to(advantages, group.rewards.shape),
            Postprocessing.VALUE_TARGETS: advantages + values,
            OLD_VALUES: values,
            **group.noise,
        }
        is_row = fragment.is_active
        if is_row.all():
            return {name: array.reshape(-1, *array.shape[2:]) for name, array in steps.items()}
        return {name: array[is_row] for name, array in steps.items()}

    def _rewards(self, group: GroupFragment) -> np.ndarray:
        """Returns [T, E, 1] of the team, or [T, E, N]."""
        if self._credit == "own":
            return group.rewards
        alive = group.alive[:-1]
        sums = (group.rewards * alive).sum(axis=2, keepdims=True, dtype=np.float32)
        return sums / np.maximum(alive.sum(axis=2, keepdims=True), 1).astype(np.float32)

    def _transitions(self, fragment: Fragment, group: GroupFragment) -> Transitions:
        """Returns how steps hang together, [T, E, 1] of the team or [T, E, N]."""
        if self._credit == "own":
            return find_transitions(group, fragment.ended, slice(None))
        ended = fragment.ended[:, :, None]
        is_cut = ended & group.truncations.any(axis=2, keepdims=True)
        return Transitions(ended & ~is_cut, is_cut, ~ended)

    def _values(
        self, module: TeamModule, fragment: Fragment, group: GroupFragment, seen: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns V of what was seen before each step and after it, [T, E, V] each."""
        rows = {name: array.reshape(-1, *array.shape[2:]) for name, array in seen.items()}
        values = _values_of(module, rows).reshape(len(fragment.ended) + 1, len(fragment), -1)
        values_tp1 = values[1:].copy()
        if len(fragment.final_index):
            t, e = fragment.final_index.T
            final = {Columns.OBS: _flat(group.final_observations, 2), ALIVE: group.alive[t, e]}
            if GLOBAL_STATE in seen:
                final[GLOBAL_STATE] = final_global_states(fragment)
            values_tp1[t, e] = _values_of(module, final)
        return values[:-1], values_tp1

    def _rescale(self, module: TeamModule, columns: dict[str, Any]) -> None:
        """Moves the scale of values to the new targets, and gives columns the units that the loss has."""
        targets = columns[Postprocessing.VALUE_TARGETS]
        before = module.value_scale.numbers()
        if self._normalization is not None:
            counted = _is_judged(columns)
            kept = targets[counted].to(torch.float64)
            own = [float(kept.sum()), float(kept.square().sum()), float(len(kept))]
            first, second, count = sum_over_learners(np.array(own))
            if count > 0:
                module.value_scale.learn(first / count, second / count)
        mean, deviation = after = module.value_scale.numbers()
        columns[Postprocessing.VALUE_TARGETS] = (targets - mean) / deviation
        if self._normalization == "popart":
            keep_values(module.critic.head, before, after)
            old = columns[OLD_VALUES] - mean
            columns[OLD_VALUES] = old / deviation
        else:  # what the network put out has not changed
            columns[OLD_VALUES] = (columns[OLD_VALUES] - before[0]) / before[1]


def _seen(fragment: Fragment, group: GroupFragment) -> dict[str, np.ndarray]:
    """Returns what the modules see before each step and after the last, [T+1, E, ...] by column."""
    seen = {Columns.OBS: _flat(group.observations, 3), ALIVE: group.alive}
    if group.action_masks is not None:
        seen[ACTION_MASK] = group.action_masks
    if len(fragment.groups) > 1:
        states = global_states(fragment)
        seen[GLOBAL_STATE] = states.reshape(*group.alive.shape[:2], -1)
    return seen


def _flat(observations: np.ndarray, num_axes: int) -> np.ndarray:
    """Returns observations [..., D...] as [..., D], a view."""
    return observations.reshape(*observations.shape[:num_axes], -1)


def _values_of(module: TeamModule, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Returns V [B, V] of B rows."""
    device, parts = device_of(module), []
    with torch.no_grad():
        for first in range(0, len(columns[ALIVE]), TEAM_ROWS):
            part = {name: as_tensor(array[first : first + TEAM_ROWS]).to(device) for name, array in columns.items()}
            for name in (Columns.OBS, GLOBAL_STATE):
                if name in part:
                    part[name] = part[name].to(torch.float32)
            parts.append(as_array(module.compute_values(part)))
    return np.concatenate(parts)


def _is_judged(columns: dict[str, Any]) -> torch.Tensor:
    """Returns [B, V] bool: whose values count; the team's as long as anybody is in."""
    alive = columns[ALIVE]
    return alive.any(dim=1, keepdim=True) if columns[OLD_VALUES].shape[1] == 1 else alive


def _standardize(columns: dict[str, Any]) -> None:
    """Gives advantages mean 0 and standard deviation 1 over who is in, at all learners."""
    name = Postprocessing.ADVANTAGES
    advantages, alive = columns[name].to(torch.float64), columns[ALIVE]
    chosen = advantages[alive]
    total, count = sum_over_learners(np.array([float(chosen.sum()), float(len(chosen))]))
    mean = total / max(count, 1)
    (squares,) = sum_over_learners(np.array([float((chosen - mean).square().sum())]))
    deviation = max(LEAST_DEVIATION, (squares / max(count, 1)) ** 0.5)
    columns[name] = ((advantages - mean) / deviation).to(torch.float32)
