"""Where tax brackets begin."""

from __future__ import annotations

import numpy as np

US_FEDERAL_CUTOFFS = (0, 9_700, 39_475, 84_200, 160_725, 204_100, 510_300)
"""USD a year, single filers, tax year 2019 (IRS Revenue Procedure 2018-57; the AI Economist calls them 2018's)."""


def us_federal_cutoffs(usd_per_coin: float = 1000.0) -> np.ndarray:
    """Returns the 7 cut-offs of the US federal income tax in coin.

    Args:
        usd_per_coin: Dollars that one coin stands for, above 0.
    """
    return np.array(US_FEDERAL_CUTOFFS, np.float64) / usd_per_coin


def linear_cutoffs(num_brackets: int, top: float) -> np.ndarray:
    """Returns cut-offs at equal distances from 0 to `top`, [num_brackets]."""
    return np.linspace(0, top, num_brackets)


def log_cutoffs(num_brackets: int, top: float) -> np.ndarray:
    """Returns 0 and then cut-offs that double up to `top`, [num_brackets]."""
    first = top / 2 ** (num_brackets - 2)
    return np.concatenate([[0], 2 ** np.linspace(np.log2(first), np.log2(top), num_brackets - 1)])
