"""How sure a mean is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats


def mean_interval(values: np.ndarray, resamples: int = 2000) -> tuple[float, float]:
    """Returns the 95 % bootstrap interval of a mean (percentile method); without spread, the mean twice.

    Args:
        values: [n] at least one.
        resamples: Of the bootstrap.
    """
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=resamples, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return float(found.low), float(found.high)


def paired_gain(own: pd.Series, base: pd.Series, resamples: int = 2000) -> dict[str, float]:
    """Returns how much more `own` is than `base` where both are: difference, low, high, better, and pairs.

    Args:
        own: Values by seed.
        base: Values by seed; one that both have is needed.
        resamples: Of the bootstrap over pairs.
    """
    gained = (own - base).dropna()
    low, high = mean_interval(gained.to_numpy(), resamples)
    better = float((gained > 0).mean())
    return {"difference": float(gained.mean()), "low": low, "high": high, "better": better, "pairs": len(gained)}
