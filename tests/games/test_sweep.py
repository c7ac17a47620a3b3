"""Sweeping the floor by hand: what needs the other robot, what pays, how long it takes at least, what is refused."""

from collections import Counter

import numpy as np
import pytest

import games
from games.sweep import BIN, IN_BIN, IN_PAN, LEVELS, ON_FLOOR, START

WAIT = 0
N = len(LEVELS["y3_g3"])
DUMP = 2 * N + 1
GREEN, YELLOW, BLUE = 0, 1, 2  # numbers of cubes


def move(cube):
    return 1 + cube


def sweep(cube):
    return 1 + N + cube


def make(places, cubes=None, **fields):
    batch = games.make_batch("cooperation/sweep_v0", autoreset="disabled")
    batch.reset()
    cubes = np.array(cubes or [ON_FLOOR] * N, np.uint8)
    batch.load_fields(0, {"places": np.array(places, np.uint8), "cubes": cubes, **fields})
    return batch


def step(batch, alice, bob):
    batch.step(np.array([[alice, bob]], np.int32))
    fields = batch.fields(0)
    return fields["places"].tolist(), fields["cubes"].tolist(), batch.rewards[0].tolist()


def test_robots_move_to_cubes_on_the_floor_alone():
    batch = make([START, START], [ON_FLOOR, IN_PAN, IN_BIN, *[ON_FLOOR] * (N - 3)])
    masks = batch.action_masks[0]
    assert masks[:, 1 : N + 1].tolist() == [[1, 0, 0, *[1] * (N - 3)]] * 2
    assert step(batch, move(GREEN), move(YELLOW))[0] == [GREEN, START]
    assert step(batch, WAIT, move(GREEN))[0] == [GREEN, GREEN]


@pytest.mark.parametrize(
    ("places", "alice", "is_swept"),
    [
        ([GREEN, GREEN], WAIT, True),
        ([GREEN, GREEN], move(GREEN), False),
        ([GREEN, GREEN], move(BLUE), False),
        ([BLUE, GREEN], WAIT, False),
        ([GREEN, BLUE], WAIT, False),
        ([START, GREEN], move(GREEN), False),
    ],
)
def test_a_sweep_needs_both_at_the_cube_and_a_waiting_alice(places, alice, is_swept):
    batch = make(places)
    _, cubes, rewards = step(batch, alice, sweep(GREEN))
    assert cubes[GREEN] == (IN_PAN if is_swept else ON_FLOOR)
    assert rewards == [float(is_swept)] * 2


def test_only_bob_sweeps_and_only_alice_dumps():
    batch = make([GREEN, GREEN], [ON_FLOOR, IN_PAN, *[ON_FLOOR] * (N - 2)])
    assert batch.action_masks[0, 0, 1 + N :].tolist() == [0] * N + [1]
    assert batch.action_masks[0, 1, 1 + N :].tolist() == [1] + [0] * N
    before = batch.fields(0)["cubes"].tolist()
    assert step(batch, sweep(GREEN), DUMP)[1] == before
    places, cubes, rewards = step(batch, DUMP, move(BLUE))
    assert places == [BIN, BLUE]
    assert cubes == [ON_FLOOR, IN_BIN, *[ON_FLOOR] * (N - 2)]
    assert rewards == [0, 0]


def test_an_unwanted_cube_pays_nothing_and_the_last_dump_pays_and_ends():
    batch = make([BLUE, BLUE])
    assert step(batch, WAIT, sweep(BLUE))[2] == [0, 0]
    wanted = batch.config.wanted
    batch = make([GREEN, GREEN], np.where(wanted, IN_PAN, ON_FLOOR).tolist())
    assert step(batch, DUMP, WAIT)[2] == [1, 1]
    assert batch.terminations.all()
    assert batch.episode_statistics["is_done"].tolist() == [1]


def test_the_horizon_ends_an_unfinished_episode():
    batch = make([START, START], timestep=14)
    step(batch, WAIT, WAIT)
    assert batch.truncations.all()
    assert not batch.terminations.any()
    assert batch.episode_statistics["is_done"].tolist() == [0]


def _kinds(state, wanted):
    """What is left of a state when cubes of a kind have no names: whoever stands where counts, and how many are where.

    A robot that stands nowhere useful is one that starts: it has no use for its place.
    """
    places, cubes = state
    useful = [p if p < N and cubes[p] == ON_FLOOR and wanted[p] else START for p in places]
    same = useful[0] == useful[1] != START
    counts = Counter((bool(wanted[c]), cubes[c]) for c in range(len(cubes)) if wanted[c])
    return tuple(p != START for p in useful), same, tuple(sorted(counts.items()))


@pytest.mark.parametrize(
    ("level", "num_wanted"), [("y1_g1", 2), ("y1_g2", 3), ("y2_g2", 4), ("y2_g3", 5), ("y3_g3", 6)]
)
def test_the_fewest_steps_are_two_for_each_wanted_cube_and_one(level, num_wanted):
    """Breadth first over what wanted cubes and robots do; 2 k + 1, the best that the paper's tables report.

    Equal cubes are one, and cubes that nobody wants are left where they are: neither can shorten a plan, because cubes
    differ in nothing but being wanted, and unwanted ones in the dustpan change nothing for the others.
    """
    batch = games.make_batch("cooperation/sweep_v0", level=level, autoreset="disabled")
    batch.reset()
    wanted = batch.config.wanted.astype(bool).tolist()
    n = len(wanted)
    assert sum(wanted) == num_wanted
    cubes = [cube for cube in range(n) if wanted[cube]]
    actions = [0, *(1 + c for c in cubes), *(1 + n + c for c in cubes), 1 + 2 * n]
    front, met, steps = [batch.state_bytes(0)], set(), 0
    while True:
        steps += 1
        following = []
        for snapshot in front:
            for alice in actions:
                for bob in actions:
                    batch.load_state(0, snapshot)
                    if not (batch.action_masks[0, 0, alice] and batch.action_masks[0, 1, bob]):
                        continue
                    batch.step(np.array([[alice, bob]], np.int32))
                    if batch.terminations[0, 0]:
                        assert steps == 2 * num_wanted + 1
                        return
                    fields = batch.fields(0)
                    kind = _kinds((fields["places"].tolist(), fields["cubes"].tolist()), wanted)
                    if kind not in met:
                        met.add(kind)
                        following.append(batch.state_bytes(0))
        front = following


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cubes": np.array([3] + [0] * (N - 1), np.uint8)}, "cubes"),
        ({"places": np.array([N, 0], np.uint8)}, "robot 0 cannot be"),
        ({"places": np.array([0, BIN], np.uint8)}, "robot 1 cannot be"),
        ({"timestep": 16}, "timestep"),
    ],
)
def test_states_that_cannot_be_are_refused(fields, message):
    batch = make([START, START])
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, fields)


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="did you mean 'y2_g3'"):
        games.make_batch("cooperation/sweep_v0", level="y2_g4")
