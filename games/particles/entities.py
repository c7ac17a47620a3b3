"""Observations as sets of entities: for networks that attend to whoever is there, however many that are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class EntityViews(NamedTuple):
    """Parts of observations [..., D], all of them views of it, in the kind of array that it is.

    Attributes:
        own: [..., F] about the agent itself.
        landmarks: [..., L, F] about each landmark; zeros where there is none.
        others: [..., M, F] about each other agent; zeros where there is none.
        landmark_mask: [..., L] 1 for each landmark that is there.
        other_mask: [..., M] 1 for each other agent that is there.
    """

    own: Any
    landmarks: Any
    others: Any
    landmark_mask: Any
    other_mask: Any


@dataclass(frozen=True)
class EntityLayout:
    """Where what stands in an observation: own, landmarks, others, and who of them is there.

    Attributes:
        own: Numbers about the agent itself.
        landmarks: (places, numbers about each).
        others: (places, numbers about each).
    """

    own: int
    landmarks: tuple[int, int]
    others: tuple[int, int]

    @property
    def size(self) -> int:
        """Numbers in an observation."""
        return self.own + sum(places * (features + 1) for places, features in (self.landmarks, self.others))

    def split(self, observations: Any) -> EntityViews:
        """Returns the parts of observations.

        Args:
            observations: [..., size]; NumPy arrays, torch tensors, or anything that slices and reshapes alike.

        Raises:
            ValueError: Observations of another size.
        """
        shape = tuple(observations.shape)
        if not shape or shape[-1] != self.size:
            raise ValueError(f"observations must be [..., {self.size}], got {list(shape)}")
        parts, first = [], 0
        rows = [places * features for places, features in (self.landmarks, self.others)]
        for width in (self.own, *rows, self.landmarks[0], self.others[0]):
            parts.append(observations[..., first : first + width])
            first += width
        own, landmarks, others, landmark_mask, other_mask = parts
        landmarks = landmarks.reshape((*shape[:-1], *self.landmarks))
        others = others.reshape((*shape[:-1], *self.others))
        return EntityViews(own, landmarks, others, landmark_mask, other_mask)
