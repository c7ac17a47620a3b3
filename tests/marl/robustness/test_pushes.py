"""Sweeps of force, floors and cross-play: wind that blows straight away from the gap, and its mirror image."""

import numpy as np
import pytest

from agents.random_player import RandomPlayer
from agents.swingers import ConstantPusher, GapSeeker
from marl.robustness.arena import Arena
from marl.robustness.cross_play import CrossPlay, cross_play
from marl.robustness.force import play_floors, sweep_force

UPWARDS = ConstantPusher((0.0, 1.0))
ARENA = Arena("control/point_mass_gap_v0", {"horizon": 60, "force": 0.4}, episodes=3)


def test_more_wind_is_worse_and_none_is_what_it_was():
    """Full motor upwards reaches the zone of wind after 35 steps, so wind that grows blows it ever further aside."""
    sweep = sweep_force(ARENA, UPWARDS, ConstantPusher((1.0,)), (0, 0.5, 1, 2, 4))
    assert sweep.forces == pytest.approx((0, 0.2, 0.4, 0.8, 1.6))
    assert sweep.returns.shape == (5, 3)
    assert (np.diff(sweep.means) < 0).all()
    np.testing.assert_array_equal(sweep.returns[0], ARENA.play(UPWARDS)[0])


def test_floors_are_mirror_images_where_the_world_is():
    floors = play_floors(ARENA, UPWARDS)
    assert floors.names == ("none", "random", "constant +0", "constant -0")
    none, random, right, left = floors.returns.mean(axis=1)
    assert right == pytest.approx(left, rel=1e-6)
    assert right < random < none
    assert floors.worst in ("constant +0", "constant -0")


def test_wind_to_the_left_knows_no_push_to_the_right():
    """There an action of +1 is no wind and -1 all of it (games/control)."""
    floors = play_floors(Arena("control/point_mass_gap_left_v0", {"horizon": 60, "force": 0.4}, episodes=2), UPWARDS)
    none, _, right, left = floors.returns
    np.testing.assert_array_equal(right, none)
    assert (left < none).all()


def test_floors_push_along_every_direction():
    floors = play_floors(Arena("control/pendulum_swingup_v0", {"horizon": 2}, episodes=1), RandomPlayer(0))
    assert floors.names[2:] == ("constant +0", "constant -0", "constant +1", "constant -1")


def test_every_pair_is_what_it_is_alone():
    protagonists = {"upwards": UPWARDS, "seeker": GapSeeker(), "random": RandomPlayer(1)}
    adversaries = {"right": ConstantPusher((1.0,)), "random": RandomPlayer(2), "nobody": None}
    found = cross_play(ARENA, protagonists, adversaries)
    assert (found.protagonists, found.adversaries) == (tuple(protagonists), tuple(adversaries))
    assert found.returns.shape == (3, 3, 3)
    for row, own in enumerate(protagonists.values()):
        for column, other in enumerate(adversaries.values()):
            np.testing.assert_array_equal(found.returns[row, column], ARENA.play(own, other)[0])


def test_the_nemesis_is_who_hurts_most():
    returns = np.array([[[3.0, 5.0], [1.0, 2.0]], [[-1.0, 0.0], [4.0, 4.0]]])
    found = CrossPlay(("a", "b"), ("x", "y"), returns)
    assert found.means.tolist() == [[4.0, 1.5], [-0.5, 4.0]]
    assert found.worst.tolist() == [1.5, -0.5]
    assert found.nemeses == ("y", "x")


def test_empty_sides_and_scales_are_refused():
    with pytest.raises(ValueError, match="at least 1 protagonist and 1 adversary, got 1 and 0"):
        cross_play(ARENA, {"upwards": UPWARDS}, {})
    with pytest.raises(ValueError, match=r"scales must be at least one number of at least 0, got \[-1\]"):
        sweep_force(ARENA, UPWARDS, RandomPlayer(0), (-1,))
