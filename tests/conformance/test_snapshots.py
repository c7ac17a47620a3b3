"""Snapshots are exact, and damaged ones are refused without harm."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeded_play import (
    Case,
    all_cases,
    any_actions,
    arrays,
    assert_observations_in_space,
    assert_same,
    copies,
    joint_actions,
)

from games.batch import Batch

# SnapshotHeader in games/core/batch.c: magic, size, fingerprint of the world, FNV-1a of the rest.
HEADER = struct.Struct("<8sQQQ")

AUTORESETS = ("same_step", "next_step", "disabled")


def fnv_1a(start: int, body: bytes) -> int:
    value = start
    for byte in body:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def forge(snapshot: bytes, body: bytes) -> bytes:
    """Puts a right checksum before a wrong body."""
    magic, _, world, _ = HEADER.unpack_from(snapshot)
    return HEADER.pack(magic, HEADER.size + len(body), world, fnv_1a(world, body)) + body


def played(case: Case, steps: int, seed: int = 0, num_envs: int = 3, autoreset: str = "disabled") -> Batch:
    """Returns a batch after some random steps."""
    batch = case.batch(num_envs, seed=seed, autoreset=autoreset)
    generator = np.random.default_rng(seed)
    batch.reset()
    for _ in range(steps):
        batch.step(joint_actions(batch, generator))
        if autoreset == "disabled" and batch.ended.any():
            batch.reset(mask=batch.ended.copy())
    return batch


def everything(batch: Batch) -> dict[str, Any]:
    """Returns all that a refused call must leave as it was."""
    states = {f"state {env}": np.frombuffer(batch.state_bytes(env), np.uint8) for env in range(batch.num_envs)}
    return states | copies(batch)


def assert_works(batch: Batch) -> None:
    """Steps a few times with any actions; the batch must hold valid states all along."""
    generator = np.random.default_rng(0)
    try:
        batch.load_fields(0, {})
    except ValueError as error:
        assert "no episode yet" in str(error)  # noqa: PT017 (what a forged record may say)
        batch.reset()
    for _ in range(5):
        assert_observations_in_space(batch)
        for env in range(batch.num_envs):
            batch.load_fields(env, batch.fields(env))  # refuses what is no state of the world
        actions = {name: any_actions(group, generator) for name, group in batch.groups.items()}
        try:
            batch.step(actions)
        except ValueError as error:
            assert "reset it first" in str(error)  # noqa: PT017 (there is no other way to ask)
            batch.reset()


def test_forging_is_understood(case: Case) -> None:
    snapshot = played(case, 3).state_bytes(1)
    assert forge(snapshot, snapshot[HEADER.size :]) == snapshot


@pytest.mark.parametrize("autoreset", AUTORESETS)
def test_a_restored_env_goes_on_exactly(case: Case, autoreset: str) -> None:
    case = case.with_horizon(30)
    batch, generator = played(case, 13, autoreset=autoreset), np.random.default_rng(5)
    snapshots = [batch.state_bytes(env) for env in range(3)]
    before = copies(batch)
    actions = [{n: any_actions(g, generator) for n, g in batch.groups.items()} for _ in range(25)]
    first = go_on(batch, actions)
    for env, snapshot in enumerate(snapshots):
        batch.load_state(env, snapshot)
        assert batch.state_bytes(env) == snapshot
    assert_same(copies(batch), before)
    for one, other in zip(go_on(batch, actions), first, strict=True):
        assert_same(one, other)


def go_on(batch: Batch, actions: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    outcomes = []
    for joint in actions:
        batch.step(joint)
        outcomes.append(everything(batch))
        if batch.autoreset == "disabled" and batch.ended.any():
            batch.reset(mask=batch.ended.copy())
    return outcomes


@given(data=st.data())
def test_random_restores_replay_what_followed(case: Case, data: st.DataObject) -> None:
    case = case.with_horizon(20)
    batch = case.batch(2, seed=data.draw(st.integers(0, 2**64 - 1), label="seed"), autoreset="same_step")
    batch.reset()
    generator = np.random.default_rng(0)
    history = [(everything(batch), batch.state_bytes(0), batch.state_bytes(1), None)]
    for _ in range(data.draw(st.integers(1, 15), label="steps")):
        actions = {name: any_actions(group, generator) for name, group in batch.groups.items()}
        batch.step(actions)
        history.append((everything(batch), batch.state_bytes(0), batch.state_bytes(1), actions))
    start = data.draw(st.integers(0, len(history) - 1), label="snapshot")
    batch.load_state(0, history[start][1])
    batch.load_state(1, history[start][2])
    assert_same(everything(batch), history[start][0])
    for expected, _, _, actions in history[start + 1 :]:
        batch.step(actions)
        assert_same(everything(batch), expected)


def test_a_loaded_env_keeps_the_number_of_the_one_it_was_taken_from_until_it_is_seeded(case: Case) -> None:
    original = played(case.with_horizon(20), 2, seed=7)
    elsewhere = case.with_horizon(20).batch(2, seed=9, first_env=5)
    elsewhere.reset()
    elsewhere.load_state(1, original.state_bytes(2))
    assert elsewhere.state_bytes(1) == original.state_bytes(2)
    for batch in (original, elsewhere):
        batch.reset()
    assert elsewhere.state_bytes(1) == original.state_bytes(2)
    original.reset(seed=8)
    elsewhere.reset(seed=8)
    sixth = case.with_horizon(20).batch(7, seed=8)
    sixth.reset()
    assert elsewhere.state_bytes(1) == sixth.state_bytes(6)


@pytest.mark.parametrize("autoreset", AUTORESETS)
def test_damaged_snapshots_are_refused(case: Case, autoreset: str) -> None:
    batch = played(case, 2, autoreset=autoreset)
    before = everything(batch)
    snapshot = batch.state_bytes(0)
    damaged = [snapshot[:cut] for cut in (0, 1, 8, HEADER.size - 1, HEADER.size, len(snapshot) - 1)]
    damaged += [snapshot + b"\0", b"\0" * len(snapshot), b"\xff" * len(snapshot)]
    flips = np.random.default_rng(0).integers(0, 8 * len(snapshot), 100)
    damaged += [flip(snapshot, [int(bit)]) for bit in flips]
    for data in damaged:
        with pytest.raises(ValueError, match="snapshot"):
            batch.load_state(0, data)
    assert_same(everything(batch), before)


def flip(data: bytes, bits: list[int]) -> bytes:
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("autoreset", AUTORESETS)
def test_forged_snapshots_are_refused_or_valid(case: Case, autoreset: str) -> None:
    """Flips bits of every part of the record and makes the checksum right, so that the world's own check decides."""
    batch = played(case, 3, autoreset=autoreset)
    snapshot, generator = batch.state_bytes(0), np.random.default_rng(1)
    body, is_refused = snapshot[HEADER.size :], []
    for trial in range(200):
        bits = generator.integers(0, 8 * len(body), 1 + trial % 3)
        is_refused.append(load_forged(batch, forge(snapshot, flip(body, bits.tolist()))))
        batch.load_state(0, snapshot)
    assert any(is_refused)


def load_forged(batch: Batch, data: bytes) -> bool:
    """Loads bytes into env 0; returns whether they were refused, and checks that no harm was done either way."""
    before = everything(batch)
    try:
        batch.load_state(0, data)
    except ValueError:
        assert_same(everything(batch), before)
        return True
    assert_works(batch)
    return False


@given(data=st.data())
def test_forged_bytes_of_all_kinds_are_refused_or_valid(case: Case, data: st.DataObject) -> None:
    batch = played(case, data.draw(st.integers(0, 4), label="steps"), autoreset=data.draw(st.sampled_from(AUTORESETS)))
    snapshot = batch.state_bytes(0)
    body = bytearray(snapshot[HEADER.size :])
    start = data.draw(st.integers(0, len(body) - 1), label="start")
    noise = data.draw(st.binary(min_size=1, max_size=64), label="noise")[: len(body) - start]
    body[start : start + len(noise)] = noise
    load_forged(batch, forge(snapshot, bytes(body)))


def first_snapshot(case: Case) -> bytes:
    batch = case.batch(1)
    batch.reset()
    return batch.state_bytes(0)


@cache
def first_snapshots() -> dict[str, bytes]:
    return {str(case): first_snapshot(case) for case in all_cases()}


def test_snapshots_of_another_config_or_world_are_refused(case: Case) -> None:
    batch = case.batch(1)
    batch.reset()
    before = everything(batch)
    others = [snapshot for other, snapshot in first_snapshots().items() if other != str(case)]
    if case.horizon > 1 and "horizon" in batch.config.settings():
        others.append(first_snapshot(case.with_horizon(case.horizon - 1)))
    for snapshot in others:
        with pytest.raises(ValueError, match="snapshot"):
            batch.load_state(0, snapshot)
    assert_same(everything(batch), before)


def test_fields_describe_all_that_is_seen(case: Case) -> None:
    """The fields of one env, put into another, make the other show the same."""
    batch = played(case, 5, num_envs=2)
    for env in range(2):
        before = batch.state_bytes(env)
        batch.load_fields(env, batch.fields(env))
        assert batch.state_bytes(env) == before
        for name, value in batch.fields(env).items():
            batch.load_fields(env, {name: value})
        assert batch.state_bytes(env) == before
    batch.load_fields(1, batch.fields(0))
    for name, array in arrays(batch):
        if name.split(".")[-1] in ("observations", "action_masks", "alive"):
            np.testing.assert_array_equal(array[1], array[0], err_msg=name)
    for name, value in batch.fields(1).items():
        np.testing.assert_array_equal(value, batch.fields(0)[name], err_msg=name)


def test_fields_are_copies(case: Case) -> None:
    batch = played(case, 2, num_envs=1)
    before = batch.state_bytes(0)
    for value in batch.fields(0).values():
        if isinstance(value, np.ndarray):
            value.fill(1)
    assert batch.state_bytes(0) == before


@given(data=st.data())
def test_wild_fields_are_refused_or_valid(case: Case, data: st.DataObject) -> None:
    batch = played(case, 3)
    fields = batch.fields(0)
    name = data.draw(st.sampled_from(sorted(fields)), label="field")
    wild = data.draw(wild_value(fields[name]), label="value")
    before = everything(batch)
    try:
        batch.load_fields(0, {name: wild})
    except (ValueError, TypeError):
        assert_same(everything(batch), before)
        return
    assert_works(batch)


def wild_value(value: Any) -> st.SearchStrategy[Any]:
    """Makes values of a field's dtype and shape, with a few entries from anywhere in the dtype."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        entries: st.SearchStrategy[Any] = st.floats(width=8 * min(array.dtype.itemsize, 8))
    else:
        limits = np.iinfo(array.dtype)
        near = st.integers(-2, 2).map(lambda step: int(array.flat[0]) + step)
        small = st.integers(-3, 9) | st.integers(-3, 500)
        entries = (near | small | st.integers(int(limits.min), int(limits.max))).filter(
            lambda entry: limits.min <= entry <= limits.max
        )
    if not isinstance(value, np.ndarray):
        return entries

    def put(changes: list[tuple[int, Any]]) -> np.ndarray:
        changed = array.copy()
        for index, entry in changes:
            changed.reshape(-1)[index] = entry
        return changed

    return st.lists(st.tuples(st.integers(0, max(array.size - 1, 0)), entries), min_size=1, max_size=3).map(put)


def test_the_last_state_of_an_episode_does_no_harm_in_a_running_one(case: Case) -> None:
    """Fields say nothing of the episode, so they may put a finished game into an episode that goes on."""
    case = case.with_horizon(20)
    batch, generator = case.batch(1, seed=2), np.random.default_rng(0)
    batch.reset()
    while not batch.ended[0]:
        batch.step(joint_actions(batch, generator))
    last = batch.fields(0)
    batch.reset()
    batch.load_fields(0, last)
    assert_works(batch)
    batch.load_state(0, batch.state_bytes(0))
