"""How sure a mean is."""

from __future__ import annotations

import numpy as np
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
