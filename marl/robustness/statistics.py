"""How sure a comparison of few runs is: interquartile means, probabilities of improvement, several comparisons at once.

After Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice": scores are [R, T], R
runs (seeds) of T tasks, on scales that may be averaged over tasks; intervals come from a bootstrap that draws runs anew
within each task (percentiles). Where two methods ran with the same seeds, their runs are pairs, and stay pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

RESAMPLES = 2000
PERCENTILES = (2.5, 97.5)
CUT = 0.25  # of the scores, from either end
EXACT_FLIPS = 2**14  # up to so many sign patterns are all counted
LEVEL = 0.05  # that adjusted p-values are held against


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    Attributes:
        value: Of the scores as they are.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def _scores(scores: np.ndarray) -> np.ndarray:
    """Returns [R, T] finite scores; a vector is R runs of one task."""
    array = np.asarray(scores, float)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"scores must be finite numbers [runs] or [runs, tasks], got {np.shape(scores)}")
    return array


def _resample(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns [B, R, T...] runs drawn anew within each task; further dimensions go with their run."""
    runs, tasks = scores.shape[:2]
    drawn: np.ndarray = scores[rng.integers(runs, size=(RESAMPLES, runs, tasks)), np.arange(tasks)]
    return drawn


def _estimate(value: float, resampled: np.ndarray) -> Estimate:
    low, high = np.percentile(resampled, PERCENTILES)
    return Estimate(float(value), float(low), float(high))


# ---- one method ----


def _interquartile(scores: np.ndarray) -> np.ndarray:
    """Returns [...] interquartile means of [..., n]."""
    ordered = np.sort(scores, axis=-1)
    cut = int(CUT * ordered.shape[-1])
    means: np.ndarray = ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)
    return means


def interquartile_mean(scores: np.ndarray, seed: int = 0) -> Estimate:
    """Returns the mean of the middle half of all scores.

    Args:
        scores: [R, T], or [R] of one task.
        seed: Of the bootstrap.

    Raises:
        ValueError: Scores that are not finite, or none.
    """
    array = _scores(scores)
    resampled = _resample(array, np.random.default_rng(seed)).reshape(RESAMPLES, -1)
    return _estimate(float(_interquartile(array.ravel())), _interquartile(resampled))


# ---- two methods ----


def _wins(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns 1 where the first is larger, 1/2 where they are equal."""
    wins: np.ndarray = (np.sign(first - second) + 1) / 2
    return wins


def probability_of_improvement(
    first: np.ndarray, second: np.ndarray, *, is_paired: bool = True, seed: int = 0
) -> Estimate:
    """Returns how probable it is that a run of the first method is better than one of the second.

    Tasks count alike. Where every pair agrees, the bootstrap has nothing to vary and its interval is a point: see
    `sign_flip_test` too.

    Args:
        first: [R, T], or [R] of one task.
        second: The same.
        is_paired: Whether runs of one number share their seed, so that each is compared with its own partner alone;
            otherwise, as Agarwal et al. do, each is with all (Mann and Whitney's U); numbers of runs may then differ.
        seed: Of the bootstrap.

    Raises:
        ValueError: Scores that are not finite, of other tasks, or pairs without a partner.
    """
    one, two = _scores(first), _scores(second)
    rng = np.random.default_rng(seed)
    if is_paired:
        wins = _wins(*_pairs(one, two))
        return _estimate(float(wins.mean()), _resample(wins, rng).mean(axis=(1, 2)))
    if one.shape[1] != two.shape[1]:
        raise ValueError(f"scores must be of the same tasks, got {one.shape} and {two.shape}")
    value = _wins(one[:, None], two[None]).mean()
    drawn = (_resample(one, rng), _resample(two, rng))
    return _estimate(float(value), np.array([_wins(x[:, None], y[None]).mean() for x, y in zip(*drawn, strict=True)]))


def _pairs(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if one.shape != two.shape:
        raise ValueError(f"pairs need as many runs and tasks on both sides, got {one.shape} and {two.shape}")
    return one, two


def sign_flip_test(first: np.ndarray, second: np.ndarray, seed: int = 0) -> float:
    """Returns the two-sided p-value of no difference between paired runs (Fisher's randomisation test of their mean).

    If the methods are alike, each pair's difference may as well have had the other sign. All sign patterns are counted
    where there are at most 2^14, which is exact; otherwise as many are drawn.

    Args:
        first: [R, T], or [R] of one task.
        second: The same.
        seed: Of the draws.

    Raises:
        ValueError: Scores that are not finite, or pairs without a partner.
    """
    one, two = _pairs(_scores(first), _scores(second))
    differences = (one - two).ravel()
    if len(differences) == 1 or not differences.any():  # a pair's two sign patterns are as far from 0
        return 1.0
    mean: Callable[..., np.ndarray] = np.mean
    found = stats.permutation_test(
        (differences,),
        mean,
        permutation_type="samples",
        n_resamples=EXACT_FLIPS,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


# ---- many comparisons ----


def adjust_holm(p_values: np.ndarray) -> np.ndarray:
    """Returns p-values that may be held against one level, although there are several (Holm 1979).

    Args:
        p_values: [n] in [0, 1].

    Raises:
        ValueError: Something else.
    """
    values = np.asarray(p_values, float)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p-values must be numbers in [0, 1], got {p_values}")
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1, steps)
    return adjusted


def least_p_value(pairs: int, comparisons: int) -> float:
    """Returns what Holm leaves of sign-flip tests in which all pairs agree: no p-value can be smaller.

    Args:
        pairs: Of runs, in all tasks.
        comparisons: How many tests there are.
    """
    return min(1.0, comparisons * 2 / min(2**pairs, EXACT_FLIPS + 1))


@dataclass(frozen=True)
class Comparison:
    """One method beside another.

    Attributes:
        improvement: How probable it is that a run of the first is better than its partner of the other.
        p_value: Of the sign-flip test, adjusted for all comparisons (Holm).
    """

    improvement: Estimate
    p_value: float

    @property
    def verdict(self) -> str:
        """Returns "better" or "worse" where the interval leaves 1/2 out and the p-value is at most 0.05."""
        if self.p_value > LEVEL or self.improvement.low <= 0.5 <= self.improvement.high:
            return "inconclusive"
        return "better" if self.improvement.value > 0.5 else "worse"


def compare(subject: np.ndarray, rivals: Mapping[str, np.ndarray], seed: int = 0) -> dict[str, Comparison]:
    """Compares one method with each of several, pair by pair of runs.

    Args:
        subject: [R, T] scores, or [R] of one task.
        rivals: By name, the same of others.
        seed: Of the bootstrap.

    Raises:
        ValueError: Scores that are not finite, or pairs without a partner.
    """
    raw = np.array([sign_flip_test(subject, own, seed) for own in rivals.values()])
    return {
        name: Comparison(probability_of_improvement(subject, own, seed=seed), float(p_value))
        for (name, own), p_value in zip(rivals.items(), adjust_holm(raw), strict=True)
    }
