"""Rows for a loss on single steps: one for every decision, with its advantage.

A step in which an agent has one legal action carries no policy loss; as a row it would only make the others count for
less. So it has none. Its reward and the time it takes belong to the decision before it (`advantages`), and a decision
whose outcome lies beyond the fragment becomes a row of the fragment that shows it (`runner/decisions.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.evaluation.postprocessing import Postprocessing

from marl.rllib.learner.advantages import Discounts, generalized_advantages
from marl.rllib.learner.played import Played
from marl.rllib.learner.value_pass import value_pass, values_of
from marl.rllib.runner.fragment import OpenDecisions
from marl.rllib.runner.observations import as_rows

# The column in which an action mask travels to the loss.
ACTION_MASK = "action_mask"

Rows = dict[str, np.ndarray]


def module_rows(module: RLModule, played: Played, discounts: Discounts) -> Rows:
    """Returns the columns [B, ...] of the decisions that one module's agents took in one group of a fragment.

    In the order of time; at the end those of earlier fragments whose outcome this one shows.
    """
    group = played.group
    rows = {
        Columns.OBS: as_rows(played.steps(group.observations[:-1])),
        Columns.ACTIONS: played.steps(group.actions),
        Columns.ACTION_LOGP: played.steps(group.action_logp),
        Columns.ACTION_DIST_INPUTS: played.steps(group.action_dist_inputs),
    }
    if group.action_masks is not None:
        rows[ACTION_MASK] = played.steps(group.action_masks[:-1])
    closed, columns = _closed_decisions(played)
    if closed is not None:
        older = _columns_of(closed)
        rows = {name: np.concatenate([rows[name], older[name]]) for name in rows}
    if isinstance(module, ValueFunctionAPI):
        rows |= _values_and_advantages(module, played, discounts, closed, columns)
    return rows


def _columns_of(closed: OpenDecisions) -> Rows:
    return {
        Columns.OBS: as_rows(closed.observations),
        Columns.ACTIONS: closed.actions,
        Columns.ACTION_LOGP: closed.action_logp,
        Columns.ACTION_DIST_INPUTS: closed.action_dist_inputs,
        ACTION_MASK: closed.action_masks,
    }


def _closed_decisions(played: Played) -> tuple[OpenDecisions | None, np.ndarray]:
    """Returns the open decisions of the module's agents that close in this fragment, and whose [N] they are."""
    opened = played.opened
    if opened is None:
        return None, np.zeros(0, np.intp)
    number = np.full(len(played.group.agents), -1)
    number[played.columns] = np.arange(len(number[played.columns]))
    opened = opened.select(number[opened.places[:, 1]] >= 0)
    e, p = opened.places[:, 0], number[opened.places[:, 1]]
    decisions = played.decisions
    closes = decisions.decides[0, e, p] | ~decisions.is_open[0, e, p]
    return opened.select(closes), p[closes]


def _values_and_advantages(
    module: Any, played: Played, discounts: Discounts, closed: OpenDecisions | None, columns: np.ndarray
) -> Rows:
    """Returns advantages and value targets [B].

    Args:
        module: With values.
        played: By its agents.
        discounts: Of the module.
        closed: [N] decisions of earlier fragments that close in this one.
        columns: [N] whose they are.
    """
    v_t, v_tp1 = value_pass(module, played)
    decides = played.decisions.decides
    r_t = played.group.rewards[:, :, played.columns]
    # An open decision has no advantage yet: for what comes before it, the fragment ends there, worth V.
    is_left_open = decides[:-1] & played.decisions.is_open
    goes_on = played.transitions.goes_on.copy()
    goes_on[:-1] &= ~is_left_open[1:]
    advantages = generalized_advantages(r_t, v_t, v_tp1, goes_on, discounts, ~decides[1:])
    rows = {
        Postprocessing.ADVANTAGES: advantages[played.is_row],
        Postprocessing.VALUE_TARGETS: (advantages + v_t)[played.is_row],
    }
    if closed is None or not len(closed):
        return rows
    e = closed.places[:, 0]
    # What follows from step 0 on; an agent that can decide there after all has a value and lambda to be counted.
    share = np.where(decides[0], discounts.lambda_, 1.0) * ~is_left_open[0]
    following = (v_t[0] + share * advantages[0])[e, columns]
    targets = (closed.rewards + closed.discounts * following).astype(np.float32)
    values = values_of(module, closed.observations, closed.action_masks)
    return {
        Postprocessing.ADVANTAGES: np.concatenate([rows[Postprocessing.ADVANTAGES], targets - values]),
        Postprocessing.VALUE_TARGETS: np.concatenate([rows[Postprocessing.VALUE_TARGETS], targets]),
    }
