"""Statistics of few runs: definitions by hand and beside SciPy, verdicts that need both interval and p-value."""

import numpy as np
import pytest
from scipy import stats

from marl.robustness.statistics import (
    Comparison,
    Estimate,
    adjust_holm,
    compare,
    interquartile_mean,
    least_p_value,
    probability_of_improvement,
    sign_flip_test,
)


def test_the_interquartile_mean_is_of_the_middle_half():
    """Of 1 to 8 and an outlier: 2 from either end are left out of 9, as SciPy's trimmed mean leaves them out."""
    assert interquartile_mean(np.arange(1.0, 9)).value == 4.5
    assert interquartile_mean(np.array([1, 2, 3, 4, 5, 6, 7, 8, 1e6])).value == 5
    for seed, shape in enumerate([(10, 3), (7, 1), (3, 2), (1, 1)]):
        scores = np.random.default_rng(seed).normal(size=shape)
        assert interquartile_mean(scores).value == pytest.approx(stats.trim_mean(scores, 0.25, axis=None))


def test_intervals_are_those_of_scipys_bootstrap():
    """One task, percentiles; both are draws, of 2,000 and 20,000, so they agree to a tenth of their width."""
    scores = np.random.default_rng(0).gamma(2.0, size=15)
    own = interquartile_mean(scores)
    other = stats.bootstrap(
        (scores,),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = other.high - other.low
    assert own.low == pytest.approx(other.low, abs=0.1 * width)
    assert own.high == pytest.approx(other.high, abs=0.1 * width)
    assert own.low < own.value < own.high


def test_runs_are_drawn_within_their_tasks():
    """Runs of one task are alike, tasks are not: drawn within tasks there is nothing to vary."""
    scores = np.tile([0.0, 10.0, 100.0, 3.0], (5, 1))
    assert interquartile_mean(scores) == Estimate(6.5, 6.5, 6.5)


def test_pairs_are_compared_with_their_partners_alone():
    """2 of 4 are larger, 1 is equal: 2.5 / 4. Each with all: 10 wins 4, 4 wins 2.5, 1 wins 0.5, 3 wins 2 of 16."""
    first, second = np.array([10.0, 4.0, 1.0, 3.0]), np.array([9.0, 2.0, 1.0, 4.0])
    assert probability_of_improvement(first, second).value == 0.625
    assert probability_of_improvement(first, second, is_paired=False).value == 9 / 16
    assert probability_of_improvement(second, first).value == 0.375


def test_unpaired_improvement_is_mann_and_whitneys_of_each_task():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.3, 1, (9, 2)), rng.normal(0, 1, (6, 2))
    wanted = [stats.mannwhitneyu(first[:, task], second[:, task]).statistic / 54 for task in (0, 1)]
    found = probability_of_improvement(first, second, is_paired=False)
    assert found.value == pytest.approx(np.mean(wanted))
    assert found.low < found.value < found.high


def test_an_interval_of_pairs_is_the_binomials():
    """8 of 10 pairs: the bootstrap draws Binomial(10, 0.8) / 10, whose 2.5 % and 97.5 % points are 0.5 and 1."""
    found = probability_of_improvement(np.array([1.0] * 8 + [-1.0] * 2), np.zeros(10))
    assert found == Estimate(0.8, 0.5, 1.0)


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 2 / 1024),  # all have one sign: it and its mirror image
        ([-1, 2, 3, 4], 4 / 16),  # sums of at least 8: +10 and +8, and their mirror images
        ([0, 0], 1.0),
        ([3], 1.0),  # and its mirror image
    ],
)
def test_signs_are_flipped_exactly(differences, p_value):
    assert sign_flip_test(np.array(differences, float), np.zeros(len(differences))) == pytest.approx(p_value)


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, which may not fall: 0.06."""
    assert adjust_holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm(np.array([0.7, 0.6])).tolist() == [1, 1]


def test_verdicts_need_the_interval_and_the_p_value():
    far, near = Estimate(0.9, 0.7, 1.0), Estimate(0.6, 0.4, 0.8)
    assert [Comparison(far, 0.05).verdict, Comparison(far, 0.06).verdict] == ["better", "inconclusive"]
    assert Comparison(near, 0.01).verdict == "inconclusive"
    assert Comparison(Estimate(0.1, 0.0, 0.3), 0.01).verdict == "worse"


def test_methods_are_compared_with_all_their_rivals():
    rng = np.random.default_rng(0)
    subject = rng.normal(size=(10, 1))
    rivals = {"much worse": subject - rng.uniform(1, 2, (10, 1)), "alike": subject + rng.normal(0, 0.1, (10, 1))}
    found = compare(subject, rivals)
    assert found["much worse"].p_value == pytest.approx(2 * 2 / 1024), "the smaller of two, so doubled"
    assert (found["much worse"].verdict, found["alike"].verdict) == ("better", "inconclusive")
    reverse = compare(rivals["much worse"], {"subject": subject})
    assert reverse["subject"].verdict == "worse"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: interquartile_mean(np.array([1.0, np.nan])), "scores must be finite"),
        (lambda: interquartile_mean(np.zeros((2, 0))), r"got \(2, 0\)"),
        (lambda: probability_of_improvement(np.zeros(3), np.zeros(4)), "pairs need as many runs"),
        (lambda: probability_of_improvement(np.zeros((3, 1)), np.zeros((4, 2)), is_paired=False), "the same tasks"),
        (lambda: adjust_holm(np.array([1.5])), r"p-values must be numbers in \[0, 1\]"),
    ],
)
def test_wrong_scores_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("pairs", "rivals", "least"), [(5, 1, 0.0625), (7, 4, 0.0625), (8, 5, 10 / 256), (3, 9, 1.0)])
def test_no_p_value_is_below_that_of_pairs_that_all_agree(pairs, rivals, least):
    """2 of 2^n sign patterns, times the rivals; the same as the tests themselves have."""
    ahead = np.arange(pairs) + 1.0
    found = compare(ahead, {str(number): np.zeros(pairs) for number in range(rivals)})
    assert {own.p_value for own in found.values()} == {least}
    assert least_p_value(pairs, rivals) == least


def test_where_sign_patterns_are_drawn_the_least_p_value_is_that_of_none():
    """Of 2^20 patterns 2^14 are drawn; SciPy counts the one that was observed beside them."""
    assert sign_flip_test(np.arange(20) + 1.0, np.zeros(20)) == pytest.approx(least_p_value(20, 1))
