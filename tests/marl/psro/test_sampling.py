"""Episodes go to the cells that the meta-strategy meets, and to those that vary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl.psro.payoff_table import PayoffTable
from marl.psro.sampling import _fill, deal_out, relevance


def table_of(deviations, counts):
    """Two players; both get a return of exactly this standard deviation in each cell."""
    table = PayoffTable(["row", "column"])
    table.add_policies(deviations.shape)
    for cell in np.ndindex(*deviations.shape):
        count = int(counts[cell])
        returns = np.tile([-1.0, 1.0], (count + 1) // 2)[:count]
        if count > 1:
            returns *= deviations[cell] / returns.std(ddof=1)
        table.add(cell, np.c_[returns, returns])
    return table


def test_relevance_is_the_others_weight_for_the_player_who_might_deviate():
    """By hand: cell (0, 1) is met by a column player's deviation against row 0 (0.75), more than by a row player's."""
    np.testing.assert_allclose(
        relevance([np.array([0.75, 0.25]), np.array([1.0, 0.0, 0.0])]), [[1, 0.75, 0.75], [1, 0.25, 0.25]]
    )
    np.testing.assert_allclose(
        relevance([np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.0, 1.0])])[0], [[0.5, 1], [0.5, 1]]
    )


def test_every_cell_gets_the_least_first():
    table = table_of(np.ones((2, 2)), np.array([[0, 5], [30, 2]]))
    np.testing.assert_array_equal(deal_out(table, 0, least=10), [[10, 5], [0, 8]])


def test_what_varies_twice_as_much_ends_with_twice_as_many():
    table = table_of(np.array([[1.0, 2.0], [3.0, 4.0]]), np.full((2, 2), 10))
    final = table.counts + deal_out(table, 960, least=10)
    np.testing.assert_array_equal(final, [[100, 200], [300, 400]])


def test_what_nobody_meets_gets_nothing_more():
    table = table_of(np.ones((3, 2)), np.full((3, 2), 10))
    further = deal_out(table, 100, least=10, strategies=[np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.0])])
    assert further.sum() == 100
    np.testing.assert_array_equal(further, [[25, 25], [25, 0], [25, 0]])


def test_what_never_varied_gets_nothing_more():
    table = table_of(np.array([[0.0, 1.0]]), np.full((1, 2), 10))
    np.testing.assert_array_equal(deal_out(table, 50, least=10), [[0, 50]])
    np.testing.assert_array_equal(deal_out(table_of(np.zeros((1, 2)), np.full((1, 2), 4)), 50, least=10), [[6, 6]])


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.1, 10)), min_size=1, max_size=8), st.integers(0, 300))
def test_all_are_dealt_out_and_none_could_be_better_placed(cells, episodes):
    counts, value = (np.array(column) for column in zip(*cells, strict=True))
    dealt = _fill(counts, value, episodes)
    assert dealt.sum() == episodes
    assert (dealt >= 0).all()
    taken = dealt > 0
    if taken.any():  # whoever got an episode was, before the last one, no further above its share than any other
        assert ((counts + dealt - 1)[taken] / value[taken]).max() <= ((counts + dealt + 1) / value).min() + 1e-6


def test_strategies_of_another_table_are_refused():
    with pytest.raises(ValueError, match="strategies for"):
        deal_out(table_of(np.ones((2, 2)), np.ones((2, 2))), 5, least=1, strategies=[np.ones(2) / 2, np.ones(3) / 3])
