"""Kuhn poker, Leduc poker and goofspiel against OpenSpiel's: legal actions, tensors, turns, ends and returns."""

import itertools

import numpy as np
import pyspiel
import pytest
from side_by_side import SideBySide, legal_actions, whole_tree

import games

KUHN, LEDUC, GOOFSPIEL = "cards/kuhn_poker_v0", "cards/leduc_poker_v0", "cards/goofspiel_v0"


def deal_kuhn(state, fields):
    while state.is_chance_node():
        state.apply_action(int(fields["cards"][len(state.history())]))


def deal_leduc(state, fields):
    """Private cards in the order of the players, and the public one when it is its turn."""
    while state.is_chance_node():
        dealt = min(len(state.history()), len(fields["cards"]) - 1)
        state.apply_action(int(fields["cards"][dealt]))


def deal_ranks(state, fields):
    deal_leduc(state, {"cards": fields["cards"] // 2})


def deal_goofspiel(state, fields):
    if state.is_chance_node():
        num_shown = state.get_game().num_distinct_actions() - len(state.legal_actions())
        state.apply_action(int(fields["prizes"][num_shown]))


@pytest.mark.parametrize("players", [2, 3, 4])
def test_every_state_of_kuhn_poker_is_openspiels(players):
    game = pyspiel.load_game("kuhn_poker", {"players": players})
    batch = games.make_batch(KUHN, autoreset="disabled", players=players)
    num_states = 0
    for cards in itertools.permutations(range(players + 1), players):
        batch.reset()
        batch.load_fields(0, {"cards": np.array(cards, np.uint8)})
        dealt = game.new_initial_state()
        deal_kuhn(dealt, batch.fields(0))
        for state in whole_tree(batch, dealt, deal_kuhn):
            assert_same(batch, state)
            num_states += 1
    assert num_states == {2: 6 * 9, 3: 24 * 25, 4: 120 * 65}[players]


def assert_same(batch, state):
    players = range(len(batch.agents))
    assert batch.fields(0)["to_move"] == (-1 if state.is_terminal() else state.current_player())
    for player in players:
        np.testing.assert_array_equal(batch.observations[0, player], state.information_state_tensor(player))
        assert np.flatnonzero(batch.action_masks[0, player]).tolist() == legal_actions(state, player)


def test_kuhn_poker_with_ten_players_is_openspiels():
    game = pyspiel.load_game("kuhn_poker(players=10)")
    SideBySide(KUHN, game, deal_kuhn, 50, seed=1, players=10).play(1_000)


def test_a_hundred_thousand_states_of_leduc_poker_are_openspiels():
    SideBySide(LEDUC, pyspiel.load_game("leduc_poker"), deal_leduc, 1_000, seed=2).play(100_000)


@pytest.mark.parametrize("players", [3, 5, 10])
def test_leduc_poker_with_more_players_is_openspiels(players):
    game = pyspiel.load_game("leduc_poker", {"players": players})
    SideBySide(LEDUC, game, deal_leduc, 100, seed=3, players=players).play(4_000)


def test_leduc_poker_with_another_first_player_and_without_suits_is_openspiels():
    settings = {"players": 3, "starting_player": 2, "suit_isomorphism": True}
    game = pyspiel.load_game("leduc_poker", settings)
    SideBySide(LEDUC, game, deal_ranks, 100, seed=4, **settings).play(4_000)


def test_illegal_actions_in_leduc_poker_are_calls_as_with_openspiels_action_mapping():
    game = pyspiel.load_game("leduc_poker(action_mapping=True)")
    SideBySide(LEDUC, game, deal_leduc, 200, seed=5).play(10_000, is_mapped=True)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"imp_info": True, "num_cards": 5},
        {"imp_info": True, "egocentric": True, "num_cards": 4, "players": 3},
        {"num_cards": 4, "points_order": "descending", "returns_type": "point_difference"},
        {"num_cards": 6, "num_turns": 3, "returns_type": "total_points", "players": 4},
        {"num_cards": 5, "points_order": "ascending", "players": 3},
        {"num_cards": 8, "num_turns": 5, "points_order": "descending", "imp_info": True},
        {"num_cards": 2},
        {"num_cards": 16, "players": 10, "imp_info": True},
    ],
    ids=str,
)
def test_goofspiel_is_openspiels(settings):
    game = pyspiel.load_game("goofspiel", settings)
    envs = 100 if settings.get("num_cards", 13) < 10 else 10
    SideBySide(GOOFSPIEL, game, deal_goofspiel, envs, seed=6, **settings).play(30 * envs)


@pytest.mark.parametrize(
    ("id", "game"),
    [
        (KUHN, "kuhn_poker"),
        (KUHN, "kuhn_poker(players=3)"),
        (LEDUC, "leduc_poker"),
        (LEDUC, "leduc_poker(players=4)"),
        (GOOFSPIEL, "goofspiel"),
        (GOOFSPIEL, "goofspiel(num_cards=4,players=4,returns_type=total_points)"),
        (GOOFSPIEL, "goofspiel(num_cards=4,players=2,returns_type=point_difference)"),
    ],
)
def test_declared_sizes_and_bounds_are_openspiels(id, game):
    theirs = pyspiel.load_game(game)
    known = games.spec(id).config_class.__dataclass_fields__
    ours = games.make_batch(id, **{k: v for k, v in theirs.get_parameters().items() if k in known and v != -1})
    properties = ours.config.properties()
    assert properties.num_agents == theirs.num_players()
    assert properties.reward_bounds == (theirs.min_utility(), theirs.max_utility())
    assert ours.only_group.observation_space.shape == tuple(theirs.information_state_tensor_shape())
    assert ours.only_group.action_space.n == theirs.num_distinct_actions()
    assert properties.horizon <= theirs.max_game_length()
