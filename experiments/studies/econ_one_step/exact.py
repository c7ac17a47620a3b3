"""The one-step economy solved: exact best responses to any schedule, welfare, and nearly the best schedules.

Every worker's best hours are the best of all whole numbers, with the lump sum taken as given; welfare follows from
them. The best schedule is looked for on the grid of the planner's levels, by coordinate ascent from many starts: every
bracket in turn takes the level that is best while the others stand. So it is a lower bound on the best.

`python -m experiments.studies.econ_one_step.exact` writes results/references.csv.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from agents.rational_worker import best_hours
from econ.one_step import OneStepConfig
from econ.taxation import Schedule, flat, free_market, saez_rates, us_federal
from econ.welfare import equality
from experiments.studies.econ_one_step.settings import ECONOMIES, Economy, world_config

REFERENCES = Path(__file__).parent / "results" / "references.csv"
NUM_STARTS = 150
SAEZ_STEPS, SAEZ_SHARE = 300, 0.05  # of the damped iteration, which settles within them


class ExactEconomy:
    """All that workers can do, and what schedules make of it. N workers, H hours, B brackets, S schedules.

    Args:
        config: Of the world, with utilities that cost labor.
    """

    def __init__(self, config: OneStepConfig) -> None:
        self.config = config
        hours = np.arange(config.hours + 1)
        self.incomes = config.worker_skills[:, None] * hours  # [N, H]
        self.labor = config.labor_cost * hours**config.labor_exponent  # [H]
        sizes = np.append(np.diff(config.cutoffs), np.inf)
        past = self.incomes[..., None] - config.cutoffs
        self._within = np.clip(past, 0, sizes).transpose(2, 0, 1)  # [B, N, H] coin of an income in each bracket

    def taxes(self, rates: np.ndarray) -> np.ndarray:
        """Returns [S, N, H] what every income owes under rates [S, B]."""
        return np.tensordot(rates, self._within, axes=1)

    def welfare(self, taxes: np.ndarray, objective: str) -> np.ndarray:
        """Returns [S] welfare when all workers answer taxes [S, N, H] with their best hours."""
        hours = np.argmax(self.incomes - taxes - self.labor, axis=2)[..., None]
        owed = np.take_along_axis(taxes, hours, axis=2)[..., 0]
        income = np.take_along_axis(np.broadcast_to(self.incomes, taxes.shape), hours, axis=2)[..., 0]
        coin = income - owed + owed.mean(axis=1, keepdims=True)
        if objective == "equality_productivity":
            return np.array([equality(each) for each in coin]) * coin.mean(axis=1)
        weights = 1 / np.maximum(income, 1)
        return (weights * (coin - self.labor[hours[..., 0]])).sum(axis=1) / weights.sum(axis=1)

    def welfare_of(self, schedule: Schedule, objective: str) -> float:
        """Returns the welfare of one schedule."""
        return float(self.welfare(self.taxes(schedule.rates[None]), objective)[0])

    def ascend(self, levels: np.ndarray, objective: str) -> tuple[np.ndarray, float]:
        """Returns levels [B] that no change of a single bracket improves, and their welfare.

        Args:
            levels: [B] where to start, indices of the config's `rate_levels`.
            objective: What is to be best.
        """
        rates = self.config.rate_levels
        levels, best = levels.copy(), -np.inf
        while True:
            before = best
            for b in range(len(levels)):
                others = rates[levels]
                others[b] = 0
                taxes = self.taxes(others[None]) + rates[:, None, None] * self._within[b]
                found = self.welfare(taxes, objective)
                if found.max() > best:
                    levels[b], best = int(found.argmax()), float(found.max())
            if best == before:
                return levels, best


def best_schedule(config: OneStepConfig, objective: str, num_starts: int = NUM_STARTS, seed: int = 0) -> Schedule:
    """Returns the best schedule that coordinate ascent finds, from random starts and from no taxes."""
    economy, rng = ExactEconomy(config), np.random.default_rng(seed)
    shape = num_starts - 1, len(config.cutoffs)
    starts = np.concatenate([np.zeros((1, shape[1]), int), rng.integers(len(config.rate_levels), size=shape)])
    levels, _ = max((economy.ascend(start, objective) for start in starts), key=lambda found: found[1])
    return config.schedule(config.rate_levels[levels])


def saez_schedule(config: OneStepConfig, *, compat: bool = True) -> Schedule:
    """Returns where Saez's formula comes to rest with the true elasticity of labor: ai-economist 1.7.1's, or ours."""
    elasticity, schedule = 1 / (config.labor_exponent - 1), config.schedule(np.zeros(len(config.cutoffs)))
    for _ in range(SAEZ_STEPS):
        incomes = config.worker_skills * best_hours(config, schedule)
        new = saez_rates(incomes, config.cutoffs, elasticity, compat=compat)
        schedule = config.schedule((1 - SAEZ_SHARE) * schedule.rates + SAEZ_SHARE * new)
    return schedule


def populated_brackets(config: OneStepConfig, schedule: Schedule) -> np.ndarray:
    """Returns [B] how many workers' best incomes lie in each bracket."""
    incomes = config.worker_skills * best_hours(config, schedule)
    brackets = np.searchsorted(config.cutoffs, incomes, side="right") - 1
    return np.bincount(brackets, minlength=len(config.cutoffs))


def baselines(config: OneStepConfig) -> dict[str, Schedule]:
    """Returns the schedules that a planner is compared with."""
    return {
        "free market": free_market(config.cutoffs),
        "US federal": us_federal(),
        "Saez": saez_schedule(config),
        "Saez, corrected": saez_schedule(config, compat=False),
        "flat, 30 %": flat(0.3, config.cutoffs),
    }


def reference_table() -> pd.DataFrame:
    """Returns all schedules with their rates, welfare and how many workers each bracket has; seconds of work."""
    rows = []
    for economy in ECONOMIES.values():
        config = world_config(economy)
        schedules = baselines(config)
        schedules |= {f"best found, {objective}": best_schedule(config, objective) for objective in economy.objectives}
        for name, schedule in schedules.items():
            rows.append(_row(economy, config, name, schedule))
    return pd.DataFrame(rows)


def _row(economy: Economy, config: OneStepConfig, name: str, schedule: Schedule) -> dict[str, object]:
    exact = ExactEconomy(config)
    numbers = zip(config.cutoffs, schedule.rates, populated_brackets(config, schedule), strict=True)
    columns: dict[str, object] = {"economy": economy.name, "schedule": name}
    for objective in ("inverse_income_utility", "equality_productivity"):
        columns[objective] = round(exact.welfare_of(schedule, objective), 4)
    for cutoff, rate, workers in numbers:
        columns |= {f"rate_{cutoff:g}": round(float(rate), 4), f"workers_{cutoff:g}": int(workers)}
    return columns


if __name__ == "__main__":
    reference_table().to_csv(REFERENCES, index=False)
