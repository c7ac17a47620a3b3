"""Settings of a tax that worlds of the economy share, and what the C core gets of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from econ.taxation.brackets import linear_cutoffs, log_cutoffs, us_federal_cutoffs
from econ.taxation.schedule import US_FEDERAL_RATES, Schedule, TaxError, check_cutoffs, check_rates
from games.config import WorldConfig, is_of_kind, setting

TAX_MODELS = ("free_market", "us_federal", "flat", "fixed", "planner", "planner_rates")
SPACINGS = ("us_federal", "linear", "log", "custom")
MAX_LEVELS = 127  # TAX_MAX_LEVELS - 1 in tax.h
_FREE_MARKET, _FIXED, _LEVELS, _RATES = range(4)  # TaxModel in tax.h
_CORE_MODELS = {"free_market": _FREE_MARKET, "planner": _LEVELS, "planner_rates": _RATES}


def annealed_limit(episode: int, start: float, slope: float, rate_max: float = 1.0) -> float:
    """Returns the highest rate that an annealed tax allows.

    Args:
        episode: Episodes that the env has completed.
        start: Before this episode the limit is 0; may be negative.
        slope: Share of `rate_max` that each episode adds.
        rate_max: The limit at last.
    """
    return min(max(slope * (episode - start), 0.0), 1.0) * rate_max


@dataclass(frozen=True, kw_only=True, eq=False)
class TaxSettings(WorldConfig):
    """Settings of the bracket tax; base of the configs of worlds that have one.

    Attributes:
        tax_model: "free_market": no taxes. "us_federal": its rates. "flat": `flat_rate`. "fixed": `bracket_rates`.
            "planner": the planner names one of the levels from `rate_min` to `rate_max` for each bracket.
            "planner_rates": it names the rates as numbers (optimisers, Saez's formula).
        tax_annealing: (start, slope) of `annealed_limit`, by the episodes of each env; None: no limit but `rate_max`.
    """

    tax_model: str = setting("planner", choices=TAX_MODELS, doc="how rates are set")
    tax_period: int = setting(100, low=1, high=2**31 - 1, doc="steps from one tax day to the next")
    bracket_spacing: str = setting(
        "us_federal", choices=SPACINGS, doc="where brackets begin; custom: as bracket_cutoffs says"
    )
    usd_per_coin: float = setting(1000.0, low=1e-3, high=1e9, doc="us_federal spacing: dollars that a coin stands for")
    num_brackets: int = setting(5, low=2, high=16, doc="linear and log spacing: number of brackets")
    top_cutoff: float = setting(100.0, low=10, high=1e9, doc="linear and log spacing: where the last one begins, coin")
    bracket_cutoffs: Any = setting(None, doc="custom spacing: where brackets begin, from 0, coin")
    bracket_rates: Any = setting(None, doc="tax_model fixed: one rate in [0, 1] for each bracket")
    flat_rate: float = setting(0.3, low=0, high=1, doc="tax_model flat: the rate")
    rate_min: float = setting(0.0, low=0, high=1, doc="lowest rate that the planner may set")
    rate_max: float = setting(1.0, low=0, high=1, doc="highest rate of any model")
    rate_step: float = setting(0.05, low=0.01, high=1, doc="tax_model planner: distance of the levels")
    tax_annealing: Any = setting(None, doc="(start, slope) of the limit on rates by episode, or None")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rate_min > self.rate_max:
            raise TaxError(f"rate_min must be at most rate_max, got {self.rate_min:g} and {self.rate_max:g}")
        if self.tax_model == "us_federal" and self.bracket_spacing != "us_federal":
            raise TaxError(f"tax_model us_federal needs bracket_spacing us_federal, got {self.bracket_spacing!r}")
        if (self.bracket_cutoffs is None) == (self.bracket_spacing == "custom"):
            raise TaxError("bracket_cutoffs belong to bracket_spacing custom: give both or neither")
        if (self.bracket_rates is None) == (self.tax_model == "fixed"):
            raise TaxError("bracket_rates belong to tax_model fixed: give both or neither")
        self._annealing()
        if self.fixed_rates is not None:
            check_rates(self.fixed_rates, len(self.cutoffs), "bracket_rates")

    @cached_property
    def cutoffs(self) -> np.ndarray:
        """[B] coin: where brackets begin."""
        if self.bracket_spacing == "custom":
            return check_cutoffs(self.bracket_cutoffs, "bracket_cutoffs")
        if self.bracket_spacing == "us_federal":
            return us_federal_cutoffs(self.usd_per_coin)
        spaced = linear_cutoffs if self.bracket_spacing == "linear" else log_cutoffs
        return spaced(self.num_brackets, self.top_cutoff)

    @cached_property
    def fixed_rates(self) -> np.ndarray | None:
        """[B] the rates of a model that fixes them, before any limit; None for the others."""
        if self.tax_model == "us_federal":
            return np.array(US_FEDERAL_RATES)
        if self.tax_model == "flat":
            return np.full(len(self.cutoffs), float(self.flat_rate))
        return (
            check_rates(self.bracket_rates, len(self.cutoffs), "bracket_rates") if self.tax_model == "fixed" else None
        )

    @cached_property
    def rate_levels(self) -> np.ndarray:
        """[L] what the planner may name."""
        levels = np.arange(self.rate_min, self.rate_max + self.rate_step, self.rate_step)
        return levels[levels <= self.rate_max]

    @property
    @abstractmethod
    def first_day_feature(self) -> int:
        """Which number of the planner's observation is 1 on the first day of a tax period, when rates are set."""

    def schedule(self, rates: Any) -> Schedule:
        """Returns rates on these brackets as a schedule."""
        return Schedule(self.cutoffs, rates)

    def _annealing(self) -> tuple[float, float] | None:
        given = self.tax_annealing
        if given is None:
            return None
        is_pair = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str) and len(given) == 2
        if not is_pair or not all(is_of_kind(number, float) and np.isfinite(number) for number in given):
            raise TaxError(f"tax_annealing must be (start, slope) or None, got {given!r}")
        return float(given[0]), float(given[1])

    def core_tax_fields(self) -> dict[str, Any]:
        """Returns the values of the tax's part of a C config."""
        model = _CORE_MODELS.get(self.tax_model, _FIXED)
        start, slope = self._annealing() or (0.0, 0.0)
        return {
            "bracket_cutoffs": self.cutoffs,
            "bracket_rates": np.zeros(0) if self.fixed_rates is None else self.fixed_rates,
            "rate_levels": self.rate_levels if model == _LEVELS else np.zeros(0),
            "tax_model": model,
            "tax_period": self.tax_period,
            "rate_min": float(self.rate_min),
            "rate_max": float(self.rate_max),
            "is_tax_annealed": int(self.tax_annealing is not None),
            "annealing_start": start,
            "annealing_slope": slope,
        }
