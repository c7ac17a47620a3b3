"""Driving by hand: the bicycle, the driver model, lane changes, collisions, right of way, ends and rewards.

Numbers come from the published formulas, worked out beside the assertions: IDM in Treiber, Hennecke and Helbing, Phys.
Rev. E 62 (2000) 1805; MOBIL in Kesting, Treiber and Helbing, Transp. Res. Rec. 1999 (2007) 86.
"""

import math

import numpy as np
import pytest
from road_play import FAR, idle, make, open_road, place

import games
from games.driving import obstacle, straight

# ---- one car ----


def test_a_free_car_follows_the_kinematic_bicycle():
    """At 10 m/s with 45 degrees of steering and 5 m/s^2 for 0.1 s: the motion turns by atan(tan(45 deg) / 2), whose
    cosine and sine are 2 and 1 over the root of 5; the heading by v sin / 2.5 m dt."""
    batch = open_road(others=0, actions="continuous")
    fields = batch.fields(0)
    fields["positions"][0], fields["speeds"][0], fields["lanes"][0] = (100.0, 0.0), 10.0, 0
    fields["target_lanes"][0] = 0
    batch.load_fields(0, fields)
    batch.step(np.ones((1, 1, 2), np.float32))
    after = batch.fields(0)
    np.testing.assert_allclose(after["positions"][0], (100 + 2 / 5**0.5, 1 / 5**0.5), rtol=1e-7)
    assert after["headings"][0] == pytest.approx(10 / 5**0.5 / 2.5 * 0.1, rel=1e-6)
    assert after["speeds"][0] == pytest.approx(10.5)


def test_nobody_gets_faster_than_40_metres_a_second_for_long():
    batch = open_road(others=0, actions="continuous")
    place_free = batch.fields(0)
    place_free["speeds"][0] = 39.9
    batch.load_fields(0, place_free)
    full_throttle = np.array([[[1.0, 0.0]]], np.float32)
    speeds = []
    for _ in range(30):
        batch.step(full_throttle)
        speeds.append(batch.fields(0)["speeds"][0])
    assert max(speeds) <= 40.5
    assert speeds[-1] == pytest.approx(40, abs=0.3)


def test_meta_actions_set_target_speed_and_target_lane():
    batch = place(open_road(lanes=3, others=0), (500.0, 4.0, 25.0, {"speed_indices": 1}))
    for action, field, expected in (("faster", "target_speeds", 30.0), ("left", "target_lanes", 0)):
        batch.step(np.array([[("left", "idle", "right", "faster", "slower").index(action)]], np.int32))
        assert batch.fields(0)[field][0] == expected
    for _ in range(60):
        batch.step(idle(batch))
    after = batch.fields(0)
    assert after["positions"][0, 1] == pytest.approx(0, abs=1e-3)
    assert after["lanes"][0] == 0
    assert after["speeds"][0] == pytest.approx(30, abs=0.01)


def test_the_speed_controller_closes_a_gap_of_speed_with_a_time_constant_of_600_ms():
    batch = place(open_road(others=0), (500.0, 0.0, 20.0, {"target_speeds": 26.0}))
    batch.step(idle(batch))
    assert batch.fields(0)["speeds"][0] == pytest.approx(20 + 6 / 0.6 * 0.1)


# ---- the driver model ----


def test_traffic_accelerates_by_the_intelligent_driver_model():
    """s* = 10 + 20 * 1.5 + 20 * 5 / (2 sqrt(3 * 5)) = 52.909945; a = 3 (1 - 0.8^4 - (s* / 50)^2) = -1.588155."""
    batch = open_road(others=2)
    place(batch, (FAR, 0.0, 25.0), (1000.0, 0.0, 20.0, {"target_speeds": 25.0}), (1050.0, 0.0, 15.0))
    batch.step(idle(batch))
    wanted_gap = 10 + 20 * 1.5 + 20 * 5 / (2 * math.sqrt(15))
    acceleration = 3 * (1 - 0.8**4 - (wanted_gap / 50) ** 2)
    assert acceleration == pytest.approx(-1.588155, abs=1e-5)
    assert batch.fields(0)["speeds"][1] == pytest.approx(20 + 0.1 * acceleration, abs=1e-12)


def test_traffic_alone_on_the_road_accelerates_by_the_free_term_with_its_own_exponent():
    batch = place(
        open_road(others=1), (100.0, 0.0, 25.0), (1000.0, 0.0, 15.0, {"target_speeds": 25.0, "exponents": 3.7})
    )
    batch.step(idle(batch))
    assert batch.fields(0)["speeds"][1] == pytest.approx(15 + 0.1 * 3 * (1 - 0.6**3.7), abs=1e-12)


def test_traffic_keeps_to_the_speed_limit_and_brakes_with_6_metres_per_second_squared_at_most():
    batch = open_road(others=2)
    place(
        batch,
        (FAR, 0.0, 25.0),
        (1000.0, 0.0, 30.0, {"target_speeds": 50.0}),
        (1012.0, 0.0, 0.0, {"target_speeds": 1.0}),
    )
    batch.step(idle(batch))
    assert batch.fields(0)["speeds"][1] == pytest.approx(30 - 0.6)
    batch = place(open_road(others=1), (FAR, 0.0, 25.0), (1000.0, 0.0, 30.0, {"target_speeds": 50.0}))
    batch.step(idle(batch))
    assert batch.fields(0)["speeds"][1] == pytest.approx(30)


def thinks_about_lanes(**more):
    return {"timers": 1.5, "changes_lanes": 1} | more


@pytest.mark.parametrize(("gap", "changes"), [(114.0, False), (116.0, True)])
def test_mobil_spares_the_follower_from_braking_harder_than_2(gap, changes):
    """The follower, at 30 m/s and its wish, would brake by 3 (s* / s)^2 with s* = 10 + 45 + 30 * 10 / (2 sqrt(15)): by
    2 at s = s* sqrt(1.5) = 114.79 m."""
    assert (10 + 45 + 300 / (2 * math.sqrt(15))) * math.sqrt(1.5) == pytest.approx(114.79, abs=0.01)
    batch = open_road(others=3)
    place(
        batch,
        (FAR, 0.0, 25.0),
        (1000.0, 4.0, 20.0, thinks_about_lanes()),
        (1030.0, 4.0, 10.0, {"changes_lanes": 0}),
        (1000.0 - gap, 0.0, 30.0, {"changes_lanes": 0}),
    )
    batch.step(idle(batch))
    assert batch.fields(0)["target_lanes"][1] == (0 if changes else 1)


@pytest.mark.parametrize(("gap", "changes"), [(154.0, True), (156.0, False)])
def test_mobil_wants_a_gain_of_a_fifth_of_a_metre_per_second_squared(gap, changes):
    """Behind somebody as fast, 3 (s* / s)^2 with s* = 10 + 20 * 1.5 is what the free lane gains: 0.2 at 154.92 m."""
    assert 40 * math.sqrt(3 / 0.2) == pytest.approx(154.92, abs=0.01)
    batch = open_road(others=2)
    place(
        batch,
        (FAR, 0.0, 25.0),
        (1000.0, 4.0, 20.0, thinks_about_lanes()),
        (1000.0 + gap, 4.0, 20.0, {"changes_lanes": 0}),
    )
    batch.step(idle(batch))
    assert batch.fields(0)["target_lanes"][1] == (0 if changes else 1)


def test_mobil_is_considered_once_a_second_and_never_by_those_who_do_not_change_lanes():
    for more in ({"timers": 0.99, "changes_lanes": 1}, {"timers": 1.5, "changes_lanes": 0}):
        batch = open_road(others=2)
        place(batch, (FAR, 0.0, 25.0), (1000.0, 4.0, 20.0, more), (1040.0, 4.0, 10.0, {"changes_lanes": 0}))
        batch.step(idle(batch))
        assert batch.fields(0)["target_lanes"][1] == 1


def test_politeness_counts_what_followers_lose():
    """With politeness 1 the follower's loss, 3 (s* / s)^2, outweighs a small gain."""
    cars = (
        (FAR, 0.0, 25.0),
        (1000.0, 4.0, 20.0, thinks_about_lanes()),
        (1100.0, 4.0, 20.0, {"changes_lanes": 0}),
        (900.0, 0.0, 20.0, {"changes_lanes": 0}),
    )
    for politeness, lane in ((0.0, 0), (1.0, 1)):
        batch = place(open_road(others=3, politeness=politeness), *cars)
        batch.step(idle(batch))
        assert batch.fields(0)["target_lanes"][1] == lane


def test_without_lane_changes_the_order_of_the_list_does_not_matter():
    cars = [(1000.0 + 37.0 * k, 4.0 * (k % 2), 20.0 + k, {"changes_lanes": 0}) for k in range(6)]
    order = [3, 0, 5, 1, 4, 2]
    straight_on = place(open_road(others=6), (1500.0, 0.0, 25.0), *cars)
    shuffled = place(open_road(others=6), (1500.0, 0.0, 25.0), *(cars[k] for k in order))
    for _ in range(80):
        for batch in (straight_on, shuffled):
            batch.step(idle(batch))
    for name in ("positions", "speeds", "headings"):
        expected = straight_on.fields(0)[name][1:7][order]
        np.testing.assert_array_equal(shuffled.fields(0)[name][1:7], expected)


# ---- collisions ----


@pytest.mark.parametrize("first", [1000.0, 1004.0])
def test_a_collision_does_not_ask_who_comes_first_in_the_list(first):
    second = 2004.0 - first
    batch = open_road(others=0, controlled_vehicles=2, reward="selfish", ends="each")
    place(batch, (first, 0.0, 20.0), (second, 0.5, 20.0))
    batch.step(idle(batch))
    fields = batch.fields(0)
    assert fields["crashed"][:2].tolist() == [1, 1]
    np.testing.assert_allclose(fields["impacts"][0], -fields["impacts"][1])
    assert fields["has_impact"][:2].tolist() == [1, 1]
    assert batch.terminations.tolist() == [[1, 1]]


def test_cars_side_by_side_on_their_lanes_do_not_touch():
    batch = place(open_road(others=0, controlled_vehicles=2), (1000.0, 0.0, 20.0), (1000.0, 4.0, 20.0))
    for _ in range(20):
        batch.step(idle(batch))
    assert not batch.fields(0)["crashed"].any()


def test_traffic_that_does_not_collide_with_traffic_still_collides_with_agents():
    for has_collisions, crashed in ((True, [0, 1, 1]), (False, [0, 0, 0])):
        batch = open_road(others=2, traffic_collisions=has_collisions)
        place(batch, (FAR, 0.0, 20.0), (1000.0, 0.0, 20.0), (1003.0, 0.0, 20.0))
        batch.step(idle(batch))
        assert batch.fields(0)["crashed"][:3].tolist() == crashed
    batch = place(open_road(others=1, traffic_collisions=False), (1000.0, 0.0, 20.0), (1003.0, 0.0, 20.0))
    batch.step(idle(batch))
    assert batch.fields(0)["crashed"][:2].tolist() == [1, 1]


def test_an_obstacle_stops_a_car():
    rows = [straight("0", "1", (0, 0), (500, 0), speed_limit=30.0), obstacle((100, 0))]
    batch = make(road=rows, entries=[("0", "1", 0)], vehicles_count=0)
    fields = batch.fields(0)
    fields["positions"][0] = (80, 0)
    batch.load_fields(0, fields)
    batch.step(idle(batch))
    assert batch.infos["crashed"][0, 0] == 1
    assert batch.terminations[0, 0] == 1


# ---- right of way ----


@pytest.mark.parametrize(("priorities", "yielding"), [((3, 1), 2), ((1, 3), 1)])
def test_of_two_crossing_cars_the_one_with_the_lower_priority_yields(priorities, yielding):
    rows = [
        straight("w", "e", (-50, 0), (50, 0), priority=priorities[0], speed_limit=10.0),
        straight("n", "s", (0, -50), (0, 50), priority=priorities[1], speed_limit=10.0),
        straight("x", "z", (0, 900), (200, 900)),
    ]
    batch = make(
        road=rows,
        entries=[("x", "z", 0)],
        vehicles_count=2,
        regulated=True,
        simulation_frequency=10,
        policy_frequency=2,
    )
    fields = batch.fields(0)
    for i, (position, heading, lane) in enumerate((((-20, 0), 0.0, 1), ((0, -20), math.pi / 2, 0)), 1):
        lane = batch.config.network.lane(("w", "e", 0) if lane else ("n", "s", 0))
        for name, value in {"positions": position, "headings": heading, "speeds": 8.0, "target_speeds": 8.0}.items():
            fields[name][i] = value
        fields["lanes"][i] = fields["target_lanes"][i] = lane
    batch.load_fields(0, fields)
    batch.step(idle(batch))
    after = batch.fields(0)
    assert after["is_yielding"][:3].tolist() == [0, int(yielding == 1), int(yielding == 2)]
    assert after["target_speeds"][yielding] == 0


def test_the_intersection_fills_and_empties_and_never_overflows():
    batch = games.make_batch("driving/intersection_v0", 8, spawn_probability=1.0, horizon=80, collision_reward=0.0)
    batch.reset()
    counts = []
    for _ in range(80):
        batch.step(np.zeros_like(batch.actions))  # slower: the agent waits
        counts.append([batch.fields(e)["num_vehicles"] for e in range(8)])
    assert np.max(counts) <= batch.config.max_vehicles
    assert np.ptp(counts) > 5
