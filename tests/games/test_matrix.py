"""Repeated normal-form games, with values worked by hand."""

import numpy as np
import pytest

import games
from games.matrix import PRISONERS_DILEMMA, ROCK_PAPER_SCISSORS, MatrixConfig, from_bimatrix

COOPERATE, DEFECT = 0, 1
DILEMMA, ROSHAMBO = "matrix/prisoners_dilemma_v0", "matrix/rock_paper_scissors_v0"


def make(payoffs, **settings):
    batch = games.make_batch(ROSHAMBO, payoffs=np.asarray(payoffs, float), **settings)
    batch.reset()
    return batch


def play(batch, *actions):
    batch.step(np.array([actions], np.int32))
    return batch.rewards[0].tolist()


# Axelrod 1984, The Evolution of Cooperation, figure 1.
@pytest.mark.parametrize(
    ("row", "column", "rewards"),
    [
        (COOPERATE, COOPERATE, [3, 3]),
        (COOPERATE, DEFECT, [0, 5]),
        (DEFECT, COOPERATE, [5, 0]),
        (DEFECT, DEFECT, [1, 1]),
    ],
)
def test_prisoners_dilemma_pays_what_axelrod_prints(row, column, rewards):
    batch = games.make_batch(DILEMMA)
    batch.reset()
    assert play(batch, row, column) == rewards


def test_an_episode_of_the_dilemma_is_150_rounds_that_add_up():
    batch = games.make_batch(DILEMMA)
    batch.reset()
    for round in range(150):
        assert not batch.ended[0]
        play(batch, DEFECT, COOPERATE if round < 100 else DEFECT)
    assert batch.ended[0]
    assert batch.terminations[0].tolist() == [1, 1]  # the number of rounds is a rule
    assert batch.truncations[0].tolist() == [0, 0]
    assert batch.episode_lengths.tolist() == [150]
    assert batch.episode_returns.tolist() == [[100 * 5 + 50, 50]]


def test_rock_paper_scissors_is_one_round_of_zero_sum():
    batch = games.make_batch(ROSHAMBO)
    batch.reset()
    expected = {(0, 0): 0, (0, 1): -1, (0, 2): 1, (1, 0): 1, (1, 2): -1, (2, 0): -1, (2, 1): 1, (1, 1): 0, (2, 2): 0}
    for (row, column), reward in expected.items():
        assert play(batch, row, column) == [reward, -reward]
        assert batch.ended[0]


def test_memory_shows_last_actions_one_hot_own_first():
    batch = make(PRISONERS_DILEMMA, horizon=3, memory=1)
    assert batch.observations[0].tolist() == [[1, 0, 0, 0, 0]] * 2
    play(batch, COOPERATE, DEFECT)
    assert batch.observations[0].tolist() == [[1, 1, 0, 0, 1], [1, 0, 1, 1, 0]]
    play(batch, DEFECT, DEFECT)
    assert batch.observations[0].tolist() == [[1, 0, 1, 0, 1], [1, 0, 1, 0, 1]]


def test_without_memory_a_player_sees_the_bias_alone():
    batch = make(PRISONERS_DILEMMA, horizon=3)
    play(batch, COOPERATE, DEFECT)
    assert batch.observations.tolist() == [[[1], [1]]]


# Reward of player i at profile (a, b, c): 100 i + 10 a + b + 0.5 c, with 2, 3 and 1 actions.
def three_players():
    payoffs = np.zeros((3, 2, 3, 1))
    for i, a, b in np.ndindex(3, 2, 3):
        payoffs[i, a, b, 0] = 100 * i + 10 * a + b
    return payoffs


def test_players_with_unequal_action_counts_are_groups_of_their_own():
    batch = make(three_players(), horizon=2, memory=1)
    assert list(batch.groups) == ["player_0", "player_1", "player_2"]
    assert batch.agents == ("player_0", "player_1", "player_2")
    assert [int(group.action_space.n) for group in batch.groups.values()] == [2, 3, 1]
    batch.step({name: np.array([[action]], np.int32) for name, action in zip(batch.groups, (1, 2, 0), strict=True)})
    assert [group.rewards.item() for group in batch.groups.values()] == [12, 112, 212]
    # Bias; then own, next and next but one player's action, wrapping around: 2 + 3 + 1 flags.
    seen = {name: group.observations[0, 0].tolist() for name, group in batch.groups.items()}
    assert seen["player_0"] == [1, 0, 1, 0, 0, 1, 1]
    assert seen["player_1"] == [1, 0, 0, 1, 1, 0, 1]
    assert seen["player_2"] == [1, 1, 0, 1, 0, 0, 1]


def test_three_players_with_equal_action_counts_are_one_group():
    payoffs = np.arange(3 * 8).reshape(3, 2, 2, 2)
    batch = make(payoffs)
    assert batch.agents == ("player_0", "player_1", "player_2")
    assert play(batch, 1, 0, 1) == [payoffs[i, 1, 0, 1] for i in range(3)]


def test_masks_show_what_is_legal_and_illegal_counts_as_the_first_legal():
    batch = make(ROCK_PAPER_SCISSORS, horizon=9, memory=1, legal_actions=[[0, 1, 1], [1, 0, 1]])
    assert batch.action_masks[0].tolist() == [[0, 1, 1], [1, 0, 1]]
    assert play(batch, 0, 1) == [1, -1]  # rock is forbidden: paper; paper is forbidden: rock
    assert batch.fields(0)["last_actions"].tolist() == [[1, 0]]
    assert play(batch, 2, 2) == [0, 0]


def test_games_without_legal_actions_have_no_mask():
    assert make(PRISONERS_DILEMMA).action_masks is None


def test_a_single_player_may_have_a_single_action():
    batch = make([[7]], horizon=2)
    assert play(batch, 0) == [7]


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        ([1, 2], "one axis per player"),
        ([[1, 2], [3, 4]], r"got \[2, 2\]"),
        (np.zeros((2, 2, 0)), r"got \[2, 2, 0\]"),
        (np.zeros((3, 2, 2)), r"got \[3, 2, 2\]"),
        (np.full((1, 2), np.nan), "must be finite, got nan"),
        (np.array([[0, np.inf]]), "must be finite, got inf"),
        (np.zeros((9,) + (1,) * 9), "1 to 8 players, got 9"),
        ("abc", "payoffs must be an array or a Gambit file; cannot read 'abc'"),
        ([["a", "b"]], "payoffs must be numbers"),
        ([[1, 2], [3]], "payoffs must be numbers"),
        ({}, "payoffs must be numbers .*, got {}"),
        ([[10**400]], "payoffs must be numbers"),
    ],
)
def test_bad_payoffs_are_refused(payoffs, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch(ROSHAMBO, payoffs=payoffs)


@pytest.mark.parametrize("flags", [[[1, 1]], [[1, 1], [0, 0]], [[1, 1, 1], [1, 1]], [1, 1], 5, [[1, [1]], [1, 1]]])
def test_bad_legal_actions_are_refused(flags):
    with pytest.raises(ValueError, match=r"legal_actions must give \[2, 2\] flags"):
        games.make_batch(ROSHAMBO, payoffs=PRISONERS_DILEMMA, legal_actions=flags)


def test_payoffs_are_required_and_named():
    with pytest.raises(ValueError, match=r"needs the setting 'payoffs': \[P, A_0"):
        MatrixConfig.from_settings({})


@pytest.mark.parametrize("horizon", [0, -1, 2**31, 1.5, True, "3", None])
def test_bad_horizons_are_refused(horizon):
    with pytest.raises(ValueError, match="horizon must be a whole number in"):
        games.make_batch(ROSHAMBO, horizon=horizon)


def test_utility_is_read_off_the_payoffs():
    def utility(payoffs):
        return MatrixConfig(payoffs=np.asarray(payoffs, float)).properties().utility

    assert utility(ROCK_PAPER_SCISSORS) == "zero_sum"
    assert utility(PRISONERS_DILEMMA) == "general"
    assert utility(from_bimatrix([[1, 2], [3, 4]], [[1, 2], [3, 4]])) == "common"
    assert games.spec(DILEMMA).properties.reward_bounds == (0, 5)


@pytest.mark.parametrize("memory", [True, -1, 65, 1.0, "yes", None, np.ones(1, bool)])
def test_memory_is_a_number_of_rounds(memory):
    with pytest.raises(ValueError, match=r"memory must be a whole number in \[0, 64\], got"):
        games.make_batch(ROSHAMBO, memory=memory)


def test_memory_is_limited_by_the_number_of_players():
    games.make_batch(ROSHAMBO, memory=32)
    with pytest.raises(ValueError, match="memory must be at most 32 rounds for 2 players, got 33"):
        games.make_batch(ROSHAMBO, memory=33)


def test_memory_of_three_rounds_shows_the_latest_first_and_forgets_the_fourth():
    batch = make(PRISONERS_DILEMMA, horizon=9, memory=3)
    empty = [0, 0, 0, 0]
    assert batch.fields(0)["last_actions"].tolist() == [[-1, -1]] * 3
    play(batch, COOPERATE, DEFECT)
    assert batch.observations[0, 0].tolist() == [1, *[1, 0, 0, 1], *empty, *empty]
    play(batch, DEFECT, DEFECT)
    assert batch.observations[0, 0].tolist() == [1, *[0, 1, 0, 1], *[1, 0, 0, 1], *empty]
    play(batch, COOPERATE, COOPERATE)
    play(batch, DEFECT, COOPERATE)
    assert batch.fields(0)["last_actions"].tolist() == [[DEFECT, COOPERATE], [COOPERATE, COOPERATE], [DEFECT, DEFECT]]
    assert batch.observations[0, 0].tolist() == [1, *[0, 1, 1, 0], *[1, 0, 1, 0], *[0, 1, 0, 1]]
    assert batch.observations[0, 1].tolist() == [1, *[1, 0, 0, 1], *[1, 0, 1, 0], *[0, 1, 0, 1]]


def test_a_new_episode_remembers_nothing_of_the_last():
    batch = make(PRISONERS_DILEMMA, horizon=2, memory=2)
    play(batch, DEFECT, DEFECT)
    play(batch, DEFECT, COOPERATE)
    assert batch.final_observations[0, 0].tolist() == [1, 0, 1, 1, 0, 0, 1, 0, 1]
    assert batch.observations[0].tolist() == [[1] + [0] * 8] * 2
