"""A learner with the replay that it learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marl.qarl.arena import Step
from marl.qarl.replay import StackedReplay
from marl.qarl.soft_actor_critic import SoftActorCritics


@dataclass(frozen=True)
class Pace:
    """How often learners learn.

    Attributes:
        batch_size: Transitions of an update.
        steps_per_update: Env steps of a seed for each update.
        first: Transitions of a seed before updates begin.
    """

    batch_size: int
    steps_per_update: int
    first: int


@dataclass(eq=False)
class ReplayLearner:
    """Learners of S seeds that learn while their role plays.

    Attributes:
        role: Whose transitions they are.
        learners: What learns.
        replay: What from.
        pace: How often.
        credit: Env steps of all seeds that no update was done for yet.
    """

    role: str
    learners: SoftActorCritics
    replay: StackedReplay
    pace: Pace
    credit: int = 0

    def note(self, step: Step, actions: np.ndarray) -> None:
        """Takes note of a step of open episodes, and learns.

        Args:
            step: What it brought.
            actions: [S, K, A] that are learned from.
        """
        role, kept = self.role, step.is_open
        self.replay.add(step.seen[role], actions, step.rewards[role], step.nexts[role], step.ends[role], kept)
        if self.replay.sizes.min() < self.pace.first:
            return
        self.credit += int(kept.sum())
        due = len(kept) * self.pace.steps_per_update
        while self.credit >= due:
            self.learners.update(self.replay.draw(self.pace.batch_size))
            self.credit -= due
