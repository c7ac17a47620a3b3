"""Episodes between chosen players: each env's share, counted to its end."""

import numpy as np
import pytest

from agents.random_player import RandomPlayer
from agents.trust_hunters import PlantGatherer
from marl.psro.match import play_episodes


class Plays:
    """One action for ever."""

    def __init__(self, action):
        self.action = action

    def act(self, batch, agent):
        return np.full(batch.num_envs, self.action, np.int32)

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


@pytest.mark.parametrize("episodes", [1, 3, 10, 23])
def test_as_many_episodes_as_asked_for(episodes):
    """Rock loses 1 to paper in each of 4 rounds."""
    players = {"player_0": Plays(0), "player_1": Plays(1)}
    settings = {"horizon": 4}
    played = play_episodes("matrix/rock_paper_scissors_v0", players, episodes, seed=1, settings=settings, num_envs=4)
    np.testing.assert_array_equal(played.returns, np.tile([-4.0, 4.0], (episodes, 1)))
    np.testing.assert_array_equal(played.lengths, np.full(episodes, 4))


def test_long_episodes_count_as_much_as_short_ones():
    """Encounters that end after a geometric time: the mean is that of all, not of those that end first."""
    players = {"hunter_0": RandomPlayer(1), "hunter_1": RandomPlayer(2)}
    few, many = (
        play_episodes("grid/trust_once_v0", players, 1200, seed=seed, num_envs=envs).lengths
        for seed, envs in ((1, 400), (2, 1200))
    )
    assert few.std() > 1  # they do differ in length
    error = np.sqrt((few.var() + many.var()) / 1200)
    assert abs(few.mean() - many.mean()) < 4 * error


def test_the_worlds_numbers_come_along():
    players = {"hunter_0": PlantGatherer(0), "hunter_1": PlantGatherer(1)}
    played = play_episodes("grid/trust_v0", players, 6, seed=0, settings={"horizon": 40}, num_envs=6)
    assert played.statistics["maulings"].sum() == 0
    eaten = played.statistics["plants_eaten"]
    np.testing.assert_allclose(played.returns.sum(axis=1), eaten * 1.0)  # a plant is worth 1


def test_the_same_seeds_give_the_same_episodes():
    made = [
        play_episodes("grid/trust_once_v0", {"hunter_0": RandomPlayer(1), "hunter_1": RandomPlayer(2)}, 20, seed=5)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(made[0].returns, made[1].returns)


def test_agents_and_players_must_match():
    with pytest.raises(ValueError, match="has the agents"):
        play_episodes("matrix/rock_paper_scissors_v0", {"player_0": Plays(0)}, 2, seed=0)
    with pytest.raises(ValueError, match="at least 1"):
        play_episodes("matrix/rock_paper_scissors_v0", {"player_0": Plays(0), "player_1": Plays(0)}, 0, seed=0)
