"""Fragment: what one runner saw in T steps of E envs, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

# All agents of a group (a slice, so that indexing copies nothing), or the places of some of them.
Columns = slice | np.ndarray


@dataclass(eq=False)
class OpenDecisions:
    """Decisions of earlier fragments since which their agents have only waited. N of them.

    Attributes:
        places: [N, 2] env and agent of each.
        observations: [N, D...] what was seen before it.
        action_masks: [N, K].
        actions: [N] or [N, A].
        action_dist_inputs: [N, L].
        action_logp: [N].
        rewards: [N] discounted sum of all rewards since, that of the decision's own step included.
        discounts: [N] discount factor to the power of the steps since.
    """

    OF_STEPS: ClassVar = ("observations", "action_masks", "actions", "action_dist_inputs", "action_logp")

    places: np.ndarray
    observations: np.ndarray
    action_masks: np.ndarray
    actions: np.ndarray
    action_dist_inputs: np.ndarray
    action_logp: np.ndarray
    rewards: np.ndarray
    discounts: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def select(self, is_kept: np.ndarray) -> OpenDecisions:
        """Returns those for which is_kept [N] is true."""
        return OpenDecisions(**{name: array[is_kept] for name, array in vars(self).items()})

    def of_envs(self, envs: np.ndarray) -> OpenDecisions:
        """Returns those of some neighbouring envs, whose first counts as env 0."""
        kept = self.select(np.isin(self.places[:, 0], envs))
        return replace(kept, places=kept.places - [envs[0] if len(envs) else 0, 0])


@dataclass(eq=False)
class GroupFragment:
    """The arrays of one group. T steps, E envs, P agents, F episode ends, L distribution inputs.

    Attributes:
        agents: Names of the P agents.
        modules: Module that played each of them.
        observations: [T+1, E, P, D...] in the world's dtype; the last row is what the next step will see.
        action_masks: [T+1, E, P, K] uint8, or None.
        alive: [T+1, E, P] bool; whether the agent acted in step t (row T: is alive now).
        actions: [T, E, P] or [T, E, P, A], as the module chose them.
        action_dist_inputs: [T, E, P, L] float32.
        action_logp: [T, E, P] float32.
        rewards: [T, E, P] float32.
        terminations: [T, E, P] bool.
        truncations: [T, E, P] bool.
        final_observations: [F, P, D...] last observations of the episodes that ended.
        final_action_masks: [F, P, K] uint8, what would have been legal then; None where every action always is.
        states: Of each recurrent module, what it remembered before steps 0, L, 2L, ... (L is its `max_seq_len`): the
            leaves of its state, [ceil(T / L), E, n, ...] each, for the n agents of the group that it played.
        opened: Decisions of earlier fragments that were open at the start of this one; None: none.
        noise: What a team's module drew beside its actions (`TeamAPI.draw_noise`), [T, E, ...] each.
    """

    agents: tuple[str, ...]
    modules: tuple[str, ...]
    observations: np.ndarray
    action_masks: np.ndarray | None
    alive: np.ndarray
    actions: np.ndarray
    action_dist_inputs: np.ndarray
    action_logp: np.ndarray
    rewards: np.ndarray
    terminations: np.ndarray
    truncations: np.ndarray
    final_observations: np.ndarray
    final_action_masks: np.ndarray | None = None
    states: dict[str, list[np.ndarray]] = field(default_factory=dict)
    opened: OpenDecisions | None = None
    noise: dict[str, np.ndarray] = field(default_factory=dict)

    def select(self, envs: slice, is_kept: np.ndarray) -> GroupFragment:
        """Returns views on the part of some envs.

        Args:
            envs: Which.
            is_kept: [F] bool; whose episode ends they are.
        """
        parts: dict[str, Any] = {
            name: value[:, envs] for name, value in vars(self).items() if isinstance(value, np.ndarray)
        }
        parts["final_observations"] = self.final_observations[is_kept]
        if self.final_action_masks is not None:
            parts["final_action_masks"] = self.final_action_masks[is_kept]
        states = {module_id: [leaf[:, envs] for leaf in leaves] for module_id, leaves in self.states.items()}
        opened = self.opened
        if opened is not None:
            opened = opened.of_envs(np.arange(self.alive.shape[1])[envs])
        noise = {name: array[:, envs] for name, array in self.noise.items()}
        return replace(self, **parts, states=states, opened=opened, noise=noise)

    def columns(self) -> Iterator[tuple[str, Columns]]:
        """Yields every module of the group with the agents it played."""
        yield from module_columns(self.modules)


def module_columns(modules: tuple[str, ...]) -> Iterator[tuple[str, Columns]]:
    """Yields every module with the places of its agents, in order of first appearance.

    Args:
        modules: [P] module of each agent.
    """
    distinct = list(dict.fromkeys(modules))
    for module_id in distinct:
        if len(distinct) == 1:
            yield module_id, slice(None)
        else:
            yield module_id, np.flatnonzero(np.array(modules) == module_id)


class Fragment:
    """T steps of E envs.

    RLlib counts it like a list of episodes (`env_steps`, `agent_steps`, `len`) and never looks inside. A plain class,
    because RLlib flattens lists, dicts and named tuples that a runner returns.

    Its `len` is E, the axis along which RLlib divides fragments among learners: an env is never cut in two.

    Args:
        groups: The arrays of each group.
        ended: [T, E] bool, an episode ended in this step.
        final_index: [F, 2] step and env of each episode end, in the order of the groups' `final_observations`.
        is_active: [T, E] bool, steps that count; a runner that owes n whole episodes steps on in envs that are done.
        source: Number of the runner, and of the fragment among those that this runner has made: fragment n + 1 goes
            on where fragment n ended, in the same envs, unless `starts_fresh`.
        starts_fresh: Whether all envs were reset before the first step.
        weights_seq_no: Updates that the weights of the runner had seen; 0: unknown.
    """

    def __init__(
        self,
        groups: dict[str, GroupFragment],
        ended: np.ndarray,
        final_index: np.ndarray,
        is_active: np.ndarray,
        source: tuple[int, int] = (0, 0),
        starts_fresh: bool = True,
        weights_seq_no: int = 0,
    ) -> None:
        self.groups, self.ended, self.final_index, self.is_active = groups, ended, final_index, is_active
        self.source, self.starts_fresh, self.weights_seq_no = source, starts_fresh, weights_seq_no
        self._env_steps = int(is_active.sum())

    def env_steps(self) -> int:
        """Returns the steps of all envs together."""
        return self._env_steps

    @property
    def num_rows(self) -> int:
        """(T+1)·E, the moments that were seen."""
        return (len(self.ended) + 1) * len(self)

    def agent_steps(self) -> int:
        """Returns the actions of all agents together."""
        return sum(int(group.alive[:-1].sum()) for group in self.groups.values())

    def __len__(self) -> int:
        return self.ended.shape[1]

    def __getitem__(self, envs: slice) -> Fragment:
        """Returns the part of the fragment that some of its envs make up."""
        chosen = np.arange(len(self))[envs]
        is_kept = np.isin(self.final_index[:, 1], chosen)
        final_index = self.final_index[is_kept] - [0, chosen[0] if len(chosen) else 0]
        groups = {name: group.select(envs, is_kept) for name, group in self.groups.items()}
        ended, is_active = self.ended[:, envs], self.is_active[:, envs]
        return Fragment(groups, ended, final_index, is_active, self.source, self.starts_fresh, self.weights_seq_no)

    def slice(self, envs: slice, len_lookback_buffer: int | None = None) -> Fragment:
        """Returns the part of some envs, under the name that RLlib looks for; there is nothing to look back to."""
        return self[envs]


def join_fragments(parts: list[Fragment]) -> Fragment:
    """Returns fragments of the same envs and modules, each of which goes on where the one before stopped, as one."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    starts = np.cumsum([0, *(len(part.ended) for part in parts[:-1])])
    final_index = [part.final_index + np.array([start, 0]) for part, start in zip(parts, starts, strict=True)]
    groups = {name: _join_groups([part.groups[name] for part in parts]) for name in first.groups}
    ended, is_active = (np.concatenate([getattr(part, name) for part in parts]) for name in ("ended", "is_active"))
    index = np.concatenate(final_index)
    return Fragment(groups, ended, index, is_active, first.source, first.starts_fresh, first.weights_seq_no)


def _join_groups(parts: list[GroupFragment]) -> GroupFragment:
    arrays: dict[str, Any] = {}
    for name, array in vars(parts[0]).items():
        if isinstance(array, np.ndarray):
            # What was seen after a part is what is seen before the next.
            pieces = [getattr(part, name) for part in parts]
            if name in ("observations", "action_masks", "alive"):
                pieces = [piece[:-1] for piece in pieces[:-1]] + pieces[-1:]
            arrays[name] = np.concatenate(pieces)
    states = {
        module_id: [np.concatenate(leaves) for leaves in zip(*(part.states[module_id] for part in parts), strict=True)]
        for module_id in parts[0].states
    }
    noise = {name: np.concatenate([part.noise[name] for part in parts]) for name in parts[0].noise}
    return replace(parts[0], **arrays, states=states, noise=noise)
