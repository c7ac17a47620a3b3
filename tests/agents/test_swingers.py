"""Scripted players of control: they do what they are for, and beat random players."""

import numpy as np
import pytest

import games
from agents.protocol import find_agent
from agents.random_player import RandomPlayer
from agents.swingers import AcrobotSwinger, CartpoleSwinger, ConstantPusher, GapSeeker, PendulumSwinger
from marl.psro.match import play_episodes

PLAYERS = {
    "pendulum_swingup": PendulumSwinger,
    "cartpole_swingup": CartpoleSwinger,
    "cartpole_balance": CartpoleSwinger,
    "acrobot_swingup": AcrobotSwinger,
    "point_mass_gap": GapSeeker,
}
# Of the 500 steps at most; random players get 4, 7, 210 and 20, and -470 before the wall.
LEAST = {
    "pendulum_swingup": 350,
    "cartpole_swingup": 150,
    "cartpole_balance": 490,
    "acrobot_swingup": 30,
    "point_mass_gap": -120,
}


def still(name):
    batch = games.make_batch(f"control/{name}_v0")
    return ConstantPusher((0.0,) * batch.groups["adversary"].actions.shape[2])


def play(name, player):
    players = {"protagonist_0": player, "adversary_0": still(name)}
    return play_episodes(f"control/{name}_v0", players, 8, seed=3).returns[:, 0]


@pytest.mark.parametrize("name", PLAYERS)
def test_they_beat_random_players(name):
    own = play(name, PLAYERS[name]()).mean()
    assert own > LEAST[name]
    assert own > play(name, RandomPlayer(0)).mean() + 8


def test_the_regulator_stands_against_a_push_that_it_can_counter():
    """A push of 0.1 N across the pole shifts where the cart balances it, and does not throw it."""
    players = {"protagonist_0": CartpoleSwinger(), "adversary_0": ConstantPusher((0.05, 0.0))}
    assert play_episodes("control/cartpole_balance_v0", players, 4, seed=0).returns[:, 0].min() > 400


def test_who_cannot_move_a_body_says_so():
    batch = games.make_batch("control/pendulum_swingup_v0")
    batch.reset()
    with pytest.raises(ValueError, match="GapSeeker moves point_mass; this is protagonist_0 of pendulum"):
        GapSeeker().act(batch, "protagonist_0")
    with pytest.raises(ValueError, match="adversary_0 pushes in 2 directions, got 1"):
        ConstantPusher((1.0,)).act(batch, "adversary_0")
    assert find_agent(batch, "adversary_0") == ("adversary", 0)
    assert np.array_equal(ConstantPusher((1.0, -0.5)).act(batch, "adversary_0"), [[1.0, -0.5]])
