"""Batches from Python: arrays, autoreset, cursors over ended episodes, snapshots, and what every refusal says."""

import threading

import numpy as np
import pytest

import games
from games.matrix import PRISONERS_DILEMMA
from games.names import UnknownNameError

DILEMMA, PROBE = "matrix/prisoners_dilemma_v0", "probe/everything_v0"
MODES = ("same_step", "next_step", "disabled")
FIRST = [[1, 0, 0, 0, 0]] * 2  # observation with memory before the first round
BOTH_DEFECTED = [[1, 0, 1, 0, 1]] * 2


def make(num_envs=1, **settings):
    return games.make_batch(DILEMMA, num_envs, **({"horizon": 2} | settings))


def started(num_envs=1, **settings):
    batch = make(num_envs, **settings)
    batch.reset()
    return batch


def joint(batch, *actions):
    return np.tile(np.array(actions, np.int32), (batch.num_envs, 1))


def arrays_of(group):
    fixed = ("observations", "final_observations", "actions", "action_masks", "rewards", "terminations")
    named = {name: getattr(group, name) for name in (*fixed, "truncations", "alive")}
    return named | group.infos


def snapshots(batch):
    return [batch.state_bytes(env) for env in range(batch.num_envs)]


def random_actions(batch, numbers):
    def draw(group):
        shape = group.actions.shape
        if group.actions.dtype == np.float32:
            return numbers.uniform(-1, 1, shape).astype(np.float32)
        count = group.action_space.n if shape[2:] == () else group.action_space.nvec
        return numbers.integers(0, count, shape, np.int32)

    return {name: draw(group) for name, group in batch.groups.items()}


# ---- arrays ----


def test_arrays_have_the_shapes_and_dtypes_of_the_design():
    batch = make(3)
    group = batch.groups["players"]
    assert group.agents == batch.agents == ("player_0", "player_1")
    expected = {
        "observations": ((3, 2, 5), np.float32),
        "final_observations": ((3, 2, 5), np.float32),
        "actions": ((3, 2), np.int32),
        "rewards": ((3, 2), np.float32),
        "terminations": ((3, 2), np.uint8),
        "truncations": ((3, 2), np.uint8),
        "alive": ((3, 2), np.uint8),
    }
    for name, (shape, dtype) in expected.items():
        array = getattr(group, name)
        assert (array.shape, array.dtype) == (shape, dtype)
        assert getattr(batch, name) is array
    assert group.action_masks is batch.action_masks is None
    assert batch.infos == {}


@pytest.mark.parametrize("autoreset", MODES)
def test_arrays_stay_the_same_objects(autoreset):
    batch = games.make_batch(PROBE, 4, autoreset=autoreset, horizon=3)
    before = {(name, key): array for name, group in batch.groups.items() for key, array in arrays_of(group).items()}
    addresses = {key: array.ctypes.data for key, array in before.items() if array is not None}
    batch.reset()
    for _ in range(7):
        batch.step()
        if autoreset == "disabled":
            batch.reset(mask=batch.ended)
    batch.load_state(1, batch.state_bytes(2))
    batch.load_fields(0, batch.fields(0))
    for (name, key), array in before.items():
        assert arrays_of(batch.groups[name])[key] is array
        assert array is None or array.ctypes.data == addresses[name, key]


def test_final_observations_exist_where_they_are_needed():
    assert make(autoreset="same_step").final_observations is not None
    assert make(autoreset="next_step").final_observations is None
    assert make(autoreset="disabled").final_observations is None


def test_arrays_outlive_their_batch():
    batch = started()
    observations = batch.observations
    del batch
    assert observations.tolist() == [FIRST]


def test_worlds_with_several_groups_ask_for_one():
    batch = games.make_batch(PROBE)
    for name in ("observations", "actions", "rewards", "infos", "final_observations"):
        with pytest.raises(ValueError, match=r"several groups.*\['walkers', 'pickers', 'caller'\]"):
            getattr(batch, name)
    assert len(batch.agents) == 6


# ---- actions ----


def test_actions_are_written_in_place_or_given():
    written, given = started(2), started(2)
    written.actions[:] = [[0, 1], [1, 1]]
    written.step()
    given.step(np.array([[0, 1], [1, 1]], np.int32))
    assert written.rewards.tolist() == given.rewards.tolist() == [[0, 5], [1, 1]]
    given.step()  # the same actions again
    assert given.rewards.tolist() == [[0, 5], [1, 1]]


def test_groups_take_a_dict_of_arrays():
    batch = games.make_batch(PROBE, 3)
    batch.reset()
    actions = random_actions(batch, np.random.default_rng(0))
    batch.step(actions)
    for name, group in batch.groups.items():
        np.testing.assert_array_equal(group.actions, actions[name])
        assert group.actions is not actions[name]


BAD_ACTIONS = [
    (np.zeros((2, 2), np.int64), TypeError, "actions must have dtype int32, got int64"),
    (np.zeros((2, 2), np.float32), TypeError, "actions must have dtype int32, got float32"),
    (np.zeros((2, 2), bool), TypeError, "actions must have dtype int32, got bool"),
    (np.zeros((2, 3), np.int32), ValueError, r"actions must have shape \[2, 2\], got \[2, 3\]"),
    (np.zeros(4, np.int32), ValueError, r"actions must have shape \[2, 2\], got \[4\]"),
    (np.zeros((2, 2), np.int32, order="F"), TypeError, "C-contiguous NumPy array of dtype int32"),
    (np.zeros((2, 4), np.int32)[:, ::2], TypeError, "C-contiguous NumPy array of dtype int32"),
    ([[0, 0], [0, 0]], TypeError, "C-contiguous NumPy array of dtype int32, got <class 'list'>"),
    (0, TypeError, "got <class 'int'>"),
    (np.array([[0, 1], [2, 0]], np.int32), ValueError, r"action 2 of player_0 in env 1 .* \{0, ..., 1\}"),
    (np.array([[0, -1], [0, 0]], np.int32), ValueError, r"action -1 of player_1 in env 0 .* \{0, ..., 1\}"),
    ({"workers": np.zeros((2, 2), np.int32)}, ValueError, r"groups \['players'\], got \['workers'\]"),
    ({}, ValueError, r"groups \['players'\], got \[\]"),
]


@pytest.mark.parametrize(("actions", "error", "message"), BAD_ACTIONS)
def test_bad_actions_are_refused_and_change_nothing(actions, error, message):
    batch = started(2, horizon=9)
    batch.step(joint(batch, 1, 1))
    before, held = snapshots(batch), batch.actions.copy()
    with pytest.raises(error, match=message):
        batch.step(actions)
    assert snapshots(batch) == before
    np.testing.assert_array_equal(batch.actions, held)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.01, -2])
def test_bad_numbers_in_place_are_refused_too(bad):
    batch = games.make_batch(PROBE, 2)
    batch.reset()
    before = snapshots(batch)
    batch.groups["walkers"].actions[1, 2, 0] = bad
    with pytest.raises(ValueError, match=r"of walker_2 in env 1, part 0 is outside its space \[-1, 1\]"):
        batch.step()
    assert snapshots(batch) == before


def test_a_bad_group_leaves_the_actions_of_the_good_ones_alone():
    batch = games.make_batch(PROBE)
    batch.reset()
    actions = random_actions(batch, np.random.default_rng(1))
    actions["caller"] = np.array([[7]], np.int32)
    with pytest.raises(ValueError, match="action 7 of caller_0"):
        batch.step(actions)
    assert not batch.groups["walkers"].actions.any()


# ---- episodes ----


def test_stepping_needs_a_reset():
    batch = make(2)
    with pytest.raises(ValueError, match=r"env 0 has no episode yet: call reset\(\) first"):
        batch.step()
    batch.reset(mask=np.array([1, 0], np.uint8))
    with pytest.raises(ValueError, match="env 1 has no episode yet"):
        batch.step()


def test_same_step_resets_within_the_step():
    batch = started(autoreset="same_step")
    batch.step(joint(batch, 0, 0))
    assert not batch.ended[0]
    batch.step(joint(batch, 1, 1))
    assert batch.ended.tolist() == [1]
    assert batch.terminations.tolist() == [[1, 1]]
    assert batch.final_observations.tolist() == [BOTH_DEFECTED]
    assert batch.observations.tolist() == [FIRST]
    batch.step(joint(batch, 1, 0))
    assert batch.rewards.tolist() == [[5, 0]]
    assert batch.terminations.tolist() == [[0, 0]]


def test_next_step_resets_in_a_step_of_its_own():
    batch = started(autoreset="next_step")
    batch.step(joint(batch, 0, 0))
    batch.step(joint(batch, 1, 1))
    assert batch.ended.tolist() == [1]
    assert batch.observations.tolist() == [BOTH_DEFECTED]
    batch.step(joint(batch, 1, 1))
    assert (batch.ended.tolist(), batch.rewards.tolist()) == ([0], [[0, 0]])
    assert batch.terminations.tolist() == [[0, 0]]
    assert batch.observations.tolist() == [FIRST]
    batch.step(joint(batch, 1, 1))
    assert batch.rewards.tolist() == [[1, 1]]


def test_disabled_leaves_the_reset_to_the_caller():
    batch = started(2, autoreset="disabled")
    batch.step(joint(batch, 0, 0))
    batch.step(joint(batch, 1, 1))
    assert batch.observations.tolist() == [BOTH_DEFECTED] * 2
    with pytest.raises(ValueError, match="episode of env 0 is over and autoreset is disabled: reset it first"):
        batch.step()
    batch.reset(mask=np.array([1, 0], np.uint8))
    assert batch.observations.tolist() == [FIRST, BOTH_DEFECTED]
    with pytest.raises(ValueError, match="episode of env 1 is over"):
        batch.step()
    batch.reset(mask=np.array([0, 1], np.uint8))
    batch.step()


def test_modes_give_the_same_episodes():
    ends = {}
    for autoreset in MODES:
        batch = games.make_batch(PROBE, 3, seed=5, autoreset=autoreset, max_mistakes=3, quota=1, stamina=(1, 9))
        batch.reset()
        for _ in range(400):
            batch.step()
            if autoreset == "disabled":
                batch.reset(mask=batch.ended)
        lengths, returns = batch.episode_lengths, batch.episode_returns
        ends[autoreset] = (lengths[:20].tolist(), returns[:20].tolist())
        assert len(lengths) >= 20
    assert ends["same_step"] == ends["disabled"]
    # A step for each reset shifts who ends with whom, not what happens in an env: compare as sets.
    assert {tuple(row) for row in ends["next_step"][1]} <= {tuple(row) for row in returns}


def test_every_episode_is_read_once_through_each_cursor():
    batch = started(3)
    for row, column in ((0, 0), (1, 1), (0, 1), (0, 1)):
        batch.step(joint(batch, row, column))
    assert batch.episode_lengths.dtype == np.int32  # reads, and so empties, this cursor alone
    assert batch.episode_returns.tolist() == [[4, 4]] * 3 + [[0, 10]] * 3
    assert batch.episode_lengths.tolist() == []
    assert batch.episode_returns.shape == (0, 2)
    batch.step()
    batch.step()
    assert batch.episode_lengths.tolist() == [2, 2, 2]


def test_returns_cover_the_agents_of_all_groups_in_order():
    batch = games.make_batch(PROBE, 4, seed=2, horizon=6)
    batch.reset()
    numbers, total = np.random.default_rng(3), np.zeros((4, 6))
    for _ in range(6):
        batch.step(random_actions(batch, numbers))
        total += np.concatenate([group.rewards for group in batch.groups.values()], axis=1)
    np.testing.assert_allclose(batch.episode_returns, total, rtol=0, atol=1e-12)
    assert batch.episode_lengths.tolist() == [6] * 4
    assert {name: values.shape for name, values in batch.episode_statistics.items()} == {
        "population": (4,),
        "arrivals": (4,),
        "taken": (4,),
        "right_calls": (4,),
    }


def test_an_abandoned_episode_is_not_counted():
    batch = started(2)
    batch.step()
    batch.reset()
    batch.step()
    assert batch.episode_lengths.tolist() == []
    batch.step()
    assert batch.episode_lengths.tolist() == [2, 2]


def test_resets_go_on_in_the_seed_and_seeds_start_again():
    batch = games.make_batch(PROBE, 2, seed=8)
    beacons = []
    for seed in (None, None, 8, None, 9):
        batch.reset(seed)
        beacons.append(tuple(batch.fields(0)["beacon"].tolist()))
    assert beacons[0] == beacons[2]
    assert beacons[1] == beacons[3]
    assert len(set(beacons)) == 3


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, True, "1", np.float64(1)])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match=r"seed must be a whole number in \[0, 2\^64\), got"):
        make(seed=seed)
    with pytest.raises(ValueError, match=r"seed must be a whole number in"):
        make().reset(seed)


def test_the_largest_seed_and_numpy_seeds_work():
    make(seed=2**64 - 1).reset()
    make(seed=np.uint64(2**64 - 1)).reset(np.int32(3))


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (np.ones(3, np.uint8), ValueError, r"mask must have shape \[2\], got \[3\]"),
        (np.ones(2, bool), TypeError, "mask must have dtype uint8, got bool"),
        ([1, 0], TypeError, "mask must be a C-contiguous NumPy array of dtype uint8, got <class 'list'>"),
    ],
)
def test_bad_masks_are_refused(mask, error, message):
    with pytest.raises(error, match=message):
        started(2).reset(mask=mask)


def test_a_seed_and_a_mask_exclude_each_other():
    with pytest.raises(ValueError, match="a seed or a mask, not both"):
        make().reset(1, mask=np.ones(1, np.uint8))


# ---- making ----


def test_unknown_names_come_with_the_nearest_right_one():
    for make_it, nearest in [
        (lambda: games.make_batch("matrix/prisoner_dilemma_v0"), "matrix/prisoners_dilemma_v0"),
        (lambda: make(horizont=3), "horizon"),
        (lambda: started().load_fields(0, {"rounds": 1}), "round"),
        (lambda: games.make_batch(PROBE).configure(sped=1), "speed"),
    ]:
        with pytest.raises(UnknownNameError, match=f"did you mean '{nearest}'"):
            make_it()


@pytest.mark.parametrize(("num_envs", "num_threads"), [(0, 1), (-1, 1), (1, 0), (4, -2)])
def test_counts_below_one_are_refused(num_envs, num_threads):
    with pytest.raises(ValueError, match="num_envs and num_threads must be"):
        make(num_envs, num_threads=num_threads)


def test_unknown_autoreset_modes_are_refused():
    with pytest.raises(ValueError, match='"same_step", "next_step" or "disabled", got "never"'):
        make(autoreset="never")


def test_more_threads_than_envs_are_no_harm():
    batch = started(2, num_threads=64)
    batch.step(joint(batch, 1, 1))
    assert batch.rewards.tolist() == [[1, 1]] * 2


def test_numpy_numbers_are_numbers():
    batch = started(horizon=np.int64(1))
    batch.step()
    assert batch.ended[0]


def test_repr_names_the_id():
    assert repr(make(3)) == "Batch('matrix/prisoners_dilemma_v0', num_envs=3, autoreset='same_step')"


# ---- states ----


@pytest.mark.parametrize("autoreset", ["same_step", "next_step"])
def test_a_restored_env_goes_on_as_it_did(autoreset):
    batch = games.make_batch(PROBE, 3, seed=1, autoreset=autoreset, num_threads=2)
    other = games.make_batch(PROBE, 5, seed=77, autoreset=autoreset)
    batch.reset()
    other.reset()
    numbers = np.random.default_rng(4)
    for _ in range(25):
        batch.step(random_actions(batch, numbers))
    saved = batch.state_bytes(2)
    plan = [random_actions(batch, numbers) for _ in range(60)]

    def play(target, env):
        rows = []
        for actions in plan:
            for name, group in target.groups.items():
                group.actions[env] = actions[name][2]
            target.step()
            rows.append([array[env].tobytes() for g in target.groups.values() for array in (g.observations, g.rewards)])
        return rows

    expected = play(batch, 2)
    batch.load_state(2, saved)
    other.load_state(4, saved)
    assert play(batch, 2) == expected
    assert play(other, 4) == expected


def test_loading_a_state_shows_its_observations_rewards_and_flags():
    batch = started(2, horizon=9)
    batch.step(np.array([[1, 1], [0, 1]], np.int32))
    saved = batch.state_bytes(0)
    batch.load_state(1, saved)
    assert batch.observations.tolist() == [BOTH_DEFECTED] * 2
    assert batch.rewards.tolist() == [[1, 1]] * 2
    assert batch.state_bytes(1) == saved


def test_damaged_states_are_refused_and_change_nothing():
    batch, elsewhere = started(), started(horizon=3)
    before = batch.state_bytes(0)
    for position in range(0, len(before), 7):
        damaged = bytearray(before)
        damaged[position] ^= 1
        with pytest.raises(ValueError, match="snapshot"):
            batch.load_state(0, bytes(damaged))
    for wrong in (b"", before[:-1], before + b"\0"):
        with pytest.raises(ValueError, match=f"has {len(before)} bytes, got {len(wrong)}"):
            batch.load_state(0, wrong)
    with pytest.raises(ValueError, match="another world or with another config"):
        elsewhere.load_state(0, before)
    assert batch.state_bytes(0) == before


def test_envs_are_counted_from_zero_and_checked():
    batch = started(2)
    for call in (batch.state_bytes, batch.fields, lambda env: batch.load_state(env, b"")):
        for env in (-1, 2):
            with pytest.raises(IndexError, match=rf"env must be in \[0, 2\), got {env}"):
                call(env)


def test_fields_are_copies_that_load_back():
    batch = games.make_batch(PROBE, 2, seed=3)
    batch.reset()
    batch.step()
    fields = batch.fields(0)
    assert fields["positions"].shape == (3, 2)
    assert isinstance(fields["steps"], int)
    fields["positions"][:] = 0
    assert batch.fields(0)["positions"].any()
    batch.load_fields(1, batch.fields(0))
    assert {k: np.asarray(v).tolist() for k, v in batch.fields(1).items()} == {
        k: np.asarray(v).tolist() for k, v in batch.fields(0).items()
    }


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"round": 3}, ValueError, r"round must be in \[0, 2\], got 3"),
        ({"round": 1.0}, TypeError, "round must be a number that fits int32, got 1.0"),
        ({"round": 2**31}, TypeError, "round must be a number that fits int32, got 2147483648"),
        ({"last_actions": [0, 0]}, TypeError, "last_actions must be a C-contiguous NumPy array of dtype int32"),
        ({"last_actions": np.zeros(2)}, TypeError, "last_actions must have dtype int32, got float64"),
        ({"last_actions": np.zeros(3, np.int32)}, ValueError, r"last_actions must have shape \[1, 2\], got \[3\]"),
        (
            {"last_actions": np.array([[0, 2]], np.int32)},
            ValueError,
            r"last_actions\[0, 1\] must be in \[-1, 1\], got 2",
        ),
    ],
)
def test_bad_fields_are_refused_and_change_nothing(fields, error, message):
    batch = started()
    before = batch.state_bytes(0)
    with pytest.raises(error, match=message):
        batch.load_fields(0, {"round": 1} | fields)
    assert batch.state_bytes(0) == before


def test_payoffs_are_copied_at_construction():
    payoffs = PRISONERS_DILEMMA.copy()
    batch = started(payoffs=payoffs)
    payoffs[:] = 0
    batch.step(joint(batch, 1, 1))
    assert batch.rewards.tolist() == [[1, 1]]


# ---- threads ----


def test_a_batch_refuses_a_second_thread_and_stays_sound():
    batch = games.make_batch(PROBE, 256, num_threads=2)
    batch.reset()
    refusals, others = [], []

    def step_often():
        for _ in range(300):
            try:
                batch.step()
            except RuntimeError as error:
                refusals.append(str(error))
            except BaseException as error:
                others.append(error)

    threads = [threading.Thread(target=step_often) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not others
    assert set(refusals) <= {"this batch is in use by another thread"}
    batch.step()


def test_two_batches_step_side_by_side_in_two_threads():
    batches = [games.make_batch(PROBE, 64, seed=6, num_threads=2) for _ in range(3)]
    for batch in batches:
        batch.reset()

    def run(batch):
        for _ in range(200):
            batch.step()

    threads = [threading.Thread(target=run, args=(batch,)) for batch in batches[:2]]
    for thread in threads:
        thread.start()
    run(batches[2])
    for thread in threads:
        thread.join()
    assert snapshots(batches[0]) == snapshots(batches[1]) == snapshots(batches[2])


def test_a_reset_after_a_restore_goes_on_with_the_snapshots_stream():
    """Neither a reset of all envs nor of another one may start the batch's own seed again."""
    settings = {"random_start_positions": True, "horizon": 5}
    played = games.make_batch("overcooked/cramped_room_v0", 2, seed=11, **settings)
    played.reset()
    for _ in range(7):
        played.step(np.full((2, 2), 4, np.int32))
    snapshots = [played.state_bytes(e) for e in range(2)]
    fresh = games.make_batch("overcooked/cramped_room_v0", 2, seed=99, **settings)
    for e, data in enumerate(snapshots):
        fresh.load_state(e, data)
    fresh.reset(mask=np.array([1, 0], np.uint8))
    assert fresh.state_bytes(1) == snapshots[1]
    for each in (played, fresh):
        each.load_state(0, snapshots[0])
        each.reset()
    assert np.array_equal(fresh.observations, played.observations)
    assert [fresh.state_bytes(e) for e in range(2)] == [played.state_bytes(e) for e in range(2)]


def test_episodes_wait_to_be_read_however_they_end():
    batch = games.make_batch("matrix/prisoners_dilemma_v0", 3, horizon=3)
    batch.reset()
    for shift in range(3):  # out of step with each other
        batch.load_fields(shift, {"round": shift})
    for _ in range(30):
        batch.step(np.zeros((3, 2), np.int32))
    assert len(batch.episode_lengths) == 30
    assert batch.episode_lengths.shape == (0,)
    assert batch.episode_returns.shape == (30, 2)


def test_the_latest_episodes_are_kept_when_more_end_than_may_wait(monkeypatch):
    def play():
        batch = games.make_batch("matrix/prisoners_dilemma_v0", 3, horizon=3)
        batch.reset()
        for shift in range(3):  # returns tell the episodes apart
            batch.load_fields(shift, {"round": shift})
        rng = np.random.default_rng(0)
        for _ in range(11):
            batch.step(rng.integers(0, 2, (3, 2), dtype=np.int32))
        return batch

    every = play().episode_returns
    assert len(every) == 11
    monkeypatch.setattr("games.batch.MAX_PENDING_EPISODES", 4)
    batch = play()
    np.testing.assert_array_equal(batch.episode_returns, every[-4:])
    assert len(batch.episode_lengths) == 4
    assert all(len(values) == 4 for values in batch.episode_statistics.values())


def test_arrays_are_written_into_not_replaced():
    batch = games.make_batch("matrix/prisoners_dilemma_v0")
    with pytest.raises(AttributeError, match=r"use batch.actions\[...\] = values"):
        batch.actions = np.ones((1, 2), np.int32)
