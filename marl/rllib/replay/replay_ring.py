"""Ring: the newest steps that one runner played, every observation once.

Rows are numbered from the first one that the ring ever saw; row r lies in slot r % S, where S = L + 1 for a ring of L
steps. A row is a moment: what the agents saw, and the step they took then. The row after the newest step (the tail) is
there already, without a step. Where steps were lost between two fragments (a skipped number, a fresh start), the tail
stays as a row without a step: what follows the step before the gap is still known, and nothing goes across.

E envs, P agents of a group, A action parts, K choices, B rows that are asked for, F episode ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl.rllib.replay.final_store import FinalStore
from marl.rllib.replay.group_ring import CUT, GOES_ON, OUT, TERMINAL, GroupRing, like_fragment
from marl.rllib.runner.fragment import Fragment, GroupFragment
from marl.rllib.runner.transitions import find_transitions

# Of an env: no step that counts, the episode goes on, the episode ended.
IDLE, IN_EPISODE, ENDED = range(3)


class Ring:
    """The newest L steps of E envs. `for_fragments` or `from_state` make one.

    Args:
        groups: The arrays.
        finals: By group, an array [any, P, D...] like its final observations.
        num_envs: E.

    Attributes:
        first: Number of the oldest row.
        stop: Number of the tail, which is the number of rows there have been before it.
        num_steps: Env steps that count, in all envs together.
        groups: The arrays.
        env_fates: [S, E] uint8; IDLE, IN_EPISODE or ENDED.
    """

    def __init__(self, groups: dict[str, GroupRing], finals: dict[str, np.ndarray], num_envs: int) -> None:
        self.groups, self.num_envs = groups, num_envs
        self.num_slots = len(next(iter(groups.values())).rewards)
        self.num_rows = self.num_slots - 1
        self.first = self.stop = self.num_steps = 0
        self._next_number: int | None = None
        self.env_fates = np.zeros((self.num_slots, num_envs), np.uint8)
        self._finals = FinalStore(finals)

    @classmethod
    def for_fragments(cls, fragment: Fragment, num_rows: int) -> Ring:
        """Returns an empty ring of L = num_rows steps for fragments like this one."""
        groups = {name: GroupRing(like_fragment(group), num_rows + 1) for name, group in fragment.groups.items()}
        return cls(groups, {name: group.final_observations for name, group in fragment.groups.items()}, len(fragment))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Ring:
        """Returns a copy of the ring whose `get_state` this is."""
        groups = {name: GroupRing(arrays, state["num_slots"]) for name, arrays in state["groups"].items()}
        ring = cls(groups, state["finals"]["observations"], state["env_fates"].shape[1])
        ring.first, ring.stop = state["first"], state["stop"]
        ring.num_steps, ring._next_number = state["num_steps"], state["next_number"]
        ring._finals.set_state(state["finals"])
        ring._write(ring.env_fates, ring.first, state["env_fates"])
        for name, group in groups.items():
            for key, array in group.arrays.items():
                ring._write(array, ring.first, state["groups"][name][key])
        return ring

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        groups = sum(array.nbytes for group in self.groups.values() for array in group.arrays.values())
        return groups + self.env_fates.nbytes + self._finals.nbytes

    def parts(self, first: int, stop: int) -> list[tuple[slice, slice]]:
        """Returns rows first..stop-1, S at most, as one or two pairs: slots, and places among these rows."""
        start, count = first % self.num_slots, stop - first
        until_end = min(count, self.num_slots - start)
        pairs = [(slice(start, start + until_end), slice(0, until_end))]
        if until_end < count:
            pairs.append((slice(0, count - until_end), slice(until_end, count)))
        return pairs

    def _write(self, array: np.ndarray, first: int, rows: np.ndarray) -> None:
        for slots, places in self.parts(first, first + len(rows)):
            array[slots] = rows[places]

    # ---- adding ----

    def add(self, fragment: Fragment, seats: dict[str, np.ndarray]) -> tuple[int, int]:
        """Adds a fragment, or its newest L steps, and forgets what is too old.

        Args:
            fragment: Of the runner.
            seats: By group, [P] number of the module of each agent.

        Returns:
            The rows that are new or changed, as first and stop; the last of them is the tail.
        """
        self._check(fragment)
        skipped = max(0, len(fragment.ended) - self.num_rows)
        number = fragment.source[1]
        if self.stop and (fragment.starts_fresh or number != self._next_number or skipped):
            self._leave_gap()
        self._next_number = number + 1
        first, num_steps = self.stop, len(fragment.ended) - skipped
        self.stop += num_steps
        self._forget(max(self.first, self.stop - self.num_rows), before=first)
        self._add_env_steps(fragment, skipped, first)
        for name, group in fragment.groups.items():
            self._add_group(self.groups[name], group, fragment, skipped, first)
            self._write(self.groups[name].seats, first, np.tile(seats[name], (num_steps + 1, 1)))
        return first, self.stop + 1

    def _check(self, fragment: Fragment) -> None:
        groups = {name: group.observations.shape[1:] for name, group in fragment.groups.items()}
        known = {name: group.observations.shape[1:] for name, group in self.groups.items()}
        if groups != known:
            raise ValueError(f"the buffer holds [E, P, D...] {known} of this runner, the fragment has {groups}")

    def _leave_gap(self) -> None:
        newest = (self.stop - 1) % self.num_slots
        for group in self.groups.values():
            fates = group.fates[newest]
            fates[fates == GOES_ON] = CUT
        self.stop += 1

    def _forget(self, first: int, before: int) -> None:
        for slots, _ in self.parts(self.first, max(self.first, min(first, before))):
            self.num_steps -= int(np.count_nonzero(self.env_fates[slots]))
        self.first = first
        self._finals.forget_before(first * self.num_envs)

    def _add_env_steps(self, fragment: Fragment, skipped: int, first: int) -> None:
        ended, is_active = fragment.ended[skipped:], fragment.is_active[skipped:]
        fates = np.where(ended, ENDED, IN_EPISODE).astype(np.uint8) * is_active
        self._write(self.env_fates, first, fates)
        self.env_fates[self.stop % self.num_slots] = IDLE
        self.num_steps += int(np.count_nonzero(fates))
        t, e = fragment.final_index.T
        is_kept = t >= skipped
        keys = (first + t[is_kept] - skipped) * self.num_envs + e[is_kept]
        self._finals.add(keys, {name: group.final_observations[is_kept] for name, group in fragment.groups.items()})

    def _add_group(self, ring: GroupRing, group: GroupFragment, fragment: Fragment, skipped: int, first: int) -> None:
        transitions = find_transitions(group, fragment.ended, slice(None))
        fates = np.full(transitions.goes_on.shape, GOES_ON, np.uint8)
        fates[transitions.is_terminal] = TERMINAL
        fates[transitions.is_cut] = CUT
        fates *= group.alive[:-1] & fragment.is_active[:, :, None]
        self._write(ring.observations, first, group.observations[skipped:])
        if ring.action_masks is not None:
            assert group.action_masks is not None
            self._write(ring.action_masks, first, group.action_masks[skipped:])
        self._write(ring.actions, first, group.actions[skipped:])
        self._write(ring.rewards, first, group.rewards[skipped:])
        self._write(ring.fates, first, fates[skipped:])
        ring.fates[self.stop % self.num_slots] = OUT

    # ---- reading ----

    def rows_of(self, slots: np.ndarray) -> np.ndarray:
        """Returns the numbers of the rows that lie in slots [B]."""
        return self.first + (slots - self.first) % self.num_slots

    def transitions(
        self, name: str, steps: tuple[np.ndarray, np.ndarray, np.ndarray], num_steps: np.ndarray, gamma: float
    ) -> dict[str, np.ndarray]:
        """Returns what came of steps: n-step returns and what was seen after them.

        Args:
            name: Group.
            steps: Row, env and agent [B] of each step.
            num_steps: [B] steps to add up at most; fewer where the episode, the agent's module or the stored steps end.
            gamma: Discount factor.

        Returns:
            "obs", "actions", "rewards", "n_step" (steps added up), "terminateds", "new_obs", and where there are masks
            "action_mask" and "next_action_mask"; [B, ...] each.
        """
        group = self.groups[name]
        rows, envs, agents = steps
        rewards, counts = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.int32)
        seats = group.seats[rows % self.num_slots, agents]
        is_going, last = np.ones(len(rows), bool), rows
        for k in range(int(num_steps.max())):
            is_going = is_going & (k < num_steps)
            last = np.where(is_going, rows + k, last)
            slots = last % self.num_slots
            rewards += np.float32(gamma**k) * group.rewards[slots, envs, agents] * is_going
            counts += is_going
            following = (last + 1) % self.num_slots
            is_going = is_going & (group.fates[slots, envs, agents] == GOES_ON) & (last + 1 < self.stop)
            is_going &= group.seats[following, agents] == seats
        slots = rows % self.num_slots
        new_obs, next_masks = self._seen_after(name, last, envs, agents)
        columns = {
            "obs": group.observations[slots, envs, agents],
            "new_obs": new_obs,
            "actions": group.actions[slots, envs, agents],
            "rewards": rewards,
            "terminateds": group.fates[last % self.num_slots, envs, agents] == TERMINAL,
            "n_step": counts,
        }
        if group.action_masks is not None and next_masks is not None:
            columns["action_mask"] = group.action_masks[slots, envs, agents]
            columns["next_action_mask"] = next_masks
        return columns

    def _seen_after(
        self, name: str, rows: np.ndarray, envs: np.ndarray, agents: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns observations and masks after steps [B]; all actions are legal at the end of an episode.

        Fragments keep no masks of final observations; and an agent that is out has no legal action.
        """
        group, following = self.groups[name], (rows + 1) % self.num_slots
        observations = group.observations[following, envs, agents]
        has_ended = self.env_fates[rows % self.num_slots, envs] == ENDED
        if has_ended.any():
            keys = rows[has_ended] * self.num_envs + envs[has_ended]
            observations[has_ended] = self._finals.find(name, keys)[np.arange(len(keys)), agents[has_ended]]
        if group.action_masks is None:
            return observations, None
        masks = group.action_masks[following, envs, agents]
        masks[has_ended | ~masks.any(axis=-1)] = 1
        return observations, masks

    def stretch(self, rows: np.ndarray, envs: np.ndarray, length: int) -> np.ndarray:
        """Returns [B, length] bool: whether the steps from row on belong to one episode and are there.

        Args:
            rows: [B] first row.
            envs: [B] env.
            length: Steps.
        """
        mask = np.zeros((len(rows), length), bool)
        mask[:, 0] = self.env_fates[rows % self.num_slots, envs] != IDLE
        for k in range(1, length):
            fates = self.env_fates[(rows + k) % self.num_slots, envs]
            before = self.env_fates[(rows + k - 1) % self.num_slots, envs]
            mask[:, k] = mask[:, k - 1] & (before == IN_EPISODE) & (fates != IDLE) & (rows + k < self.stop)
        return mask

    def sequences(self, name: str, rows: np.ndarray, envs: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        """Returns steps of all agents of a group side by side, [B, length, P, ...], zeros where mask is False.

        Args:
            name: Group.
            rows: [B] first row.
            envs: [B] env.
            mask: [B, length], from `stretch`.

        Returns:
            "obs", "new_obs", "actions", "rewards", "terminateds", "truncateds", "alive" (took a step), and where there
            are masks "action_mask" and "next_action_mask".
        """
        group, length = self.groups[name], mask.shape[1]
        num_agents = group.seats.shape[1]
        shape = (len(rows), length, num_agents)
        all_rows = np.where(mask, rows[:, None] + np.arange(length), rows[:, None])
        r = np.broadcast_to(all_rows[:, :, None], shape).reshape(-1)
        e = np.broadcast_to(envs[:, None, None], shape).reshape(-1)
        p = np.broadcast_to(np.arange(num_agents), shape).reshape(-1)
        slots = r % self.num_slots
        new_obs, next_masks = self._seen_after(name, r, e, p)
        fates = group.fates[slots, e, p]
        columns = {
            "obs": group.observations[slots, e, p],
            "new_obs": new_obs,
            "actions": group.actions[slots, e, p],
            "rewards": group.rewards[slots, e, p] * (fates != OUT),
            "terminateds": fates == TERMINAL,
            "truncateds": fates == CUT,
            "alive": fates != OUT,
        }
        if group.action_masks is not None and next_masks is not None:
            columns["action_mask"] = group.action_masks[slots, e, p]
            columns["next_action_mask"] = next_masks
        for key, column in columns.items():
            columns[key] = column.reshape(*shape, *column.shape[1:])
            columns[key][~mask] = 0
        return columns

    # ---- state ----

    def get_state(self) -> dict[str, Any]:
        """Returns the stored rows in the order of time, and the counters."""
        return {
            "env_fates": self._stored(self.env_fates),
            "groups": {
                name: {key: self._stored(array) for key, array in group.arrays.items()}
                for name, group in self.groups.items()
            },
            "finals": self._finals.get_state(),
            "first": self.first,
            "stop": self.stop,
            "num_slots": self.num_slots,
            "num_steps": self.num_steps,
            "next_number": self._next_number,
        }

    def _stored(self, array: np.ndarray) -> np.ndarray:
        return np.concatenate([array[slots] for slots, _ in self.parts(self.first, self.stop + 1)])
