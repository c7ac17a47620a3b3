"""Stretches of episodes from rings: for learners that look at more than one step, or at all agents at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marl.rllib.replay.replay_ring import IDLE, Ring


class Sequences(NamedTuple):
    """Stretches of episodes, all agents side by side.

    Attributes:
        mask: [B, L] bool; False beyond the end of the episode, or of what is stored.
        groups: By group, columns [B, L, P, ...]: "obs", "new_obs", "actions", "rewards", "terminateds", "truncateds",
            "alive" (the agent took this step), and "action_mask" and "next_action_mask" where the world has masks.
            Zeros where the mask is False.
    """

    mask: np.ndarray
    groups: dict[str, dict[str, np.ndarray]]


def draw_sequences(rings: list[Ring], rng: np.random.Generator, num: int, length: int) -> Sequences:
    """Draws B = num sequences of L = length steps; at least one step must be stored."""
    numbers, rows, envs = _draw_env_steps(rings, rng, num)
    places, masks, parts = [], [], []
    for number in np.unique(numbers):
        ring, here = rings[number], np.flatnonzero(numbers == number)
        mask = ring.stretch(rows[here], envs[here], length)
        places.append(here)
        masks.append(mask)
        parts.append({name: ring.sequences(name, rows[here], envs[here], mask) for name in ring.groups})
    order = np.argsort(np.concatenate(places))
    groups = {
        name: {key: np.concatenate([part[name][key] for part in parts])[order] for key in parts[0][name]}
        for name in parts[0]
    }
    return Sequences(np.concatenate(masks)[order], groups)


def _draw_env_steps(rings: list[Ring], rng: np.random.Generator, num: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns ring, row and env [num] of stored steps, each as likely as the others."""
    firsts, num_envs = (np.array([getattr(ring, name) for ring in rings]) for name in ("first", "num_envs"))
    sizes = np.array([(ring.stop - ring.first) * ring.num_envs for ring in rings])
    ends, found = sizes.cumsum(), np.zeros((3, 0), np.int64)
    num_steps = sum(ring.num_steps for ring in rings)
    while found.shape[1] < num:
        # Rows of a gap, and envs that were done early, are drawn again.
        tries = int((num - found.shape[1]) * ends[-1] / num_steps) + 8
        place = rng.integers(ends[-1], size=tries)
        number = np.searchsorted(ends, place, side="right")
        place -= (ends - sizes)[number]
        rows, envs = firsts[number] + place // num_envs[number], place % num_envs[number]
        is_step = np.zeros(tries, bool)
        for i, ring in enumerate(rings):
            is_step |= (number == i) & (ring.env_fates[rows % ring.num_slots, envs % ring.num_envs] != IDLE)
        found = np.concatenate([found, np.stack([number, rows, envs])[:, is_step]], axis=1)
    return found[0, :num], found[1, :num], found[2, :num]
