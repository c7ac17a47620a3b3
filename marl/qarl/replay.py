"""Transitions of many seeds, each in a ring of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from marl.qarl.soft_actor_critic import Transitions


class StackedReplay:
    """S rings of transitions, from which as many are drawn for each seed.

    Args:
        seeds: One a ring, of its draws.
        capacity: Transitions of a ring; the oldest are overwritten.
        observation_size: D.
        action_size: A.
    """

    def __init__(self, seeds: Sequence[int], capacity: int, observation_size: int, action_size: int) -> None:
        shape = (len(seeds), capacity)
        self._observations = np.zeros((*shape, observation_size), np.float32)
        self._nexts = np.zeros((*shape, observation_size), np.float32)
        self._actions = np.zeros((*shape, action_size), np.float32)
        self._rewards, self._ends = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._written = np.zeros(len(seeds), np.int64)
        self._rngs = [np.random.default_rng([seed, 1]) for seed in seeds]

    @property
    def num_written(self) -> np.ndarray:
        """[S] transitions that ever came into each ring."""
        return self._written

    @property
    def sizes(self) -> np.ndarray:
        """[S] transitions of each ring."""
        return np.minimum(self._written, self._rewards.shape[1])

    def get_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Returns what is in the rings, as far as any was written, and counts and generators (JSON)."""
        used = int(self.sizes.max())
        state = {"written": self._written.tolist(), "generators": [rng.bit_generator.state for rng in self._rngs]}
        return {name: store[:, :used] for name, store in self._stores().items()}, state

    def set_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` of an equal replay returned."""
        for name, store in self._stores().items():
            store[:, : arrays[name].shape[1]] = arrays[name]
        self._written[:] = state["written"]
        for rng, own in zip(self._rngs, state["generators"], strict=True):
            rng.bit_generator.state = own

    def _stores(self) -> dict[str, np.ndarray]:
        return {
            "observations": self._observations,
            "actions": self._actions,
            "rewards": self._rewards,
            "nexts": self._nexts,
            "ends": self._ends,
        }

    def add(
        self,
        observations: np.ndarray,
        actions: np.ndarray,
        rewards: np.ndarray,
        nexts: np.ndarray,
        ends: np.ndarray,
        kept: np.ndarray,
    ) -> None:
        """Adds a step of K envs of each seed.

        Args:
            observations: [S, K, D] before it.
            actions: [S, K, A].
            rewards: [S, K].
            nexts: [S, K, D] after it, the last of an episode where one ended.
            ends: [S, K] whether the episode terminated; not at a time limit.
            kept: [S, K] bool; others are left out.
        """
        counts = kept.sum(axis=1)
        rings = np.repeat(np.arange(len(counts)), counts)
        # Within a seed, rows follow each other from where the last ones ended.
        order = np.arange(len(rings)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = (self._written[rings] + order) % self._rewards.shape[1]
        for store, values in zip(self._stores().values(), (observations, actions, rewards, nexts, ends), strict=True):
            store[rings, places] = values[kept]
        self._written += counts

    def draw(self, count: int) -> Transitions:
        """Returns `count` transitions of each seed, drawn with replacement."""
        places = np.stack([rng.integers(size, size=count) for rng, size in zip(self._rngs, self.sizes, strict=True)])
        rings = np.arange(len(places))[:, None]
        return Transitions(*(torch.from_numpy(store[rings, places]) for store in self._stores().values()))
