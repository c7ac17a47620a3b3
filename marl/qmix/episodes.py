"""Whole episodes of all agents side by side: from fragments into arrays, and batches of them out again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from marl.rllib.runner.fragment import Fragment, GroupFragment
from marl.rllib.runner.transitions import find_transitions

Columns = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode of L steps. A moment is what was seen before a step, or after the last.

    Attributes:
        groups: By group, columns of P agents: "observations" [L+1, P, D...] and, where there are masks, "action_masks"
            [L+1, P, K] of the moments; "actions" [L, P], "rewards" [L, P], "alive" [L, P] (took the step),
            "next_alive" [L, P] (has a future after it), and what a team's module noted, [L, ...] each.
        is_terminal: Whether it ended by rule for everybody; False at a time limit.
    """

    groups: dict[str, Columns]
    is_terminal: bool

    def __len__(self) -> int:
        return len(next(iter(self.groups.values()))["actions"])


def whole_episodes(fragment: Fragment, notes: Collection[str] = ()) -> Iterator[Episode]:
    """Yields the episodes of a fragment of which every env played whole ones, in the order of envs.

    What an agent that is out was paid is left out.

    Args:
        fragment: What a runner played.
        notes: Names of what is kept of a team's module's notes.
    """
    fates = {name: _fates(group, fragment.ended) for name, group in fragment.groups.items()}
    ends = {tuple(pair): number for number, pair in enumerate(fragment.final_index.tolist())}
    for env in range(len(fragment)):
        first = 0
        for stop in (np.flatnonzero(fragment.ended[:, env] & fragment.is_active[:, env]) + 1).tolist():
            end = ends[stop - 1, env]
            groups = {
                name: _cut(group, fates[name], slice(first, stop), env, end)
                | {note: group.noise[note][first:stop, env] for note in notes}
                for name, group in fragment.groups.items()
            }
            yield Episode(groups, is_terminal=not any(columns["next_alive"][-1].any() for columns in groups.values()))
            first = stop


def _fates(group: GroupFragment, ended: np.ndarray) -> np.ndarray:
    """Returns [T, E, P] bool: whether an agent that took a step has a future after it."""
    transitions = find_transitions(group, ended, slice(None))
    stays = np.where(ended[:, :, None], transitions.is_cut, group.alive[1:])
    future: np.ndarray = stays & ~transitions.is_terminal
    # At a time limit only who was there has one; within an episode whoever comes next, a late joiner too.
    future &= group.alive[:-1] | ~ended[:, :, None]
    return future


def _cut(group: GroupFragment, futures: np.ndarray, steps: slice, env: int, end: int) -> Columns:
    alive = group.alive[steps, env]
    columns = {
        "observations": np.concatenate([group.observations[steps, env], group.final_observations[end : end + 1]]),
        "actions": group.actions[steps, env].astype(np.int32),
        "rewards": group.rewards[steps, env] * alive,
        "alive": alive,
        "next_alive": futures[steps, env],
    }
    if group.action_masks is not None:
        assert group.final_action_masks is not None
        last = group.final_action_masks[end : end + 1]
        columns["action_masks"] = np.concatenate([group.action_masks[steps, env], last])
    return columns
