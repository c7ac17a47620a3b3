"""Scripted players of the particle worlds beat random ones by far."""

import numpy as np
import pytest

import games
from agents.landmark_takers import LandmarkTaker
from agents.random_player import RandomPlayer
from agents.steering import LEFT, RIGHT, STAY, UP, steer


def returns(id, players, num_envs=24, **settings):
    """Plays an episode in each env with a player for each agent, and returns their returns, [E, N]."""
    batch = games.make_batch(id, num_envs, seed=3, autoreset="disabled", **settings)
    batch.reset()
    while not batch.ended.all():
        batch.step(
            {
                name: np.stack([players[agent].act(batch, agent) for agent in group.agents], axis=1)
                for name, group in batch.groups.items()
            }
        )
    return batch.episode_returns


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_agents_that_share_out_the_landmarks_cover_them(is_continuous):
    agents = [f"agent_{i}" for i in range(3)]
    settings = {"local_ratio": 0.0, "continuous_actions": is_continuous, "horizon": 50}
    ours = returns("particles/simple_spread_v0", dict.fromkeys(agents, LandmarkTaker()), **settings)
    theirs = returns("particles/simple_spread_v0", dict.fromkeys(agents, RandomPlayer(0)), **settings)
    assert ours.mean() > 0.45 * theirs.mean()  # both negative: less than half the distance
    assert (ours > theirs).mean() > 0.9


def test_landmarks_are_shared_out_among_those_who_are_there():
    agents = [f"agent_{i}" for i in range(5)]
    settings = {"num_agents": 5, "populations": (2, 4), "local_ratio": 0.0}
    ours = returns("particles/simple_spread_v0", dict.fromkeys(agents, LandmarkTaker()), **settings)
    theirs = returns("particles/simple_spread_v0", dict.fromkeys(agents, RandomPlayer(0)), **settings)
    assert ours.mean() > 0.7 * theirs.mean()


def test_steering_brakes_in_time():
    still, fast = np.zeros(2), np.array([1.0, 0])
    assert steer(np.array([1.0, 0.5]), still, 5, False) == RIGHT
    assert steer(np.array([0.1, 0.5]), still, 5, False) == UP
    assert steer(np.array([0.4, 0.0]), fast, 5, False) == STAY  # it glides 0.4 by itself
    assert steer(np.array([0.1, 0.0]), fast, 5, False) == LEFT
    np.testing.assert_allclose(steer(np.array([0.5, -0.1]), fast, 5, True), [0, 0, 0.5, 0.5, 0], atol=1e-7)
