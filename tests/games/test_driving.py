"""Driving by hand: the bicycle, the driver model, lane changes, collisions, right of way, ends and rewards.

Numbers come from the published formulas, worked out beside the assertions: IDM in Treiber, Hennecke and Helbing, Phys.
Rev. E 62 (2000) 1805; MOBIL in Kesting, Treiber and Helbing, Transp. Res. Rec. 1999 (2007) 86.
"""

import math

import numpy as np
import pytest

import games
from games.driving import RoadError, circular, obstacle, sine, straight
from games.driving.transfer import from_reference

AGENT, TRAFFIC = 2, 1
FAR = 9000.0  # m down the highway, out of everybody's sight


def make(env_id="highway", **settings):
    batch = games.make_batch(f"driving/{env_id}_v0", 1, autoreset="disabled", **settings)
    batch.reset()
    return batch


def open_road(lanes=2, others=2, **settings):
    """A highway of ten frames a second, a step each, with as many agents and others as asked for."""
    frequency = {"simulation_frequency": 10, "policy_frequency": 10, "horizon": 400}
    return make(lanes_count=lanes, vehicles_count=others, **(frequency | settings))


def place(batch, *cars):
    """Puts the cars on the road: (x, y, speed) and, if need be, further fields by name; agents first."""
    fields = batch.fields(0)
    agents = len(batch.agents)
    count = fields["num_vehicles"]
    assert count == len(cars)
    for i, (x, y, speed, *more) in enumerate(cars):
        values = {"positions": (x, y), "headings": 0.0, "speeds": speed, "lanes": 0 if y < 2 else 1}
        values |= {
            "target_lanes": values["lanes"],
            "target_speeds": speed,
            "timers": 0.0,
            "exponents": 4.0 * (i >= agents),
        }
        for name, value in (values | (more[0] if more else {})).items():
            fields[name][i] = value
    fields["kinds"][:count] = [AGENT if i < agents else TRAFFIC for i in range(count)]
    fields["changes_lanes"][:count] = [0 if i < agents else fields["changes_lanes"][i] for i in range(count)]
    fields["agent_vehicles"][:] = range(agents)
    batch.load_fields(0, fields)
    return batch


def idle(batch):
    return np.ones_like(batch.actions)


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


# ---- lanes ----

BENDS = [
    straight("a", "b", (0, 0), (60, 0)),
    sine("b", "c", (60, 3), (140, 43), 3.0, 0.09, 0.4),
    circular("c", "d", (10, -5), 25.0, 0.3, 3.1),
    circular("d", "a", (10, -5), 25.0, 2.0, -0.9, clockwise=False),
]


@pytest.mark.parametrize("lane", [0, 1, 2, 3])
def test_a_place_on_a_lane_is_found_again_from_its_point(lane):
    """The point of (s, r) lies r to the right of the curve's point at s, and projecting it gives (s, r) back."""
    batch = make(
        road=BENDS, entries=[("a", "b", 0)], features=("long_off", "lat_off"), features_range={}, vehicles_count=0
    )
    network = batch.config.network
    rng = np.random.default_rng(0)
    for along, across in zip(rng.uniform(1, network.length(lane) - 1, 40), rng.uniform(-3, 3, 40), strict=True):
        fields = batch.fields(0)
        fields["positions"][0] = network.position(lane, along, across)
        fields["lanes"][0] = fields["target_lanes"][0] = lane
        batch.load_fields(0, fields)
        np.testing.assert_allclose(batch.observations[0, 0, 0], (along, across), atol=2e-5)


def test_a_lane_changes_sides_with_its_direction():
    """x points along the road and y to its right; a lane back has its right at smaller y."""
    there, back = straight("a", "b", (0, 0), (10, 0)), straight("b", "a", (10, 0), (0, 0))
    network = games.driving.RoadNetwork([there, back])
    np.testing.assert_allclose(network.position(0, 3.0, 1.0), (3, 1))
    np.testing.assert_allclose(network.position(1, 3.0, 1.0), (7, -1))


def test_drivers_follow_a_road_round_its_bends():
    ring = [
        circular("a", "b", (0, 0), 40.0, 0.0, math.pi, speed_limit=15.0),
        circular("b", "a", (0, 0), 40.0, math.pi, 2 * math.pi, speed_limit=15.0),
    ]
    batch = make(road=ring, entries=[("a", "b", 0)], vehicles_count=1, target_speeds=(10.0,))
    fields = batch.fields(0)
    network, starts = batch.config.network, (10.0, 60.0)
    fields["positions"][:2] = [network.position(0, start) for start in starts]
    fields["headings"][:2] = [start / 40 + math.pi / 2 for start in starts]
    fields["speeds"][:2] = 10.0
    fields["lanes"][:2] = fields["target_lanes"][:2] = 0
    batch.load_fields(0, fields)
    for _ in range(38):
        batch.step(idle(batch))
        distances = np.linalg.norm(batch.fields(0)["positions"][:2], axis=1)
        assert (np.abs(distances - 40) < 1).all()


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


# ---- what agents see ----


def test_rows_are_the_nearest_cars_along_the_lane_relative_and_scaled():
    batch = open_road(others=4, lanes=2, observed_vehicles=4)
    cars = [(1050.0, 0.0, 20.0), (1010.0, 4.0, 30.0), (995.0, 0.0, 25.0), (985.0, 4.0, 25.0)]
    place(batch, (1000.0, 4.0, 25.0), *cars)
    mine = (1, 1000 / 200, 4 / 8, 25 / 80, 0)
    rows = [mine, (1, -5 / 200, -4 / 8, 0, 0), (1, 10 / 200, 0, 5 / 80, 0), (1, 50 / 200, -4 / 8, -5 / 80, 0)]
    np.testing.assert_allclose(batch.observations[0, 0], np.clip(rows, -1, 1), atol=1e-6)


def test_rows_without_a_car_are_zero_and_cars_behind_are_seen_on_request():
    cars = ((1000.0, 0.0, 25.0), (950.0, 0.0, 25.0))
    assert not place(open_road(others=1), *cars).observations[0, 0, 1:].any()
    rows = place(open_road(others=1, see_behind=True), *cars).observations[0, 0]
    assert rows[1, 1] == pytest.approx(-50 / 200)
    assert not rows[2:].any()


def test_a_grid_shows_cars_and_road_round_the_agent():
    """Cells of 5 m from -27.5: the agent is in cell (5, 5), a car 12 m ahead and 4 m to the right in (7, 6)."""
    batch = open_road(others=1, observation="occupancy_grid", features=("presence", "vx", "on_road"))
    place(batch, (1000.0, 0.0, 25.0), (1012.0, 4.0, 21.0))
    presence, vx, road = batch.observations[0, 0]
    assert np.argwhere(presence).tolist() == [[5, 5], [7, 6]]
    assert vx[7, 6] == pytest.approx(-4 / 80)
    assert road[:, 5].all()
    assert road[:, 6].all()
    assert road.sum() == 22


# ---- infos, rewards, ends ----


def test_time_gap_and_time_to_collision_are_bumper_to_bumper():
    batch = place(open_road(others=1, observed_vehicles=2), (1000.0, 0.0, 20.0), (1050.0, 0.0, 15.0))
    batch.step(idle(batch))
    fields = batch.fields(0)
    gap = fields["positions"][1, 0] - fields["positions"][0, 0] - 5
    speeds = fields["speeds"]
    assert batch.infos["time_gap"][0, 0] == pytest.approx(gap / speeds[0])
    assert batch.infos["time_to_collision"][0, 0] == pytest.approx(gap / (speeds[0] - speeds[1]))
    assert fields["min_time_gaps"][0] == pytest.approx(gap / speeds[0])


def test_nobody_ahead_counts_as_a_hundred_seconds():
    batch = place(open_road(others=1), (1000.0, 0.0, 20.0), (900.0, 0.0, 15.0))
    batch.step(idle(batch))
    assert batch.infos["time_gap"][0, 0] == batch.infos["time_to_collision"][0, 0] == 100


def test_the_highway_pays_for_speed_and_the_right_lane():
    """(0.1 * 1 + 0.4 * (25 - 20) / 10 + 1) / (0.5 + 1) on the right of two lanes at 25 m/s."""
    batch = place(open_road(others=0), (1000.0, 4.0, 25.0))
    batch.step(idle(batch))
    assert batch.rewards[0, 0] == pytest.approx((0.1 + 0.2 + 1) / 1.5)


def test_a_team_shares_the_mean_of_its_own_rewards():
    settings = {"others": 0, "controlled_vehicles": 2}
    cars = ((1000.0, 4.0, 25.0), (2000.0, 0.0, 20.0))
    own = [(0.1 + 0.2 + 1) / 1.5, 1 / 1.5]
    for reward, expected in (("selfish", own), ("team", [np.mean(own)] * 2)):
        batch = place(open_road(reward=reward, **settings), *cars)
        batch.step(idle(batch))
        np.testing.assert_allclose(batch.rewards[0], expected, rtol=1e-6)
        np.testing.assert_allclose(batch.infos["own_reward"][0], own, rtol=1e-6)


def test_everybody_has_an_end_of_their_own_where_ends_are_each():
    batch = open_road(others=1, controlled_vehicles=2, reward="selfish", ends="each")
    place(batch, (1000.0, 0.0, 20.0), (3000.0, 0.0, 20.0), (1004.0, 0.0, 20.0))
    batch.step(idle(batch))
    assert batch.terminations.tolist() == [[1, 0]]
    assert batch.alive.tolist() == [[0, 1]]
    assert not batch.ended[0]
    batch.step(idle(batch))
    assert batch.terminations.tolist() == [[0, 0]]
    assert batch.rewards[0, 0] == 0
    assert batch.rewards[0, 1] > 0
    assert batch.fields(0)["num_vehicles"] == 3  # the wreck stays


def test_who_arrives_is_paid_and_leaves_the_road():
    batch = make("overtaking", vehicles_count=0)
    network = batch.config.network
    fields = batch.fields(0)
    fields["positions"][0] = network.position(network.lane(("a", "b", 1)), 420.0)
    batch.load_fields(0, fields)
    batch.step(idle(batch))
    assert batch.rewards[0, 0] == batch.config.arrived_reward
    assert batch.infos["arrived"].tolist() == [[1, 0]]
    assert batch.alive.tolist() == [[0, 1]]
    assert batch.fields(0)["agent_vehicles"].tolist() == [-1, 0]
    assert not batch.observations[0, 0].any()


def test_together_the_first_crash_is_everybodys_end():
    batch = place(
        open_road(others=1, controlled_vehicles=2), (1000.0, 0.0, 20.0), (3000.0, 0.0, 20.0), (1004.0, 0.0, 20.0)
    )
    batch.step(idle(batch))
    assert batch.terminations.tolist() == [[1, 1]]
    assert batch.ended[0]


def test_episode_statistics_count_crashes_and_least_gaps():
    batch = place(open_road(others=1), (1000.0, 0.0, 30.0), (1004.0, 0.0, 20.0))
    batch.step(idle(batch))
    statistics = {name: values[0] for name, values in batch.episode_statistics.items()}
    assert statistics["crashes"] == statistics["traffic_crashes"] == 1
    assert statistics["arrivals"] == statistics["min_time_gap"] == 0
    assert statistics["mean_speed"] == pytest.approx(batch.fields(0)["speeds"][0])


def test_the_mean_speed_is_over_steps_before_an_agent_is_out():
    """The first agent crashes in the first step, at 20 m/s less what it brakes; the second drives on at 20 m/s."""
    batch = open_road(others=1, controlled_vehicles=2, reward="selfish", ends="each", horizon=2)
    place(batch, (1000.0, 0.0, 20.0), (3000.0, 0.0, 20.0), (1004.0, 0.0, 20.0))
    batch.step(idle(batch))
    first = batch.fields(0)["speeds"][0]
    batch.step(idle(batch))
    assert batch.fields(0)["steps_underway"].tolist() == [1, 2]
    assert batch.episode_statistics["mean_speed"][0] == pytest.approx((first + 20 + 20) / 3)


def test_infos_keep_each_agents_least_gaps_so_far():
    batch = place(
        open_road(others=2, controlled_vehicles=2, reward="selfish", ends="each"),
        *((1000.0, 0.0, 30.0), (3000.0, 0.0, 20.0), (1030.0, 0.0, 20.0), (4000.0, 0.0, 20.0)),
    )
    times = []
    for _ in range(5):
        batch.step(idle(batch))
        times.append(float(batch.infos["time_to_collision"][0, 0]))
        assert batch.infos["min_time_to_collision"][0, 0] == min(times)
    assert times[0] > times[-1]
    assert batch.infos["min_time_gap"][0, 1] == pytest.approx(995 / 20)


@pytest.mark.parametrize("env_id", [id for id in games.env_ids() if id.startswith("driving/")])
def test_every_env_starts_from_another_scene(env_id):
    batch = games.make_batch(env_id, 16)
    batch.reset()
    starts = {batch.fields(e)["positions"].tobytes() for e in range(16)}
    assert len(starts) == 16


def test_sixteen_agents_drive_among_a_hundred_others():
    batch = games.make_batch(
        "driving/highway_v0", 2, controlled_vehicles=16, vehicles_count=100, reward="selfish", ends="each"
    )
    batch.reset()
    for _ in range(10):
        batch.step(idle(batch))
    assert batch.observations.shape == (2, 16, 5, 5)
    assert batch.fields(0)["num_vehicles"] == 116
    assert batch.alive.mean() > 0.5


# ---- bad input ----


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vehicles_count": 120}, "vehicles_count must be a whole number in \\[0, 112\\], got 120"),
        ({"controlled_vehicles": 16, "vehicles_count": 113}, "vehicles_count"),
        ({"scene": "merge", "controlled_vehicles": 6}, "scene merge has room for 5 controlled_vehicles, got 6"),
        ({"target_speeds": (-5.0, 10.0)}, "target_speeds must be numbers in \\[0, 100\\]"),
        ({"target_speeds": (20.0, 10.0)}, "rising speeds"),
        ({"policy_frequency": 30}, "policy_frequency must be at most simulation_frequency, got 30 and 15"),
        ({"features": ("presense",)}, "unknown feature of kinematics 'presense'; did you mean 'presence'"),
        ({"features": ("on_road",)}, "unknown feature of kinematics 'on_road'"),
        ({"features_range": {"x": (5, 5)}}, "features_range of x must rise"),
        ({"scene": "moterway"}, "unknown scene 'moterway'; did you mean"),
        ({"grid_step": (100.0, 5.0)}, "grid_size along x must hold a cell of 100.0 m"),
        ({"reward_speed_range": (30.0, 20.0)}, "reward_speed_range must rise"),
        ({"scene": "intersection", "destination": "o9"}, "unknown node of the road 'o9'; did you mean 'o[0-3]'"),
        ({"initial_lane_id": 4}, "initial_lane_id must be below lanes_count, got 4"),
        ({"speed_limit": 3}, "unknown setting of world driving 'speed_limit'"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("driving/highway_v0", **settings)


LANE = straight("a", "b", (0, 0), (100, 0))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a road", "road must be a list of rows"),
        ([], "road must have 1 to 64 lanes, got 0"),
        ([LANE] * 65, "road must have 1 to 64 lanes, got 65"),
        ([LANE, straight("a", "a", (0, 0), (9, 0))], "row 2 leads from node 'a' to itself"),
        ([straight("a", "b", (0, 0), (0.5, 0))], "row 1 must be at least 1 m long"),
        ([straight("a", "b", (0, math.nan), (9, 0))], "row 1: start must be a pair of coordinates"),
        (
            [straight("a", "b", (0, 0), (9, 0), speed_limit=-3.0)],
            "speed_limit must be a number in \\[0, 1000\\], got -3.0",
        ),
        ([straight("a", "b", (0, 0), (9, 0), width=0)], "row 1: width must be a number in \\[0.1, 100\\], got 0"),
        ([straight("a", "b", (0, 0), (9, 0), widht=3)], "unknown key 'widht'; did you mean 'width'"),
        ([circular("a", "b", (0, 0), 0.5, 0, 1)], "radius must be a number in \\[1, 1000000.0\\], got 0.5"),
        ([circular("a", "b", (0, 0), 9, 1, 0)], "row 1: phases must rise by at most a full circle"),
        ([circular("a", "b", (0, 0), 9, 0, 7)], "row 1: phases must rise by at most a full circle"),
        ([{"kind": "spiral"}], "unknown kind of row 'spiral'"),
        ([{"kind": "straight", "from": "a", "to": "b", "start": (0, 0)}], "row 1 \\(straight\\) has no 'end'"),
        ([LANE, obstacle((0, "here"))], "row 2: at must be a pair of coordinates"),
        ([LANE] + [obstacle((0, 0))] * 9, "at most 8 obstacles, got 9"),
    ],
)
def test_impossible_roads_are_named(rows, message):
    with pytest.raises(RoadError, match=message):
        games.make_batch("driving/highway_v0", road=rows, entries=[("a", "b", 0)])


def test_entries_must_be_lanes_of_the_road():
    with pytest.raises(RoadError, match="a road of your own needs entries"):
        games.make_batch("driving/highway_v0", road=[LANE])
    with pytest.raises(RoadError, match=r"unknown lane .* 'a-b-1'; did you mean 'a-b-0'"):
        games.make_batch("driving/highway_v0", road=[LANE], entries=[("a", "b", 1)])
    with pytest.raises(RoadError, match="entries of scene merge must be 2 lanes"):
        games.make_batch("driving/merge_v0", road=[LANE], entries=[("a", "b", 0)])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("speeds", 2000.0, "speeds\\[0\\] .* must be in \\[-1000, 1000\\]"),
        ("headings", math.nan, "headings\\[0\\]"),
        ("lanes", 9, "lanes\\[0\\] and target_lanes\\[0\\] must be below 4"),
        ("kinds", 7, "kinds\\[0\\] must be 1, 2 or 3, got 7"),
        ("positions", math.inf, "positions\\[0\\] must be within"),
    ],
)
def test_impossible_states_are_named(name, value, message):
    batch = make()
    fields = batch.fields(0)
    fields[name][0] = value
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, {name: fields[name]})


def test_scenes_of_another_size_are_named():
    batch = make()
    scene = {"vehicles": [], "agents": [], "view_lanes": [], "regulation_steps": 0}
    with pytest.raises(ValueError, match="the scene has 0 agents, the config 1"):
        from_reference(scene, batch.config)
    with pytest.raises(ValueError, match="the scene has no 'agents'"):
        from_reference({}, batch.config)
