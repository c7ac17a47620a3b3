"""Tax schedules: a marginal rate for each bracket of income."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from econ.taxation.brackets import us_federal_cutoffs
from games.config import is_of_kind

US_FEDERAL_RATES = (0.1, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37)
"""Of the US federal income tax since 2018."""

MAX_BRACKETS = 16  # TAX_MAX_BRACKETS in tax.h


class TaxError(ValueError):
    """A schedule that is none; one line that names the entry."""


def check_cutoffs(cutoffs: Any, name: str = "cutoffs") -> np.ndarray:
    """Returns cut-offs as [B] float64.

    Raises:
        TaxError: Not 1 to 16 finite numbers that begin with 0 and increase.
    """
    array = _check_list(cutoffs, name)
    if not 1 <= len(array) <= MAX_BRACKETS:
        raise TaxError(f"{name} must be 1 to {MAX_BRACKETS} numbers, got {len(array)}")
    if array[0] != 0:
        raise TaxError(f"{name}[0] must be 0, got {array[0]:g}")
    for b in range(1, len(array)):
        if not array[b - 1] < array[b] < np.inf:
            raise TaxError(f"{name} must increase, but {name}[{b}] = {array[b]:g} after {array[b - 1]:g}")
    return array


def check_rates(rates: Any, num_brackets: int, name: str = "rates") -> np.ndarray:
    """Returns marginal rates as [B] float64.

    Raises:
        TaxError: Not one number in [0, 1] for each bracket.
    """
    array = _check_list(rates, name)
    if len(array) != num_brackets:
        raise TaxError(f"{name} must be {num_brackets} numbers, one for each bracket, got {len(array)}")
    for b, rate in enumerate(array):
        if not 0 <= rate <= 1:
            raise TaxError(f"{name}[{b}] must be in [0, 1], got {rate:g}")
    return array


def _check_list(numbers: Any, name: str) -> np.ndarray:
    is_list = isinstance(numbers, Sequence | np.ndarray) and not isinstance(numbers, str)
    if not is_list or np.ndim(numbers) != 1:
        raise TaxError(f"{name} must be a list of numbers, got {numbers!r}")
    for i, number in enumerate(numbers):
        if not is_of_kind(number, float):
            raise TaxError(f"{name}[{i}] must be a number, got {number!r}")
    return np.array(numbers, np.float64)


@dataclass(frozen=True, eq=False)
class Schedule:
    """Marginal rates by brackets. Income below 0 pays nothing.

    Attributes:
        cutoffs: [B] coin, from 0 upwards, where brackets begin; the last one has no end.
        rates: [B] in [0, 1].
    """

    cutoffs: np.ndarray
    rates: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "cutoffs", check_cutoffs(self.cutoffs))
        object.__setattr__(self, "rates", check_rates(self.rates, len(self.cutoffs)))

    def tax(self, incomes: Any) -> np.ndarray:
        """Returns what incomes of any shape owe."""
        past = np.asarray(incomes, np.float64)[..., None] - self.cutoffs
        sizes = np.append(np.diff(self.cutoffs), np.inf)
        return (np.clip(past, 0, sizes) * self.rates).sum(axis=-1)

    def marginal_rates(self, incomes: Any) -> np.ndarray:
        """Returns the rate on the next coin of incomes of any shape; 0 below 0."""
        given = np.asarray(incomes, np.float64)
        brackets = np.searchsorted(self.cutoffs, given, side="right") - 1
        return np.where(given < 0, 0.0, self.rates[np.maximum(brackets, 0)])

    def effective_rates(self, incomes: Any) -> np.ndarray:
        """Returns tax over income; 0 where there is no income."""
        given = np.asarray(incomes, np.float64)
        return np.where(given > 0, self.tax(given) / np.where(given > 0, given, 1), 0.0)

    def net_transfers(self, incomes: Any) -> np.ndarray:
        """Returns what each of N agents gets after its tax has been shared out equally, [..., N]; sums to 0."""
        taxes = self.tax(incomes)
        return taxes.mean(axis=-1, keepdims=True) - taxes


def free_market(cutoffs: Any = None) -> Schedule:
    """Returns the schedule without taxes."""
    return flat(0.0, cutoffs)


def flat(rate: float, cutoffs: Any = None) -> Schedule:
    """Returns one rate for all incomes.

    Args:
        rate: In [0, 1].
        cutoffs: [B]; None: those of the US federal tax at 1,000 USD a coin.
    """
    cutoffs = us_federal_cutoffs() if cutoffs is None else check_cutoffs(cutoffs)
    return Schedule(cutoffs, np.full(len(cutoffs), float(rate)))


def us_federal(usd_per_coin: float = 1000.0) -> Schedule:
    """Returns the US federal income tax of single filers."""
    return Schedule(us_federal_cutoffs(usd_per_coin), np.array(US_FEDERAL_RATES))
