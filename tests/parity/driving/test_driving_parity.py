"""Beside highway-env 1.12.1: positions, headings, speeds, lanes, crashes, rewards and observations of all vehicles.

A few episodes of each scenario; results.csv has 200 of each, and duel.py says how they were played.
"""

import pytest
from duel import EQUALS, SCENARIOS, TOLERANCE, Differences, by_frames, compare, play_theirs

WHOLE_EPISODES = {  # seeds
    "highway_fast": (0, 1, 43),  # in 43 a car is hit in whose shadow the other's lies
    "merge": (0, 1, 2, 3, 4, 5),
    "roundabout": (0, 1, 2, 3, 13),  # in 13 the agent comes to a stand
    "intersection": (0, 3),
    "two_agents_intersection": (0,),
    "two_way": (0, 1, 2, 3),
    "four_agents": (0,),
    "continuous": (0, 1),
    "grid": (0,),
    "grid_roundabout": (0,),
    "all_features": (0, 1),
}
BY_FRAMES = {"intersection": 2, "two_agents_intersection": 1, "merge": 1, "roundabout": 1}


def assert_alike(found, is_for_first_only=False):
    """The reference's highway pays, and ends for, its first agent only, so that ends of several are not compared."""
    assert found.steps > 0
    compared = {"position", "heading", "speed", "reward", "observation", *EQUALS}
    assert found.largest.keys() >= (compared - {"end"} if is_for_first_only else compared)
    assert max(found.largest.values()) <= TOLERANCE, found.largest


@pytest.mark.parametrize("name", WHOLE_EPISODES)
def test_whole_episodes_are_the_references(name, peer_python):
    found, seeds = Differences(), list(WHOLE_EPISODES[name])
    for seed, trace in zip(seeds, play_theirs(peer_python("highway"), SCENARIOS[name], seeds), strict=True):
        compare(SCENARIOS[name], seed, trace, found)
    assert_alike(found, is_for_first_only=name == "four_agents")


@pytest.mark.parametrize("name", BY_FRAMES)
def test_every_frame_is_the_references(name, peer_python):
    found, seeds, scenario = Differences(), list(range(BY_FRAMES[name])), by_frames(SCENARIOS[name])
    for seed, trace in zip(seeds, play_theirs(peer_python("highway"), scenario, seeds), strict=True):
        compare(scenario, seed, trace, found, is_resynced=True)
    assert_alike(found)


def test_a_crowded_highway_is_the_references(peer_python):
    """Four lanes and traffic that collides with traffic, shortened: the reference plays four steps a second of it."""
    found, scenario = Differences(), SCENARIOS["highway"]
    (trace,) = play_theirs(peer_python("highway"), scenario, [4])
    compare(scenario, 4, trace, found)
    assert_alike(found)
