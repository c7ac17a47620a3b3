"""Scripted players of the particle worlds beat random ones by far."""

import numpy as np
import pytest

import games
from agents.landmark_takers import LandmarkTaker
from agents.random_player import RandomPlayer
from agents.speaking_players import Listener, Speaker
from agents.steering import DOWN, LEFT, RIGHT, STAY, UP, push, steer
from agents.tag_players import Chaser, Fleer


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


TAG_AGENTS = ("adversary_0", "adversary_1", "adversary_2", "agent_0")


def play_tag(chaser, fleer, **settings):
    players = dict.fromkeys(TAG_AGENTS[:3], chaser) | {"agent_0": fleer}
    results = returns("particles/simple_tag_v0", players, horizon=50, **settings)
    return results[:, 0].mean(), results[:, 3].mean()


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_chasers_catch_and_fleers_escape(is_continuous):
    settings = {"continuous_actions": is_continuous}
    random, chaser, fleer = RandomPlayer(1), Chaser(), Fleer()
    caught_by_chance, lost_by_chance = play_tag(random, random, **settings)
    caught, lost = play_tag(chaser, random, **settings)
    caught_fleeing, lost_fleeing = play_tag(chaser, fleer, **settings)
    assert caught > 3 * max(caught_by_chance, 20)
    assert caught_fleeing < 0.65 * caught
    assert lost_fleeing > 0.5 * lost
    assert play_tag(random, fleer, **settings)[1] > lost_by_chance


def test_players_of_tag_mind_who_is_there():
    players = {f"adversary_{i}": Chaser() for i in range(3)} | {f"agent_{i}": Fleer() for i in range(2)}
    results = returns("particles/simple_tag_v0", players, num_agents=2, populations=((1, 1), (3, 1)), num_obstacles=0)
    assert not results[:, 4].any()


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_a_listener_goes_where_the_speaker_says(is_continuous):
    settings = {"continuous_actions": is_continuous}
    ours = returns(
        "particles/simple_speaker_listener_v0", {"speaker_0": Speaker(), "listener_0": Listener()}, **settings
    )
    theirs = returns(
        "particles/simple_speaker_listener_v0", {"speaker_0": RandomPlayer(0), "listener_0": Listener()}, **settings
    )
    random = dict.fromkeys(("speaker_0", "listener_0"), RandomPlayer(0))
    assert ours.mean() > 0.5 * returns("particles/simple_speaker_listener_v0", random, **settings).mean()
    assert ours.mean() > 0.7 * theirs.mean()  # the words are what makes the difference


def test_pushing_goes_along_the_larger_axis():
    assert push(np.array([0.2, -0.5]), False) == DOWN
    assert push(np.zeros(2), False) == STAY
    np.testing.assert_allclose(push(np.array([0.25, -0.5]), True), [0, 0, 0.5, 1, 0])


def test_steering_brakes_in_time():
    still, fast = np.zeros(2), np.array([1.0, 0])
    assert steer(np.array([1.0, 0.5]), still, 5, False) == RIGHT
    assert steer(np.array([0.1, 0.5]), still, 5, False) == UP
    assert steer(np.array([0.4, 0.0]), fast, 5, False) == STAY  # it glides 0.4 by itself
    assert steer(np.array([0.1, 0.0]), fast, 5, False) == LEFT
    np.testing.assert_allclose(steer(np.array([0.5, -0.1]), fast, 5, True), [0, 0, 0.5, 0.5, 0], atol=1e-7)
