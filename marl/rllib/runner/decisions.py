"""Decisions: the steps in which an agent has a choice, and those whose outcome a fragment does not show.

An agent with a single legal action waits: for its turn, for its next tax period. What comes of a decision is known at
the agent's next one, so a fragment that ends while an agent waits leaves its last decision open. The runner carries it
over to the fragment in which it closes, however long that takes, with the rewards so far.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marl.rllib.runner.fragment import Columns, Fragment, GroupFragment, OpenDecisions
from marl.rllib.runner.transitions import Transitions, find_transitions


class Decisions(NamedTuple):
    """Where some agents of a group decide. T steps, E envs, n agents.

    Attributes:
        decides: [T+1, E, n] bool; the agent is alive and has more than one legal action.
        is_open: [T, E, n] bool; from step t on the agent goes on, and does nothing but wait from step t+1 to the end of
            the fragment and beyond.
    """

    decides: np.ndarray
    is_open: np.ndarray


def every_step(group: GroupFragment, columns: Columns) -> Decisions:
    """Returns what takes every step of an agent that is alive for a decision."""
    alive = group.alive[:, :, columns]
    return Decisions(alive, np.zeros(alive[:-1].shape, bool))


def find_decisions(group: GroupFragment, transitions: Transitions, columns: Columns) -> Decisions:
    """Returns where some agents of a group decide.

    Args:
        group: The arrays; without masks every step is a decision.
        transitions: Of these agents.
        columns: The agents.
    """
    if group.action_masks is None:
        return every_step(group, columns)
    num_parts = group.actions.shape[3] if group.actions.ndim > 3 else 1  # each part has a legal choice at least
    num_legal = group.action_masks[:, :, columns].sum(axis=-1, dtype=np.int32)
    decides = group.alive[:, :, columns] & (num_legal > num_parts)
    only_waits_after = transitions.goes_on & ~decides[1:]
    return Decisions(decides, np.logical_and.accumulate(only_waits_after[::-1])[::-1])


def carry_over(fragment: Fragment, gammas: dict[str, float]) -> dict[str, OpenDecisions]:
    """Returns by group the decisions that are open at the end of a fragment, those that were open before it included.

    Args:
        fragment: Its groups' `opened` are those open at its beginning.
        gammas: Discount factor of each module.
    """
    opened = {}
    for name, group in fragment.groups.items():
        if group.action_masks is None:
            continue
        decisions = find_decisions(group, find_transitions(group, fragment.ended, slice(None)), slice(None))
        if decisions.is_open[-1].any():
            found = _still_open(group, decisions, np.array([gammas[module_id] for module_id in group.modules]))
            if len(found):
                opened[name] = found
    return opened


def _still_open(group: GroupFragment, decisions: Decisions, gamma: np.ndarray) -> OpenDecisions:
    """Returns the open decisions of a group.

    Args:
        group: Its `opened` are those from before the fragment.
        decisions: Of all its agents.
        gamma: [P] discount factor of each agent.
    """
    decides, is_open = decisions.decides[:-1], decisions.is_open
    num_steps = len(decides)
    sums = _rewards_to_the_end(group.rewards, gamma)
    t, e, p = np.nonzero(decides & is_open)
    made: dict[str, np.ndarray] = {name: getattr(group, name)[t, e, p] for name in OpenDecisions.OF_STEPS}
    made |= {"rewards": sums[t, e, p], "discounts": gamma[p] ** (num_steps - t), "places": np.stack([e, p], axis=1)}
    if group.opened is not None:
        e, p = group.opened.places.T
        before = group.opened.select(is_open[0, e, p] & ~decides[0, e, p])
        e, p = before.places.T
        older = dict(vars(before))
        older["rewards"] = before.rewards + before.discounts * sums[0, e, p]
        older["discounts"] = before.discounts * gamma[p] ** num_steps
        made = {name: np.concatenate([older[name], array]) for name, array in made.items()}
    return OpenDecisions(**made)


def _rewards_to_the_end(rewards: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """Returns [T, E, P] discounted sums of rewards [T, E, P] from each step to the last one."""
    sums = rewards.astype(np.float64)
    for t in reversed(range(len(sums) - 1)):
        sums[t] += gamma * sums[t + 1]
    return sums
