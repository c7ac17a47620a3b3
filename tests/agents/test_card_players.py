"""Scripted players of the card games against theory, against OpenSpiel, and against random players."""

import numpy as np
import pytest
from open_spiel.python import policy
from open_spiel.python.algorithms import expected_game_score, exploitability

import games
from agents.card_players import KuhnPlayer, LeducPlayer, PrizeMatcher
from agents.random_player import RandomPlayer
from games import open_spiel

KUHN, LEDUC, GOOFSPIEL = "cards/kuhn_poker_v0", "cards/leduc_poker_v0", "cards/goofspiel_v0"


def mean_returns(batch, players, hands):
    """Mean returns of all agents, and their standard errors, over at least so many hands."""
    batch.reset()
    returns = np.zeros((0, len(batch.agents)))
    while len(returns) < hands:
        actions = [player.act(batch, agent) for player, agent in zip(players, batch.agents, strict=True)]
        if batch.action_masks is not None:
            legal = np.take_along_axis(batch.action_masks, np.stack(actions, axis=1)[..., None], axis=-1)
            assert legal.all()
        batch.step(np.stack(actions, axis=1))
        returns = np.concatenate([returns, batch.episode_returns])
    return returns.mean(axis=0), returns.std(axis=0) / np.sqrt(len(returns))


def tabular(game, player):
    """The player as a policy of OpenSpiel: asked in every information state of a batch of one."""
    table = policy.TabularPolicy(game)
    batch = games.make_batch(KUHN)
    batch.reset()

    def visit(state):
        if state.is_chance_node():
            for action, _ in state.chance_outcomes():
                visit(state.child(action))
        elif not state.is_terminal():
            batch.load_state(0, state.node.snapshot)
            mover = state.current_player()
            bet = player.bet_probabilities(batch, f"player_{mover}")[0]
            assert player.bet_probabilities(batch, f"player_{1 - mover}")[0] == 0
            table.policy_for_key(state.information_state_string())[:] = [1 - bet, bet]
            for action in state.legal_actions():
                visit(state.child(action))

    visit(game.new_initial_state())
    return table


@pytest.mark.parametrize("alpha", [0, 0.1, 1 / 3])
def test_nobody_gains_by_leaving_kuhns_equilibria(alpha):
    """Kuhn 1950: all of the family are equilibria, and the value for player 0 is -1/18."""
    game = open_spiel.game(KUHN)
    table = tabular(game, KuhnPlayer(alpha))
    assert exploitability.nash_conv(game, table) == pytest.approx(0, abs=1e-12)
    values = expected_game_score.policy_value(game.new_initial_state(), [table, table])
    np.testing.assert_allclose(values, [-1 / 18, 1 / 18], atol=1e-12)
    assert exploitability.nash_conv(game, policy.UniformRandomPolicy(game)) > 0.9  # 11/12, by OpenSpiel's tests


def test_other_alphas_are_refused_and_other_games_too():
    for alpha in (-0.01, 0.34, float("nan")):
        with pytest.raises(ValueError, match=r"alpha must be in \[0, 1/3\], got"):
            KuhnPlayer(alpha)
    batch = games.make_batch(LEDUC)
    with pytest.raises(ValueError, match="this player plays kuhn_poker, not cards/leduc_poker_v0"):
        KuhnPlayer().act(batch, "player_0")
    with pytest.raises(ValueError, match="for 2 players, got 3"):
        KuhnPlayer().act(games.make_batch(KUHN, players=3), "player_0")


def test_played_hands_of_kuhn_poker_have_their_value():
    players = [KuhnPlayer(0.2, seed=1), KuhnPlayer(seed=2)]
    mean, error = mean_returns(games.make_batch(KUHN, 2_000, seed=3), players, 100_000)
    assert abs(mean[0] + 1 / 18) < 4.5 * error[0]


@pytest.mark.parametrize(
    ("id", "settings", "player"),
    [
        (KUHN, {}, KuhnPlayer()),
        (LEDUC, {}, LeducPlayer()),
        (LEDUC, {"suit_isomorphism": True}, LeducPlayer()),
        (LEDUC, {"players": 5}, LeducPlayer()),
        (GOOFSPIEL, {"num_cards": 6}, PrizeMatcher()),
        (GOOFSPIEL, {"num_cards": 6, "imp_info": True, "players": 3}, PrizeMatcher()),
        (GOOFSPIEL, {"num_cards": 6, "num_turns": 4, "points_order": "ascending"}, PrizeMatcher()),
    ],
    ids=["kuhn", "leduc", "leduc by ranks", "leduc of five", "goofspiel", "goofspiel hidden", "goofspiel in order"],
)
def test_scripted_players_beat_random_ones_from_every_seat(id, settings, player):
    for seat in range(games.spec(id).config(**settings).players):
        batch = games.make_batch(id, 1_000, seed=seat, **settings)
        players = [RandomPlayer(i) for i in range(len(batch.agents))]
        players[seat] = player
        mean, error = mean_returns(batch, players, 5_000)
        assert mean[seat] > 5 * error[seat]


def test_the_prize_matcher_bids_the_prize_and_what_is_nearest_when_it_is_gone():
    batch = games.make_batch(GOOFSPIEL, num_cards=5, autoreset="disabled")
    batch.reset()
    batch.load_fields(0, {"prizes": np.array([3, 2, 4, 0, 1], np.uint8)})
    assert PrizeMatcher().act(batch, "player_0").tolist() == [3]
    batch.step(np.array([[2, 4]], np.int32))
    assert PrizeMatcher().act(batch, "player_0").tolist() == [3]  # 2 is gone
    assert PrizeMatcher().act(batch, "player_1").tolist() == [2]
    batch.step(np.array([[3, 2]], np.int32))
    assert PrizeMatcher().act(batch, "player_1").tolist() == [3]  # 4 is gone, and 3 is the highest left


def test_the_leduc_player_raises_with_pairs_and_kings_and_folds_jacks():
    batch = games.make_batch(LEDUC, autoreset="disabled")
    batch.reset()
    for cards, expected in (([4, 0, 2], [2, 0]), ([2, 4, 3], [1, 0]), ([0, 4, 3], [1, 0])):
        batch.reset()
        batch.load_fields(0, {"cards": np.array(cards, np.uint8)})
        assert [LeducPlayer().act(batch, agent)[0] for agent in batch.agents] == expected
    batch.load_fields(0, {"cards": np.array([4, 0, 1], np.uint8)})
    for joint in ([2, 0], [0, 1], [1, 0]):  # king raises, jack calls, then the other jack is shown
        batch.step(np.array([joint], np.int32))
    assert LeducPlayer().act(batch, "player_1").tolist() == [2]
