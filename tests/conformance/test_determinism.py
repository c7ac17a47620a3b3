"""Results depend on seed, env number, episode and actions, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from seeded_play import Case, any_actions, assert_same, copies, digest, joint_actions

from games.batch import Batch

NUM_ENVS = 32

# Two whole episodes and the beginning of a third, of worlds up to the length of Overcooked's.
MAX_STEPS = 820


def num_steps(case: Case) -> int:
    return min(2 * case.horizon + 3, MAX_STEPS)


def play(case: Case, batch: Batch, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Steps with random actions and returns them."""
    generator, played = np.random.default_rng(seed), []
    batch.reset()
    for step in range(num_steps(case)):
        # Now and then an illegal action: it must do no harm, and the same no harm every time.
        actions = joint_actions(batch, generator, legal=step % 5 != 0)
        batch.step(actions)
        played.append(actions)
    return played


def replay(batch: Batch, played: list[dict[str, np.ndarray]], envs: slice = slice(None)) -> list[str]:
    """Steps with given actions [E, ...] of some envs and returns a hash after every step."""
    batch.reset()
    hashes = [digest(batch, slice(None))]
    for actions in played:
        batch.step({name: np.ascontiguousarray(rows[envs]) for name, rows in actions.items()})
        hashes.append(digest(batch))
    return hashes


@pytest.fixture(scope="module")
def reference() -> dict[str, tuple[list[dict[str, np.ndarray]], list[str], list[str]]]:
    """Per case: actions of 32 envs, hashes of all envs and of the first 8 after each step."""
    return {}


def reference_of(case: Case, known: dict) -> tuple[list[dict[str, np.ndarray]], list[str], list[str]]:
    if str(case) not in known:
        played = play(case, case.batch(NUM_ENVS, seed=11, autoreset="same_step"))
        batch = case.batch(NUM_ENVS, seed=11, autoreset="same_step")
        batch.reset()
        whole, first = [digest(batch)], [digest(batch, slice(8))]
        for actions in played:
            batch.step(actions)
            whole.append(digest(batch))
            first.append(digest(batch, slice(8)))
        known[str(case)] = played, whole, first
    return known[str(case)]


@pytest.mark.parametrize("num_threads", [2, 3, 8])  # tests/c tries all from 1 to 8
def test_any_number_of_threads_gives_the_same_bytes(case: Case, num_threads: int, reference: dict) -> None:
    played, whole, _ = reference_of(case, reference)
    batch = case.batch(NUM_ENVS, seed=11, autoreset="same_step", num_threads=num_threads)
    assert replay(batch, played) == whole


def test_an_env_does_not_know_how_many_there_are(case: Case, reference: dict) -> None:
    played, _, first = reference_of(case, reference)
    assert replay(case.batch(8, seed=11, autoreset="same_step"), played, slice(8)) == first


def test_one_env_alone_can_be_any_env_of_a_batch(case: Case) -> None:
    """Over episodes that end within steps, resets of all envs and of some, and a new seed."""
    case = case.with_horizon(20)
    generator = np.random.default_rng(6)
    whole = case.batch(8, seed=11, autoreset="same_step")
    alone = {env: case.batch(1, seed=11, autoreset="same_step", first_env=env) for env in (0, 3, 7)}

    def assert_alike() -> None:
        for env, batch in alone.items():
            assert batch.state_bytes(0) == whole.state_bytes(env)
            assert digest(batch) == digest(whole, slice(env, env + 1))

    def step(num_steps: int) -> None:
        for _ in range(num_steps):
            actions = joint_actions(whole, generator)
            whole.step(actions)
            for env, batch in alone.items():
                batch.step({name: rows[env : env + 1].copy() for name, rows in actions.items()})
            assert_alike()

    for seed in (None, None, 5):
        for batch in (whole, *alone.values()):
            batch.reset(seed)
        assert_alike()
        step(min(case.horizon, 60) + 3)
    some = np.array([0, 1, 0, 1, 0, 0, 0, 1], np.uint8)
    whole.reset(mask=some)
    for env, batch in alone.items():
        batch.reset(mask=some[env : env + 1].copy())
    step(5)


def test_the_last_env_number_is_the_largest_64_bit_number(case: Case) -> None:
    whole, last = case.batch(3, first_env=2**64 - 3), case.batch(1, first_env=2**64 - 1)
    whole.reset()
    last.reset()
    assert last.state_bytes(0) == whole.state_bytes(2)


def test_a_seed_given_at_reset_is_the_seed_given_at_the_start(case: Case, reference: dict) -> None:
    played, whole, _ = reference_of(case, reference)
    batch = case.batch(NUM_ENVS, seed=5, autoreset="same_step")
    play(case.with_horizon(3), batch)
    batch.reset(seed=11)
    assert digest(batch) == whole[0]
    batch.step(played[0])
    assert digest(batch) == whole[1]


def test_envs_can_move_between_batches_in_the_middle(case: Case) -> None:
    generator = np.random.default_rng(4)
    one = case.batch(6, seed=1, autoreset="same_step")
    one.reset()
    for _ in range(min(case.horizon, 60) + 7):
        one.step(joint_actions(one, generator))
    order = [[4, 1], [0], [5, 2, 3]]
    parts = [case.batch(len(envs), seed=99, autoreset="same_step", num_threads=2) for envs in order]
    for part, envs in zip(parts, order, strict=True):
        part.reset()
        for slot, env in enumerate(envs):
            part.load_state(slot, one.state_bytes(env))
    for _ in range(min(case.horizon, 60) + 7):
        actions = joint_actions(one, generator)
        one.step(actions)
        expected = copies(one)
        for part, envs in zip(parts, order, strict=True):
            part.step({name: rows[envs] for name, rows in actions.items()})
            assert_same(copies(part), {name: array[envs] for name, array in expected.items()})


def test_the_caller_may_write_into_the_arrays_that_the_engine_only_writes(case: Case) -> None:
    generator = np.random.default_rng(0)
    clean, scribbled = (case.batch(4, seed=2, autoreset="same_step") for _ in range(2))
    clean.reset()
    scribbled.reset()
    for _ in range(min(case.horizon, 30) + 3):
        actions = {name: any_actions(group, generator) for name, group in clean.groups.items()}
        for group in scribbled.groups.values():
            for array in (group.observations, group.rewards, group.terminations, group.alive, *group.infos.values()):
                array.fill(1)
        clean.step(actions)
        scribbled.step(actions)
        assert_same(copies(scribbled), copies(clean))


def test_different_seeds_differ_where_there_is_chance(case: Case) -> None:
    """Also that env indices and episodes have chance of their own: all three enter the generator."""
    batch = case.batch(64, autoreset="disabled")
    batch.reset()
    first = {name: array.copy() for name, array in copies(batch).items()}
    if not any((array != array[:1]).any() for array in first.values()):
        return  # every episode of this world begins alike
    batch.reset(seed=1)
    assert any((array != first[name]).any() for name, array in copies(batch).items())
    second = copies(batch)
    batch.reset()
    assert any((array != second[name]).any() for name, array in copies(batch).items())
