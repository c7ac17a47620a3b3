"""What came out of all seeds: means with bootstrap intervals, and differences of arms."""

from __future__ import annotations

import pandas as pd

from experiments.intervals import mean_interval

RESAMPLES = 5000


def arm_intervals(runs: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Returns for each arm, group and measure the mean over seeds and its interval.

    Args:
        runs: A row for each arm, seed and group.
        measures: Columns of it.
    """
    rows = []
    for (arm, group), own in runs.groupby(["arm", "group"], sort=False):
        for measure in measures:
            low, high = mean_interval(own[measure].to_numpy(), RESAMPLES)
            rows.append([arm, group, measure, len(own), own[measure].mean(), low, high])
    return pd.DataFrame(rows, columns=["arm", "group", "measure", "seeds", "mean", "low", "high"])


def shown(intervals: pd.DataFrame, arm: str, group: str, measure: str) -> str:
    """Returns one of them as text: mean (low to high)."""
    chosen = intervals[(intervals["arm"] == arm) & (intervals["group"] == group) & (intervals["measure"] == measure)]
    row = chosen.iloc[0]
    return f"{row['mean']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
