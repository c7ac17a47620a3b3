"""Populations that a caller chooses for each env."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from games.batch import Batch
from games.particles.settings import ParticlesConfig


def sizes_of(batch: Batch) -> np.ndarray:
    """Returns how many agents of each group each env has, [E, groups] int64."""
    return np.stack([group.alive.sum(axis=1, dtype=np.int64) for group in batch.groups.values()], axis=1)


def set_populations(batch: Batch, rows: Sequence[int] | Sequence[Sequence[int]]) -> None:
    """Starts an episode in every env, of the population that the caller wants there.

    An env starts episodes until one of the right size comes up: the start is one that the world would draw. What
    follows depends on (seed, env, episode) alone, as ever. The next episode is of any size again, so a table of sizes
    is a batch with `autoreset="disabled"`: call this in place of `reset`.

    Args:
        batch: Of a particle world with `populations`, after its first reset.
        rows: [E] sizes, or [E, groups] where there are several groups; each among the setting `populations`.

    Raises:
        ValueError: A world without populations, another number of rows than envs, or a size that is not among them; no
            env is changed then.
    """
    known = getattr(batch.config, "populations", None)
    if not isinstance(batch.config, ParticlesConfig) or known is None:
        raise ValueError(f"{batch.spec.id} must have been made with the setting `populations`")
    wanted = np.asarray(rows)
    counts = np.asarray(known).reshape(len(known), -1)
    if wanted.shape[:1] != (batch.num_envs,) or wanted.size != batch.num_envs * counts.shape[1]:
        raise ValueError(f"a row of {counts.shape[1]} for each of {batch.num_envs} envs, got {list(wanted.shape)}")
    wanted = wanted.reshape(batch.num_envs, -1)
    strange = [row for row in np.unique(wanted, axis=0).tolist() if row not in counts.tolist()]
    if strange:
        raise ValueError(f"populations must be among {counts.tolist()}, got {strange[0]}")
    if counts.shape[1] < len(batch.groups):  # groups of fixed size, which `populations` does not name, come first
        fixed = [len(group.agents) for group in batch.groups.values()][: len(batch.groups) - counts.shape[1]]
        wanted = np.concatenate([np.tile(fixed, (batch.num_envs, 1)), wanted], axis=1)
    mask = np.ones(batch.num_envs, np.uint8)
    while mask.any():
        batch.reset(mask=mask)
        mask = (sizes_of(batch) != wanted).any(axis=1).astype(np.uint8)
