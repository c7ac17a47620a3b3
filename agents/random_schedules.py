"""A planner whose schedules are random, from nearly no taxes to heavy ones: practice for workers."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch


class RandomSchedules(GeneratorAlone):
    """Draws a schedule for every env whenever rates may be named.

    Rates that are drawn independently make a heavy schedule nearly always: the free market and mild taxes would hardly
    ever come up. So some schedules have a highest rate, drawn first, and brackets' rates up to it; and some are flat.

    Args:
        seed: Of the player's own generator.
        mild_share: Of schedules with a highest rate of their own, in [0, 1].
        flat_share: Of schedules with one rate for all brackets, in [0, 1].
    """

    def __init__(self, seed: int = 0, mild_share: float = 0.5, flat_share: float = 0.1) -> None:
        for name, share in (("mild_share", mild_share), ("flat_share", flat_share)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {share!r}")
        self.mild_share, self.flat_share = mild_share, flat_share
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns levels, [E, B] int32; 0 wherever the planner may name none."""
        config: Any = batch.config
        name, row = find_agent(batch, agent)
        masks, rng = batch.groups[name].action_masks, self._rng
        if masks is None:
            raise ValueError(f"random schedules need tax_model='planner', got {config.tax_model!r}")
        # Choice 0 keeps a rate; of the levels behind it a limit cuts off the highest.
        shape = batch.num_envs, len(config.cutoffs)
        num_legal = masks[:, row].reshape(*shape, -1)[:, :, 1:].sum(axis=-1, dtype=np.int64)
        highest = np.maximum(num_legal.max(axis=1), 1)
        own_highest = rng.integers(1, highest, endpoint=True)
        is_flat, is_mild = rng.random(batch.num_envs) < self.flat_share, rng.random(batch.num_envs) < self.mild_share
        levels = rng.integers(1, np.where(is_mild, own_highest, highest)[:, None], shape, endpoint=True)
        levels[is_flat] = own_highest[is_flat, None]
        return np.minimum(levels, num_legal).astype(np.int32)
