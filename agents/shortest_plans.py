"""Shortest plans by search: the fewest steps in which a team ends an episode by rule.

For worlds without chance whose states can be counted. The world itself takes the steps, from snapshots; two states are
the same when the first agent sees the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, product
from typing import Any

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.config import WorldConfig
from games.spec import make_batch

NUM_ENVS = 64  # joint actions tried at once

Key = bytes
Joint = tuple[int, ...]
Fields = Mapping[str, Any]
See = Callable[[np.ndarray], np.ndarray]
StepsLeft = Callable[[Fields], float]


def leave_out_time(observations: np.ndarray) -> np.ndarray:
    """Returns what the first agent sees but for its last number, where many worlds show the time; [E, D - 1]."""
    return observations[:, 0, :-1]


@dataclass(frozen=True)
class Step:
    """What a joint action leads to.

    Attributes:
        joint: The action of each agent.
        key: What tells the state apart that it leads to.
        snapshot: That state.
        is_end: Whether the episode ends with it by rule.
    """

    joint: Joint
    key: Key
    snapshot: bytes
    is_end: bool


class Successors:
    """Takes all legal joint actions from single states of a world, without a time limit.

    Args:
        batch: Of the world, with one group; only its id and settings are used.
        see: Of observations [E, P, D...], what tells states apart, [E, ...].
    """

    def __init__(self, batch: Batch, see: See = leave_out_time) -> None:
        settings = {**batch.config.settings(), "horizon": 2**31 - 1}
        self._trial = make_batch(batch.spec.id, NUM_ENVS, autoreset="disabled", **settings)
        self._one = make_batch(batch.spec.id, 1, autoreset="disabled", **settings)
        self._see = see
        for made in (self._trial, self._one):
            made.reset()

    def start(self, fields: Fields) -> tuple[Key, bytes]:
        """Returns key and snapshot of a state, its time set to 0."""
        self._one.load_fields(0, {**fields, "timestep": 0})
        return self._see(self._one.observations).tobytes(), self._one.state_bytes(0)

    def fields(self, snapshot: bytes) -> dict[str, Any]:
        """Returns a state by name."""
        self._one.load_state(0, snapshot)
        return self._one.fields(0)

    def __call__(self, snapshot: bytes) -> Iterator[Step]:
        """Yields the steps from a state; each next state once."""
        trial, met = self._trial, set()
        trial.load_state(0, snapshot)
        joints = self._legal_joints()
        for first in range(0, len(joints), NUM_ENVS):
            some = joints[first : first + NUM_ENVS]
            for env in range(NUM_ENVS):
                if env < len(some) or trial.ended[env]:
                    trial.load_state(env, snapshot)
            trial.actions[:] = joints[0]
            trial.actions[: len(some)] = some
            trial.step()
            keys = self._see(trial.observations).copy()
            for env, joint in enumerate(some):
                is_end = bool(trial.terminations[env].any())
                key = keys[env].tobytes() + b"end" * is_end  # what is seen then may be seen at other times too
                if key not in met:
                    met.add(key)
                    yield Step(joint, key, trial.state_bytes(env), is_end)

    def _legal_joints(self) -> list[Joint]:
        group = self._trial.only_group
        num_agents, choices = group.actions.shape[1], int(group.action_space.n)  # type: ignore[union-attr]
        masks = np.ones((num_agents, choices)) if group.action_masks is None else group.action_masks[0]
        return list(product(*(np.flatnonzero(mask).tolist() for mask in masks)))


def shortest_plan(
    successors: Successors, fields: Fields, steps_left: StepsLeft = lambda fields: 0, weight: float = 1.0
) -> list[tuple[Key, Joint]]:
    """Returns a shortest plan from a state to an end by rule: states' keys, and the joint action taken in each.

    The search is A* (Hart, Nilsson and Raphael 1968).

    Args:
        successors: Of the world.
        fields: The state.
        steps_left: Of the fields of a state, never more than the steps it takes to the end; infinite where no end can
            be reached.

        weight: Of `steps_left`, at least 1: a plan is at most so many times as long as the shortest, and found sooner.

    Raises:
        ValueError: No end can be reached.
    """
    key, snapshot = successors.start(fields)
    order = count()
    # By length at least, then the deepest first, which finds one of the shortest plans soonest.
    queue = [(steps_left(fields), 0, next(order), key, snapshot, False)]
    came: dict[Key, tuple[Key, Joint] | None] = {key: None}
    depths = {key: 0}
    while queue:
        _, depth, _, key, snapshot, is_end = heapq.heappop(queue)
        depth = -depth
        if is_end:
            return _way_to(key, came)
        if depths[key] < depth:
            continue
        for step in successors(snapshot):
            if depths.get(step.key, depth + 2) <= depth + 1:
                continue
            length = depth + 1 + (0 if step.is_end else weight * steps_left(successors.fields(step.snapshot)))
            if length < float("inf"):
                depths[step.key], came[step.key] = depth + 1, (key, step.joint)
                heapq.heappush(queue, (length, -depth - 1, next(order), step.key, step.snapshot, step.is_end))
    raise ValueError("no plan leads from this state to an end")


def _way_to(key: Key, came: Mapping[Key, tuple[Key, Joint] | None]) -> list[tuple[Key, Joint]]:
    way = []
    while (step := came[key]) is not None:
        key = step[0]
        way.append(step)
    return way[::-1]


class PlanningPlayer(Memoryless):
    """Does its part of a shortest plan; a team of them takes the fewest steps from any state.

    Plans are searched for when a state is met for the first time, and kept: that is knowledge of the world, and no
    memory of what happened.

    Args:
        bound: From settings, what `shortest_plan` takes as `steps_left`.
        see: Of observations [E, P, D...], what tells states apart, [E, ...].
        weight: As `shortest_plan` takes it.
    """

    def __init__(self, bound: Callable[[Any], StepsLeft], see: See = leave_out_time, weight: float = 1.0) -> None:
        self._bound, self._see, self._weight = bound, see, weight
        self._world: tuple[WorldConfig, Successors, StepsLeft] | None = None
        self._known: dict[Key, Joint] = {}

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32.

        Raises:
            ValueError: From some state no end can be reached.
        """
        if self._world is None or self._world[0] is not batch.config:
            self._world = (batch.config, Successors(batch, self._see), self._bound(batch.config))
            self._known = {}
        _, me = find_agent(batch, agent)
        return np.array([self._plan(batch.fields(env))[me] for env in range(batch.num_envs)], np.int32)

    def _plan(self, fields: Fields) -> Joint:
        assert self._world is not None
        _, successors, steps_left = self._world
        key, _ = successors.start(fields)
        if key not in self._known:
            self._known |= shortest_plan(successors, fields, steps_left, self._weight)
        return self._known[key]
