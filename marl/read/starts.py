"""States to begin in that are not a level's own start, for data that reach further than a planner's own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from agents.protocol import Player
from games.batch import Batch

MAX_TRIES = 100


def scatter(batch: Batch, players: Mapping[str, Player], rng: np.random.Generator) -> None:
    """Brings a batch of one env to a state some steps from its start, at a random time before the last.

    Each step on the way is the players' or a random legal one, with equal chances. The state in which the episode
    began is none of those that come out.

    Args:
        batch: One env, one group, autoreset disabled; worlds have the field `timestep` and the setting `horizon`.
        players: By agent.
        rng: Of the choices.

    Raises:
        RuntimeError: Every way that was tried ended the episode or led back.
    """
    horizon = int(batch.config.horizon)  # type: ignore[attr-defined]
    for _ in range(MAX_TRIES):
        batch.reset()
        start = batch.fields(0)
        for _ in range(rng.integers(1, max(2, horizon))):
            batch.step(_joint(batch, players, rng))
            if batch.ended[0]:
                break
        fields = batch.fields(0)
        if not batch.ended[0] and not _is_same(start, fields):
            batch.load_fields(0, {**fields, "timestep": int(rng.integers(max(1, horizon - 1)))})
            return
    raise RuntimeError(f"{batch.spec.id}: no way of {MAX_TRIES} led to a state to begin in")


def _joint(batch: Batch, players: Mapping[str, Player], rng: np.random.Generator) -> np.ndarray:
    group = batch.only_group
    if rng.random() < 0.5:
        return np.array([[players[agent].act(batch, agent)[0] for agent in batch.agents]], np.int32)
    if group.action_masks is None:
        choices = int(group.action_space.n)  # type: ignore[union-attr]
        return rng.integers(choices, size=(1, len(batch.agents))).astype(np.int32)
    return np.array([[rng.choice(np.flatnonzero(mask)) for mask in group.action_masks[0]]], np.int32)


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one if name != "timestep")
