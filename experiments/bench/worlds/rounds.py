"""Rounds of random play that take about as long as each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import games
from experiments.bench import Work, cpu_seconds
from games.batch import Batch

ACTION_ROWS = 64  # different joint actions that are played in turn, made beforehand
TAPE = 256  # steps that are played again and again where actions have to be legal
ROUND = 0.4  # CPU seconds that a round should take
PILOT = 0.05  # CPU seconds of play that are enough to size a round


def size_round(play: Callable[[int], float]) -> int:
    """Returns how many rounds of `play` take ROUND seconds.

    Args:
        play: Plays a number of rounds and returns its CPU seconds.
    """
    rounds = 1
    while (spent := play(rounds)) < PILOT:
        rounds *= 2
    return max(1, round(rounds * ROUND / spent))


def step_batch(id: str, num_envs: int, **settings: Any) -> tuple[float, Work]:
    """Returns env steps and the work of making them with random actions, observations and autoresets included.

    Where a world has action masks, legal actions are drawn beforehand and played again from the same seed.

    Args:
        id: Of a registered environment.
        num_envs: E.
        **settings: Of the world.
    """
    batch = games.make_batch(id, num_envs, **settings)
    batch.reset()
    has_masks = any(group.action_masks is not None for group in batch.groups.values())
    play = _replay(batch, _record_legal(batch)) if has_masks else _play_rows(batch)
    rounds = size_round(lambda rounds: cpu_seconds(lambda: play(rounds)))
    per_round = TAPE if has_masks else 1
    return rounds * per_round * num_envs, lambda: cpu_seconds(lambda: play(rounds))


def _play_rows(batch: Batch) -> Callable[[int], None]:
    rows = {name: _random_rows(batch, name) for name in batch.groups}

    def play(rounds: int) -> None:
        for t in range(rounds):
            for name, group in batch.groups.items():
                np.copyto(group.actions, rows[name][t % ACTION_ROWS])
            batch.step()

    return play


def _random_rows(batch: Batch, name: str) -> np.ndarray:
    """ACTION_ROWS random joint actions of a group, [ACTION_ROWS, E, P] or [ACTION_ROWS, E, P, A]."""
    group, rng = batch.groups[name], np.random.default_rng(0)
    space: Any = group.action_space
    shape = (ACTION_ROWS, *group.actions.shape)
    if hasattr(space, "low"):
        return rng.uniform(space.low, space.high, shape).astype(np.float32)
    return rng.integers(0, space.nvec if hasattr(space, "nvec") else space.n, shape, dtype=np.int32)


def _record_legal(batch: Batch) -> list[dict[str, np.ndarray]]:
    """TAPE joint actions by group, uniform among the legal ones from seed 0."""
    rng, tape = np.random.default_rng(0), []
    batch.reset(seed=0)
    for _ in range(TAPE):
        tape.append({name: _legal_actions(batch, name, rng) for name in batch.groups})
        batch.step(tape[-1])
    return tape


def _legal_actions(batch: Batch, name: str, rng: np.random.Generator) -> np.ndarray:
    group = batch.groups[name]
    space: Any = group.action_space
    if group.action_masks is None:
        return _random_rows(batch, name)[rng.integers(ACTION_ROWS)]
    nvec = np.atleast_1d(space.nvec if hasattr(space, "nvec") else space.n)
    parts, first = [], 0
    for choices in nvec:
        mask = group.action_masks[..., first : first + choices]
        parts.append(np.argmax(np.where(mask, rng.random(mask.shape), -math.inf), axis=-1))
        first += choices
    return np.stack(parts, axis=-1).reshape(group.actions.shape).astype(np.int32)


def _replay(batch: Batch, tape: list[dict[str, np.ndarray]]) -> Callable[[int], None]:
    def play(rounds: int) -> None:
        for _ in range(rounds):
            batch.reset(seed=0)
            for actions in tape:
                for name, group in batch.groups.items():
                    np.copyto(group.actions, actions[name])
                batch.step()

    return play
