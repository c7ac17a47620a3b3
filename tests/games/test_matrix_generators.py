"""Random normal-form games have the property that their class is named after."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.matrix import generators

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None, derandomize=True)


@few
@given(SHAPES, SEEDS)
def test_the_same_generator_draws_the_same_finite_game(shape, seed):
    first, second = (generators.general_sum(shape, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == (len(shape), *shape)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


@few
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), SEEDS)
def test_zero_sum_games_sum_to_zero(shape, seed):
    payoffs = generators.zero_sum(shape, np.random.default_rng(seed))
    np.testing.assert_allclose(payoffs.sum(axis=0), 0, atol=1e-14)


def test_one_player_alone_has_no_zero_sum_game():
    with pytest.raises(ValueError, match=r"at least 2 players, got num_actions \[3\]"):
        generators.zero_sum([3], np.random.default_rng(0))


@few
@given(SHAPES, SEEDS)
def test_common_payoffs_are_equal(shape, seed):
    payoffs = generators.common_payoff(shape, np.random.default_rng(seed))
    assert (payoffs == payoffs[0]).all()


@few
@given(SHAPES, SEEDS)
def test_a_players_payoff_changes_with_its_action_as_the_potential_does(shape, seed):
    payoffs, shared = generators.potential(shape, np.random.default_rng(seed))
    for player in range(len(shape)):
        own = np.diff(payoffs[player], axis=player)
        np.testing.assert_allclose(own, np.diff(shared, axis=player), atol=1e-12)


@few
@given(st.integers(1, 4), st.integers(1, 3), SEEDS)
def test_renaming_the_players_of_a_symmetric_game_changes_nothing(num_players, num_actions, seed):
    payoffs = generators.symmetric(num_players, num_actions, np.random.default_rng(seed))
    for order in itertools.permutations(range(num_players)):
        for profile in np.ndindex(payoffs.shape[1:]):
            # Player k plays what player order[k] played, and gets what that player got.
            moved = tuple(profile[order[k]] for k in range(num_players))
            for k in range(num_players):
                assert payoffs[(k, *moved)] == payoffs[(order[k], *profile)]
