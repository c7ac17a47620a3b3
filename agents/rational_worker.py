"""Workers of the one-step economy who choose the hours best for them, and a planner that names one schedule."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from econ.one_step import OneStepConfig
from econ.taxation import Schedule
from econ.welfare import isoelastic
from games.batch import Batch


def best_hours(config: OneStepConfig, schedule: Schedule, own_share: float = 0.0) -> np.ndarray:
    """Returns the hours that maximise each worker's utility under a schedule, [N] whole numbers, the least of equals.

    The lump sum is taken as given, but for `own_share` of the worker's own tax that comes back with it.

    Args:
        config: The economy.
        schedule: Taxes on the income of the period.
        own_share: 0: the lump sum is a constant, as in the theory; 1 / N: what really comes back.
    """
    hours = np.arange(config.hours + 1)
    incomes = config.worker_skills[:, None] * hours
    coin = incomes - (1 - own_share) * schedule.tax(incomes)
    if config.utility == "isoelastic":
        return np.argmax(isoelastic(coin, config.isoelastic_eta) - config.labor_cost * hours, axis=1)
    return np.argmax(coin - config.labor_cost * hours**config.labor_exponent, axis=1)


class RationalWorker(Memoryless):
    """Works the best hours under the rates that stand; the first step of a period is for the planner.

    Looks at the observed rates, whose rounding to float32 may decide between hours that are nearly equal.

    Args:
        counts_own_tax: Whether it counts that 1 / N of its own tax comes back to it.
    """

    def __init__(self, counts_own_tax: bool = False) -> None:
        self.counts_own_tax = counts_own_tax
        self._known: dict[bytes, np.ndarray] = {}

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the worker's hours, [E] int32."""
        config = cast(OneStepConfig, batch.config)
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        rates = group.observations[:, row, : len(config.cutoffs)]
        best = np.array([self._hours(config, each)[row] for each in rates], np.int32)
        assert group.action_masks is not None
        return np.where(group.action_masks[:, row, 1] == 1, best, np.int32(0))

    def _hours(self, config: OneStepConfig, rates: np.ndarray) -> np.ndarray:
        key = rates.tobytes()
        if key not in self._known:
            share = 1 / config.num_workers if self.counts_own_tax else 0.0
            self._known[key] = best_hours(config, config.schedule(rates), share)
        return self._known[key]


class SchedulePlanner(Memoryless):
    """Names the levels nearest to one schedule's rates, whenever it may.

    Args:
        schedule: With the brackets of the world.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the planner's action, [E, B] int32 levels or [E, B] float32 rates."""
        config: Any = batch.config
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        if len(self.schedule.cutoffs) != len(config.cutoffs) or (self.schedule.cutoffs != config.cutoffs).any():
            raise ValueError(f"the schedule has other brackets than {batch.spec.id}: {self.schedule.cutoffs}")
        if group.action_masks is None:
            return np.tile(self.schedule.rates.astype(np.float32), (batch.num_envs, 1))
        levels = np.abs(config.rate_levels - self.schedule.rates[:, None]).argmin(axis=1) + 1
        masks = group.action_masks[:, row].reshape(batch.num_envs, len(levels), -1)
        is_legal = np.take_along_axis(masks, np.broadcast_to(levels, masks.shape[:2])[..., None], axis=2)[..., 0]
        return (levels * is_legal).astype(np.int32)
