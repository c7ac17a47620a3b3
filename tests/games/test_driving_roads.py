"""Lanes and roads of driving, and settings, roads and states that are refused."""

import math

import numpy as np
import pytest
from road_play import idle, make

import games
from games.driving import RoadError, circular, obstacle, sine, straight
from games.driving.transfer import from_reference

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
