"""FragmentToBatch: the one learner connector between runners and the loss. Values, advantages, rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import tree
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.evaluation.postprocessing import Postprocessing

from marl.rllib.learner.advantages import Discounts
from marl.rllib.learner.decision_rows import module_rows
from marl.rllib.learner.global_state import (
    AGENT_INDEX,
    GLOBAL_STATE,
    GlobalStateAPI,
    StateColumn,
    global_states,
    join_tables,
)
from marl.rllib.learner.played import Played
from marl.rllib.learner.ranks import all_or_none, sum_over_learners
from marl.rllib.learner.sequences import sequence_rows
from marl.rllib.runner.fragment import Fragment
from marl.rllib.runner.observations import as_tensor

# Standard deviation below which advantages are not scaled up, as RLlib has it.
LEAST_DEVIATION = 1e-4


class FragmentToBatch(ConnectorV2):
    """Turns the runners' fragments into one batch of rows per module.

    Values come from the learner's weights. Rows of agents that were out are dropped; steps in which an agent could only
    wait are folded into the decision before them (`decision_rows`), unless the module is recurrent or has a centralised
    critic. Advantages are standardized over what is left, by all learners alike. Rows keep the order of time:
    `FragmentLearner` shuffles them anew for every epoch.

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
    ) -> dict[str, dict[str, Any]]:
        """Returns columns by module: observations [B, D] in the world's dtype, and what the loss needs [B, ...].

        Columns of recurrent modules are [S, L, ...], with the module's state at the start of each sequence.
        """
        with all_or_none():
            joined = self._join_rows(rl_module, episodes)
        trained = [module_id for module_id in sorted(rl_module.keys()) if self._is_trained(module_id)]
        _standardize(trained, joined)
        return joined

    def _join_rows(self, rl_module: MultiRLModule, episodes: list[Fragment]) -> dict[str, dict[str, Any]]:
        parts: dict[str, list[dict[str, Any]]] = {}
        first_row = 0
        for fragment in episodes:
            for group in fragment.groups.values():
                for module_id, columns in group.columns():
                    if self._is_trained(module_id):
                        module = rl_module[module_id].unwrapped()
                        played = Played(fragment, group, columns, folds_waiting=_folds_waiting(module))
                        rows = self._rows(module_id, module, played, first_row)
                        parts.setdefault(module_id, []).append(rows)
            first_row += fragment.num_rows
        joined = {module_id: _join(module_parts) for module_id, module_parts in parts.items()}
        needs_states = [m for m in joined if isinstance(rl_module[m].unwrapped(), GlobalStateAPI)]
        if needs_states:
            table = join_tables([global_states(fragment) for fragment in episodes])
            for module_id in needs_states:
                joined[module_id][GLOBAL_STATE] = StateColumn(table, joined[module_id][GLOBAL_STATE])
        return joined

    def _rows(self, module_id: str, module: RLModule, played: Played, first_row: int) -> dict[str, Any]:
        discounts = self._discounts(module_id)
        if module.is_stateful():
            return sequence_rows(module, played, module_id, discounts)
        rows = module_rows(module, played, discounts)
        if isinstance(module, GlobalStateAPI):
            t, e, p = np.nonzero(played.is_row)
            rows[GLOBAL_STATE] = first_row + t * len(played.fragment) + e
            rows[AGENT_INDEX] = played.agent_indices[p]
        return rows


def _folds_waiting(module: RLModule) -> bool:
    # A memory has to see every step, and a centralised critic what all saw, which open decisions do not keep.
    return not (module.is_stateful() or isinstance(module, GlobalStateAPI))


def _join(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: tree.map_structure(
            lambda *leaves: as_tensor(np.concatenate(leaves) if len(leaves) > 1 else leaves[0]),
            *[part[name] for part in parts],
        )
        for name in parts[0]
    }


def _standardize(trained: list[str], joined: dict[str, dict[str, Any]]) -> None:
    """Gives the advantages of every module mean 0 and standard deviation 1, over the rows of all learners."""
    names = Postprocessing.ADVANTAGES, Columns.LOSS_MASK
    chosen: dict[str, torch.Tensor] = {}
    for module_id in trained:
        columns = joined.get(module_id, {})
        if names[0] in columns:
            chosen[module_id] = columns[names[0]][columns[names[1]]] if names[1] in columns else columns[names[0]]
    # Two passes, as one would lose the deviation of advantages that are all nearly the same.
    sums = sum_over_learners(
        np.array([float(chosen[m].sum(dtype=torch.float64)) if m in chosen else 0.0 for m in trained])
    )
    counts = sum_over_learners(np.array([float(len(chosen.get(m, ()))) for m in trained]))
    means = sums / np.maximum(counts, 1)
    squares = np.array([_squares(chosen.get(m), mean) for m, mean in zip(trained, means.tolist(), strict=True)])
    deviations = np.sqrt(sum_over_learners(squares) / np.maximum(counts, 1))
    for module_id, mean, deviation in zip(trained, means.tolist(), deviations.tolist(), strict=True):
        if module_id in chosen:
            scaled = (joined[module_id][names[0]] - mean) / max(LEAST_DEVIATION, deviation)
            joined[module_id][names[0]] = scaled.to(torch.float32)


def _squares(rows: torch.Tensor | None, mean: float) -> float:
    return 0.0 if rows is None else float((rows.to(torch.float64) - mean).square().sum())
