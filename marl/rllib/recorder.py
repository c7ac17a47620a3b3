"""Recorder: fills the arrays of a fragment while a runner plays it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from ray.rllib.core.columns import Columns as Cols

from games.batch import Batch, Group
from marl.rllib.actions import ActionKind
from marl.rllib.buffers import BufferPool
from marl.rllib.fragment import Columns, Fragment, GroupFragment, module_columns
from marl.rllib.observations import module_input


@dataclass(frozen=True)
class Place:
    """Agents of one group that one module plays."""

    group: str
    columns: Columns
    num_agents: int


class Recorder:
    """The arrays of a fragment while it is being played. T steps, E envs.

    For every step t: `see`, then `module_input` and `take` for every module and `choose` (or `write_actions`), then the
    batch steps, then `note`. `finish` at the end.

    Args:
        batch: The envs.
        kinds: How actions of each group are drawn.
        modules: Module of each agent.
        num_steps: T.
        rng: Draws the noise of all actions of the fragment at once; None: the most likely actions are taken.
        buffers: Memory for observations.
    """

    def __init__(
        self,
        batch: Batch,
        kinds: dict[str, ActionKind],
        modules: dict[str, str],
        num_steps: int,
        rng: np.random.Generator | None,
        buffers: BufferPool,
    ) -> None:
        self._batch, self._kinds, self._modules, self._num_steps = batch, kinds, modules, num_steps
        self.num_envs, self._buffers = batch.num_envs, buffers
        self.ended = np.zeros((num_steps, self.num_envs), bool)
        self._is_active = np.ones((num_steps, self.num_envs), bool)
        self._final_index: list[np.ndarray] = []
        self._final_observations: dict[str, list[np.ndarray]] = {name: [] for name in self._batch.groups}
        # Actions and log-probabilities of modules that choose by themselves.
        self._direct: list[tuple[Place, np.ndarray]] = []
        self._direct_logp: list[tuple[int, Place, np.ndarray]] = []
        self.groups = {name: self._make_group(group) for name, group in self._batch.groups.items()}
        self.places = self._find_places()
        self._noise: dict[str, np.ndarray] = {}
        if rng is not None:
            for name, group in self.groups.items():
                self._noise[name] = kinds[name].draw_noise(rng, (num_steps, self.num_envs * len(group.agents)))

    def _make_group(self, group: Group) -> GroupFragment:
        kind: ActionKind = self._kinds[group.name]
        num_agents = len(group.agents)
        shape = (self._num_steps, self.num_envs, num_agents)
        longer = (self._num_steps + 1, self.num_envs, num_agents)
        masks = group.action_masks
        return GroupFragment(
            agents=group.agents,
            modules=tuple(self._modules[agent] for agent in group.agents),
            observations=self._buffers.empty((*longer, *group.observations.shape[2:]), group.observations.dtype),
            action_masks=None if masks is None else np.empty((*longer, masks.shape[-1]), masks.dtype),
            alive=np.empty(longer, bool),
            actions=np.empty((*shape, *kind.shape), kind.dtype),
            action_dist_inputs=np.zeros((*shape, kind.num_inputs), np.float32),
            action_logp=np.zeros(shape, np.float32),
            rewards=np.empty(shape, np.float32),
            terminations=np.empty(shape, bool),
            truncations=np.empty(shape, bool),
            final_observations=np.empty((0, num_agents, *group.observations.shape[2:]), group.observations.dtype),
        )

    def _find_places(self) -> dict[str, list[Place]]:
        places: dict[str, list[Place]] = {}
        for name, group in self.groups.items():
            for module_id, columns in module_columns(group.modules):
                num_agents = len(group.agents) if isinstance(columns, slice) else len(columns)
                places.setdefault(module_id, []).append(Place(name, columns, num_agents))
        return places

    def see(self, t: int, is_active: np.ndarray | None) -> None:
        """Keeps what the agents see before step t.

        Args:
            t: Step.
            is_active: [E] bool, envs whose steps count; None: all.
        """
        for name, group in self._batch.groups.items():
            record = self.groups[name]
            record.observations[t] = group.observations
            record.alive[t] = group.alive
            if is_active is not None:
                record.alive[t] &= is_active[:, None]
            if record.action_masks is not None:
                record.action_masks[t] = group.action_masks
        if is_active is not None and t < self._num_steps:
            self._is_active[t] = is_active

    def module_input(self, t: int, places: list[Place]) -> torch.Tensor | dict[str, torch.Tensor]:
        """Returns what one module sees in step t, its places one after the other."""
        observations, masks = [], []
        for place in places:
            record = self.groups[place.group]
            rows = self.num_envs * place.num_agents
            observations.append(record.observations[t][:, place.columns].reshape(rows, -1))
            if record.action_masks is not None:
                masks.append(record.action_masks[t][:, place.columns].reshape(rows, -1))
        if len(places) == 1:
            return module_input(observations[0], masks[0] if masks else None)
        return module_input(np.concatenate(observations), np.concatenate(masks) if masks else None)

    def take(self, t: int, places: list[Place], output: dict[str, torch.Tensor]) -> None:
        """Keeps a module's output for step t: distribution inputs, or actions that it chose itself."""
        inputs = output.get(Cols.ACTION_DIST_INPUTS)
        actions = output.get(Cols.ACTIONS)
        logp = output.get(Cols.ACTION_LOGP)
        first = 0
        for place in places:
            rows = slice(first, first + self.num_envs * place.num_agents)
            first = rows.stop
            record = self.groups[place.group]
            shape = (self.num_envs, place.num_agents, -1)
            if inputs is not None:
                record.action_dist_inputs[t][:, place.columns] = inputs[rows].numpy().reshape(shape)
            if actions is not None:
                self._direct.append((place, np.asarray(actions[rows])))
            if logp is not None:
                self._direct_logp.append((t, place, np.asarray(logp[rows]).reshape(shape[:2])))

    def choose(self, t: int) -> None:
        """Draws the actions of step t and gives them to the batch."""
        for name, record in self.groups.items():
            inputs = record.action_dist_inputs[t].reshape(-1, record.action_dist_inputs.shape[-1])
            noise = self._noise[name][t] if name in self._noise else None
            self.write_actions(t, name, self._kinds[name].sample(inputs, noise))
        for place, actions in self._direct:
            record = self.groups[place.group]
            shape = (self.num_envs, place.num_agents, *record.actions.shape[3:])
            record.actions[t][:, place.columns] = actions.reshape(shape)
            self._send(t, place.group)
        self._direct.clear()

    def write_actions(self, t: int, name: str, actions: np.ndarray) -> None:
        """Keeps the actions [E·P, ...] of a group in step t and gives them to the batch."""
        record = self.groups[name]
        record.actions[t] = actions.reshape(record.actions.shape[1:])
        self._send(t, name)

    def _send(self, t: int, name: str) -> None:
        np.copyto(
            self._batch.groups[name].actions, self._kinds[name].for_env(self.groups[name].actions[t]), "same_kind"
        )

    def note(self, t: int) -> None:
        """Keeps what came of step t."""
        self.ended[t] = self._batch.ended
        rows = np.flatnonzero(self._batch.ended)
        if len(rows):
            self._final_index.append(np.stack([np.full(len(rows), t), rows], axis=1))
        for name, group in self._batch.groups.items():
            record = self.groups[name]
            record.rewards[t] = group.rewards
            record.terminations[t] = group.terminations
            record.truncations[t] = group.truncations
            if len(rows):
                assert group.final_observations is not None
                self._final_observations[name].append(group.final_observations[rows])

    def cut(self, num_steps: int) -> None:
        """Shortens the fragment to the steps played."""
        self._num_steps = num_steps
        self.ended, self._is_active = self.ended[:num_steps], self._is_active[:num_steps]
        longer = ("observations", "action_masks", "alive")
        for record in self.groups.values():
            for name in (
                *longer,
                "actions",
                "action_dist_inputs",
                "action_logp",
                "rewards",
                "terminations",
                "truncations",
            ):
                array = getattr(record, name)
                if array is not None:
                    setattr(record, name, array[: num_steps + (name in longer)])

    def finish(self, source: tuple[int, int], starts_fresh: bool) -> Fragment:
        """Adds the observations after the last step and the log-probabilities.

        Args:
            source: As `Fragment` has it.
            starts_fresh: Likewise.
        """
        self.see(self._num_steps, None)
        for name, record in self.groups.items():
            if self._final_observations[name]:
                record.final_observations = np.concatenate(self._final_observations[name])
            inputs, actions = torch.from_numpy(record.action_dist_inputs), torch.from_numpy(record.actions)
            record.action_logp[...] = self._kinds[name].log_prob(inputs, actions).numpy()
        for t, place, logp in self._direct_logp:
            self.groups[place.group].action_logp[t][:, place.columns] = logp
        index = np.concatenate(self._final_index) if self._final_index else np.zeros((0, 2), np.int64)
        return Fragment(self.groups, self.ended, index, self._is_active, source, starts_fresh)
