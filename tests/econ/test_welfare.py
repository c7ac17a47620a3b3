"""Measures of an economy, worked by hand."""

import numpy as np
import pytest

from econ.welfare import equality, gini, isoelastic, welfare


# (1, 3): gaps 2 * 2 = 4 over 2 * 2 * 4 = 16 is 1/4, over (n - 1) / n = 1/2 is 1/2.
@pytest.mark.parametrize(
    ("coin", "expected"), [([1, 3], 0.5), ([5, 5, 5], 0), ([0, 0, 0, 9], 1), ([4], 0), ([0, 0], 0)]
)
def test_gini_of_few(coin, expected):
    assert gini(coin) == pytest.approx(expected, abs=1e-9)


def test_gini_of_many_comes_from_the_lorenz_curve():
    # All alike: 1 - 2 / (n + 1) * (n + 1) / 2. One owner: 1 - 2 / (n + 1).
    assert gini(np.full(40, 3.0)) == pytest.approx(0, abs=1e-9)
    assert gini(np.eye(40)[0]) == pytest.approx(1 - 2 / 41)


def test_measures_take_batches():
    assert equality([[1, 3], [2, 2]]) == pytest.approx([0.5, 1])


def test_isoelastic_utility():
    assert isoelastic([0, 1, 16], 0.5).tolist() == [-2, 0, 6]
    assert isoelastic([0, 1, np.e], 1).tolist() == pytest.approx([0, 0, 1])
    assert isoelastic(0, 0.23) == pytest.approx(-1.2987, abs=1e-4)  # the package's utility of an empty purse


# Coin (1, 3), incomes (2, 4), utilities (6, 0): weights of incomes 1/2 and 1/4, so 3 / 0.75.
@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ("equality_productivity", 0.5 * 4 / 2),
        ("inverse_income_coin", (1 + 1) / (1 + 1 / 3)),
        ("inverse_income_utility", 4),
        ("utilitarian", 3),
        ("rawlsian", 0),
    ],
)
def test_objectives(objective, expected):
    assert welfare(objective, [1, 3], [2, 4], [6, 0]) == pytest.approx(expected)


def test_the_weight_of_equality():
    assert welfare("equality_productivity", [1, 3], [2, 4], [6, 0], equality_weight=0) == 2
    assert welfare("equality_productivity", [1, 3], [2, 4], [6, 0], equality_weight=0.5) == pytest.approx(1.5)
