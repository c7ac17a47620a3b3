"""Trash on a grid by hand: what works in front of what, who gets in whose way, rewards, views, and what is refused."""

import numpy as np
import pytest

import games
from games.trash import BIG, BINS, GONE, SMALL, STEPS

FORWARD, LEFT, RIGHT, PICK_UP, SPLIT, PUT_DOWN = range(6)
EAST, SOUTH, WEST, NORTH = range(4)


def make(agents, directions, pieces=((3, 0, SMALL), (7, 8, BIG)), **fields):
    """Returns a map with two small pieces and a big one, of which the given ones are there, small ones first."""
    settings = fields.pop("settings", {})
    batch = games.make_batch(
        "grid/trash_v0", autoreset="disabled", num_agents=len(agents), num_small=2, num_big=1, **settings
    )
    batch.reset(seed=0)
    lying = np.zeros((3, 3), np.uint8)
    small = [piece for piece in pieces if piece[2] == SMALL]
    for m, piece in [*enumerate(small), *((2, piece) for piece in pieces if piece[2] == BIG)]:
        lying[m] = piece
    state = {
        "agents": np.array(agents, np.uint8),
        "directions": np.array(directions, np.uint8),
        "loads": np.array(fields.pop("loads", [0] * len(agents)), np.uint8),
        "pieces": lying,
    }
    batch.load_fields(0, state | fields)
    return batch


def step(batch, *actions):
    batch.step(np.array([actions], np.int32))
    return batch.fields(0)


def test_turns_and_moves_follow_the_compass():
    batch = make([(5, 5)], [EAST])
    for direction in (SOUTH, WEST, NORTH, EAST):
        assert step(batch, RIGHT)["directions"][0] == direction
        before = batch.fields(0)["agents"][0].astype(int)
        after = step(batch, FORWARD)["agents"][0].astype(int)
        assert tuple(after - before) == STEPS[direction]
    assert step(batch, LEFT)["directions"][0] == NORTH


@pytest.mark.parametrize(
    ("agent", "direction"),
    [((0, 0), NORTH), ((0, 0), WEST), ((2, 0), SOUTH), ((7, 6), SOUTH), ((9, 5), EAST), ((7, 9), EAST), ((7, 7), EAST)],
    ids=["edge", "other edge", "small piece", "recycling area", "from the side", "far edge", "big piece"],
)
def test_edges_pieces_and_the_recycling_area_are_in_the_way(agent, direction):
    batch = make([agent], [direction])
    assert tuple(step(batch, FORWARD)["agents"][0]) == agent


def test_nobody_gets_a_cell_that_two_want_or_that_is_just_being_left():
    batch = make([(1, 2), (1, 4)], [EAST, WEST])
    assert step(batch, FORWARD, FORWARD)["agents"].tolist() == [[1, 2], [1, 4]]
    assert step(batch, FORWARD, LEFT)["agents"].tolist() == [[1, 3], [1, 4]]
    batch = make([(1, 2), (1, 3)], [EAST, EAST])
    assert step(batch, FORWARD, FORWARD)["agents"].tolist() == [[1, 2], [1, 4]]


def test_a_small_piece_goes_to_who_reaches_for_it_alone():
    batch = make([(4, 4), (6, 4)], [SOUTH, NORTH], [(5, 4, SMALL)])
    fields = step(batch, PICK_UP, PICK_UP)
    assert fields["pieces"][0].tolist() == [5, 4, SMALL]
    assert not fields["loads"].any()
    fields = step(batch, LEFT, PICK_UP)
    assert fields["pieces"][0].tolist() == [0, 0, GONE]
    assert fields["loads"].tolist() == [0, 1]
    assert batch.infos["picked_up"].tolist() == [[0, 1]]
    assert batch.rewards[0].tolist() == pytest.approx([-0.01, -0.01])


def test_picking_up_is_rewarded_where_it_is_asked_for():
    """Two pieces at once: 2 x 0.3 and the step's cost."""
    pieces = [(5, 4, SMALL), (5, 6, SMALL)]
    batch = make([(4, 4), (6, 6)], [SOUTH, NORTH], pieces, settings={"pick_up_reward": 0.3})
    step(batch, PICK_UP, PICK_UP)
    assert batch.rewards[0].tolist() == pytest.approx([0.59, 0.59])
    step(batch, PICK_UP, PICK_UP)
    assert batch.rewards[0].tolist() == pytest.approx([-0.01, -0.01])


def test_who_carries_three_picks_up_no_fourth():
    settings = {"num_small": 5, "num_big": 0, "capacity": 3}
    batch = games.make_batch("grid/trash_v0", autoreset="disabled", num_agents=1, **settings)
    batch.reset()
    pieces = np.zeros((5, 3), np.uint8)
    pieces[0] = [5, 4, SMALL]
    state = {"agents": np.array([[4, 4]], np.uint8), "directions": np.array([SOUTH], np.uint8), "pieces": pieces}
    batch.load_fields(0, state | {"loads": np.array([3], np.uint8)})
    assert step(batch, PICK_UP)["loads"][0] == 3
    batch.load_fields(0, {"loads": np.array([2], np.uint8)})
    assert step(batch, PICK_UP)["loads"][0] == 3


def test_a_big_piece_is_split_before_it_is_carried_and_two_hands_count_as_one():
    batch = make([(4, 4), (6, 4)], [SOUTH, NORTH], [(5, 4, BIG)])
    fields = step(batch, PICK_UP, LEFT)
    assert fields["pieces"][2].tolist() == [5, 4, BIG]
    batch = make([(4, 4), (6, 4)], [SOUTH, NORTH], [(5, 4, BIG)])
    fields = step(batch, SPLIT, SPLIT)
    assert fields["pieces"][2].tolist() == [5, 4, SMALL]
    assert batch.rewards[0].tolist() == pytest.approx([0.09, 0.09])
    assert batch.infos["split"].tolist() == [[1, 1]]
    assert step(batch, SPLIT, PICK_UP)["loads"].tolist() == [0, 1], "a small piece is not split again"
    assert batch.rewards[0].tolist() == pytest.approx([-0.01, -0.01])


def test_a_piece_that_is_being_taken_is_still_in_the_way():
    batch = make([(4, 4), (6, 4)], [SOUTH, NORTH], [(5, 4, SMALL)])
    fields = step(batch, PICK_UP, FORWARD)
    assert fields["agents"].tolist() == [[4, 4], [6, 4]]
    assert fields["loads"].tolist() == [1, 0]


def test_all_that_is_carried_is_delivered_at_once_and_only_there():
    batch = make([(7, 6)], [SOUTH], [(7, 8, BIG)], loads=[2])
    step(batch, PUT_DOWN)
    assert batch.fields(0)["loads"][0] == 0
    assert batch.rewards[0, 0] == pytest.approx(2 - 0.01)
    assert batch.infos["delivered"][0, 0] == 2
    assert not batch.ended[0], "one lies there still"
    batch = make([(7, 6)], [EAST], [(7, 8, BIG)], loads=[2])
    assert step(batch, PUT_DOWN)["loads"][0] == 2
    assert batch.rewards[0, 0] == pytest.approx(-0.01)


def test_a_clean_field_ends_the_episode_and_the_time_limit_cuts_it():
    batch = make([(7, 6), (0, 0)], [SOUTH, SOUTH], [], loads=[2, 0], settings={"horizon": 50}, timestep=49)
    step(batch, PUT_DOWN, LEFT)
    assert batch.terminations.all(), "one piece was delivered before"
    assert not batch.truncations.any()
    assert batch.episode_statistics["delivered"].tolist() == [3]
    batch = make([(7, 6), (0, 0)], [SOUTH, SOUTH], [(3, 3, SMALL)], settings={"horizon": 50}, timestep=49)
    step(batch, LEFT, LEFT)
    assert batch.truncations.all()
    assert not batch.terminations.any()


def test_everybody_sees_everything_from_where_it_stands():
    batch = make([(4, 4), (1, 7)], [WEST, NORTH], [(5, 4, SMALL), (7, 8, BIG)], loads=[1, 0])
    for observer, (row, column) in enumerate(((4, 4), (1, 7))):
        seen = batch.observations[0, observer]
        own, other = [0, 0, [1, 0][observer], [WEST, NORTH][observer]], (0, 1)[1 - observer]
        there = [(4, 4), (1, 7)][other]
        others = [there[0] - row, there[1] - column, [1, 0][other], [WEST, NORTH][other]]
        pieces = [5 - row, 4 - column, SMALL, 0, 0, GONE, 7 - row, 8 - column, BIG]
        bins = [value for b in BINS for value in (b[0] - row, b[1] - column)]
        assert seen.tolist() == [*own, *others, *pieces, *bins]


def test_the_stock_map_has_the_sizes_of_the_original():
    batch = games.make_batch("grid/trash_v0")
    batch.reset()
    fields = batch.fields(0)
    assert batch.observations.shape == (1, 3, 58)
    assert batch.only_group.action_space.n == 6
    assert fields["agents"].tolist() == [[0, 0], [0, 2], [0, 4]]
    assert fields["directions"].tolist() == [SOUTH] * 3
    assert fields["pieces"][:, 2].tolist() == [SMALL] * 5 + [BIG] * 5


def test_pieces_lie_anywhere_in_their_field_as_often():
    """4,000 starts: of 45 cells each holds a piece in 10 of 45 cases; no two share one."""
    batch = games.make_batch("grid/trash_v0", 4000, seed=3)
    batch.reset()
    counts = np.zeros((10, 10))
    for env in range(batch.num_envs):
        rows, columns = batch.fields(env)["pieces"][:, :2].astype(int).T
        assert len({*zip(rows.tolist(), columns.tolist(), strict=True)}) == 10
        counts[rows, columns] += 1
    assert counts[3:8, :9].sum() == 40_000
    share, deviation = 10 / 45, np.sqrt(10 / 45 * 35 / 45 / 4000)
    assert np.abs(counts[3:8, :9] / 4000 - share).max() < 5 * deviation


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_small": 0, "num_big": 0}, r"num_small \+ num_big must be in \[1, 45\], got 0"),
        ({"num_small": 40, "num_big": 6}, r"num_small \+ num_big must be in \[1, 45\], got 46"),
        ({"num_agents": 6}, "num_agents"),
        ({"capacity": 0}, "capacity"),
        ({"step_cost": float("nan")}, "step_cost"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("grid/trash_v0", **settings)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"agents": [[8, 6], [0, 2]]}, "agents: number 0 cannot be in row 8, column 6"),
        ({"agents": [[0, 2], [0, 2]]}, "agents: numbers 0 and 1 stand in the same cell"),
        ({"agents": [[3, 0], [0, 2]]}, "agents: number 0 stands on piece 0"),
        ({"directions": [4, 0]}, "with direction 4"),
        ({"loads": [4, 0]}, "and 4 pieces"),
        ({"loads": [2, 0]}, "more pieces are carried than are gone"),
        ({"pieces": [[3, 0, BIG], [0, 0, 0], [7, 8, BIG]]}, "pieces: number 0 cannot be of kind 2"),
        ({"pieces": [[2, 0, SMALL], [0, 0, 0], [7, 8, BIG]]}, "pieces: number 0 cannot be of kind 1 in row 2"),
        ({"pieces": [[7, 8, SMALL], [0, 0, 0], [7, 8, BIG]]}, "pieces: numbers 0 and 2 lie in the same cell"),
        ({"pieces": [[3, 0, SMALL], [4, 0, GONE], [7, 8, BIG]]}, "pieces: number 1 is gone and lies somewhere"),
        ({"timestep": 129}, "timestep"),
    ],
)
def test_states_that_cannot_be_are_refused(fields, message):
    batch = make([(0, 0), (0, 2)], [SOUTH, SOUTH])
    before = batch.state_bytes(0)
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, {name: np.array(v, np.uint8) if np.ndim(v) else v for name, v in fields.items()})
    assert batch.state_bytes(0) == before
