"""A learner with the replay that it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from marl.qarl.arena import Step
from marl.qarl.replay import StackedReplay
from marl.qarl.soft_actor_critic import SoftActorCritics


class SeedDivergedError(FloatingPointError):
    """Numbers of one of many learners are not finite any more."""


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
        names: One a seed, as errors have it.
        credit: Env steps of all seeds that no update was done for yet.
    """

    role: str
    learners: SoftActorCritics
    replay: StackedReplay
    pace: Pace
    names: Sequence[str]
    credit: int = 0

    def act(self, seen: np.ndarray, is_greedy: bool = False) -> np.ndarray:
        """Returns actions [S, n, A] in [-1, 1] for what is seen, [S, n, D].

        Raises:
            SeedDivergedError: An action is not a number.
        """
        actions: np.ndarray = self.learners.act(torch.from_numpy(seen), is_greedy).numpy()
        self._check("action", np.isfinite(actions).all(axis=(1, 2)))
        return actions

    def _check(self, what: str, is_finite: np.ndarray) -> None:
        if not is_finite.all():
            raise SeedDivergedError(
                f"{self.names[int(is_finite.argmin())]}: the {self.role}'s {what} is not a finite number: training has "
                "diverged; a smaller learning rate may help"
            )

    def note(self, step: Step, actions: np.ndarray) -> None:
        """Takes note of a step of open episodes, and learns.

        Args:
            step: What it brought.
            actions: [S, K, A] that are learned from.

        Raises:
            SeedDivergedError: A loss is not a finite number.
        """
        role, kept = self.role, step.is_open
        self.replay.add(step.seen[role], actions, step.rewards[role], step.nexts[role], step.ends[role], kept)
        if self.replay.sizes.min() < self.pace.first:
            return
        self.credit += int(kept.sum())
        due = len(kept) * self.pace.steps_per_update
        while self.credit >= due:
            for name, numbers in self.learners.update(self.replay.draw(self.pace.batch_size)).items():
                self._check(name, torch.isfinite(numbers).numpy())
            self.credit -= due
