"""Two questions about what planners learned; `python -m experiments.studies.econ_one_step.causes` answers them.

Are rates off because workers draw their hours instead of taking the best? And what became of the planner that failed?
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from econ.one_step import OneStepConfig
from econ.taxation import Schedule
from experiments.studies.econ_one_step.analysis import RESULTS
from experiments.studies.econ_one_step.exact import ExactEconomy
from experiments.studies.econ_one_step.settings import ECONOMIES, world_config

UTILITY = "inverse_income_utility"
NUM_STARTS = 6


class NoisyEconomy(ExactEconomy):
    """Workers draw hours with probabilities proportional to exp(utility / temperature); welfare is that of the means.

    Args:
        config: Of the world.
        temperature: Coin; above 0.
    """

    def __init__(self, config: OneStepConfig, temperature: float) -> None:
        super().__init__(config)
        self.temperature = temperature

    def probabilities(self, taxes: np.ndarray) -> np.ndarray:
        """Returns [S, N, H]."""
        utility = self.incomes - taxes - self.labor
        weights = np.exp((utility - utility.max(axis=2, keepdims=True)) / self.temperature)
        return weights / weights.sum(axis=2, keepdims=True)

    def welfare(self, taxes: np.ndarray, objective: str) -> np.ndarray:
        """Returns [S] welfare, inverse-income utility only; 100 workers average their luck away."""
        assert objective == UTILITY
        drawn = self.probabilities(taxes)
        lump_sum = (drawn * taxes).sum(axis=2).mean(axis=1)
        weights = drawn / np.maximum(self.incomes, 1)
        utility = self.incomes - taxes - self.labor + lump_sum[:, None, None]
        return (weights * utility).sum(axis=(1, 2)) / weights.sum(axis=(1, 2))


def best_with_noise(config: OneStepConfig, temperature: float) -> tuple[Schedule, float]:
    """Returns the best schedule found for noisy workers, and the mean entropy of their hours under it, in nats."""
    economy, rng = NoisyEconomy(config, temperature), np.random.default_rng(0)
    starts = rng.integers(len(config.rate_levels), size=(NUM_STARTS, len(config.cutoffs)))
    levels, _ = max((economy.ascend(start, UTILITY) for start in starts), key=lambda found: found[1])
    schedule = config.schedule(config.rate_levels[levels])
    drawn = economy.probabilities(economy.taxes(schedule.rates[None]))
    return schedule, float(-(drawn * np.log(np.maximum(drawn, 1e-30))).sum(axis=2).mean())


def failed_schedule() -> Schedule:
    """Returns what the planner of economy A and seed 2 learned."""
    rates = pd.read_csv(RESULTS / "rates.csv")
    rows = rates[(rates["economy"] == "A") & (rates["seed"] == 2)]
    return world_config(ECONOMIES["A"]).schedule(rows["rate"].to_numpy())


def main() -> None:
    """Prints best schedules for noisy workers, and the failed one beside a milder one."""
    for economy in ECONOMIES.values():
        config = world_config(economy)
        for temperature in (0.02, 0.3):
            schedule, entropy = best_with_noise(config, temperature)
            exact = ExactEconomy(config).welfare_of(schedule, UTILITY)
            print(f"{economy.name}: entropy {entropy:.1f}: best rates {schedule.rates}, exact welfare {exact:.2f}")
    config, failed = world_config(ECONOMIES["A"]), failed_schedule()
    milder = config.schedule(np.where(np.arange(len(failed.rates)) == 1, 0.9, failed.rates))
    for schedule in (failed, milder):
        print(f"A, seed 2: rates {schedule.rates}: {ExactEconomy(config).welfare_of(schedule, UTILITY):.2f}")


if __name__ == "__main__":
    main()
