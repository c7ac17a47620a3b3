"""PettingZoo's own tests over every environment; a warning of theirs is a failure unless it is expected here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import gymnasium
import numpy as np
import pettingzoo
import pytest
from seeded_play import Case, column, joint_actions

import games
import games.parallel
from games.batch import Batch

with warnings.catch_warnings():
    # PettingZoo's tests import one of its own games in the way that it has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import api_test, max_cycles_test, parallel_api_test, parallel_seed_test, render_test, seed_test
    from pettingzoo.test.state_test import test_state as check_state
    from pettingzoo.test.state_test import test_state_space as check_state_space

CYCLES = 100


def expected_warnings(env: pettingzoo.ParallelEnv) -> list[str]:
    """Returns what PettingZoo remarks about an environment's shape although its interface allows it."""
    observation_spaces = [env.observation_space(agent) for agent in env.possible_agents]
    action_spaces = [env.action_space(agent) for agent in env.possible_agents]
    messages = []
    if any(isinstance(space, gymnasium.spaces.Dict) for space in observation_spaces):
        messages += ["Observation is not a NumPy array", "Observation space for each agent probably should be"]
        observation_spaces = [space["observation"] if isinstance(space, gymnasium.spaces.Dict) else space
                              for space in observation_spaces]  # fmt: skip
    if any(isinstance(space, gymnasium.spaces.MultiDiscrete) for space in action_spaces):
        messages += ["Action space for each agent probably should be", "Action mask is not a NumPy array"]
    if any(space.shape == (1,) for space in observation_spaces):
        messages.append("Observation is a single number")
    if any(len(space.shape) in (2, 3) and space.low.min() < 0 for space in observation_spaces):
        messages.append("The observation contains negative numbers and is in the shape of a graphical observation")
    if len({str(space) for space in observation_spaces + action_spaces}) > 2:
        messages += ["Agents have different observation space sizes", "The class of observation spaces is different"]
        messages += ["Observations are different shapes", "Observations have different number of dimensions"]
    if can_lack_agents(env):
        messages += ["No agents present but not all possible_agents", "Observation numpy array is all zeros"]
    if can_see_only_zeros(env):
        messages.append("Observation numpy array is all zeros")
    return messages


def random_play(env: pettingzoo.ParallelEnv) -> Iterator[Batch]:
    """Yields a batch of the same world at the start of 64 episodes and after each of up to 20 random steps."""
    probe = games.make_batch(env.batch.spec.id, 64, autoreset="disabled", **env.batch.config.settings())
    probe.reset()
    yield probe
    generator = np.random.default_rng(0)
    for _ in range(20):
        if probe.ended.any():
            return
        probe.step(joint_actions(probe, generator))
        yield probe


def can_see_only_zeros(env: pettingzoo.ParallelEnv) -> bool:
    """Whether an agent sees nothing but zeros at times, such as one that only hears, or that counts what it has."""
    return any(
        (group.observations.reshape(*group.rewards.shape, -1) == 0).all(axis=-1).any()
        for probe in random_play(env)
        for group in probe.groups.values()
    )


def can_lack_agents(env: pettingzoo.ParallelEnv) -> bool:
    """Whether a slot is empty in some episode or an agent leaves before the others."""
    return any(not column(probe, "alive").all() for probe in random_play(env))


@contextmanager
def expecting(env: pettingzoo.ParallelEnv) -> Iterator[None]:
    with warnings.catch_warnings():
        for message in expected_warnings(env):
            warnings.filterwarnings("ignore", message=message)
        yield


def test_parallel_api(case: Case) -> None:
    env = case.parallel_env()
    with expecting(env):
        parallel_api_test(env, num_cycles=CYCLES)


def test_aec_api(case: Case) -> None:
    with expecting(case.parallel_env()):
        api_test(case.aec_env(), num_cycles=CYCLES)


def test_parallel_seed(case: Case) -> None:
    parallel_seed_test(case.parallel_env, num_cycles=CYCLES)


def test_aec_seed(case: Case) -> None:
    seed_test(case.aec_env, num_cycles=CYCLES)


def test_state(case: Case) -> None:
    env = case.aec_env()
    with warnings.catch_warnings():
        # An observation may have rank 3, so all agents' observations side by side have rank 4.
        warnings.filterwarnings("ignore", message="State has more than 3 dimensions")
        # Vectors of several agents side by side have rank 2; they are no pictures, and may be negative.
        warnings.filterwarnings("ignore", message="The state contains negative numbers and is in the shape of a graph")
        if can_lack_agents(case.parallel_env()) or can_see_only_zeros(case.parallel_env()):
            warnings.filterwarnings("ignore", message="State numpy array is all zeros")
        check_state_space(env)
        check_state(env, num_cycles=CYCLES)


def test_render(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setitem(games.parallel.BatchParallelEnv.metadata, "render_fps", 1000)
    render_test(case.aec_env)


def test_every_world_can_be_drawn_in_one_even_size(case: Case) -> None:
    env = case.with_horizon(12).parallel_env(render_mode="rgb_array")
    env.reset(seed=0)
    frames = [env.render()]
    generator = np.random.default_rng(0)
    while env.agents and len(frames) < 20:
        actions = joint_actions(env.batch, generator)
        env.step(by_agent(env, actions))
        frames.append(env.render())
    assert len({frame.shape for frame in frames}) == 1
    height, width, channels = frames[0].shape
    assert channels == 3
    assert width >= 256
    assert height % 2 == width % 2 == 0
    assert all(frame.dtype == np.uint8 for frame in frames)
    np.testing.assert_array_equal(frames[-1], env.render())


def by_agent(env: pettingzoo.ParallelEnv, actions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Names the rows of joint actions [1, P, ...] of the live agents."""
    rows = {
        agent: row
        for group in env.batch.groups.values()
        for agent, row in zip(group.agents, actions[group.name][0], strict=True)
    }
    return {agent: rows[agent] for agent in env.agents}


def test_max_cycles(case: Case) -> None:
    if "horizon" not in games.spec(case.id).config_class.__dataclass_fields__:
        with pytest.raises(ValueError, match="horizon"):  # its rules end every episode
            games.parallel_env(case.id, max_cycles=4)
        return
    if can_end_before(case, 4):
        assert_ends_by(case, 4)
        return
    settings = {name: value for name, value in case.settings.items() if name != "horizon"}
    max_cycles_test(
        SimpleNamespace(
            parallel_env=lambda max_cycles: games.parallel_env(case.id, max_cycles=max_cycles, **settings),
            env=lambda max_cycles: games.aec_env(case.id, max_cycles=max_cycles, **settings),
        )
    )


def can_end_before(case: Case, steps: int) -> bool:
    batch = replace(case, settings={**case.settings, "horizon": steps}).batch(64)
    batch.reset()
    generator = np.random.default_rng(0)
    has_left = ~column(batch, "alive").astype(bool)
    for _ in range(steps - 1):
        batch.step(joint_actions(batch, generator))
        has_left |= ~column(batch, "alive").astype(bool)
        if batch.ended.any() or has_left.any():
            return True
    return False


def assert_ends_by(case: Case, max_cycles: int) -> None:
    settings = {name: value for name, value in case.settings.items() if name != "horizon"}
    env = games.parallel_env(case.id, max_cycles=max_cycles, **settings)
    for seed in range(10):
        env.reset(seed=seed)
        steps = 0
        while env.agents:
            env.step({agent: env.action_space(agent).sample() for agent in env.agents})
            steps += 1
        assert steps <= max_cycles


@pytest.mark.parametrize("kind", ["parallel", "aec"])
@pytest.mark.parametrize("env_id", games.env_ids())
def test_pettingzoo_finds_every_id(kind: str, env_id: str) -> None:
    env = pettingzoo.make(kind, env_id, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.unwrapped.metadata["name"] == env_id
    assert env.metadata["is_parallelizable"]
    assert set(env.metadata["render_modes"]) == {"human", "rgb_array"}
    assert env.possible_agents == list(games.make_batch(env_id).agents)


def test_parallel_face_shows_the_batch_through_whole_episodes(case: Case) -> None:
    """Also the whole-episode seed test that PettingZoo's, which stops after a step, is not."""
    env, batch = case.parallel_env(), case.batch(seed=3)
    generator = np.random.default_rng(3)
    env.reset(seed=3)
    batch.reset()
    for episode in range(2):
        if episode:
            env.reset()
            batch.reset()
        kept = []
        while env.agents:
            actions = joint_actions(batch, generator)
            acting = list(env.agents)
            outcome = env.step(by_agent(env, actions))
            for group in batch.groups.values():
                for index, agent in enumerate(group.agents):
                    if agent not in acting:
                        actions[group.name][0, index] = 0  # within all spaces, and of no effect
            batch.step(actions)
            assert_face_shows(env, batch, acting, outcome)
            kept.append((outcome[0], {agent: np.copy(plain(o)) for agent, o in outcome[0].items()}))
        assert batch.ended[0]
        for observations, originals in kept:
            for agent, observation in observations.items():
                np.testing.assert_array_equal(plain(observation), originals[agent], err_msg="a later step changed it")


def plain(observation: np.ndarray | dict[str, np.ndarray]) -> np.ndarray:
    return observation["observation"] if isinstance(observation, dict) else observation


def assert_face_shows(env: pettingzoo.ParallelEnv, batch: games.batch.Batch, acting: list[str], outcome: tuple) -> None:
    observations, rewards, terminations, truncations, infos = outcome
    assert [list(part) for part in outcome] == [acting] * 5
    staying = []
    for group in batch.groups.values():
        for index, agent in enumerate(group.agents):
            if agent not in acting:
                continue
            np.testing.assert_array_equal(plain(observations[agent]), group.observations[0, index])
            assert env.observation_space(agent).contains(observations[agent])
            if group.action_masks is not None:
                mask = observations[agent]["action_mask"]
                np.testing.assert_array_equal(np.hstack(mask), group.action_masks[0, index])
                env.action_space(agent).sample(mask=mask)
            assert rewards[agent] == group.rewards[0, index]
            assert terminations[agent] is bool(group.terminations[0, index])
            assert truncations[agent] is bool(group.truncations[0, index])
            assert infos[agent] == {name: array[0, index] for name, array in group.infos.items()}
            if not (terminations[agent] or truncations[agent]):
                staying.append(agent)
    assert env.agents == staying
