"""A mixture plays every episode as one of its members."""

import numpy as np
import pytest

import games
from agents.mixture import MixturePlayer
from agents.protocol import RowPlayer
from agents.random_player import RandomPlayer


class Always:
    """Plays one action, and counts the steps it was asked for."""

    def __init__(self, action):
        self.action, self.steps = action, 0

    def act(self, batch, agent):
        self.steps += 1
        return np.full(batch.num_envs, self.action, np.int32)

    def get_state(self):
        return {"steps": self.steps}

    def set_state(self, state):
        self.steps = state["steps"]


class AlwaysInRows(Always):
    """The same without a memory."""

    def act_rows(self, batch, agent, envs):
        self.steps += len(envs)
        return np.full(len(envs), self.action, np.int32)


def repeated_game(num_envs, horizon=3):
    batch = games.make_batch("matrix/rock_paper_scissors_v0", num_envs, horizon=horizon)
    batch.reset()
    return batch


@pytest.mark.parametrize("kind", [Always, AlwaysInRows])
def test_a_member_plays_a_whole_episode_and_each_as_often_as_it_should(kind):
    batch = repeated_game(4000)
    mixture = MixturePlayer([kind(0), kind(1), kind(2)], [0.5, 0.2, 0.3], seed=1)
    played = []
    for _ in range(6):
        actions = mixture.act(batch, "player_0")
        np.testing.assert_array_equal(actions, mixture.drawn)
        played.append(actions)
        batch.step(np.stack([actions, actions], axis=1))
    first, second = np.array(played[:3]), np.array(played[3:])
    assert (first == first[0]).all()
    assert (second == second[0]).all()
    # Four standard deviations of a share of 4,000 draws are 0.032 at most.
    for episode in (first[0], second[0]):
        np.testing.assert_allclose(np.bincount(episode) / 4000, [0.5, 0.2, 0.3], atol=0.032)
    assert abs(np.corrcoef(first[0], second[0])[0, 1]) < 0.064  # the draws of two episodes are independent


def test_members_with_a_memory_see_every_step_and_others_only_their_own():
    batch = repeated_game(10)
    remembers, forgets = Always(0), AlwaysInRows(1)
    mixture = MixturePlayer([remembers, forgets], [0.5, 0.5])
    for _ in range(4):
        actions = mixture.act(batch, "player_0")
        batch.step(np.stack([actions, actions], axis=1))
    assert remembers.steps == 4
    assert 0 < forgets.steps < 40
    assert isinstance(RandomPlayer(), RowPlayer)
    assert not isinstance(remembers, RowPlayer)


def test_a_mixture_goes_on_from_its_state():
    batch, told = repeated_game(50, horizon=1), []
    first = MixturePlayer([RandomPlayer(1), Always(2)], [0.5, 0.5], seed=3)
    first.act(batch, "player_0")
    second = MixturePlayer([RandomPlayer(8), Always(2)], [0.5, 0.5], seed=9)
    second.set_state(first.get_state())
    batch.step(np.zeros((50, 2), np.int32))
    for mixture in (first, second):
        told.append((mixture.act(batch, "player_0"), mixture.drawn))
    np.testing.assert_array_equal(told[0], told[1])


def test_a_log_says_who_played():
    batch, mixture = repeated_game(6, horizon=1), MixturePlayer([Always(0), Always(1)], [0.5, 0.5], keeps_log=True)
    played = []
    for _ in range(3):
        played.append(mixture.act(batch, "player_0"))
        batch.step(np.zeros((6, 2), np.int32))
    np.testing.assert_array_equal(mixture.take_log(), played)
    assert mixture.take_log().size == 0
    with pytest.raises(ValueError, match="keeps no log"):
        MixturePlayer([Always(0)], [1.0]).take_log()


@pytest.mark.parametrize("probabilities", [[1.0], [0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0]])
def test_probabilities_that_are_none_are_refused(probabilities):
    with pytest.raises(ValueError, match="2 members need as many probabilities that sum to 1"):
        MixturePlayer([Always(0), Always(1)], probabilities)
