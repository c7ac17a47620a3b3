"""The conformance world's rules, worked by hand, and its config."""

import numpy as np
import pytest

import games
from games.probe.draw import draw

WAIT, TAKE, PUT = 0, 1, 2
ID = "probe/everything_v0"


def make(num_envs=1, **settings):
    batch = games.make_batch(ID, num_envs, **({"gust": 0.0} | settings))
    batch.reset()
    return batch


def stand(batch, **fields):
    """Puts three walkers at the corners of the field, beacon in the middle, then applies `fields`."""
    corners = np.array([[-1, -1], [1, -1], [1, 1]], np.float32)
    start = {
        "beacon": np.zeros(2, np.float32),
        "positions": corners,
        "walker_alive": np.ones(3, np.uint8),
        "stamina": np.full(3, 50, np.int16),
    }
    batch.load_fields(0, start | fields)


def act(batch, walkers=((0, 0),) * 3, pickers=((WAIT, 0),) * 2, caller=0):
    batch.step(
        {
            "walkers": np.array([walkers], np.float32),
            "pickers": np.array([pickers], np.int32),
            "caller": np.array([[caller]], np.int32),
        }
    )
    return {name: group.rewards[0].tolist() for name, group in batch.groups.items()}


def test_spaces_are_those_of_the_table():
    groups = make().groups
    assert {name: group.observation_space.shape for name, group in groups.items()} == {
        "walkers": (12,),
        "pickers": (16,),
        "caller": (5, 5, 3),
    }
    assert groups["walkers"].action_space.shape == (2,)
    assert groups["pickers"].action_space.nvec.tolist() == [3, 4]
    assert groups["caller"].action_space.n == 5
    assert groups["caller"].observations.dtype == np.uint8
    assert groups["pickers"].action_masks.shape == (1, 2, 7)
    assert list(groups["walkers"].infos) == ["distance", "stamina"]


def test_a_walker_moves_by_speed_times_velocity_and_stays_on_the_field():
    batch = make(speed=0.25)
    stand(batch)
    rewards = act(batch, walkers=((1, 0.5), (0.5, -1), (-1, -1)))["walkers"]
    expected = np.array([[-0.75, -0.875], [1, -1], [0.75, 0.75]], np.float32)
    np.testing.assert_array_equal(batch.fields(0)["positions"], expected)
    distances = np.hypot(*expected.T)
    np.testing.assert_allclose(rewards, -distances / 4, rtol=1e-6)
    np.testing.assert_allclose(batch.groups["walkers"].infos["distance"][0], distances, rtol=1e-6)
    assert batch.groups["walkers"].infos["stamina"][0].tolist() == [49, 49, 49]


def test_observation_of_a_walker_is_the_table():
    batch = make(horizon=40)
    stand(batch, steps=10, walker_alive=np.array([1, 1, 0], np.uint8), stamina=np.array([30, 15, 0], np.int16))
    seen = batch.groups["walkers"].observations[0]
    assert seen[0].tolist() == [-1, -1, 1, 1, 2, 0, 1, 0, 0, 0, 0.5, 0.25]
    assert seen[1].tolist() == [1, -1, -1, 1, 0, 0, 0, -2, 0, 1, 0.25, 0.25]
    assert seen[2].tolist() == [0] * 12
    assert batch.groups["walkers"].alive[0].tolist() == [1, 1, 0]


def test_arrival_and_exhaustion_end_a_walker_and_nobody_else():
    batch = make(speed=1.0, radius=0.5)
    stand(batch, stamina=np.array([9, 1, 9], np.int16))
    rewards = act(batch, walkers=((1, 1), (0, 0), (0, 0)))["walkers"]
    walkers = batch.groups["walkers"]
    assert rewards == [1, -1, pytest.approx(-np.sqrt(2) / 4)]
    assert walkers.terminations[0].tolist() == [1, 1, 0]
    assert walkers.alive[0].tolist() == [0, 0, 1]
    assert batch.fields(0)["arrivals"] == 1
    assert act(batch)["walkers"][:2] == [0, 0]
    assert walkers.terminations[0].tolist() == [0, 0, 0]  # 1 in the step of the end only


def test_wind_blows_on_all_walkers_alike():
    batch = make(gust=0.1)
    stand(batch, positions=np.zeros((3, 2), np.float32), beacon=np.ones(2, np.float32))
    act(batch)
    fields = batch.fields(0)
    assert 0 < np.abs(fields["wind"]).max() <= 0.1
    np.testing.assert_array_equal(fields["positions"], np.tile(fields["wind"], (3, 1)).astype(np.float32))


def test_takes_pay_the_value_and_puts_cost_it():
    batch = make(stock=(3, 2, 1, 2), values=(0.25, 0.5, 1.0, 0.75))
    assert act(batch, pickers=((TAKE, 0), (TAKE, 3)))["pickers"] == [0.25, 0.75]
    assert batch.fields(0)["bins"].tolist() == [2, 2, 1, 1]
    assert batch.fields(0)["hands"].tolist() == [1, 4]
    assert act(batch, pickers=((PUT, 2), (TAKE, 0)))["pickers"] == [-1, 0]  # a full hand cannot take
    assert batch.fields(0)["bins"].tolist() == [2, 2, 2, 1]
    assert batch.groups["pickers"].infos["taken"][0].tolist() == [1, 1]


def test_masks_follow_hands_and_bins():
    batch = make(stock=(1, 0, 0, 1))
    masks = batch.groups["pickers"].action_masks[0]
    assert masks.tolist() == [[1, 1, 0, 1, 0, 0, 1]] * 2
    act(batch, pickers=((TAKE, 0), (WAIT, 0)))
    assert masks.tolist() == [[1, 0, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0, 1]]
    act(batch, pickers=((WAIT, 0), (TAKE, 3)))
    act(batch, pickers=((PUT, 1), (WAIT, 0)))
    assert masks.tolist() == [[1, 1, 0, 0, 1, 0, 0], [1, 0, 1, 1, 1, 1, 1]]


def test_empty_bins_may_be_named_when_all_are_empty():
    batch = make(stock=(0, 0, 0, 0))
    assert batch.groups["pickers"].action_masks[0].tolist() == [[1, 0, 0, 1, 1, 1, 1]] * 2
    assert batch.groups["pickers"].observations[0, 0, :4].tolist() == [0] * 4


def test_a_coin_decides_who_gets_the_last_item():
    batch = make(num_envs=200, stock=(1, 0, 0, 0), values=(1, 1, 1, 1))
    batch.groups["pickers"].actions[:] = (TAKE, 0)
    batch.step()
    rewards = batch.groups["pickers"].rewards
    assert (rewards.sum(axis=1) == 1).all()
    assert 60 < rewards[:, 0].sum() < 140  # 5 standard deviations of 200 fair coins: 35


def test_the_quota_ends_a_picker_and_leaves_it_one_legal_action():
    batch = make(quota=1)
    act(batch, pickers=((TAKE, 0), (WAIT, 0)))
    pickers = batch.groups["pickers"]
    assert pickers.terminations[0].tolist() == [1, 0]
    assert pickers.alive[0].tolist() == [0, 1]
    assert pickers.action_masks[0, 0].tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert pickers.observations[0, 0].tolist() == [0] * 16
    bins = batch.fields(0)["bins"].tolist()
    assert act(batch, pickers=((PUT, 0), (WAIT, 0)))["pickers"] == [0, 0]
    assert batch.fields(0)["bins"].tolist() == bins


def test_right_calls_pay_by_rarity_and_mistakes_end_the_caller():
    batch = make(melody=(0, 2, 0, 1), max_mistakes=2)
    assert act(batch, caller=0)["caller"] == [0.5]
    assert act(batch, caller=2)["caller"] == [1]
    assert act(batch, caller=1)["caller"] == [-0.5]
    assert act(batch, caller=0)["caller"] == [-0.5]
    assert batch.groups["caller"].terminations.tolist() == [[1]]
    assert not batch.groups["caller"].observations.any()
    assert act(batch, caller=0)["caller"] == [0]


def test_the_caller_sees_a_picture_of_the_field():
    batch = make(melody=(3,))
    stand(batch, positions=np.array([[-1, -1], [-1, -0.9], [1, 0]], np.float32), beacon=np.array([0.5, 1], np.float32))
    picture = batch.groups["caller"].observations[0, 0]
    expected = np.zeros((5, 5, 3), np.uint8)
    expected[0, 0, 0], expected[2, 4, 0], expected[4, 3, 1], expected[0, 3, 2] = 160, 80, 255, 255
    np.testing.assert_array_equal(picture, expected)
    act(batch, caller=1)
    assert picture[1, :, 2].tolist() == [0, 255, 0, 0, 0]


def test_the_time_limit_truncates_who_is_left():
    batch = make(horizon=3, quota=1)
    stand(batch, stamina=np.array([2, 3, 9], np.int16))
    act(batch, pickers=((TAKE, 0), (WAIT, 0)))
    act(batch)
    assert not batch.ended[0]
    act(batch)
    assert batch.ended[0]
    ends = {
        name: (group.terminations[0].tolist(), group.truncations[0].tolist()) for name, group in batch.groups.items()
    }
    assert ends["walkers"] == ([0, 1, 0], [0, 0, 1])  # the first had left a step before
    assert ends["pickers"] == ([0, 0], [0, 1])
    assert ends["caller"] == ([0], [1])


def test_an_episode_ends_early_when_nobody_is_left():
    batch = make(horizon=1000, quota=1, max_mistakes=1, stamina=(1, 1), stock=(5, 5, 5, 5), melody=(1,))
    act(batch, pickers=((TAKE, 0), (TAKE, 1)), caller=0)
    assert batch.ended[0]
    assert batch.episode_lengths.tolist() == [1]
    assert not any(group.truncations.any() for group in batch.groups.values())
    statistics = batch.episode_statistics
    assert list(statistics) == ["population", "arrivals", "taken", "right_calls"]
    assert statistics["taken"].tolist() == [2]
    assert 1 <= statistics["population"][0] <= 3


def test_every_slot_is_empty_in_some_episodes_and_taken_in_others():
    alive = make(num_envs=100).groups["walkers"].alive
    assert set(alive.sum(axis=1)) == {1, 2, 3}
    assert (alive.mean(axis=0) > 0).all()
    assert (alive.mean(axis=0) < 1).all()


def test_live_settings_change_from_the_next_step_on_and_others_never():
    batch = make(speed=0.25)
    batch.configure(speed=0.5)
    stand(batch)
    act(batch, walkers=((1, 0), (0, 0), (0, 0)))
    assert batch.fields(0)["positions"][0].tolist() == [-0.5, -1]
    with pytest.raises(ValueError, match="'horizon' of probe/everything_v0 cannot change"):
        batch.configure(horizon=9)
    with pytest.raises(ValueError, match=r"speed must be a number in \[0, 1\], got 2"):
        batch.configure(speed=2)
    with pytest.raises(ValueError, match="values must be 4 numbers"):
        batch.configure(values=(1, 2, 3))
    batch.configure(values=(0.125, 0, 0, 0))
    assert act(batch, pickers=((TAKE, 0), (WAIT, 0)))["pickers"] == [0.125, 0]
    assert batch.config.speed == 0.5


@pytest.mark.parametrize(
    "bad",
    [
        {"stock": (1, 2, 3)},
        {"stock": (1, 2, 3, -1)},
        {"stock": (1, 2, 3, 10_001)},
        {"stock": (1, 2, 3, 0.5)},
        {"stamina": (3, 2)},
        {"stamina": (0, 2)},
        {"values": (0, 0, 0, 1.5)},
        {"values": (0, 0, 0, float("nan"))},
        {"melody": ()},
        {"melody": (5,)},
        {"melody": "abc"},
        {"quota": 0},
        {"max_mistakes": 256},
        {"gust": float("nan")},
        {"speed": -0.1},
    ],
)
def test_bad_settings_are_refused_by_name(bad):
    with pytest.raises(ValueError, match=f"^{next(iter(bad))} must be"):
        games.make_batch(ID, **bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": 41},
        {"beacon": np.array([0, 1.5], np.float32)},
        {"beacon": np.array([0, np.nan], np.float32)},
        {"wind": np.array([0, 0.5])},
        {"walker_alive": np.array([1, 2, 0], np.uint8)},
        {"bins": np.array([9, 2, 1, 2], np.uint16)},
        {"hands": np.array([5, 0], np.uint8)},
        {"taken": np.array([4, 0])},
        {"melody_position": 5},
        {"last_call": -2},
        {"mistakes": 20},
    ],
)
def test_states_that_cannot_be_are_refused_and_change_nothing(bad):
    batch = make()
    before = batch.state_bytes(0)
    with pytest.raises(ValueError, match="must"):
        batch.load_fields(0, bad)
    assert batch.state_bytes(0) == before


def test_pictures_have_one_even_size_and_show_the_state():
    batch = make()
    stand(batch)
    first = draw(batch.fields(0), batch.config)
    act(batch, walkers=((1, 1), (0, 0), (0, 0)), pickers=((TAKE, 0), (WAIT, 0)))
    second = draw(batch.fields(0), batch.config)
    assert first.shape == second.shape == (256, 384, 3)
    assert first.dtype == np.uint8
    assert (first != second).any()
