"""Episodes between runner and learner: what is stored is what was played, each as long as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from one_policy_per_group import one_policy_per_group

import games
from marl.qmix.episodes import Episode, whole_episodes
from marl.qmix.replay import EpisodeReplay, part
from marl.rllib import TrainingError
from marl.rllib.runner.actions import action_kind


def make_episode(steps: int, mark: float, is_terminal: bool = True) -> Episode:
    moments = (mark + np.arange(steps + 1, dtype=np.float32) / 100)[:, None, None]
    columns = {
        "observations": np.broadcast_to(moments, (steps + 1, 2, 3)),
        "actions": np.full((steps, 2), int(mark), np.int32),
        "rewards": np.full((steps, 2), mark, np.float32),
        "alive": np.ones((steps, 2), bool),
        "next_alive": np.ones((steps, 2), bool),
    }
    return Episode({"all": columns}, is_terminal)


def test_the_probe_worlds_episodes_are_those_of_envs_that_are_stepped_alone(build: Any, ppo: Callable) -> None:
    """Every env's first episode again with the same actions: agents leave, slots are empty, ends are mixed."""
    config = ppo("probe/everything_v0", num_envs=4, setup=one_policy_per_group, length=64)
    runner = build(config).env_runner
    (fragment,) = runner.sample(num_episodes=8, random_actions=True)
    episodes = list(whole_episodes(fragment))
    assert len(episodes) == 8
    ends = set()
    for env in range(4):
        one = games.make_batch("probe/everything_v0", 1, seed=config.seed, autoreset="disabled", first_env=env)
        one.reset()
        assert len(episodes[2 * env]) == int(np.flatnonzero(fragment.ended[:, env])[0]) + 1
        for t in range(len(episodes[2 * env])):
            _compare_step(one, fragment, env, episodes[2 * env], t)
        assert one.ended[0]
        is_cut = any(group.truncations.any() for group in one.groups.values())
        assert episodes[2 * env].is_terminal != is_cut
        ends.add(is_cut)
    assert ends == {True, False}, "both kinds of end occur"


def _compare_step(one: Any, fragment: Any, env: int, episode: Episode, t: int) -> None:
    for name, group in one.groups.items():
        stored = episode.groups[name]
        np.testing.assert_array_equal(stored["observations"][t], group.observations[0])
        np.testing.assert_array_equal(stored["alive"][t], group.alive[0] > 0)
        if group.action_masks is not None:
            np.testing.assert_array_equal(stored["action_masks"][t], group.action_masks[0])
        group.actions[0] = action_kind(group.action_space).for_env(fragment.groups[name].actions[t, env])
    one.step()
    for name, group in one.groups.items():
        stored, was_there = episode.groups[name], episode.groups[name]["alive"][t]
        np.testing.assert_array_equal(stored["rewards"][t], group.rewards[0] * was_there)
        stays = group.truncations[0] > 0 if one.ended[0] else group.alive[0] > 0
        np.testing.assert_array_equal(stored["next_alive"][t], stays)
        np.testing.assert_array_equal(stored["observations"][t + 1], group.observations[0])
        if group.action_masks is not None:
            np.testing.assert_array_equal(stored["action_masks"][t + 1], group.action_masks[0])


def test_a_draw_holds_different_episodes_with_their_own_lengths() -> None:
    replay = EpisodeReplay(100, seed=0)
    for steps, mark in ((2, 1.0), (5, 2.0), (3, 3.0)):
        replay.add(make_episode(steps, mark, is_terminal=mark != 2))
    drawn = replay.draw(3)
    marks = drawn.groups["all"]["actions"][:, 0, 0].tolist()
    assert sorted(marks) == [1, 2, 3]
    lengths = {1: 2, 2: 5, 3: 3}
    assert drawn.mask.sum(axis=1).tolist() == [lengths[mark] for mark in marks]
    for mark, mask, is_terminal, seen in zip(
        marks, drawn.mask, drawn.is_terminal, drawn.groups["all"]["observations"], strict=True
    ):
        last = lengths[mark]
        assert mask[:last].all()
        assert np.flatnonzero(is_terminal).tolist() == ([] if mark == 2 else [last - 1])
        np.testing.assert_allclose(seen[: last + 1, 0, 0], mark + np.arange(last + 1) / 100, rtol=1e-6)
        assert (seen[last:] == seen[last]).all(), "padding repeats the last moment"


def test_single_steps_are_steps_of_the_episodes_as_often() -> None:
    """Of episodes of 2, 5 and 3 steps, marked 1, 2 and 3: a tenth of the draws each, the ends as they were."""
    replay = EpisodeReplay(100, seed=0)
    for steps, mark in ((2, 1.0), (5, 2.0), (3, 3.0)):
        replay.add(make_episode(steps, mark, is_terminal=mark != 2))
    drawn = replay.draw_short(20_000)
    columns = drawn.groups["all"]
    assert drawn.mask.shape == (20_000, 1)
    assert drawn.mask.all()
    first, second = columns["observations"][:, :, 0, 0].T
    np.testing.assert_allclose(second - first, 0.01, atol=1e-5)
    np.testing.assert_array_equal(columns["actions"][:, 0, 0], np.floor(first))
    steps, counts = np.unique(np.round(100 * first).astype(int), return_counts=True)
    assert steps.tolist() == [100, 101, 200, 201, 202, 203, 204, 300, 301, 302]
    np.testing.assert_allclose(counts / 20_000, 0.1, atol=0.01)
    assert set(np.round(100 * first[drawn.is_terminal[:, 0]]).astype(int).tolist()) == {101, 302}
    half = part(drawn, slice(5, 9))
    np.testing.assert_array_equal(half.groups["all"]["observations"], columns["observations"][5:9])


def test_the_oldest_episodes_make_room_and_no_other() -> None:
    rng = np.random.default_rng(0)
    replay, kept = EpisodeReplay(40, seed=0), []
    for mark in range(200):
        steps = int(rng.integers(1, 12))
        replay.add(make_episode(steps, float(mark)))
        kept.append((mark, steps))
        drawn = replay.draw(len(replay))
        found = sorted(
            zip(drawn.groups["all"]["actions"][:, 0, 0].tolist(), drawn.mask.sum(axis=1).tolist(), strict=True)
        )
        assert found == kept[-len(found) :]
        assert sum(length + 1 for _, length in found) <= 40
        for row, length in zip(drawn.groups["all"]["rewards"], drawn.mask.sum(axis=1), strict=True):
            assert len(np.unique(row[:length])) == 1, "no episode is written over by another"
    assert replay.num_steps == sum(length for _, length in found)


def test_memory_is_that_of_the_moments() -> None:
    replay = EpisodeReplay(1000)
    replay.add(make_episode(3, 0.0))
    assert replay.nbytes == 1000 * 2 * (3 * 4 + 4 + 4 + 1 + 1)


def test_a_restored_replay_draws_what_it_would_have_drawn() -> None:
    replay = EpisodeReplay(60, seed=4)
    for mark in range(30):
        replay.add(make_episode(1 + mark % 7, float(mark)))
    other = EpisodeReplay(60)
    other.set_state(replay.get_state())
    for each in (replay, other):
        each.add(make_episode(4, 99.0))
    first, second = replay.draw(5), other.draw(5)
    np.testing.assert_array_equal(first.mask, second.mask)
    for name, column in first.groups["all"].items():
        np.testing.assert_array_equal(column, second.groups["all"][name])


def test_an_episode_longer_than_the_replay_is_refused() -> None:
    with pytest.raises(TrainingError, match="an episode of 10 steps does not fit into capacity=10"):
        EpisodeReplay(10).add(make_episode(10, 0.0))
