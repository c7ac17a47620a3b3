"""The players of the iterated dilemma in match-ups worked by hand, and mixed and stationary players."""

import numpy as np
import pytest

import games
from agents.random_player import RandomPlayer
from agents.reciprocators import COOPERATE, DEFECT, Always, GrimTrigger, TitForTat, WinStayLoseShift
from agents.stationary_player import StationaryPlayer
from games.markov.classics import soccer
from marl.equilibrium.markov_games import evaluate, solve_zero_sum_markov, uniform_policies

DILEMMA = "matrix/prisoners_dilemma_v0"


def play(batch, players, steps):
    """Actions of both players, [steps, E, 2]."""
    batch.reset()
    played = []
    for _ in range(steps):
        actions = np.stack([p.act(batch, a) for p, a in zip(players, batch.agents, strict=True)], axis=1)
        batch.step(actions)
        played.append(actions)
    return np.array(played)


# Axelrod 1984: temptation 5, reward 3, punishment 1, sucker 0; ten rounds.
@pytest.mark.parametrize(
    ("first", "second", "scores"),
    [
        (TitForTat(), TitForTat(), [30, 30]),
        (TitForTat(), Always(DEFECT), [0 + 9 * 1, 5 + 9 * 1]),
        (TitForTat(), Always(COOPERATE), [30, 30]),
        (TitForTat(), TitForTat(first=DEFECT), [5 * 0 + 5 * 5, 5 * 5 + 5 * 0]),  # they take turns for ever
        (GrimTrigger(), GrimTrigger(), [30, 30]),
        (GrimTrigger(), Always(DEFECT), [0 + 9 * 1, 5 + 9 * 1]),
        (GrimTrigger(), TitForTat(first=DEFECT), [0 + 5 + 8 * 1, 5 + 0 + 8 * 1]),
        (WinStayLoseShift(), WinStayLoseShift(), [30, 30]),
        (WinStayLoseShift(), Always(DEFECT), [5 * 0 + 5 * 1, 5 * 5 + 5 * 1]),  # tries again every other round
        (WinStayLoseShift(), Always(COOPERATE), [30, 30]),
        (WinStayLoseShift(first=DEFECT), Always(COOPERATE), [50, 0]),  # keeps what pays
        (WinStayLoseShift(), WinStayLoseShift(first=DEFECT), [0 + 1 + 8 * 3, 5 + 1 + 8 * 3]),  # peace after two rounds
        (TitForTat(), WinStayLoseShift(), [30, 30]),
        (Always(DEFECT), Always(COOPERATE), [50, 0]),
        (Always(DEFECT), Always(DEFECT), [10, 10]),
    ],
)
@pytest.mark.parametrize("is_turned", [False, True])
def test_match_ups_score_what_they_score_by_hand(first, second, scores, is_turned):
    players, expected = ([second, first], scores[::-1]) if is_turned else ([first, second], scores)
    batch = games.make_batch(DILEMMA, 3, horizon=10)
    play(batch, players, 20)
    # The second episode is as the first: nobody bears a grudge from one to the next.
    assert batch.episode_returns.tolist() == [expected] * 6


def test_two_cooperating_strategies_do_better_than_two_random_players():
    batch = games.make_batch(DILEMMA, 64)
    play(batch, [RandomPlayer(0), RandomPlayer(1)], 150)
    by_chance = batch.episode_returns.mean()
    for player in (TitForTat(0.3), GrimTrigger(), WinStayLoseShift()):
        play(batch, [player, player], 150)
        assert batch.episode_returns.mean() == 450
    assert by_chance < 350  # 150 * 2.25 = 337.5


def test_generosity_is_the_probability_of_forgiving():
    played = play(games.make_batch(DILEMMA, 1000), [TitForTat(1 / 3, seed=5), Always(DEFECT)], 31)
    assert (played[0, :, 0] == COOPERATE).all()
    assert abs((played[1:, :, 0] == COOPERATE).sum() - 10_000) < 4 * np.sqrt(30_000 * 2 / 9)
    with pytest.raises(ValueError, match=r"generosity must be in \[0, 1\], got 1.5"):
        TitForTat(1.5)


def test_an_aspiration_decides_what_a_win_is():
    # Content with the punishment of 1, it goes on defecting.
    batch = games.make_batch(DILEMMA, horizon=5)
    played = play(batch, [WinStayLoseShift(aspiration=0.5), Always(DEFECT)], 5)
    assert played[:, 0, 0].tolist() == [COOPERATE, DEFECT, DEFECT, DEFECT, DEFECT]


def test_a_player_goes_on_in_the_same_way_after_its_state_is_taken_over():
    for make in (GrimTrigger, lambda: TitForTat(0.5, seed=2)):
        batch, player = games.make_batch(DILEMMA, 8), make()
        play(batch, [player, RandomPlayer(3)], 5)
        other = make()
        other.set_state(player.get_state())
        assert other.act(batch, "player_0").tolist() == player.act(batch, "player_0").tolist()


def test_who_reads_the_last_round_needs_to_see_it():
    for settings in ({"memory": 0}, {"payoffs": np.zeros((3, 2, 2, 2))}):
        batch = games.make_batch(DILEMMA, **settings)
        batch.reset()
        with pytest.raises(ValueError, match="two players with memory of at least 1 round"):
            TitForTat().act(batch, "player_0")


def test_players_of_unequal_actions_read_their_own_group():
    payoffs = np.random.default_rng(0).normal(size=(2, 2, 3))
    batch = games.make_batch(DILEMMA, payoffs=payoffs, horizon=5)
    batch.reset()
    batch.step({"player_0": np.array([[1]], np.int32), "player_1": np.array([[0]], np.int32)})
    assert TitForTat().act(batch, "player_0").tolist() == [0]
    assert TitForTat().act(batch, "player_1").tolist() == [1]


# ---- mixed and stationary ----


def test_a_mixed_strategy_has_its_frequencies_and_plays_nothing_illegal():
    batch = games.make_batch("matrix/rock_paper_scissors_v0", 40_000)
    batch.reset()
    actions = StationaryPlayer([0.5, 0.2, 0.3], seed=1).act(batch, "player_0")
    assert (np.abs(np.bincount(actions) - [20_000, 8_000, 12_000]) < 400).all()
    assert not (StationaryPlayer([0.0, 1.0, 0.0]).act(batch, "player_1") != 1).any()
    batch = games.make_batch(
        "matrix/rock_paper_scissors_v0", 40_000, legal_actions=[[True, False, True], [True, True, False]]
    )
    batch.reset()
    actions = StationaryPlayer([0.5, 0.2, 0.3], seed=1).act(batch, "player_0")
    assert (np.abs(np.bincount(actions) - [25_000, 0, 15_000]) < 400).all()
    actions = StationaryPlayer([0, 0, 1.0], seed=1).act(batch, "player_1")  # nothing left: among the legal ones
    assert (np.abs(np.bincount(actions) - [20_000, 20_000]) < 400).all()


def test_the_solution_of_soccer_beats_random_players_by_what_the_solver_says():
    game = soccer()
    maximin = solve_zero_sum_markov(game, 0.9, tolerance=1e-3).profile
    expected = evaluate(game, [maximin[0], uniform_policies(game)[1]], 0.9)[0] @ game.initial
    assert expected > 0.3
    batch = games.make_batch("markov/soccer_v0", 2000, seed=4, autoreset="disabled")
    batch.reset()
    players = [StationaryPlayer(maximin[0], seed=1), RandomPlayer(2)]
    returns, goes_on = np.zeros(2000), np.ones(2000, bool)
    while goes_on.any():
        batch.step(np.stack([p.act(batch, a) for p, a in zip(players, batch.agents, strict=True)], axis=1))
        returns += np.where(goes_on, batch.rewards[:, 0], 0)
        goes_on &= ~batch.ended.astype(bool)
        batch.reset(mask=batch.ended.copy())
    assert abs(returns.mean() - expected) < 4 * returns.std() / np.sqrt(2000)


def test_features_hide_the_state_from_the_observation_but_not_from_the_player():
    policy = np.array([[1.0, 0.0], [0.0, 1.0]])
    batch = games.make_batch("markov/tabular_v0", 50, features=np.zeros((2, 1)), initial=[0.5, 0.5])
    batch.reset()
    states = [batch.fields(env)["state"] for env in range(50)]
    assert StationaryPlayer(policy).act(batch, "player_0").tolist() == states
    assert len(set(states)) == 2


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([0.5, 0.6], "must sum to 1, in each state, got sums from 1.1 to 1.1"),
        ([-1, 2], r"must be probabilities \[A\] or \[S, A\]"),
        (np.ones((1, 1, 1)), r"got an array \[1, 1, 1\]"),
    ],
)
def test_what_is_no_policy_is_refused(policy, message):
    with pytest.raises(ValueError, match=message):
        StationaryPlayer(policy)


def test_a_policy_of_another_game_is_refused():
    batch = games.make_batch(DILEMMA)
    batch.reset()
    with pytest.raises(ValueError, match=r"player_0 of matrix/prisoners_dilemma_v0 needs a policy \[2\], got \[3\]"):
        StationaryPlayer([1, 0, 0]).act(batch, "player_0")
    with pytest.raises(ValueError, match=r"plays Markov games; matrix/prisoners_dilemma_v0 is none"):
        StationaryPlayer([[1, 0]]).act(batch, "player_0")
