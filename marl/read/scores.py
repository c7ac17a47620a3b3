"""Judges of plans: the two advantages of ReAd, and the controls that show what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Protocol

import numpy as np

from games.batch import Batch
from games.wording import Wording
from marl.read.encoders import OPEN, state_of
from marl.read.refine import Judge, waiting


class Values(Protocol):
    """A critic, learned or exact."""

    def values(self, states: np.ndarray, texts: list[str], actions: np.ndarray) -> np.ndarray:
        """Returns Q(s, a_1..k) of rows, [B]; arguments as `Critic.values` takes them."""
        ...


def evaluate(values: Values, batch: Batch, wording: Wording, actions: np.ndarray) -> np.ndarray:
    """Returns Q(s, a_1..k), [B], of rows of actions [B, n] in the state of a batch of one env."""
    state, text = state_of(batch), wording.describe(batch.fields(0))
    return values.values(np.repeat(state[None], len(actions), axis=0), [text] * len(actions), actions)


def _row(num: int, *known: Mapping[int, int]) -> list[int]:
    given = {robot: action for part in known for robot, action in part.items()}
    return [given.get(robot, OPEN) for robot in range(num)]


class SequentialAdvantage:
    """ReAd-S: Q(s, a_1..k) - Q(s, a_1..k-1). For a whole plan it is Q(s, a) - V(s).

    Args:
        values: The critic.
        wording: Of the world.
    """

    def __init__(self, values: Values, wording: Wording) -> None:
        self._values, self._wording = values, wording

    def score(self, batch: Batch, chosen: Mapping[int, int], plan: Mapping[int, int]) -> float:
        """Returns what the robots asked add to what those before them do."""
        num = len(batch.agents)
        rows = np.array([_row(num, chosen, plan), _row(num, chosen)])
        with_plan, without = evaluate(self._values, batch, self._wording, rows)
        return float(with_plan - without)


class JointAdvantage:
    """ReAd-J: Q(s, a) - Q(s, w) / gamma, w all waiting.

    Args:
        values: The critic.
        wording: Of the world.
        discount: gamma.
    """

    def __init__(self, values: Values, wording: Wording, discount: float) -> None:
        self._values, self._wording, self._discount = values, wording, discount

    def score(self, batch: Batch, chosen: Mapping[int, int], plan: Mapping[int, int]) -> float:
        """Returns how much better a joint plan is than waiting."""
        num = len(batch.agents)
        rows = np.array([_row(num, chosen, plan), waiting(self._wording, num)])
        with_plan, idle = evaluate(self._values, batch, self._wording, rows)
        return float(with_plan - idle / self._discount)


class Shuffled:
    """A control: scores another plan than the one that is asked for, always the same for it.

    Each robot's actions are renumbered by a permutation, so that scores are as large as the critic's and say nothing.

    Args:
        judge: Whose scores.
        num_robots: n.
        num_choices: K.
        seed: Of the permutations.
    """

    def __init__(self, judge: Judge, num_robots: int, num_choices: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._judge, self._names = judge, np.stack([rng.permutation(num_choices) for _ in range(num_robots)])

    def score(self, batch: Batch, chosen: Mapping[int, int], plan: Mapping[int, int]) -> float:
        """Returns the score of another plan."""
        return self._judge.score(batch, self._rename(chosen), self._rename(plan))

    def _rename(self, plan: Mapping[int, int]) -> dict[int, int]:
        return {robot: int(self._names[robot, action]) for robot, action in plan.items()}


class Coin:
    """A control: refuses a plan with a fixed probability, whatever it is; scores are 1 and -1.

    With the share that a critic refuses it costs as many queries.

    Args:
        refused: The probability.
        seed: Of the coin.
    """

    def __init__(self, refused: float, seed: int) -> None:
        self._refused, self._rng = refused, np.random.default_rng(seed)

    def score(self, batch: Batch, chosen: Mapping[int, int], plan: Mapping[int, int]) -> float:
        """Returns a coin's score."""
        return -1.0 if self._rng.random() < self._refused else 1.0


def joint_actions(batch: Batch) -> np.ndarray:
    """Returns every joint action, [K^n, n]."""
    num_choices = int(batch.only_group.action_space.n)  # type: ignore[union-attr]
    return np.array(list(product(range(num_choices), repeat=len(batch.agents))), np.int32)


def valid_joint_actions(batch: Batch, wording: Wording) -> Iterator[tuple[int, ...]]:
    """Yields the joint actions in the state of a batch of one env that nothing is objected to."""
    num, fields = len(batch.agents), batch.fields(0)
    choices = range(int(batch.only_group.action_space.n))  # type: ignore[union-attr]
    alone = [
        [a for a in choices if not wording.objections(fields, [a if i == robot else None for i in range(num)])]
        for robot in range(num)
    ]
    for joint in product(*alone):
        if not wording.objections(fields, joint):
            yield joint


def best_joint_action(values: Values, batch: Batch, wording: Wording, is_checked: bool) -> list[int]:
    """Returns what the critic alone would do: the joint action of the highest Q(s, a), no planner asked.

    Args:
        values: The critic.
        batch: One env, in the state.
        wording: Of the world.
        is_checked: Whether only plans are considered that nothing is objected to; without any, all wait.
    """
    joints = np.array(list(valid_joint_actions(batch, wording)), np.int32) if is_checked else joint_actions(batch)
    if not len(joints):
        return waiting(wording, len(batch.agents))
    return joints[int(evaluate(values, batch, wording, joints).argmax())].tolist()


def wait_gap(values: Values, batch: Batch, wording: Wording, discount: float) -> float:
    """Returns Q(s, w) - gamma V(s), which ReAd-J takes for 0, in the state of a batch of one env."""
    num = len(batch.agents)
    rows = np.array([waiting(wording, num), [OPEN] * num])
    idle, value = evaluate(values, batch, wording, rows)
    return float(idle - discount * value)
