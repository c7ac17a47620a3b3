"""Whatever is wrong with an input, the caller is told and the batch stays as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from seeded_play import Case, assert_same, copies, joint_actions

import games
from games.batch import Batch


@pytest.fixture
def batch(case: Case) -> Batch:
    batch = case.batch(2, seed=1)
    batch.reset()
    if case.horizon > 1:
        batch.step(joint_actions(batch, np.random.default_rng(0)))
    return batch


def everything(batch: Batch) -> dict[str, np.ndarray]:
    return {f"state {e}": np.frombuffer(batch.state_bytes(e), np.uint8) for e in range(2)} | copies(batch)


def assert_refused(batch: Batch, call: Callable[[], Any], match: str | None = None) -> None:
    before = everything(batch)
    with pytest.raises((ValueError, TypeError, IndexError), match=match):
        call()
    assert_same(everything(batch), before)


def legal(batch: Batch) -> dict[str, np.ndarray]:
    return joint_actions(batch, np.random.default_rng(0))


def test_actions_of_a_wrong_dtype(batch: Batch) -> None:
    for name in batch.groups:
        for dtype in (np.int64, np.int16, np.uint8, np.float64, np.bool_, np.complex64, object):
            actions = legal(batch)
            actions[name] = actions[name].astype(dtype)
            assert_refused(batch, lambda actions=actions: batch.step(actions), "dtype")
        wrong = np.float32 if batch.groups[name].actions.dtype == np.int32 else np.int32
        assert_refused(
            batch, lambda n=name, w=wrong: batch.step(legal(batch) | {n: legal(batch)[n].astype(w)}), "dtype"
        )


def test_actions_of_a_wrong_shape(batch: Batch) -> None:
    for name in batch.groups:
        good = legal(batch)[name]
        for bad in (good[:1], good[:, :0], good[..., None], good.ravel(), np.concatenate([good, good])):
            if bad.shape != good.shape:
                bad = np.ascontiguousarray(bad)
                assert_refused(batch, lambda n=name, b=bad: batch.step(legal(batch) | {n: b}), "shape")


def test_actions_that_are_no_arrays_or_not_contiguous(batch: Batch) -> None:
    for name in batch.groups:
        good = legal(batch)[name]
        strided = np.repeat(good, 2, axis=0)[::2]
        for bad in (good.tolist(), None, 0, "0", strided, good.astype(good.dtype.newbyteorder())):
            assert_refused(batch, lambda n=name, b=bad: batch.step(legal(batch) | {n: b}))


def test_actions_outside_their_space(batch: Batch) -> None:
    for name, group in batch.groups.items():
        space, good = group.action_space, legal(batch)[name]
        if isinstance(space, gymnasium.spaces.Box):
            highest = np.nextafter(space.high.flat[-1], np.float32(np.inf))
            outside = [np.nan, np.inf, -np.inf, highest, np.nextafter(space.low.flat[-1], np.float32(-np.inf))]
        else:
            choices = space.n if isinstance(space, gymnasium.spaces.Discrete) else space.nvec[-1]
            outside = [choices, -1, 2**31 - 1, -(2**31)]
        for value in outside:
            bad = good.copy()
            bad.reshape(-1)[-1] = value  # the last part of the last agent of the last env
            message = f"action .* of {group.agents[-1]} in env 1.* outside its space"
            assert_refused(batch, lambda n=name, b=bad: batch.step(legal(batch) | {n: b}), message)
            group.actions[...] = bad
            assert_refused(batch, batch.step, message)
            group.actions[...] = good


def test_actions_of_wrong_groups(batch: Batch) -> None:
    first = next(iter(batch.groups))
    assert_refused(batch, lambda: batch.step({**legal(batch), "nobody": legal(batch)[first]}), "nobody")
    assert_refused(batch, lambda: batch.step({}), "groups")
    if len(batch.groups) > 1:
        assert_refused(batch, lambda: batch.step(legal(batch)[first]), "several groups")
        assert_refused(batch, lambda: batch.step({first: legal(batch)[first]}), "groups")


def test_seeds_and_masks(batch: Batch) -> None:
    for seed in (-1, 2**64, 1.0, "1", True, [1, 2]):
        assert_refused(batch, lambda seed=seed: batch.reset(seed), "seed")
    for mask in (np.ones(2, bool), np.ones(3, np.uint8), [1, 1], np.ones((2, 1), np.uint8), np.ones(2)):
        assert_refused(batch, lambda mask=mask: batch.reset(mask=mask), "mask")
    assert_refused(batch, lambda: batch.reset(1, mask=np.ones(2, np.uint8)), "seed or a mask")


def test_env_indices(batch: Batch) -> None:
    for env in (-1, 2, 2**31, 2**40, 0.5, "0", None):
        for call in (batch.state_bytes, batch.fields):
            assert_refused(batch, lambda call=call, env=env: call(env))
        assert_refused(batch, lambda env=env: batch.load_state(env, batch.state_bytes(0)))
        assert_refused(batch, lambda env=env: batch.load_fields(env, {}))


def test_snapshots_that_are_no_bytes(batch: Batch) -> None:
    for data in (None, "text", 5, [1, 2], bytearray(batch.state_bytes(0)), np.zeros(4, np.uint8)):
        assert_refused(batch, lambda data=data: batch.load_state(0, data))


def test_fields_of_wrong_names_types_and_shapes(batch: Batch) -> None:
    for name, value in batch.fields(0).items():
        near = name[:-1] + "x"
        assert_refused(batch, lambda near=near, value=value: batch.load_fields(0, {near: value}), "did you mean|known")
        if isinstance(value, np.ndarray):
            other = np.float32 if value.dtype == np.float64 else np.float64
            for wrong, match in (
                (value.astype(other), "dtype"),
                (value[..., None].copy(), "shape"),
                (value.tolist(), name),
            ):
                assert_refused(batch, lambda n=name, v=wrong: batch.load_fields(0, {n: v}), match)
        else:
            for wrong in (None, "1", [value], 1e300 if isinstance(value, int) else "0"):
                assert_refused(batch, lambda n=name, v=wrong: batch.load_fields(0, {n: v}), name)
            assert_refused(batch, lambda n=name: batch.load_fields(0, {n: np.zeros(2)}))


def test_one_bad_field_spoils_all(batch: Batch) -> None:
    batch.load_fields(0, batch.fields(1))
    batch.reset(mask=np.array([0, 1], np.uint8))
    other = batch.fields(1)
    assert_refused(batch, lambda: batch.load_fields(0, {**other, "no_such_field": 1}), "no_such_field")
    for name, value in other.items():
        if isinstance(value, np.ndarray):
            bad = {**{n: v for n, v in other.items() if n != name}, name: value[..., None].copy()}
            assert_refused(batch, lambda bad=bad: batch.load_fields(0, bad), "shape")


def test_settings(case: Case) -> None:
    known = [field.name for field in dataclasses.fields(games.spec(case.id).config_class)]
    wrong = known[0] + "s"
    with pytest.raises(ValueError, match=f"did you mean '{known[0]}'"):
        games.make_batch(case.id, **{wrong: 1})
    for bad in ({"num_envs": 0}, {"num_envs": -1}, {"num_threads": 0}, {"autoreset": "sometimes"}, {"seed": -1}):
        with pytest.raises(ValueError):  # noqa: PT011 (five messages)
            games.make_batch(case.id, **bad)
    if "horizon" in known:
        for horizon in (0, -1, 2**31, 1.5, "4", None, float("nan")):
            with pytest.raises(ValueError, match="horizon"):
                games.make_batch(case.id, horizon=horizon)


def test_env_numbers_that_do_not_fit(case: Case) -> None:
    for first_env in (-1, 2**64 - 1, 2**64, True, 0.0, "3", None):
        with pytest.raises(ValueError, match="first_env must be a whole number in"):
            case.batch(2, first_env=first_env)


def test_unknown_ids_name_the_nearest(case: Case) -> None:
    for make in (games.make_batch, games.parallel_env, games.aec_env, games.vector_env, games.spec):
        with pytest.raises(ValueError, match=f"did you mean '{case.id}'"):
            make(case.id + "x")


def test_live_settings(batch: Batch) -> None:
    for field in dataclasses.fields(batch.config):
        name = field.name
        if not field.metadata["live"]:
            value = getattr(batch.config, name)
            assert_refused(batch, lambda n=name, v=value: batch.configure(**{n: v}), "cannot change")
        else:
            assert_refused(batch, lambda n=name: batch.configure(**{n: float("nan")}), name)
    assert_refused(batch, lambda: batch.configure(no_such_setting=1), "no_such_setting")


def test_stepping_before_the_first_reset_and_after_the_end(case: Case) -> None:
    batch = case.with_horizon(10).batch(2)
    with pytest.raises(ValueError, match="reset"):
        batch.step()
    batch.reset()
    generator = np.random.default_rng(0)
    while not batch.ended.any():
        batch.step(joint_actions(batch, generator))
    assert_refused(batch, lambda: batch.step(legal(batch)), "reset it first")
