"""The Gymnasium vector face, held against Gymnasium's own SyncVectorEnv around single envs."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import games
from games.vector import BatchVectorEnv

DILEMMA = "matrix/prisoners_dilemma_v0"
PROBE = "probe/everything_v0"
MODES = {"same_step": AutoresetMode.SAME_STEP, "next_step": AutoresetMode.NEXT_STEP, "disabled": AutoresetMode.DISABLED}
E = 3

# In this game all episodes end together; each env's first is shortened by `load_fields`, so that ends fall apart.
HORIZON = 6
OFFSETS = [0, 2, 5]
SETTINGS: dict[str, Any] = {"horizon": HORIZON, "legal_actions": [[True, True], [False, True]]}


class OneEnv(gymnasium.Env):
    """One env of the batch as a plain Gymnasium environment: what a vector face must look like from outside."""

    def __init__(self, offset: int) -> None:
        self.batch = games.make_batch(DILEMMA, 1, autoreset="disabled", **SETTINGS)
        group = self.batch.only_group
        one = group.observation_space
        self.observation_space = spaces.Box(0, 1, (2, *one.shape), np.float32)
        self.action_space = spaces.MultiDiscrete([2, 2], dtype=np.int32)
        self.offset: int | None = offset

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.batch.reset()
        if self.offset is not None:
            self.batch.load_fields(0, {"round": self.offset})
            self.offset = None
        return self.batch.observations[0].copy(), self._info()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.batch.step(action[None].astype(np.int32))
        rewards = self.batch.rewards[0]
        info = self._info() | {"rewards": rewards.copy()}
        observation = self.batch.observations[0].copy()
        return observation, float(rewards.mean()), bool(self.batch.terminations[0].any()), False, info

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.batch.action_masks[0].astype(np.int8), "alive": self.batch.alive[0].astype(bool)}


def vector_env(mode: str) -> BatchVectorEnv:
    return games.vector_env(DILEMMA, E, autoreset=mode, **SETTINGS)


def reference(mode: str) -> SyncVectorEnv:
    return SyncVectorEnv([lambda o=o: OneEnv(o) for o in OFFSETS], autoreset_mode=MODES[mode])


def shorten(env: BatchVectorEnv) -> None:
    for e, offset in enumerate(OFFSETS):
        env.batch.load_fields(e, {"round": offset})


@pytest.mark.parametrize("mode", MODES)
def test_agrees_with_gymnasiums_own_vector_env(mode: str) -> None:
    ours, theirs = vector_env(mode), reference(mode)
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"]
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    ours.action_space.seed(0)
    our_obs, our_infos = ours.reset(seed=0)
    shorten(ours)
    their_obs, their_infos = theirs.reset(seed=0)
    np.testing.assert_array_equal(our_obs, their_obs)
    np.testing.assert_array_equal(our_infos["action_mask"], their_infos["action_mask"])
    num_ends = 0
    for _ in range(4 * HORIZON):
        actions = ours.action_space.sample()
        ours_now, theirs_now = ours.step(actions), theirs.step(actions)
        for one, other in zip(ours_now[:4], theirs_now[:4], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        assert_infos_agree(ours_now[4], theirs_now[4])
        ends = ours_now[2] | ours_now[3]
        num_ends += ends.sum()
        if mode == "disabled" and ends.any():
            options = {"reset_mask": ends}
            our_obs, our_infos = ours.reset(options=options)
            their_obs, their_infos = theirs.reset(options={"reset_mask": ends.copy()})
            np.testing.assert_array_equal(our_obs, their_obs)
            assert options.keys() == {"reset_mask"}, "the caller's options are the caller's"
            np.testing.assert_array_equal(our_infos["_action_mask"], their_infos["_action_mask"])
            np.testing.assert_array_equal(our_infos["action_mask"], their_infos["action_mask"])
    assert num_ends >= 6


def assert_infos_agree(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for name in ("action_mask", "_action_mask", "alive", "_alive", "_final_obs", "_final_info"):
        assert (name in ours) == (name in theirs), name
        if name in theirs:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    if "rewards" in theirs:
        rows = theirs["_rewards"]
        np.testing.assert_array_equal(ours["rewards"][rows], theirs["rewards"][rows])
    if "final_obs" in theirs:
        for one, other in zip(ours["final_obs"], theirs["final_obs"], strict=True):
            assert (one is None) == (other is None)
            if other is not None:
                np.testing.assert_array_equal(one, other)
        for name in ("rewards", "_rewards"):
            np.testing.assert_array_equal(ours["final_info"][name], theirs["final_info"][name])


@pytest.mark.parametrize("mode", MODES)
def test_episode_statistics_agree_with_gymnasiums_wrapper(mode: str) -> None:
    env = RecordEpisodeStatistics(vector_env(mode))
    env.action_space.seed(0)
    env.reset(seed=0)
    num_ends = 0
    # In Gymnasium 1.2 the wrapper leaves out the first reward after every "same_step" reset: first episodes only there.
    for _ in range(HORIZON if mode == "same_step" else 4 * HORIZON):
        _, _, terminations, truncations, infos = env.step(env.action_space.sample())
        ends = terminations | truncations
        assert ("episode_statistics" in infos) == ends.any()
        if not ends.any():
            continue
        num_ends += ends.sum()
        ours, theirs = infos["episode_statistics"], infos["episode"]
        np.testing.assert_array_equal(infos["_episode_statistics"], infos["_episode"])
        np.testing.assert_allclose(ours["return"], theirs["r"])
        np.testing.assert_array_equal(ours["length"], theirs["l"])
        if mode == "disabled":
            env.reset(options={"reset_mask": ends})
    assert num_ends >= 3


def test_statistics_after_a_reset_within_a_step_are_whole() -> None:
    env = vector_env("same_step")
    env.action_space.seed(0)
    env.reset(seed=0)
    total = np.zeros(E)
    for step in range(1, 4 * HORIZON + 1):
        _, rewards, _, _, infos = env.step(env.action_space.sample())
        total += rewards
        if step % HORIZON == 0:
            np.testing.assert_allclose(infos["episode_statistics"]["return"], total)
            total[:] = 0


def test_the_worlds_own_statistics_come_along() -> None:
    env = games.vector_env("overcooked/cramped_room_v0", 2, horizon=5)
    env.reset(seed=0)
    for _ in range(5):
        *_, truncations, infos = env.step(env.action_space.sample())
    assert truncations.all()
    assert infos["episode_statistics"]["deliveries"].tolist() == [0, 0]
    assert infos["shaped_reward"].shape == (2, 2)


def test_a_time_limit_is_a_truncation() -> None:
    env = games.vector_env("overcooked/cramped_room_v0", 2, horizon=1)
    env.reset(seed=0)
    _, _, terminations, truncations, _ = env.step(env.action_space.sample())
    assert truncations.tolist() == [True, True]
    assert terminations.tolist() == [False, False]


def test_rewards_are_means_over_agents() -> None:
    env = games.vector_env(DILEMMA, 2)
    env.reset(seed=0)
    _, rewards, _, _, infos = env.step(np.array([[0, 1], [1, 1]]))
    assert rewards.tolist() == [2.5, 1.0]
    assert rewards.dtype == np.float64
    assert infos["rewards"].tolist() == [[0, 5], [1, 1]]


def test_spaces() -> None:
    env = games.vector_env(DILEMMA, 4)
    assert env.single_observation_space.shape == (2, 5)
    assert env.single_action_space == spaces.MultiDiscrete([2, 2], dtype=np.int32)
    assert env.observation_space.shape == (4, 2, 5)
    assert env.observation_space.contains(env.reset(seed=0)[0])


def test_actions_of_any_whole_dtype_and_nothing_else() -> None:
    env = games.vector_env(DILEMMA, 2)
    env.reset(seed=0)
    for dtype in (np.int8, np.uint8, np.int32, np.int64, np.uint64):
        env.step(np.array([[0, 1], [1, 1]], dtype))
    env.step([[0, 1], [1, 1]])
    before = env.batch.state_bytes(0)
    for bad in (np.zeros((2, 2)), np.zeros((2, 2), bool), [["0", "1"], ["1", "1"]], None):
        with pytest.raises(TypeError, match="actions must be numbers"):
            env.step(bad)
    for bad in (np.zeros(4, int), np.zeros((2, 3), int), np.zeros((2, 2, 1), int)):
        with pytest.raises(ValueError, match="shape"):
            env.step(bad)
    for bad in (2, -1, 2**32, 2**32 + 1, -(2**32), 2**63 - 1):
        with pytest.raises(ValueError, match="outside its space"):
            env.step(np.array([[0, 1], [1, bad]]))
    with pytest.raises(ValueError, match="outside its space"):
        env.step(np.full((2, 2), 2**64 - 1, np.uint64))
    assert env.batch.state_bytes(0) == before


def test_seeds() -> None:
    env = games.vector_env("overcooked/cramped_room_v0", 4, random_start_positions=True, seed=5)
    first, _ = env.reset()
    env.reset()
    again, _ = env.reset(seed=5)
    np.testing.assert_array_equal(first, again)
    other, _ = env.reset(seed=6)
    assert (other != first).any()
    env.reset(seed=np.int64(6))
    for bad in (-1, [1, 2, 3, 4], 0.5):
        with pytest.raises(ValueError, match="seed"):
            env.reset(seed=bad)


def test_reset_masks_are_checked() -> None:
    env = games.vector_env(DILEMMA, 2)
    env.reset(seed=0)
    for mask in ([True, False], np.array([1, 0])):
        with pytest.raises(TypeError, match="reset_mask must be an array of bool"):
            env.reset(options={"reset_mask": mask})
    for mask in (np.zeros(2, bool), np.ones(3, bool)):
        with pytest.raises(ValueError, match="reset_mask must mark some of 2 envs"):
            env.reset(options={"reset_mask": mask})
    with pytest.raises(ValueError, match="seed or a mask"):
        env.reset(seed=1, options={"reset_mask": np.ones(2, bool)})


def test_observations_are_copies_unless_asked() -> None:
    env = games.vector_env(DILEMMA, 2)
    first, _ = env.reset(seed=0)
    kept = first.copy()
    env.step(np.ones((2, 2), int))
    np.testing.assert_array_equal(first, kept)
    env = BatchVectorEnv(games.make_batch(DILEMMA, 2), copy=False)
    assert env.reset(seed=0)[0] is env.batch.observations


def test_several_groups_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has the groups \['walkers', 'pickers', 'caller'\]"):
        games.vector_env(PROBE, 2)


def test_render() -> None:
    env = BatchVectorEnv(games.make_batch(DILEMMA, 2), render_mode="rgb_array")
    env.reset(seed=0)
    frames = env.render()
    assert len(frames) == 2
    assert frames[0].shape[-1] == 3
    assert env.metadata["render_modes"] == ["rgb_array"]
    with pytest.raises(ValueError, match="human"):
        BatchVectorEnv(games.make_batch(DILEMMA, 2), render_mode="human")
    env.close()
    env.close()
