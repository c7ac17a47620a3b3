"""Learners and runners that go back: a checkpoint may be older than the weights it replaces."""

from __future__ import annotations

from typing import Any

from ray.rllib.core.learner.learner import Learner


def number_after(before: int, restored: int) -> int:
    """Returns the number of restored weights, so that whoever has the replaced ones takes them for newer.

    RLlib numbers weights and takes only those with a larger number. Going back to an earlier checkpoint of the same
    algorithm would therefore keep the later weights, without a word.

    Args:
        before: Number of the weights that are replaced.
        restored: Number of those that replace them; 0: they have none, and RLlib takes them anyway.
    """
    return max(restored, before + 1) if restored else before


class RestorableLearner(Learner):
    """Takes the weights of a checkpoint whatever their number. Put it before the learner class."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        before, self._weights_seq_no = self._weights_seq_no, 0
        super().set_state(state)
        self._weights_seq_no = number_after(before, self._weights_seq_no)
