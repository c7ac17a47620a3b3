"""The PettingZoo face beyond what PettingZoo's own tests ask (tests/conformance/test_pettingzoo.py)."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pettingzoo
import pytest
from gymnasium import spaces

import games
from games.names import UnknownNameError

DILEMMA = "matrix/prisoners_dilemma_v0"
PROBE = "probe/everything_v0"
BOTH = {"player_0": 0, "player_1": 1}


@pytest.fixture
def env() -> pettingzoo.ParallelEnv:
    env = games.parallel_env(DILEMMA, horizon=3)
    env.reset(seed=0)
    return env


def test_rewards_and_observations_are_those_of_the_game(env: pettingzoo.ParallelEnv) -> None:
    observations, rewards, terminations, truncations, infos = env.step(BOTH)
    assert rewards == {"player_0": 0.0, "player_1": 5.0}  # sucker and temptation, Axelrod 1984
    assert all(type(reward) is float for reward in rewards.values())
    # bias, own last action, the other's last action
    np.testing.assert_array_equal(observations["player_0"], [1, 1, 0, 0, 1])
    np.testing.assert_array_equal(observations["player_1"], [1, 0, 1, 1, 0])
    assert terminations == truncations == {"player_0": False, "player_1": False}
    assert infos == {"player_0": {}, "player_1": {}}


def test_agents_leave_at_the_end_and_come_back_with_reset(env: pettingzoo.ParallelEnv) -> None:
    for _ in range(3):
        *_, terminations, _, _ = env.step(BOTH)
    assert terminations == {"player_0": True, "player_1": True}
    assert env.agents == []
    assert env.num_agents == 0
    assert env.step({}) == ({}, {}, {}, {}, {})
    with pytest.raises(ValueError, match=r"is over: call reset\(\) first"):
        env.step(BOTH)
    env.reset()
    assert env.agents == env.possible_agents == ["player_0", "player_1"]


def test_nothing_works_before_the_first_reset() -> None:
    env = games.parallel_env(DILEMMA, render_mode="rgb_array")
    for call in (lambda: env.step(BOTH), lambda: env.step({}), env.state, env.render):
        with pytest.raises(ValueError, match=r"call reset\(\) first"):
            call()


@pytest.mark.parametrize(
    "action",
    [1, True, np.int8(1), np.int64(1), np.uint64(1), np.array(1), np.array([1]), np.array([[1]], np.uint8)],
    ids=lambda action: f"{type(action).__name__}-{np.shape(action)}",
)
def test_whole_numbers_of_all_kinds_are_actions(env: pettingzoo.ParallelEnv, action: object) -> None:
    _, rewards, *_ = env.step({"player_0": action, "player_1": 0})
    assert rewards["player_0"] == 5


@pytest.mark.parametrize(
    "action",
    [2, -1, 2**31, 2**32, 2**64, -(2**40), 1.0, 0.5, np.float32(1), "1", None, [], [0, 1], np.array([0, 1]), np.nan],
    ids=repr,
)
def test_actions_outside_the_space_are_refused_and_change_nothing(env: pettingzoo.ParallelEnv, action: object) -> None:
    env.step(BOTH)
    before, state = env.batch.state_bytes(0), env.state()
    with pytest.raises(ValueError, match=r"action .* of player_1 .*outside its space"):
        env.step({"player_0": 0, "player_1": action})
    assert env.batch.state_bytes(0) == before
    np.testing.assert_array_equal(env.state(), state)
    assert env.agents == ["player_0", "player_1"]
    env.step(BOTH)


def test_whose_actions_are_expected(env: pettingzoo.ParallelEnv) -> None:
    before = env.batch.state_bytes(0)
    with pytest.raises(ValueError, match="missing: player_1"):
        env.step({"player_0": 0})
    with pytest.raises(ValueError, match="missing: player_0, player_1"):
        env.step({})
    with pytest.raises(UnknownNameError, match="'player_2'; did you mean"):
        env.step({**BOTH, "player_2": 0})
    assert env.batch.state_bytes(0) == before


def test_an_agent_that_is_out_may_not_act() -> None:
    env = games.parallel_env(PROBE)
    env.reset(seed=0)
    while len(env.agents) == 6 or not env.agents:
        env.reset()
    out = next(agent for agent in env.possible_agents if agent not in env.agents)
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    with pytest.raises(ValueError, match=f"{out} is out and cannot act"):
        env.step({**actions, out: env.action_space(out).sample()})
    env.step(actions)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.0001, -2.0])
def test_continuous_actions_outside_the_space(bad: float) -> None:
    env = games.parallel_env(PROBE)
    env.reset(seed=3)
    walker = next(agent for agent in env.agents if agent.startswith("walker"))
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    before = env.batch.state_bytes(0)
    for action in (np.array([0, bad]), np.array([0, bad], np.float32), [0, bad], np.zeros(3), 0.0, "north"):
        with pytest.raises(ValueError, match=f"of {walker} is outside its space"):
            env.step({**actions, walker: action})
    assert env.batch.state_bytes(0) == before
    for action in (np.array([0, 1]), [0.5, -1], (0, 0)):
        env.step({**actions, walker: action} if walker in env.agents else {})
        actions = {agent: env.action_space(agent).sample() for agent in env.agents}


def test_multi_discrete_actions_and_masks() -> None:
    env = games.parallel_env(PROBE)
    observations, _ = env.reset(seed=0)
    space = env.action_space("picker_0")
    assert isinstance(space, spaces.MultiDiscrete)
    observation = observations["picker_0"]
    assert env.observation_space("picker_0").contains(observation)
    assert [mask.dtype for mask in observation["action_mask"]] == [np.int8, np.int8]
    for _ in range(20):
        drawn = space.sample(mask=observation["action_mask"])
        assert all(mask[part] for mask, part in zip(observation["action_mask"], drawn, strict=True))
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    for bad in ([0, 4], [-1, 0], [0.0, 1.0], [0], 0, [[0, 0]]):
        with pytest.raises(ValueError, match="picker_0"):
            env.step({**actions, "picker_0": bad})
    env.step({**actions, "picker_0": (0, 3)})


def test_masks_follow_pettingzoo() -> None:
    env = games.parallel_env(DILEMMA, legal_actions=[[True, False], [True, True]])
    observations, _ = env.reset(seed=0)
    assert isinstance(env.observation_space("player_0"), spaces.Dict)
    np.testing.assert_array_equal(observations["player_0"]["action_mask"], [1, 0])
    np.testing.assert_array_equal(observations["player_1"]["action_mask"], [1, 1])
    assert observations["player_0"]["action_mask"].dtype == np.int8
    assert env.action_space("player_0").sample(mask=observations["player_0"]["action_mask"]) == 0


def test_spaces_are_the_same_objects_and_unknown_agents_are_named(env: pettingzoo.ParallelEnv) -> None:
    assert env.observation_space("player_0") is env.observation_space("player_0")
    assert env.action_space("player_0") is env.action_space("player_0")
    with pytest.raises(UnknownNameError, match="did you mean 'player_0'"):
        env.action_space("player0")
    with pytest.raises(UnknownNameError, match="agent of"):
        env.observation_space("walker_0")


def test_observations_are_the_callers() -> None:
    env = games.parallel_env(DILEMMA)
    first, _ = env.reset(seed=0)
    kept = copy.deepcopy(first)
    second, *_ = env.step(BOTH)
    np.testing.assert_equal(first, kept)
    second["player_0"].fill(7)
    third, *_ = env.step(BOTH)
    assert env.observation_space("player_0").contains(third["player_0"])
    assert pickle.loads(pickle.dumps(third))["player_1"].shape == (5,)


def test_unseeded_resets_start_from_a_fresh_seed_and_go_on() -> None:
    first, second = games.parallel_env(PROBE), games.parallel_env(PROBE)
    assert first.seed is None
    first.reset()
    second.reset()
    assert first.seed != second.seed
    second.reset(seed=first.seed)
    np.testing.assert_array_equal(first.state(), second.state())
    before = first.state()
    first.reset()
    second.reset()
    np.testing.assert_array_equal(first.state(), second.state())
    assert (first.state() != before).any(), "the next episode has chance of its own"


def test_bad_seeds_are_refused(env: pettingzoo.ParallelEnv) -> None:
    before = env.batch.state_bytes(0)
    for seed in (-1, 2**64, 0.5, "0", [1], True):
        with pytest.raises(ValueError, match="seed must be a whole number"):
            env.reset(seed=seed)
    assert env.batch.state_bytes(0) == before
    assert env.seed == 0


def test_state_stands_side_by_side() -> None:
    env = games.parallel_env(DILEMMA)
    env.reset(seed=0)
    observations, *_ = env.step(BOTH)
    np.testing.assert_array_equal(env.state(), [observations["player_0"], observations["player_1"]])
    assert env.state_space.contains(env.state())
    assert env.state() is not env.state()


def test_state_of_several_groups_is_flat() -> None:
    env = games.parallel_env(PROBE)
    env.reset(seed=0)
    assert env.state_space.shape == (3 * 12 + 2 * 16 + 75,)
    assert env.state_space.contains(env.state())
    caller = env.batch.groups["caller"].observations[0, 0].ravel()
    np.testing.assert_array_equal(env.state()[-75:], caller)


def test_render_modes() -> None:
    env = games.parallel_env(DILEMMA)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="without a render mode"):
        assert env.render() is None
    with pytest.raises(UnknownNameError, match="did you mean 'rgb_array'"):
        games.parallel_env(DILEMMA, render_mode="rgb_arrays")
    env = games.parallel_env(DILEMMA, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().dtype == np.uint8
    env.close()
    env.close()


def test_metadata() -> None:
    env = games.parallel_env(DILEMMA)
    assert env.metadata["name"] == str(env) == DILEMMA
    assert env.metadata["render_modes"] == ["human", "rgb_array"]
    assert env.metadata["is_parallelizable"] is True
    assert env.metadata["render_fps"] > 0
    assert env.max_num_agents == 2


def test_unknown_settings_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'horizon'"):
        games.parallel_env(DILEMMA, horizn=3)
