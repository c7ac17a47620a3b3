"""The three autoreset modes tell the same episodes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from seeded_play import Case, any_actions, arrays

from games.batch import Batch

NUM_ENVS, NUM_EPISODES, HORIZON = 4, 3, 25

Episodes = dict[tuple[int, int], list[dict[str, bytes]]]


def outcome_of(batch: Batch, env: int, names: tuple[str, ...] | None = None) -> dict[str, bytes]:
    return {n: a[env].tobytes() for n, a in arrays(batch) if names is None or n.split(".")[-1] in names}


FLAGS = ("rewards", "terminations", "truncations")


def is_outcome(name: str) -> bool:
    return name.split(".")[-1] in FLAGS or ".infos[" in name


def act(batch: Batch, counts: list[tuple[int, int]]) -> None:
    """Writes actions that are a function of env, episode and step, whatever the mode."""
    for env, (episode, step) in enumerate(counts):
        generator = np.random.default_rng([env, episode, step])
        for group in batch.groups.values():
            group.actions[env] = any_actions(group, generator)[env]


def play(case: Case, autoreset: str) -> Episodes:
    """Returns, per env and episode, what stood in the arrays at each step, final observations included."""
    batch = case.batch(NUM_ENVS, seed=8, autoreset=autoreset)
    episodes: Episodes = defaultdict(list)
    counts = [(0, 0)] * NUM_ENVS
    batch.reset()
    for env in range(NUM_ENVS):
        episodes[env, 0].append(outcome_of(batch, env))
    while min(episode for episode, _ in counts) < NUM_EPISODES:
        act(batch, counts)
        was_over = batch.ended.copy() if autoreset == "next_step" else np.zeros(NUM_ENVS, np.uint8)
        batch.step()
        for env, (episode, step) in enumerate(counts):
            counts[env] = note(batch, env, episode, step, bool(was_over[env]), episodes)
        if autoreset == "disabled" and batch.ended.any():
            mask = batch.ended.copy()
            batch.reset(mask=mask)
            for env in np.flatnonzero(mask):
                episodes[env, counts[env][0]].append(outcome_of(batch, env))
    return {key: steps for key, steps in episodes.items() if key[1] < NUM_EPISODES}


def note(batch: Batch, env: int, episode: int, step: int, was_over: bool, episodes: Episodes) -> tuple[int, int]:
    """Files one env's outcome of a step and returns its episode and step afterwards."""
    now = outcome_of(batch, env)
    if was_over:  # next_step: this step was the reset
        assert not any(b for n, value in now.items() if is_outcome(n) for b in value), "a reset rewards nobody"
        episodes[env, episode + 1].append(now)
        return episode + 1, 0
    if not batch.ended[env] or batch.autoreset != "same_step":
        episodes[env, episode].append(now)
        is_next = batch.ended[env] and batch.autoreset == "disabled"
        return (episode + 1, 0) if is_next else (episode, step + 1)
    last, first = {}, {}
    for name, value in now.items():
        if is_outcome(name):
            last[name], first[name] = value, bytes(len(value))
        elif not name.endswith(".observations"):
            first[name] = value  # masks and alive flags are the next episode's
    for group in batch.groups.values():
        last[f"{group.name}.observations"] = group.final_observations[env].tobytes()
        first[f"{group.name}.observations"] = group.observations[env].tobytes()
    episodes[env, episode].append(last)
    episodes[env, episode + 1].append(first)
    return episode + 1, 0


def assert_same_episodes(actual: Episodes, expected: Episodes) -> None:
    assert actual.keys() == expected.keys()
    for key, steps in actual.items():
        assert len(steps) == len(expected[key]), f"env, episode {key} has another length"
        for step, (one, other) in enumerate(zip(steps, expected[key], strict=True)):
            for name in one.keys() & other.keys():
                assert one[name] == other[name], f"{name} at step {step} of env, episode {key}"


def test_modes_tell_the_same_episodes(case: Case) -> None:
    case = case.with_horizon(HORIZON)
    expected = play(case, "disabled")
    assert_same_episodes(play(case, "next_step"), expected)
    assert_same_episodes(play(case, "same_step"), expected)


def test_modes_log_the_same_episodes(case: Case) -> None:
    case = case.with_horizon(HORIZON)
    logs = {}
    for mode in ("disabled", "next_step", "same_step"):
        batch = case.batch(1, seed=8, autoreset=mode)
        batch.reset()
        counts, lengths, returns, statistics = [(0, 0)], [], [], []
        while counts[0][0] < NUM_EPISODES:
            act(batch, counts)
            batch.step()
            counts = [(counts[0][0], counts[0][1] + 1)]
            if batch.ended[0]:
                lengths.append(batch.episode_lengths.tolist())
                returns.append(batch.episode_returns.tolist())
                statistics.append({name: values.tolist() for name, values in batch.episode_statistics.items()})
                counts = [(counts[0][0] + 1, 0)]
                if mode == "disabled":
                    batch.reset()
                elif mode == "next_step":
                    batch.step()
        logs[mode] = lengths, returns, statistics
    assert logs["disabled"] == logs["next_step"] == logs["same_step"]
    assert all(len(lengths) == 1 for lengths in logs["disabled"][0])


def test_returns_are_the_sums_of_rewards(case: Case) -> None:
    batch = case.with_horizon(HORIZON).batch(1, seed=8)
    batch.reset()
    total, steps = np.zeros(len(batch.agents)), 0
    while not batch.ended[0]:
        act(batch, [(0, steps)])
        batch.step()
        total += np.concatenate([group.rewards[0] for group in batch.groups.values()]).astype(np.float64)
        steps += 1
    np.testing.assert_array_equal(batch.episode_returns, [total])
    assert batch.episode_lengths.tolist() == [steps]
