"""What a critic sees of a state and of the actions that are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from games.batch import Batch
from games.wording import Wording

OPEN = -1  # in the place of an action that is not given


class Encoder(Protocol):
    """Turns rows into features.

    Attributes:
        size: D, features of a row.
    """

    size: int

    def __call__(self, states: np.ndarray, texts: Sequence[str], actions: np.ndarray) -> np.ndarray:
        """Returns features, [B, D] float32.

        Args:
            states: [B, S] float32, from `state_of`.
            texts: B descriptions, or none where the encoder reads none.
            actions: [B, n], OPEN where not given.
        """
        ...


def state_of(batch: Batch) -> np.ndarray:
    """Returns what the first agent of a batch of one env sees and the share of the horizon passed, [S] float32.

    In the worlds with words the first agent sees everything, but in kitchens not the time.
    """
    passed = batch.fields(0)["timestep"] / batch.config.horizon  # type: ignore[attr-defined]
    return np.append(batch.observations[0, 0].ravel(), passed).astype(np.float32)


class StructuredEncoder:
    """The state's numbers, and each action one-hot, all zeros where it is open.

    Args:
        batch: Of the world, with one group.
    """

    def __init__(self, batch: Batch) -> None:
        self._num_choices = int(batch.only_group.action_space.n)  # type: ignore[union-attr]
        self._choices = np.arange(self._num_choices)
        self.size = len(state_of(batch)) + len(batch.agents) * self._num_choices

    def __call__(self, states: np.ndarray, texts: Sequence[str], actions: np.ndarray) -> np.ndarray:
        """Returns features, [B, D]."""
        chosen = (actions[:, :, None] == self._choices).reshape(len(actions), -1)
        return np.concatenate([states, chosen], axis=1, dtype=np.float32)


Embed = Callable[[Sequence[str]], np.ndarray]


class SentenceEncoder:
    """A sentence encoder's features of state and actions in words, beside the state's numbers, as in the paper.

    Args:
        wording: Of the world.
        batch: Of the world.
        embed: Of sentences, their features [B, F] float32; the paper's is a frozen BERT with 768. Each text is
            embedded once and kept.
    """

    def __init__(self, wording: Wording, batch: Batch, embed: Embed) -> None:
        self._wording, self._embed = wording, embed
        self._known = dict[str, np.ndarray]()
        self.size = len(state_of(batch)) + int(np.shape(embed(["WAIT"]))[1])

    def __call__(self, states: np.ndarray, texts: Sequence[str], actions: np.ndarray) -> np.ndarray:
        """Returns features, [B, D]."""
        if len(texts) != len(states):
            raise ValueError(f"a sentence encoder needs a text for each of {len(states)} rows, got {len(texts)}")
        sentences = [self._say(text, row) for text, row in zip(texts, actions, strict=True)]
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._known]
        if new:
            self._known |= dict(zip(new, np.asarray(self._embed(new), np.float32), strict=True))
        features = np.stack([self._known[sentence] for sentence in sentences])
        return np.concatenate([states, features], axis=1, dtype=np.float32)

    def _say(self, text: str, actions: np.ndarray) -> str:
        words = self._wording
        plans = [f"{words.robots[i]} will {words.say(i, int(a))}." for i, a in enumerate(actions) if a != OPEN]
        return "\n".join([text, *plans])
