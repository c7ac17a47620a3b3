"""Recorder: fills the arrays of a fragment while a runner plays it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns as Cols

from games.batch import Batch, Group
from marl.rllib.errors import DivergedError, TrainingError, network_diverged
from marl.rllib.runner.actions import ActionKind
from marl.rllib.runner.buffers import BufferPool
from marl.rllib.runner.fragment import Columns, Fragment, GroupFragment, module_columns
from marl.rllib.runner.observations import module_input
from marl.rllib.runner.team import ACTION_NOISE, ALIVE, TeamAPI


@dataclass(frozen=True)
class Place:
    """Agents of one group that one module plays.

    Attributes:
        group: Name of the group.
        columns: Places of the agents in the group.
        agents: Their names.
        kind: How their actions are drawn.
    """

    group: str
    columns: Columns
    agents: tuple[str, ...]
    kind: ActionKind


Seating = dict[str, list[Place]]
"""By module, all that it plays."""


def find_seating(
    groups: dict[str, Group], modules: dict[str, str], kind_of: Callable[[str, Group], ActionKind]
) -> Seating:
    """Returns what every module plays.

    Args:
        groups: Of the batch.
        modules: Module of each agent.
        kind_of: How a module's actions for a group are drawn.
    """
    seating: Seating = {}
    for name, group in groups.items():
        for module_id, columns in module_columns(tuple(modules[agent] for agent in group.agents)):
            agents = tuple(np.array(group.agents)[columns].tolist())
            seating.setdefault(module_id, []).append(Place(name, columns, agents, kind_of(module_id, group)))
    return seating


class Recorder:
    """The arrays of a fragment while it is being played. T steps, E envs.

    For every step t: `see`, then for every module `module_input` and `take` (or `write_actions`), then `choose`, then
    the batch steps, then `note`. `finish` at the end.

    Args:
        batch: The envs.
        seating: Who plays what.
        num_steps: T.
        rng: Draws the noise of all actions of the fragment at once; None: the most likely actions are taken.
        buffers: Memory for observations.
    """

    def __init__(
        self,
        batch: Batch,
        seating: Seating,
        num_steps: int,
        rng: np.random.Generator | None,
        buffers: BufferPool,
    ) -> None:
        self._batch, self._seating, self._num_steps = batch, seating, num_steps
        self.num_envs, self._buffers = batch.num_envs, buffers
        self.ended = np.zeros((num_steps, self.num_envs), bool)
        self._is_active = np.ones((num_steps, self.num_envs), bool)
        self._final_index: list[np.ndarray] = []
        self._final_observations: dict[str, list[np.ndarray]] = {name: [] for name in self._batch.groups}
        self._final_masks: dict[str, list[np.ndarray]] = {name: [] for name in self._batch.groups}
        # Places whose actions of this step are there already, because their module chose them by itself.
        self._has_chosen: set[tuple[str, str]] = set()
        # Log-probabilities that such a module told.
        self._told_logp: list[tuple[int, Place, np.ndarray]] = []
        # Group by group, so that what is drawn does not depend on which module comes first.
        self._places = [
            (module_id, place)
            for name in batch.groups
            for module_id, places in seating.items()
            for place in places
            if place.group == name
        ]
        self.groups = {name: self._make_group(group) for name, group in self._batch.groups.items()}
        # Of each recurrent module and group, the leaves of its state at every cut.
        self._states: dict[tuple[str, str], list[list[np.ndarray]]] = {}
        self._noise: dict[tuple[str, str], np.ndarray] = {}
        if rng is not None:
            for module_id, place in self._places:
                shape = (num_steps, self.num_envs * len(place.agents))
                self._noise[module_id, place.group] = place.kind.draw_noise(rng, shape)

    def _make_group(self, group: Group) -> GroupFragment:
        places = [(module_id, place) for module_id, place in self._places if place.group == group.name]
        modules = {agent: module_id for module_id, place in places for agent in place.agents}
        kind = places[0][1].kind
        num_agents = len(group.agents)
        shape = (self._num_steps, self.num_envs, num_agents)
        longer = (self._num_steps + 1, self.num_envs, num_agents)
        masks = group.action_masks
        return GroupFragment(
            agents=group.agents,
            modules=tuple(modules[agent] for agent in group.agents),
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
            final_action_masks=None if masks is None else np.empty((0, num_agents, masks.shape[-1]), masks.dtype),
        )

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
                _check_masks(record, t, self._batch.spec.id)
        if is_active is not None and t < self._num_steps:
            self._is_active[t] = is_active

    def module_input(self, t: int, module_id: str) -> torch.Tensor | dict[str, torch.Tensor]:
        """Returns what one module sees in step t, its places one after the other, [B, D]."""
        observations, masks = [], []
        for place in self._seating[module_id]:
            record = self.groups[place.group]
            rows = self.num_envs * len(place.agents)
            observations.append(record.observations[t][:, place.columns].reshape(rows, -1))
            if record.action_masks is not None:
                masks.append(record.action_masks[t][:, place.columns].reshape(rows, -1))
        if len(observations) == 1:
            return module_input(observations[0], masks[0] if masks else None)
        return module_input(np.concatenate(observations), np.concatenate(masks) if masks else None)

    def seat_team(self, module_id: str, module: TeamAPI, rng: np.random.Generator | None) -> None:
        """Draws the noise of a team's module for all steps.

        Args:
            module_id: Of the module.
            module: It.
            rng: Draws; None: the noise is 0.

        Raises:
            TrainingError: It plays some of a group's agents, or several groups.
        """
        places = self._seating[module_id]
        if len(places) > 1 or places[0].columns != slice(None):
            raise TrainingError(
                f"module {module_id!r} chooses for a whole group at once, so it must play all agents of one group and "
                f"nobody else; it plays {[agent for place in places for agent in place.agents]}"
            )
        drawn = module.draw_noise(rng or np.random.default_rng(0), self._num_steps, self.num_envs)
        self.groups[places[0].group].noise = (
            drawn if rng is not None else {name: np.zeros_like(array) for name, array in drawn.items()}
        )

    def team_input(self, t: int, module_id: str) -> dict[str, Any]:
        """Returns what a team's module gets in step t beside the observations (`TeamAPI`)."""
        (place,) = self._seating[module_id]
        record = self.groups[place.group]
        noise = self._noise.get((module_id, place.group))
        return {
            ALIVE: torch.from_numpy(record.alive[t].copy()),
            ACTION_NOISE: None if noise is None else noise[t],
            **{name: torch.from_numpy(array[t]) for name, array in record.noise.items()},
        }

    def take(self, t: int, module_id: str, output: dict[str, torch.Tensor]) -> None:
        """Keeps a module's output for step t: distribution inputs, or actions that it chose by itself."""
        inputs = output.get(Cols.ACTION_DIST_INPUTS)
        actions = output.get(Cols.ACTIONS)
        logp = output.get(Cols.ACTION_LOGP)
        first = 0
        for place in self._seating[module_id]:
            rows = slice(first, first + self.num_envs * len(place.agents))
            first = rows.stop
            record = self.groups[place.group]
            shape = (self.num_envs, len(place.agents), -1)
            if inputs is not None:
                if inputs.shape[-1] != place.kind.num_inputs:
                    raise TrainingError(
                        f"module {module_id!r} returned {inputs.shape[-1]} distribution inputs for each action of "
                        f"{place.agents[0]}, whose space {self._batch.groups[place.group].action_space} needs "
                        f"{place.kind.num_inputs}"
                    )
                record.action_dist_inputs[t][:, place.columns] = inputs[rows].numpy().reshape(shape)
            if actions is not None:
                self.write_actions(t, module_id, place, np.asarray(actions[rows]))
            if logp is not None:
                self._told_logp.append((t, place, np.asarray(logp[rows]).reshape(shape[:2])))
            for name in record.noise.keys() & output.keys():
                record.noise[name][t] = output[name][rows].numpy().reshape(record.noise[name][t].shape)

    def write_actions(self, t: int, module_id: str, place: Place, actions: np.ndarray) -> None:
        """Keeps actions [E·n, ...] or [E, n, ...] that one module chose for a place in step t."""
        record = self.groups[place.group]
        record.actions[t][:, place.columns] = actions.reshape(self.num_envs, len(place.agents), *place.kind.shape)
        self._has_chosen.add((module_id, place.group))

    def choose(self, t: int) -> None:
        """Draws the actions of step t that are not there yet, and gives all to the batch."""
        for module_id, place in self._places:
            key = (module_id, place.group)
            if key not in self._has_chosen:
                inputs = self.groups[place.group].action_dist_inputs[t][:, place.columns]
                noise = self._noise[key][t] if key in self._noise else None
                self.write_actions(t, module_id, place, place.kind.sample(inputs.reshape(-1, inputs.shape[-1]), noise))
            group, record = self._batch.groups[place.group], self.groups[place.group]
            group.actions[:, place.columns] = place.kind.for_env(record.actions[t][:, place.columns])
        self._has_chosen.clear()

    def keep_state(self, module_id: str, leaves: list[np.ndarray]) -> None:
        """Adds what a recurrent module remembers before a step, [B, ...] each, its places one after the other."""
        first = 0
        for place in self._seating[module_id]:
            rows = slice(first, first + self.num_envs * len(place.agents))
            first = rows.stop
            kept = self._states.setdefault((module_id, place.group), [])
            kept.append([leaf[rows].reshape(self.num_envs, len(place.agents), *leaf.shape[1:]) for leaf in leaves])

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
                if group.final_action_masks is not None:
                    self._final_masks[name].append(group.final_action_masks[rows])

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
            record.noise = {name: array[:num_steps] for name, array in record.noise.items()}

    def finish(self, source: tuple[int, int], starts_fresh: bool) -> Fragment:
        """Adds the observations after the last step and the log-probabilities.

        Args:
            source: As `Fragment` has it.
            starts_fresh: Likewise.
        """
        self.see(self._num_steps, None)
        for name, record in self.groups.items():
            _check_rewards(record, self._batch.spec.id)
            if self._final_observations[name]:
                record.final_observations = np.concatenate(self._final_observations[name])
            if self._final_masks[name]:
                record.final_action_masks = np.concatenate(self._final_masks[name])
        for module_id, place in self._places:
            record = self.groups[place.group]
            _check_inputs(module_id, record.action_dist_inputs[:, :, place.columns])
            inputs, actions = (array[:, :, place.columns] for array in (record.action_dist_inputs, record.actions))
            logp = place.kind.log_prob(torch.from_numpy(inputs), torch.from_numpy(actions))
            record.action_logp[:, :, place.columns] = logp.numpy()
        for t, place, told in self._told_logp:
            self.groups[place.group].action_logp[t][:, place.columns] = told
        for (module_id, name), kept in self._states.items():
            self.groups[name].states[module_id] = [np.stack(leaves) for leaves in zip(*kept, strict=True)]
        index = np.concatenate(self._final_index) if self._final_index else np.zeros((0, 2), np.int64)
        return Fragment(self.groups, self.ended, index, self._is_active, source, starts_fresh)


def _check_masks(record: GroupFragment, t: int, id: str) -> None:
    masks = record.action_masks
    assert masks is not None
    is_stuck = record.alive[t] & ~masks[t].any(axis=-1)
    if is_stuck.any():
        env, place = np.argwhere(is_stuck)[0].tolist()
        raise TrainingError(
            f"{id} lets {record.agents[place]} do nothing in env {env}: its action mask has no 1, although it is alive"
        )


def _check_rewards(record: GroupFragment, id: str) -> None:
    is_wrong = ~np.isfinite(record.rewards)
    if is_wrong.any():
        t, env, place = np.argwhere(is_wrong)[0].tolist()
        raise TrainingError(
            f"{id} gives {record.agents[place]} a reward of {record.rewards[t, env, place]} in env {env}; look at the "
            "settings that rewards are made of (config.environment(env_config=...))"
        )


def _check_inputs(module_id: str, inputs: np.ndarray) -> None:
    if np.isnan(inputs).any():
        raise DivergedError(network_diverged(module_id))
