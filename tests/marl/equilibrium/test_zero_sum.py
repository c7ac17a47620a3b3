"""Zero-sum matrix games: values worked by hand, printed values, and the conditions of an optimum."""

import numpy as np
import pyspiel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import games
from games.matrix import read_game
from marl.equilibrium.zero_sum import solve_zero_sum


@pytest.mark.parametrize(
    ("name", "value", "row"),
    [
        ("matching_pennies", 0, [1 / 2, 1 / 2]),
        ("asymmetric_pennies", 1 / 5, [2 / 5, 3 / 5]),
        ("rock_paper_scissors", 0, [1 / 3, 1 / 3, 1 / 3]),
        ("biased_rock_paper_scissors", 0, [1 / 16, 5 / 8, 5 / 16]),
    ],
)
def test_named_games_have_their_value_and_their_only_equilibrium(name, value, row):
    solution = solve_zero_sum(games.spec(f"matrix/{name}_v0").config().payoff_array()[0])
    assert solution.converged
    assert solution.value == pytest.approx(value, abs=1e-9)
    np.testing.assert_allclose(solution.profile[0], row, atol=1e-9)


def test_a_saddle_point_is_found_without_a_program():
    solution = solve_zero_sum(
        [[3, 5, 2], [4, 6, 7], [1, 8, 0]]
    )  # row 1, column 0: least of its row, most of its column
    assert solution.method == "saddle point"
    assert (solution.value, solution.regret, solution.iterations) == (4, 0, 0)
    assert [strategy.tolist() for strategy in solution.profile] == [[0, 1, 0], [1, 0, 0]]


def test_a_game_of_unequal_sides_by_hand():
    # Von Neumann's graphical method: the row player's lines 2 - x, 3x and 1 + x over column choices cross at x = 1/2.
    solution = solve_zero_sum([[1, 3, 2], [2, 0, 1]])
    assert solution.value == pytest.approx(1.5)
    np.testing.assert_allclose(solution.profile[0], [0.5, 0.5])


def test_the_reduced_normal_form_of_kuhn_poker_is_worth_minus_one_eighteenth():
    # Kuhn 1950.
    solution = solve_zero_sum(read_game(pyspiel.get_kuhn_poker_efg_data())[0])
    assert solution.value == pytest.approx(-1 / 18, abs=1e-9)
    assert solution.regret < 1e-9


def test_blotto_is_fair():
    payoffs = games.spec("matrix/colonel_blotto_v0").config().payoff_array()[0]
    assert solve_zero_sum(payoffs).value == pytest.approx(0, abs=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**32 - 1), st.sampled_from([1e-6, 1.0, 1e6]))
def test_nobody_gains_and_the_value_moves_with_the_payoffs(rows, columns, seed, scale):
    payoffs = scale * np.random.default_rng(seed).normal(size=(rows, columns))
    solution = solve_zero_sum(payoffs)
    x, y = solution.profile
    assert solution.converged
    np.testing.assert_allclose([x.sum(), y.sum()], 1)
    assert x.min() >= 0
    assert y.min() >= 0
    slack = 1e-8 * max(np.ptp(payoffs), np.finfo(float).tiny)
    assert (payoffs @ y).max() <= solution.value + slack
    assert (x @ payoffs).min() >= solution.value - slack
    assert solution.nash_conv == pytest.approx((payoffs @ y).max() - (x @ payoffs).min(), abs=slack)
    # Exchanging the players changes the sign; a positive affine map carries over.
    assert solve_zero_sum(-payoffs.T).value == pytest.approx(-solution.value, abs=2 * slack)
    assert solve_zero_sum(3 * payoffs + scale).value == pytest.approx(3 * solution.value + scale, abs=8 * slack)


@pytest.mark.parametrize("payoffs", [[1, 2], [[np.nan, 1]], np.zeros((0, 2)), np.zeros((2, 2, 2, 2))])
def test_what_is_no_matrix_of_numbers_is_refused(payoffs):
    with pytest.raises(ValueError, match="payoffs must be a matrix of finite numbers, got an array"):
        solve_zero_sum(payoffs)
