"""Marginal rates by Saez's formula, from the incomes that agents had and the rates that they met.

Saez 2001, "Using elasticities to derive optimal income tax rates", in the form that the AI Economist (Zheng et al.
2022) gives it. At income z

    tau(z) = (1 - G(z)) / (1 - G(z) + a(z) e)

    G(z)  mean welfare weight of those above z, relative to everybody's
    a(z)  z f(z) / (1 - F(z)), the local Pareto parameter of the income distribution
    e     elasticity of income with respect to 1 - tau

    symbol   variable            shape
    z        incomes             [S]
    G, a     weights, paretos    [101], by bin and for the open top
    tau      bin_rates           [101]

Incomes are counted in 100 bins of equal width from 0 to a cut-off and one open bin above it. With `compat` the cut-off
is the last bracket's, as in ai-economist 1.7.1. Where no income is that high, its formula gives the top a rate of 1 and
bins without incomes a ramp up to it, so that brackets above all incomes are taxed heavily, and those below the lowest
income hardly. Without `compat`, the default, the cut-off is the quantile below which all but `TAIL` of the incomes lie,
and bins without incomes take the rates of the nearest ones with incomes, interpolated between two of them.

With `compat` numbers are added up in the reference's order, so that both round alike: its estimate of e takes what
rounding leaves of no income for an income, and so hangs on the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from econ.taxation.schedule import check_cutoffs
from games.names import unknown_name

WEIGHTS = ("inverse_income", "uniform")
NUM_BINS = 100
TAIL = 0.05  # share of incomes above the cut-off; chosen: 25 of the 500 samples that a tail's mean needs
ROUNDING = 1e-6  # coin; sums of coin that should be 0 are smaller
SMALL = 1e-9  # keeps quotients finite; the reference's
FIRST_ELASTICITY = 0.5
OLD_SHARE = 0.98  # of the running estimate in the next one
MIN_SAMPLES = 500
AVERAGE_SHARE = 0.01  # of new rates in the running average


def estimate_elasticity(
    incomes: Any, marginal_rates: Any, last: float = FIRST_ELASTICITY, *, compat: bool = False
) -> float:
    """Updates the elasticity of income by least squares of log z on log(1 - tau).

    Args:
        incomes: [S] coin.
        marginal_rates: [S] at those incomes.
        last: The running estimate.
        compat: Whether to reproduce ai-economist 1.7.1, which takes for an income what rounding leaves of none: its
            logarithm is far from all others.

    Returns:
        0.98 of the running estimate and 0.02 of the new one, which is at least 0; the running one where fewer than 10
        samples have an income above 0 and a rate below 1, or the rates do not differ.
    """
    z, tau = np.asarray(incomes, np.float64), np.asarray(marginal_rates, np.float64)
    is_used = (z > (0 if compat else ROUNDING)) & (tau < 1)
    if is_used.sum() < 10 or np.std(tau[is_used]) < 1e-6:
        return float(last)
    x, y = np.log(np.maximum(1 - tau[is_used], SMALL)), np.log(np.maximum(z[is_used], SMALL))
    design = np.stack([x, np.ones_like(x)]).T  # the normal equations as they stand, to round as the reference does
    new = float(np.linalg.inv(design.T.dot(design)).T.dot(design.T.dot(y))[0])
    return (1 - OLD_SHARE) * max(new, 0.0) + OLD_SHARE * last


def saez_rates(
    incomes: Any, cutoffs: Any, elasticity: float, *, weights: str = "inverse_income", compat: bool = False
) -> np.ndarray:
    """Returns the marginal rates of brackets by Saez's formula, [B] in [0, 1].

    Args:
        incomes: [S] coin, at least 1.
        cutoffs: [B] where brackets begin.
        elasticity: e, at least 0.
        weights: "inverse_income": 1 / max(z, 1); "uniform": all alike.
        compat: Whether to reproduce ai-economist 1.7.1, its artefacts included (see the top of this file).
    """
    if weights not in WEIGHTS:
        raise unknown_name("welfare weights", weights, WEIGHTS)
    z, starts = _check_finite(incomes, "incomes"), check_cutoffs(cutoffs)
    if not len(z) or not 0 <= elasticity < np.inf:
        raise ValueError(f"the formula needs incomes and an elasticity from 0 on, got {len(z)} and {elasticity!r}")
    top = float(starts[-1]) if compat else float(np.quantile(z, 1 - TAIL))
    if not top > SMALL:  # nobody earns: nothing to tax
        return np.zeros(len(starts))
    counts, edges = np.histogram(z, bins=np.linspace(0, top, NUM_BINS + 1))
    above = z[z > top]
    shares = np.append(counts, len(above)) / len(z)
    g = _mean_weights(z, counts, edges, above, shares, weights)
    a = _pareto_parameters(edges, above, shares, share_below=float((z < 0).mean()))
    with np.errstate(invalid="ignore"):
        rates = (1 - g) / (1 - g + a * elasticity + SMALL)
    rates = _fill_compat(rates) if compat else _fill(rates, has_tail=len(above) > 0)
    return np.clip(_average_over_brackets(rates, edges, starts), 0, 1)


def _check_finite(numbers: Any, name: str) -> np.ndarray:
    array = np.asarray(numbers, np.float64)
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise ValueError(f"{name}{list(place)} must be a number, got {array[place]:g}")
    return array


def _mean_weights(
    z: np.ndarray, counts: np.ndarray, edges: np.ndarray, above: np.ndarray, shares: np.ndarray, weights: str
) -> np.ndarray:
    """Returns G by bin, [NUM_BINS + 1]: the mean of its values at the bin's two edges."""

    def weigh(incomes: np.ndarray) -> np.ndarray:
        return np.ones_like(incomes) if weights == "uniform" else 1 / np.maximum(1, incomes)

    middles = (edges[:-1] + edges[1:]) / 2
    in_bins, over_top = counts * weigh(middles), weigh(above).sum()
    total = in_bins.sum() + weigh(np.maximum(z[z < 0], 0)).sum() + over_top
    weight_from_here = np.cumsum((np.append(in_bins, over_top) / (total + SMALL))[::-1])[::-1]
    at_left_edges = weight_from_here / (np.cumsum(shares[::-1])[::-1] + SMALL)
    return np.append((at_left_edges[:-1] + at_left_edges[1:]) / 2, at_left_edges[-1])


def _pareto_parameters(edges: np.ndarray, above: np.ndarray, shares: np.ndarray, share_below: float) -> np.ndarray:
    """Returns a by bin, [NUM_BINS + 1]; NaN for a bin without incomes, 0 for a top without."""
    in_bins, middles = shares[:-1], (edges[:-1] + edges[1:]) / 2
    up_to_here = np.minimum(np.cumsum(np.append(in_bins[0] + share_below, in_bins[1:])), 1)
    over_the_middle = np.clip(1 - up_to_here + in_bins / 2, 0, 1)
    a = middles * in_bins / (over_the_middle + SMALL) / np.diff(edges)
    mean = above.mean() if len(above) else 0.0
    a_top = mean / (mean - edges[-1] + SMALL) if len(above) else 0.0
    return np.append(np.where(in_bins > 0, a, np.nan), a_top)


def _fill_compat(rates: np.ndarray) -> np.ndarray:
    """Interpolates over bins without incomes, from 0 before the first bin."""
    known = np.flatnonzero(~np.isnan(rates))
    return np.interp(np.arange(len(rates)), np.append(-1, known), np.append(0.0, rates[known]))


def _fill(rates: np.ndarray, has_tail: bool) -> np.ndarray:
    """Interpolates between bins with incomes; beyond them the nearest one's rate holds."""
    is_known = ~np.isnan(rates)
    is_known[-1] &= has_tail
    known = np.flatnonzero(is_known)
    return np.interp(np.arange(len(rates)), known, rates[known])


def _average_over_brackets(rates: np.ndarray, edges: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Returns what each bracket collects by the bins' rates, over its width; the top's rate for the last bracket."""
    sizes = np.append(np.diff(edges), np.inf)
    taxes = (np.clip(cutoffs[:, None] - edges, 0, sizes) * rates).sum(axis=1)
    return np.append(np.diff(taxes) / np.diff(cutoffs), rates[-1])


class SaezTax:
    """Saez's formula over time: collects incomes, estimates the elasticity, gives the rates of the next period.

    Args:
        cutoffs: [B] where brackets begin.
        elasticity: Fixed; None: estimated.
        weights: "inverse_income" or "uniform".
        capacity: Samples kept; older ones are dropped.
        compat: As for `saez_rates`.

    Attributes:
        elasticity: The running estimate, or the fixed one.
        average_rates: [B] running average of all rates given, with 0.99 of the old and 0.01 of the new.
    """

    def __init__(
        self,
        cutoffs: Any,
        elasticity: float | None = None,
        weights: str = "inverse_income",
        capacity: int = MIN_SAMPLES,
        compat: bool = False,
    ) -> None:
        self.cutoffs, self.weights, self.compat = check_cutoffs(cutoffs), weights, compat
        self.is_fixed = elasticity is not None
        self.elasticity = FIRST_ELASTICITY if elasticity is None else float(elasticity)
        if not 0 <= self.elasticity < np.inf:
            raise ValueError(f"elasticity must be a number from 0 on, got {elasticity!r}")
        if capacity < MIN_SAMPLES:
            raise ValueError(f"capacity must be at least {MIN_SAMPLES} samples, got {capacity!r}")
        self.capacity = capacity
        self.average_rates = np.zeros(len(self.cutoffs))
        self._samples = np.zeros((0, 2))
        self._others = np.zeros((0, 2))

    def add(self, incomes: Any, marginal_rates: Any) -> None:
        """Adds what agents earned in a period and the marginal rates there, arrays of one shape."""
        z, tau = _check_finite(incomes, "incomes"), _check_finite(marginal_rates, "marginal_rates")
        if z.shape != tau.shape:
            raise ValueError(f"each income needs its marginal rate, got {list(z.shape)} and {list(tau.shape)}")
        new = np.stack([z.ravel(), tau.ravel()], axis=1)
        self._samples = np.concatenate([self._samples, new])[-self.capacity :]

    def learn_from_others(self, samples: Any) -> None:
        """Counts incomes and marginal rates [S, 2] that others have seen; in the place of what they told before."""
        self._others = np.array(samples, np.float64).reshape(-1, 2)

    @property
    def samples(self) -> np.ndarray:
        """[S, 2] incomes and marginal rates that were added here, the oldest first."""
        return self._samples.copy()

    def next_rates(self, rate_min: float = 0.0, rate_max: float = 1.0) -> np.ndarray | None:
        """Returns the rates of the next period, [B], and counts them; None while there are fewer than 500 samples.

        Args:
            rate_min: Rates below it are raised to it.
            rate_max: Rates above it are lowered to it.
        """
        known = np.concatenate([self._others, self._samples])
        if len(known) < MIN_SAMPLES:
            return None
        incomes, marginal_rates = known.T
        if not self.is_fixed:
            self.elasticity = estimate_elasticity(incomes, marginal_rates, self.elasticity, compat=self.compat)
        rates = saez_rates(incomes, self.cutoffs, self.elasticity, weights=self.weights, compat=self.compat)
        rates = np.clip(rates, rate_min, rate_max)
        self.average_rates = (1 - AVERAGE_SHARE) * self.average_rates + AVERAGE_SHARE * rates
        return rates

    def get_state(self) -> dict[str, Any]:
        """Returns samples, elasticity and average, for `set_state` of an equal object."""
        return {
            "samples": self._samples.tolist(),
            "others": self._others.tolist(),
            "elasticity": self.elasticity,
            "average_rates": self.average_rates.tolist(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` returned."""
        self._samples = np.array(state["samples"], np.float64).reshape(-1, 2)
        self._others = np.array(state["others"], np.float64).reshape(-1, 2)
        self.elasticity = float(state["elasticity"])
        self.average_rates = np.array(state["average_rates"], np.float64)
