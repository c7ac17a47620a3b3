"""Runs with one population for all agents: orders of cells, and places that are not alike."""

import numpy as np
import pytest

from marl.psro.symmetry import AsymmetryError, check_places, orders, symmetrized


def test_orders_of_three_policies_by_hand():
    assert orders((0, 0, 1)) == {(0, 0, 1): (0, 1, 2), (0, 1, 0): (0, 2, 1), (1, 0, 0): (2, 0, 1)}


def test_agents_who_play_the_same_get_the_same_by_hand():
    """Of three agents the first two play policy 0, and got 1 and 3; the third plays policy 1 and keeps its 5."""
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[:, 0, 0, 1], payoffs[:, 1, 1, 1] = [1, 3, 5], [0, 0, 6]
    even = symmetrized(payoffs)
    np.testing.assert_array_equal(even[:, 0, 0, 1], [2, 2, 5])
    np.testing.assert_array_equal(even[:, 1, 1, 1], [2, 2, 2])


def test_places_that_pay_alike_pass_and_those_that_do_not_are_named():
    rng = np.random.default_rng(0)
    alike = rng.normal(size=(1000, 2))
    check_places(["car_0", "car_1"], 3, alike)
    with pytest.raises(AsymmetryError, match=r"policy 3 get .* as car_0, .* as car_1.*symmetric=false"):
        check_places(["car_0", "car_1"], 3, alike + np.array([0.5, 0]))
    check_places(["car_0", "car_1"], 3, (alike + np.array([5, 0]))[:10])  # too few to know


def test_returns_that_never_vary_must_be_equal():
    check_places(["a", "b"], 0, np.ones((50, 2)))
    with pytest.raises(AsymmetryError):
        check_places(["a", "b"], 0, np.ones((50, 2)) * [1, 2])
