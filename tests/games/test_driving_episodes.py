"""What agents of driving see, are told and are paid, and when their episodes end."""

import numpy as np
import pytest
from road_play import idle, make, open_road, place

import games

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
