"""Beside highway-env 1.12.1: positions, headings, speeds, lanes, crashes, rewards and observations of all vehicles.

A few episodes of each scenario; results.csv has 200 of each, and duel.py says how they were played.
"""

from pathlib import Path

import pytest
from duel import EQUALS, MAIN, SCENARIOS, TOLERANCE, Differences, by_frames, compare, play_theirs, results_table

README = Path(__file__).parents[3] / "games" / "driving" / "README.md"

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
# Intersections that part (results.csv), and the step after which a car before another has become slower than 1 m/s.
STANDING = {100: 11, 103: 5, 162: 7}
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


def test_a_car_that_comes_to_a_stand_magnifies_the_last_bit_and_decides_nothing_else(peer_python):
    seeds, scenario = list(STANDING), SCENARIOS["intersection"]
    for seed, trace in zip(seeds, play_theirs(peer_python("highway"), scenario, seeds), strict=True):
        before, whole = Differences(), Differences()
        compare(scenario, seed, trace | {"steps": trace["steps"][: STANDING[seed]]}, before)
        assert before.steps == STANDING[seed]
        assert max(before.largest[key] for key in ("position", "heading", "speed")) < 1e-13
        compare(scenario, seed, trace, whole)
        assert max(whole.largest.values()) < 1e-4
        assert all(whole.largest[key] == 0 for key in EQUALS)


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


def test_the_readme_shows_the_committed_results_of_all_scenarios():
    shown = README.read_text(encoding="utf-8").split("<!-- parity -->\n")[1].split("\n<!-- /parity -->")[0]
    assert shown == results_table(), "paste `python tests/parity/driving/duel.py --table`"
    assert all(f"| {name} | episodes | " in shown for name in MAIN)
