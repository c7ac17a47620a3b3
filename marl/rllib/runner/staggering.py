"""Envs that are not all at the same step of their episodes.

Where all episodes have one length, envs that start together stay together: a fragment shorter than an episode then
shows the beginning of all episodes or the end of all, and every update forgets something of what the last one taught.
"""

from __future__ import annotations

import numpy as np

from games.batch import Batch
from marl.rllib.runner.actions import action_kind


def stagger(batch: Batch, num_steps: int, rng: np.random.Generator) -> None:
    """Brings env e of E from the start of its episode to step e * num_steps / E, by legal actions at random.

    Args:
        batch: All its envs at the start of an episode.
        num_steps: Of an episode; no env's may end before its step.
        rng: For the actions.

    Raises:
        ValueError: An episode ended on the way.
    """
    starts = np.arange(batch.num_envs) * num_steps // batch.num_envs
    snapshots: dict[int, bytes] = {}
    for t in range(int(starts[-1]) + 1):
        snapshots |= {int(e): batch.state_bytes(int(e)) for e in np.flatnonzero(starts == t)}
        _step_randomly(batch, rng)
        ended = np.flatnonzero(batch.ended & (starts > t))
        if len(ended):
            e = ended[0]
            raise ValueError(f"the episode of env {e} ended at step {t + 1}, before its step {starts[e]}")
    for e, snapshot in snapshots.items():
        batch.load_state(e, snapshot)


def _step_randomly(batch: Batch, rng: np.random.Generator) -> None:
    for group in batch.groups.values():
        kind = action_kind(group.action_space)
        num_rows = batch.num_envs * len(group.agents)
        masks = None if group.action_masks is None else group.action_masks.reshape(num_rows, -1)
        actions = kind.for_env(kind.draw_uniform(rng, num_rows, masks))
        group.actions[...] = actions.reshape(group.actions.shape)
    batch.step()
