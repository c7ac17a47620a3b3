"""Learners and runners that go back: a checkpoint may be older than the weights it replaces."""

from __future__ import annotations

from typing import Any

from ray.rllib.core.learner.learner import Learner


def number_after(before: int, restored: int) -> int:
    """Returns the number of restored weights, so that whoever has the replaced ones takes them for newer.

    RLlib numbers weights and takes only those with a larger number. Going back to an earlier checkpoint of the same
    algorithm would therefore keep the later weights, without a word.

    Args:
        before: Number of the weights that are replaced; 0: they are the first.
        restored: Number of those that replace them.
    """
    return max(restored, before + 1) if before else restored


class RestorableLearner(Learner):
    """Takes the weights of a checkpoint whatever their number. Put it before the learner class."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        before, self._weights_seq_no = self._weights_seq_no, 0
        super().set_state(state)
        self._weights_seq_no = number_after(before, self._weights_seq_no)

    def restore_from_path(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Restores from files. Runners take what they are sent next, even where a module alone came back."""
        super().restore_from_path(path, *args, **kwargs)
        self._weights_seq_no += 1
