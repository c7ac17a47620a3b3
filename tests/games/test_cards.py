"""Kuhn poker, Leduc poker and goofspiel: hands worked by hand, fair deals, and what is refused.

Side by side with OpenSpiel they are in tests/parity/cards.
"""

import itertools

import numpy as np
import pytest
from scipy.stats import chisquare

import games
from games.goofspiel import GoofspielConfig
from games.kuhn_poker import BET, PASS
from games.leduc_poker import CALL, FOLD, RAISE
from games.window import render_frame

KUHN, LEDUC, GOOFSPIEL = "cards/kuhn_poker_v0", "cards/leduc_poker_v0", "cards/goofspiel_v0"


def deal(id, **fields):
    settings = {
        name: fields.pop(name) for name in ("players", "num_cards", "num_turns", "returns_type") if name in fields
    }
    batch = games.make_batch(id, autoreset="disabled", **settings)
    batch.reset()
    batch.load_fields(0, {name: np.array(value, np.uint8) for name, value in fields.items()})
    return batch


def play(batch, *actions):
    """Plays one player's action after the other's and returns the last rewards."""
    for action in actions:
        assert not batch.ended[0]
        batch.actions[0, batch.fields(0)["to_move"]] = action
        batch.step()
    return batch.rewards[0].tolist()


# Kuhn 1950: the ante is 1, a bet 1; cards 0 < 1 < 2.
@pytest.mark.parametrize(
    ("cards", "actions", "rewards"),
    [
        ([2, 0], [PASS, PASS], [1, -1]),
        ([0, 2], [PASS, PASS], [-1, 1]),
        ([0, 1], [BET, PASS], [1, -1]),  # a bluff that works
        ([0, 1], [BET, BET], [-2, 2]),
        ([2, 1], [PASS, BET, PASS], [-1, 1]),
        ([2, 1], [PASS, BET, BET], [2, -2]),
        # Three players: player 1 bets, player 2 folds, player 0 calls and loses to the higher card.
        ([1, 2, 3], [PASS, BET, PASS, BET], [-2, 3, -1]),
        ([3, 2, 0], [PASS, PASS, BET, PASS, PASS], [-1, -1, 2]),
        ([0, 3, 1], [PASS, PASS, PASS], [-1, 2, -1]),
    ],
)
def test_hands_of_kuhn_poker_pay_what_the_rules_say(cards, actions, rewards):
    batch = deal(KUHN, players=len(cards), cards=cards)
    assert play(batch, *actions) == rewards
    assert batch.ended[0]
    assert batch.fields(0)["to_move"] == -1


# Cards 0 and 1 are the jacks, 2 and 3 the queens, 4 and 5 the kings; the last card is the public one.
@pytest.mark.parametrize(
    ("cards", "actions", "rewards"),
    [
        ([0, 4, 2], [RAISE, FOLD], [1, -1]),
        ([0, 4, 2], [CALL, CALL, CALL, CALL], [-1, 1]),
        ([0, 4, 1], [CALL, CALL, CALL, CALL], [1, -1]),  # a pair beats the king
        ([2, 3, 5], [RAISE, RAISE, CALL, RAISE, RAISE, CALL], [0, 0]),  # equal queens share
        ([2, 1, 5], [RAISE, RAISE, CALL, RAISE, RAISE, CALL], [13, -13]),  # king high for both, then queen over jack
        ([2, 1, 5], [RAISE, CALL, CALL, RAISE, FOLD], [-3, 3]),
        # Three players, four ranks: two fold to a raise of the second round.
        ([6, 0, 2, 4], [CALL, CALL, CALL, CALL, RAISE, FOLD, FOLD], [-1, 2, -1]),
        ([6, 7, 2, 4], [CALL, RAISE, CALL, CALL, CALL, CALL, CALL], [1.5, 1.5, -3]),
    ],
)
def test_hands_of_leduc_poker_pay_what_the_rules_say(cards, actions, rewards):
    batch = deal(LEDUC, players=len(cards) - 1, cards=cards)
    assert play(batch, *actions) == rewards
    assert batch.ended[0]


def test_leduc_poker_knows_when_a_player_may_fold_and_raise():
    batch = deal(LEDUC, cards=[0, 4, 2])
    assert batch.action_masks[0].tolist() == [[0, 1, 1], [1, 0, 0]]  # nothing to fold to
    play(batch, RAISE)
    assert batch.action_masks[0].tolist() == [[1, 0, 0], [1, 1, 1]]
    play(batch, RAISE)
    assert batch.action_masks[0].tolist() == [[1, 1, 0], [1, 0, 0]]  # two raises are the most
    play(batch, CALL)
    assert batch.fields(0)["round"] == 1
    assert batch.action_masks[0].tolist() == [[0, 1, 1], [1, 0, 0]]


def test_waiting_players_actions_are_not_read():
    for id in (KUHN, LEDUC):
        batch = games.make_batch(id, 2, autoreset="disabled")
        batch.reset(seed=1)
        batch.load_fields(1, batch.fields(0))
        batch.step(np.array([[1, 0], [1, 1]], np.int32))
        assert {n: np.asarray(v).tolist() for n, v in batch.fields(0).items()} == {
            n: np.asarray(v).tolist() for n, v in batch.fields(1).items()
        }


# Prize c counts c + 1. Bids of three turns; the fourth plays itself.
@pytest.mark.parametrize(
    ("returns_type", "rewards"),
    [("win_loss", [-1, 1]), ("point_difference", [-2, 2]), ("total_points", [3, 7])],
)
def test_a_game_of_goofspiel_pays_what_the_rules_say(returns_type, rewards):
    batch = deal(GOOFSPIEL, num_cards=4, returns_type=returns_type, prizes=[2, 0, 1, 3])
    assert games.spec(GOOFSPIEL).config(num_cards=4).properties().horizon == 3
    for bids in ([0, 1], [3, 2], [1, 0]):
        assert not batch.ended[0]
        batch.step(np.array([bids], np.int32))
    # Player 1 takes 3 points, player 0 takes 1 and 2; the last cards are 2 and 3: player 1 takes 4.
    assert batch.fields(0)["points"].tolist() == [3, 7]
    assert batch.ended[0]
    assert batch.rewards[0].tolist() == rewards


def test_equal_bids_discard_the_prize_and_illegal_bids_are_the_lowest_card():
    batch = deal(GOOFSPIEL, num_cards=3, prizes=[2, 1, 0])
    batch.step(np.array([[2, 2]], np.int32))
    assert batch.fields(0)["points"].tolist() == [0, 0]
    assert batch.fields(0)["winners"].tolist() == [0, 0, 0]
    batch.step(np.array([[2, 1]], np.int32))  # player 0 has no card 2 left
    assert batch.fields(0)["bids"].tolist() == [[2, 2], [0, 1], [1, 0]]
    assert batch.fields(0)["points"].tolist() == [1, 2]


def test_goofspiel_ends_after_its_turns_where_cards_are_left():
    batch = deal(GOOFSPIEL, num_cards=4, num_turns=3, prizes=[3, 2, 1])
    for bid in range(3):
        assert not batch.ended[0]
        batch.step(np.array([[bid, bid]], np.int32))
    assert batch.ended[0]
    assert batch.fields(0)["hands"].tolist() == [[0, 0, 0, 1]] * 2
    assert batch.rewards[0].tolist() == [0, 0]


def dealt(id, name, count, num_envs=24_000, **settings):
    """How often each order of the first `count` numbers of a field was dealt."""
    batch = games.make_batch(id, num_envs, seed=5, **settings)
    batch.reset()
    counts = {}
    for env in range(num_envs):
        cards = tuple(batch.fields(env)[name][:count].tolist())
        counts[cards] = counts.get(cards, 0) + 1
    return counts


@pytest.mark.parametrize(
    ("id", "name", "count", "num_cards", "settings"),
    [
        (KUHN, "cards", 2, 3, {}),
        (LEDUC, "cards", 3, 6, {}),
        (GOOFSPIEL, "prizes", 4, 4, {"num_cards": 4}),
        (LEDUC, "cards", 2, 22, {"players": 10}),
    ],
    ids=["kuhn", "leduc", "goofspiel", "leduc with ten players"],
)
def test_all_deals_are_equally_likely(id, name, count, num_cards, settings):
    counts = dealt(id, name, count, **settings)
    orders = list(itertools.permutations(range(num_cards), count))
    assert set(counts) <= set(orders)
    assert chisquare([counts.get(order, 0) for order in orders]).pvalue > 1e-3


def test_the_last_cards_of_a_large_deal_are_fair_too():
    """Eleven cards take more than one number of the generator."""
    batch = games.make_batch(LEDUC, 20_000, seed=6, players=10)
    batch.reset()
    cards = np.array([batch.fields(env)["cards"] for env in range(20_000)])
    assert all(len(set(row)) == 11 for row in cards.tolist())
    for place in (0, 6, 10):
        assert chisquare(np.bincount(cards[:, place], minlength=22)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("id", "settings", "message"),
    [
        (KUHN, {"players": 1}, r"players must be a whole number in \[2, 10\], got 1"),
        (KUHN, {"players": 11}, "players must be"),
        (KUHN, {"player": 2}, "did you mean 'players'"),
        (LEDUC, {"starting_player": 2}, "starting_player must be below players, which is 2, got 2"),
        (LEDUC, {"suit_isomorphism": 1}, "suit_isomorphism must be True or False"),
        (GOOFSPIEL, {"num_cards": 17}, r"num_cards must be a whole number in \[2, 16\], got 17"),
        (GOOFSPIEL, {"num_cards": 4, "num_turns": 5}, "num_turns must be at most num_cards, which is 4, got 5"),
        (GOOFSPIEL, {"points_order": "descendin"}, "did you mean 'descending'"),
        (GOOFSPIEL, {"returns_type": "points"}, "returns_type"),
    ],
)
def test_bad_settings_are_named(id, settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch(id, **settings)


@pytest.mark.parametrize(
    ("id", "fields", "message"),
    [
        (KUHN, {"cards": np.array([1, 1], np.uint8)}, r"cards\[1\] must be in \[0, 2\] and there once, got 1"),
        (KUHN, {"cards": np.array([1, 3], np.uint8)}, r"got 3"),
        (KUHN, {"num_actions": 1}, r"history\[0\] must be 1 or 2, got 0"),
        (KUHN, {"history": np.array([0, 0, 1], np.uint8)}, "what the history makes of them"),
        (LEDUC, {"cards": np.array([1, 2, 1], np.uint8)}, r"cards\[2\] must be in \[0, 5\] and there once, got 1"),
        (LEDUC, {"stakes": 3}, "what the history makes of them"),
        (LEDUC, {"num_actions": np.array([1, 0], np.uint8)}, r"history\[0, 0\] must be in \[1, 3\], got 0"),
        (LEDUC, {"num_actions": np.array([0, 1], np.uint8)}, "what the history makes of them"),
        (GOOFSPIEL, {"prizes": np.zeros(13, np.uint8)}, r"prizes\[1\] must be in \[0, 12\] and there once, got 0"),
        (GOOFSPIEL, {"turn": 1}, "what the bids make of them"),
    ],
)
def test_states_that_no_hand_leads_to_are_refused(id, fields, message):
    batch = games.make_batch(id)
    batch.reset()
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, fields)


@pytest.mark.parametrize("players", [2, 7, 10])
def test_few_and_many_players_can_be_drawn_at_any_time(players):
    for id, settings in ((KUHN, {}), (LEDUC, {}), (GOOFSPIEL, {"num_cards": 4})):
        batch = games.make_batch(id, autoreset="disabled", players=players, **settings)
        batch.reset(seed=players)
        shapes = {render_frame(batch).shape}
        while not batch.ended[0]:
            batch.actions[:] = 1
            batch.step()
            shapes.add(render_frame(batch).shape)
        assert len(shapes) == 1


def test_goofspiel_is_general_sum_only_where_points_are_paid():
    assert GoofspielConfig().properties().utility == "zero_sum"
    assert GoofspielConfig(returns_type="total_points").properties().utility == "general"
