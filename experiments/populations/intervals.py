"""What came out of all seeds: means with bootstrap intervals, and differences of arms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

RESAMPLES = 5000
CONFIDENCE = 0.95


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Returns the mean over seeds with its 95 % percentile bootstrap interval; without spread, the mean thrice.

    Args:
        values: [S] one of each seed.
    """
    mean = float(values.mean())
    if len(values) < 2 or np.ptp(values) == 0:
        return mean, mean, mean
    found = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return mean, float(found.confidence_interval.low), float(found.confidence_interval.high)


def arm_intervals(runs: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Returns for each arm, group and measure the mean over seeds and its interval.

    Args:
        runs: A row for each arm, seed and group.
        measures: Columns of it.
    """
    rows = []
    for (arm, group), own in runs.groupby(["arm", "group"], sort=False):
        for measure in measures:
            mean, low, high = mean_interval(own[measure].to_numpy())
            rows.append([arm, group, measure, len(own), mean, low, high])
    return pd.DataFrame(rows, columns=["arm", "group", "measure", "seeds", "mean", "low", "high"])


def shown(intervals: pd.DataFrame, arm: str, group: str, measure: str) -> str:
    """Returns one of them as text: mean (low to high)."""
    chosen = intervals[(intervals["arm"] == arm) & (intervals["group"] == group) & (intervals["measure"] == measure)]
    row = chosen.iloc[0]
    return f"{row['mean']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
