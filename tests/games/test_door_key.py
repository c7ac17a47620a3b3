"""Door and key by hand: what several agents do to each other, rewards, chance, and what is refused.

What one agent can do is compared with minigrid in tests/parity/minigrid.
"""

import numpy as np
import pytest

import games
from games.door_key import CARRIED, CLOSED, LOCKED, OPEN, DoorKeyConfig

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE, DONE = range(7)
EAST, SOUTH, WEST, NORTH = range(4)


def make(positions, directions, **fields):
    """Returns a 8x8 map with its wall in column 4, the door at (4, 3), the key at (1, 6) and the goal at (6, 6)."""
    settings = fields.pop("settings", {})
    batch = games.make_batch(
        "grid/door_key_v0", autoreset="disabled", num_agents=len(positions), **{"horizon": 100, **settings}
    )
    batch.reset(seed=0)
    state = {
        **{"split": 4, "door_y": 3, "door": LOCKED, "key": np.array([1, 6], np.uint8)},
        **{"goal": np.array([6, 6], np.uint8), "has_key": np.zeros(len(positions), np.uint8)},
        **{"positions": np.array(positions, np.uint8), "directions": np.array(directions, np.uint8)},
    }
    batch.load_fields(0, state | {name: np.array(v, np.uint8) if np.ndim(v) else v for name, v in fields.items()})
    return batch


def step(batch, *actions):
    batch.step(np.array([actions], np.int32))
    return batch.fields(0)


def places(fields):
    return [tuple(int(v) for v in place) for place in fields["positions"]]


def test_nobody_gets_a_cell_that_two_want():
    batch = make([(1, 2), (3, 2)], [EAST, WEST])
    assert places(step(batch, FORWARD, FORWARD)) == [(1, 2), (3, 2)]
    assert places(step(batch, FORWARD, DONE)) == [(2, 2), (3, 2)]


def test_agents_neither_pass_through_each_other_nor_follow_into_a_cell_just_left():
    batch = make([(1, 2), (2, 2)], [EAST, WEST])
    assert places(step(batch, FORWARD, FORWARD)) == [(1, 2), (2, 2)]
    batch = make([(1, 2), (2, 2)], [EAST, EAST])
    assert places(step(batch, FORWARD, FORWARD)) == [(1, 2), (3, 2)]


@pytest.mark.parametrize("swap", [False, True])
def test_a_key_for_which_two_reach_stays_where_it_is(swap):
    both = [((1, 5), SOUTH), ((2, 6), WEST)][:: -1 if swap else 1]
    batch = make([place for place, _ in both], [direction for _, direction in both])
    fields = step(batch, PICK_UP, PICK_UP)
    assert not fields["has_key"].any()
    assert tuple(fields["key"]) == (1, 6)
    fields = step(batch, DONE, PICK_UP)
    assert fields["has_key"].tolist() == [0, 1]
    assert tuple(fields["key"]) == (CARRIED, CARRIED)
    assert batch.infos["got_key"].tolist() == [[0, 1]]


def test_a_key_is_not_dropped_onto_an_agent_that_comes_in():
    carrying = {"key": [CARRIED, CARRIED], "has_key": [1, 0]}
    batch = make([(1, 2), (2, 3)], [EAST, NORTH], **carrying)
    fields = step(batch, DROP, FORWARD)
    assert places(fields) == [(1, 2), (2, 2)]
    assert fields["has_key"].tolist() == [1, 0]
    batch = make([(1, 2), (2, 3)], [EAST, NORTH], **carrying)
    fields = step(batch, DROP, DONE)
    assert tuple(fields["key"]) == (2, 2)
    assert places(step(batch, DONE, FORWARD)) == [(1, 2), (2, 3)], "a key is in the way"


def test_only_the_key_opens_a_locked_door():
    batch = make([(3, 3), (3, 2)], [EAST, SOUTH], key=[CARRIED, CARRIED], has_key=[0, 1])
    assert step(batch, TOGGLE, DONE)["door"] == LOCKED
    batch = make([(3, 3), (3, 2)], [EAST, SOUTH], key=[CARRIED, CARRIED], has_key=[1, 0])
    assert step(batch, TOGGLE, DONE)["door"] == OPEN
    assert batch.infos["unlocked"].tolist() == [[1, 0]]


def test_two_hands_on_a_door_count_as_one():
    batch = make([(3, 3), (5, 3)], [EAST, WEST], door=CLOSED)
    assert step(batch, TOGGLE, TOGGLE)["door"] == OPEN
    assert step(batch, TOGGLE, TOGGLE)["door"] == CLOSED
    assert not batch.infos["unlocked"].any(), "it was not locked"


def test_a_door_does_not_close_on_somebody():
    batch = make([(4, 3), (3, 3)], [EAST, EAST], door=OPEN)
    assert step(batch, DONE, TOGGLE)["door"] == OPEN
    batch = make([(3, 3), (5, 3)], [EAST, WEST], door=OPEN)
    fields = step(batch, FORWARD, TOGGLE)
    assert places(fields)[0] == (4, 3)
    assert fields["door"] == OPEN
    batch = make([(4, 3), (5, 4)], [EAST, NORTH], door=OPEN)
    assert places(step(batch, FORWARD, DONE))[0] == (5, 3), "who leaves is out of the way"


@pytest.mark.parametrize(("shared", "expected"), [(True, [1 - 0.9 * 0.03] * 3), (False, [1 - 0.9 * 0.03] * 2 + [0])])
def test_the_goal_holds_all_who_come_and_ends_the_episode(shared, expected):
    batch = make(
        [(5, 6), (6, 5), (1, 1)], [EAST, SOUTH, EAST], settings={"shared_reward": shared, "horizon": 100}, timestep=2
    )
    fields = step(batch, FORWARD, FORWARD, FORWARD)
    assert places(fields) == [(6, 6), (6, 6), (2, 1)]
    np.testing.assert_allclose(batch.rewards[0], expected, rtol=1e-6)
    assert batch.terminations.all()
    assert not batch.truncations.any()
    assert batch.episode_statistics["reached"].tolist() == [1]


def test_the_reward_falls_to_what_the_time_penalty_leaves():
    for penalty, left in ((0.9, 0.1), (0.5, 0.5), (0.0, 1.0)):
        batch = make([(5, 6)], [EAST], settings={"time_penalty": penalty, "horizon": 50}, timestep=49)
        step(batch, FORWARD)
        assert batch.rewards[0, 0] == pytest.approx(left)
        assert batch.terminations.all()
        assert not batch.truncations.any()


def test_agents_see_each_other_with_key_and_relative_direction():
    batch = make([(2, 5), (2, 4), (1, 4)], [NORTH, EAST, WEST], key=[CARRIED, CARRIED], has_key=[0, 1, 0])
    # Agent 0 looks north from the middle of the last y: agent 1 stands one ahead, agent 2 one ahead and one left.
    view = batch.observations[0, 0]
    assert view[3, 5].tolist() == [10, 4, 1], "has the key, and looks to the observer's right"
    assert view[2, 5].tolist() == [10, 0, 3], "looks to the observer's left"
    assert view[3, 6].tolist() == [1, 0, 0], "its own cell shows what it carries"
    assert batch.observations[0, 1, 3, 6].tolist() == [5, 4, 0]
    # Agent 1 looks east: agent 0 stands on its right and looks to the left; agent 2 is behind it.
    view = batch.observations[0, 1]
    assert np.argwhere(view[..., 0] == 10).tolist() == [[4, 6]]
    assert view[4, 6].tolist() == [10, 0, 3]


def test_goals_lie_near_as_often_as_asked():
    batch = games.make_batch("grid/door_key_gmah_v0", 4000, seed=6)
    batch.reset()
    states = [batch.fields(env) for env in range(batch.num_envs)]
    near = np.array([fields["goal"][0] < fields["split"] for fields in states])
    assert abs(near.mean() - 0.8) < 5 * np.sqrt(0.8 * 0.2 / len(near))
    for fields, is_near in zip(states, near, strict=True):
        taken = {tuple(fields["goal"]), tuple(fields["key"]), tuple(fields["positions"][0])}
        assert len(taken) == 3
        assert is_near or tuple(fields["goal"]) == (6, 6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"view_size": 6}, "view_size must be odd"),
        ({"size": 6, "num_agents": 3}, "at most size - 4 = 2"),
        ({"near_goal": 1.5}, "near_goal"),
        ({"size": 4}, "size"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DoorKeyConfig(**settings)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"split": 7}, "split"),
        ({"door": 3}, "door"),
        ({"goal": np.array([4, 1], np.uint8)}, "goal cannot be"),
        ({"key": np.array([0, 3], np.uint8)}, "key cannot be"),
        ({"key": np.array([CARRIED, CARRIED], np.uint8)}, "carried by one agent"),
        ({"positions": np.array([[1, 1], [1, 1]], np.uint8)}, "agents 0 and 1"),
        ({"positions": np.array([[1, 6], [1, 1]], np.uint8)}, "agent 0 cannot stand"),
        ({"positions": np.array([[4, 3], [1, 1]], np.uint8)}, "agent 0 cannot stand"),
        ({"directions": np.array([4, 0], np.uint8)}, "direction 4"),
    ],
)
def test_states_that_cannot_be_are_refused(fields, message):
    batch = make([(1, 1), (2, 2)], [EAST, EAST])
    before = batch.state_bytes(0)
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, fields)
    assert batch.state_bytes(0) == before
