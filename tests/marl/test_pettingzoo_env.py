"""Worlds of others under RLlib: what PettingZoo allows and RLlib does not is settled in between."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pettingzoo
import pytest
import toy_worlds
from gymnasium import spaces
from one_policy_per_group import policy_of
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from ray.tune.registry import _global_registry
from toy_worlds import DyingAgents, LateJoiners, Masked, MaskedInInfos, MixedEnd, Toy

import games
from marl.rllib import ActorCriticModule, BatchMultiAgentEnv, PettingZooMultiAgentEnv, register_pettingzoo

with warnings.catch_warnings():
    # PettingZoo's tests import one of its own games in the way that it has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import parallel_api_test

Build = Callable[[PPOConfig], Algorithm]


@pytest.mark.parametrize("toy", [Toy, LateJoiners, DyingAgents, MixedEnd, Masked])
def test_the_toys_are_what_pettingzoo_calls_an_environment(toy: type[Toy]) -> None:
    parallel_api_test(toy(), num_cycles=20)


# ---- under RLlib ----


def ppo(make_env: Any, *, one_policy: bool = True, module: Any = ActorCriticModule, **options: Any) -> PPOConfig:
    """A small PPO config on RLlib's own runner."""
    register_pettingzoo("world", make_env, **options)
    config = PPOConfig().environment("world")
    names = {"shared"} if one_policy else {"a", "b", "c"}
    config.multi_agent(policies=names, policy_mapping_fn=lambda a, episode, **kw: "shared" if one_policy else a)
    if module is not None:
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=module, model_config={"head_fcnet_hiddens": []}))
    config.env_runners(num_env_runners=0, rollout_fragment_length=60)
    config.training(train_batch_size_per_learner=60, minibatch_size=30, num_epochs=1)
    return config.debugging(seed=1, log_level="ERROR")


def assert_trains(algorithm: Algorithm, iterations: int = 2) -> dict[str, Any]:
    for _ in range(iterations):
        result = algorithm.train()
    losses = [row["total_loss"] for name, row in result["learners"].items() if name != "__all_modules__"]
    assert losses
    assert np.isfinite(losses).all()
    return result["env_runners"]


def play_episode(config: PPOConfig) -> Any:
    """Returns what RLlib makes of one episode."""
    (episode,) = MultiAgentEnvRunner(config=config, worker_index=0).sample(num_episodes=1)
    return episode


@pytest.mark.parametrize("module", [ActorCriticModule, None], ids=["ours", "rllib's"])
@pytest.mark.parametrize("toy", [LateJoiners, DyingAgents, MixedEnd])
@pytest.mark.parametrize("one_policy", [True, False])
def test_ppo_trains_where_agents_come_and_go(build: Build, toy: type[Toy], module: Any, one_policy: bool) -> None:
    result = assert_trains(build(ppo(toy, module=module, one_policy=one_policy)))
    assert result["episode_len_mean"] == 6
    assert set(result["agent_episode_returns_mean"]) == {"a", "b", "c"}


@pytest.mark.parametrize("toy", [LateJoiners, DyingAgents])
def test_dqn_trains_on_whole_episodes_where_agents_come_and_go(build: Build, toy: type[Toy]) -> None:
    """On whole ones: RLlib's replay buffer cannot join the parts of one in which somebody came late."""
    register_pettingzoo("world", toy)
    config = DQNConfig().environment("world").debugging(seed=1, log_level="ERROR")
    config.multi_agent(policies={"shared"}, policy_mapping_fn=lambda agent, episode, **kwargs: "shared")
    config.env_runners(num_env_runners=0, batch_mode="complete_episodes")
    config.training(
        replay_buffer_config={"type": "MultiAgentEpisodeReplayBuffer", "capacity": 500}, train_batch_size=16
    )
    config.training(num_steps_sampled_before_learning_starts=20).reporting(min_sample_timesteps_per_iteration=40)
    assert assert_trains(build(config))["episode_len_mean"] == 6


def test_rllib_sees_each_agent_from_its_first_step_to_its_last() -> None:
    lengths = {agent: len(single) for agent, single in play_episode(ppo(LateJoiners)).agent_episodes.items()}
    assert lengths == {"a": 6, "b": 6 - 2, "c": 6 - 3}
    lengths = {agent: len(single) for agent, single in play_episode(ppo(DyingAgents)).agent_episodes.items()}
    assert lengths == {"a": 3, "b": 6, "c": 1}


@pytest.mark.parametrize(
    ("toy", "terminated"),
    [(Toy, set()), (LateJoiners, set()), (DyingAgents, {"a", "c"}), (MixedEnd, {"a"})],
)
def test_rllib_bootstraps_for_the_agents_that_were_cut_and_for_no_other(toy: type[Toy], terminated: set[str]) -> None:
    episodes = play_episode(ppo(toy)).agent_episodes
    assert all(single.is_done for single in episodes.values())
    assert {agent for agent, single in episodes.items() if single.is_terminated} == terminated


@pytest.mark.parametrize(("toy", "in_infos"), [(Masked, False), (MaskedInInfos, True)])
@pytest.mark.parametrize("module", [ActorCriticModule, ActionMaskingTorchRLModule])
def test_masked_agents_never_move_illegally(build: Build, toy: type[Toy], in_infos: bool, module: Any) -> None:
    """The world raises if they do."""
    config = ppo(toy, module=module, masks_in_infos=in_infos).environment(disable_env_checking=True)
    result = assert_trains(build(config))
    # Paid 0, 1, 2, 0, 1, 2 for the only legal actions.
    assert result["agent_episode_returns_mean"] == {"a": 6, "b": 6, "c": 6}


def test_rllibs_env_check_knows_no_masks_and_must_be_off_where_illegal_moves_raise() -> None:
    config = ppo(Masked)
    config.env_runners(num_envs_per_env_runner=5)  # each of them draws a legal joint action with a chance of 1/27
    with pytest.raises(ValueError, match="step") as caught:
        MultiAgentEnvRunner(config=config, worker_index=0)
    assert isinstance(caught.value.__cause__, toy_worlds.IllegalMoveError)


@pytest.mark.parametrize("horizon", [1, 2])
def test_rllibs_env_check_accepts_agents_that_leave_in_the_first_step(horizon: int) -> None:
    for toy in (Toy, LateJoiners, DyingAgents):
        play_episode(ppo(lambda toy=toy: toy(horizon)))


def test_agents_that_see_different_things_cannot_share_a_policy() -> None:
    class Mixed(Toy):
        def observation_space(self, agent: str) -> spaces.Space:
            return self.observed if agent != "c" else spaces.Discrete(5)

        def observe(self, agent: str, action: Any) -> Any:
            return super().observe(agent, action) if agent != "c" else 4

    with pytest.raises(ValueError, match="observation space"):
        MultiAgentEnvRunner(config=ppo(Mixed), worker_index=0)
    assert len(play_episode(ppo(Mixed, one_policy=False)).agent_episodes["c"]) == 6


# ---- the face ----


def act(env: PettingZooMultiAgentEnv, observations: dict[str, Any]) -> dict[str, Any]:
    """Answers every observation, also that of an agent which has just ended."""
    return {agent: env.action_spaces[agent].sample() for agent in observations}


def test_order_and_spaces_are_those_of_possible_agents_in_every_process() -> None:
    program = (
        "import toy_worlds; from marl.rllib import PettingZooMultiAgentEnv as Face\n"
        "class Toy(toy_worlds.LateJoiners): possible_agents = ['b', 'c', 'a']\n"
        "env = Face(Toy()); seen, _ = env.reset(); print(env.possible_agents, list(env.observation_spaces))\n"
        "for _ in range(4): seen = env.step({a: 0 for a in seen})[0]\n"
        "print(env.agents, list(seen))"
    )
    here = Path(__file__)
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": f"{here.parent}:{here.parents[2]}"}
        out = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        ).stdout
        assert out.splitlines() == ["['b', 'c', 'a'] ['b', 'c', 'a']", "['b', 'c', 'a'] ['b', 'c', 'a']"]


def test_a_dying_agent_sees_its_end_and_nothing_after_it() -> None:
    env = PettingZooMultiAgentEnv(DyingAgents())
    observations, infos = env.reset(seed=3)
    assert list(observations) == list(infos) == env.agents == ["a", "b", "c"]
    observations, rewards, terminations, truncations, infos = env.step({"a": 0, "b": 1, "c": 2})
    assert rewards == {"a": 0.0, "b": 1.0, "c": 2.0}
    np.testing.assert_array_equal(observations["c"], np.array([1, 2], np.float32))
    assert terminations == {"a": False, "b": False, "c": True, "__all__": False}
    assert truncations == {"a": False, "b": False, "c": False, "__all__": False}
    assert infos == {agent: {"time": 1} for agent in "abc"}
    observations, rewards, terminations, *_ = env.step(act(env, observations))  # c answers, and is not heard
    assert set(observations) == set(rewards) == set(env.agents) == {"a", "b"}
    assert set(terminations) == {"a", "b", "__all__"}


def test_an_environment_that_goes_on_about_the_dead_is_not_listened_to() -> None:
    class Obituaries(DyingAgents):
        def step(self, actions: dict[str, Any]) -> toy_worlds.Dicts:
            observations, rewards, terminations, truncations, infos = super().step(actions)
            for agent in set("abc") - set(observations):
                observations[agent], infos[agent] = self.observe(agent, -1), {}
                rewards[agent], terminations[agent], truncations[agent] = -5.0, True, False
            return observations, rewards, terminations, truncations, infos

    assert_same_episodes(PettingZooMultiAgentEnv(Obituaries()), PettingZooMultiAgentEnv(DyingAgents()))
    assert len(play_episode(ppo(Obituaries)).agent_episodes["c"]) == 1


def assert_same_episodes(first: Any, second: Any, num_steps: int = 50) -> None:
    """Plays both with the same seed and actions, and compares all that they tell RLlib."""
    generator, num_episodes = np.random.default_rng(0), 0
    started = first.reset(seed=5)
    np.testing.assert_equal(second.reset(seed=5), started)
    observations = started[0]
    for _ in range(num_steps):
        actions = {agent: draw(first.action_spaces[agent], seen, generator) for agent, seen in observations.items()}
        told = first.step(actions)
        np.testing.assert_equal(second.step(actions), told)
        observations, _, terminations, truncations, _ = told
        if terminations["__all__"] or truncations["__all__"]:
            num_episodes += 1
            started = first.reset()
            np.testing.assert_equal(second.reset(), started)
            observations = started[0]
        else:
            observations = {a: s for a, s in observations.items() if not (terminations[a] or truncations[a])}
    assert num_episodes > 0


def draw(space: spaces.Space, observation: Any, generator: np.random.Generator) -> Any:
    if isinstance(space, spaces.Box):
        return generator.uniform(space.low, space.high).astype(space.dtype)
    choices = [space.n] if isinstance(space, spaces.Discrete) else list(space.nvec)
    masks = np.ones(sum(choices)) if not isinstance(observation, dict) else observation["action_mask"]
    parts = np.split(np.asarray(masks), np.cumsum(choices)[:-1])
    drawn = [generator.choice(np.flatnonzero(part)) for part in parts]
    return drawn[0] if isinstance(space, spaces.Discrete) else np.array(drawn, np.int32)


def test_an_agent_that_lives_again_is_refused_with_advice() -> None:
    class Revived(Toy):
        def population(self, t: int) -> list[str]:
            return ["a", "b"] if t in (1, 2) else ["a", "b", "c"]

    env = PettingZooMultiAgentEnv(Revived())
    observations, _ = env.reset()
    for _ in range(2):
        observations, *_ = env.step(dict.fromkeys(observations, 0))
    with pytest.raises(ValueError, match=r"agent 'c' of Revived has ended and lives again.*another name"):
        env.step(dict.fromkeys(observations, 0))
    env.reset()  # a new episode is a new life


def test_an_agent_that_is_kept_in_the_list_with_its_flag_up_has_ended() -> None:
    class Lingering(DyingAgents):
        def step(self, actions: dict[str, Any]) -> toy_worlds.Dicts:
            self.agents = [agent for agent in self.agents if agent in actions]
            told = super().step(actions)
            for agent in set("abc") - set(self.agents) if self.agents else ():
                told[2][agent], told[3][agent] = True, False
                self.agents = [*self.agents, agent]
            return told

    assert_same_episodes(PettingZooMultiAgentEnv(Lingering()), PettingZooMultiAgentEnv(DyingAgents()))


def test_an_agent_that_leaves_without_a_flag_has_terminated() -> None:
    class Silent(DyingAgents):
        def step(self, actions: dict[str, Any]) -> toy_worlds.Dicts:
            observations, rewards, terminations, truncations, infos = super().step(actions)
            return observations, rewards, dict.fromkeys(terminations, False), dict.fromkeys(truncations, False), infos

    env = PettingZooMultiAgentEnv(Silent())
    env.reset()
    _, _, terminations, truncations, _ = env.step({"a": 0, "b": 0, "c": 0})
    assert (terminations["c"], terminations["__all__"], truncations["c"]) == (True, False, False)
    for _ in range(2):
        env.step({"a": 0, "b": 0})
    for _ in range(3):
        _, _, terminations, truncations, _ = env.step({"b": 0})
    assert (terminations, truncations) == ({"b": True, "__all__": True}, {"b": False, "__all__": False})
    assert all(single.is_terminated for single in play_episode(ppo(Silent)).agent_episodes.values())


class Forgetful(Toy):
    """b hears nothing at odd times, and then does not act; neither does anyone hear anything at the end."""

    def step(self, actions: dict[str, Any]) -> toy_worlds.Dicts:
        assert set(actions) == ({"a", "c"} if self.t % 2 else {"a", "b", "c"})
        observations, rewards, *flags, infos = super().step({agent: actions.get(agent, 0) for agent in self.agents})
        if not self.agents:
            return {}, {}, *flags, {}
        if self.t % 2:
            del observations["b"], infos["b"]
        return observations, rewards, *flags, infos


def test_an_agent_of_which_a_step_says_nothing_is_absent_from_it(build: Build) -> None:
    episode = play_episode(ppo(lambda: Forgetful(5)))
    assert {agent: len(single) for agent, single in episode.agent_episodes.items()} == {"a": 5, "b": 3, "c": 5}
    # What b is paid while it hears nothing is its own all the same: it acts at times 0, 2 and 4, the last one unpaid.
    acted = episode.agent_episodes["b"].get_actions()
    assert episode.agent_episodes["b"].get_rewards().tolist() == [acted[0], acted[1], 0.0]
    assert_trains(build(ppo(lambda: Forgetful(5))))


class Relay(Toy):
    """One agent at a time: a for two steps, b for one, c for the rest."""

    def population(self, t: int) -> list[str]:
        return ["a"] if t < 2 else ["b"] if t == 2 else ["c"]


def test_an_episode_goes_on_when_one_agent_takes_over_from_another(build: Build) -> None:
    episode = play_episode(ppo(Relay))
    agents = episode.agent_episodes
    assert {agent: len(single) for agent, single in agents.items()} == {"a": 2, "b": 1, "c": 3}
    assert {agent for agent, single in agents.items() if single.is_terminated} == {"a", "b"}
    for single in agents.values():
        assert single.get_rewards().tolist() == single.get_actions().tolist()
        assert single.get_observations()[1:, 1].tolist() == single.get_actions().tolist()
    assert assert_trains(build(ppo(Relay)))["episode_len_mean"] == 6


def test_the_last_word_of_an_agent_waits_for_another_that_rllib_knows() -> None:
    env = PettingZooMultiAgentEnv(Relay())
    env.reset()
    env.step({"a": 0})
    seen, rewards, terminations, _, _ = env.step({"a": 2})
    assert (set(seen), rewards) == ({"b"}, {"a": 2.0, "b": 0.0})
    assert terminations == {"b": False, "__all__": False}
    # b makes room for c at once: a still waits, and b's end can be told.
    seen, rewards, terminations, _, _ = env.step({"b": 1})
    assert (set(seen), rewards) == ({"b", "c"}, {"b": 1.0, "c": 0.0})
    assert terminations == {"b": True, "c": False, "__all__": False}
    seen, rewards, terminations, _, _ = env.step({"c": 1})
    assert (seen["a"].tolist(), rewards) == ([2, 2], {"c": 1.0})
    assert terminations == {"a": True, "c": False, "__all__": False}
    assert env.agents == ["a", "c"]


def test_an_agent_that_is_cut_without_a_last_observation_is_shown_the_one_before() -> None:
    env = PettingZooMultiAgentEnv(Forgetful(2))
    env.reset()
    observations, *_ = env.step({"a": 1, "b": 1, "c": 1})
    last, rewards, _, truncations, infos = env.step({"a": 2, "c": 2})
    assert list(observations) == ["a", "c"]
    np.testing.assert_equal({agent: last[agent] for agent in "ac"}, observations)
    np.testing.assert_array_equal(last["b"], np.array([0, -1], np.float32))
    assert (rewards, infos) == ({"a": 0.0, "b": 0.0, "c": 0.0}, {})
    assert truncations == {"__all__": True}


# ---- observations and actions ----

BOX = np.array([[1.5, -2.0], [0.25, 3.0]])
CASES: dict[str, tuple[spaces.Space, Any, list[float]]] = {
    "float64": (spaces.Box(-1e300, 1e300, (2, 2), np.float64), BOX, [1.5, -2, 0.25, 3]),
    "bytes": (spaces.Box(0, 255, (1, 2, 2), np.uint8), np.arange(252, 256).reshape(1, 2, 2), [252, 253, 254, 255]),
    "discrete": (spaces.Discrete(3, start=5), 6, [0, 1, 0]),
    "multi-discrete": (spaces.MultiDiscrete([2, 3]), [1, 0], [0, 1, 1, 0, 0]),
    "bits": (spaces.MultiBinary(3), [1, 0, 1], [1, 0, 1]),
    "tuple": (spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, (1,))]), (1, [0.5]), [0, 1, 0.5]),
    "dict": (spaces.Dict({"b": spaces.Discrete(2), "a": spaces.Box(0, 1, (1,))}), {"a": [0.5], "b": 0}, [0.5, 1, 0]),
}


def seeing(space: spaces.Space, observation: Any) -> Toy:
    class Seeing(Toy):
        observed = space

        def observe(self, agent: str, action: Any) -> Any:
            return observation

    return Seeing()


@pytest.mark.parametrize("name", CASES)
def test_every_observation_becomes_a_flat_row_of_float32(name: str) -> None:
    space, observation, row = CASES[name]
    env = PettingZooMultiAgentEnv(seeing(space, observation))
    seen = env.reset()[0]["a"]
    assert seen.dtype == np.float32
    assert seen.tolist() == row
    assert env.observation_spaces["a"].shape == seen.shape
    assert env.observation_spaces["a"].contains(seen)
    assert len(play_episode(ppo(lambda: seeing(space, observation))).agent_episodes["b"]) == 6


@pytest.mark.parametrize("name", ["float64", "bytes", "dict"])
def test_boxes_stay_as_they_are_where_nobody_wants_them_flat(name: str) -> None:
    space, observation, row = CASES[name]
    env = PettingZooMultiAgentEnv(seeing(space, observation), flatten=False)
    seen = env.reset()[0]["a"]
    if name == "dict":
        assert seen.tolist() == row
    else:
        assert env.observation_spaces["a"] is space
        assert (seen.shape, seen.dtype) == (space.shape, space.dtype)
        np.testing.assert_array_equal(seen, observation)


def test_observations_are_copies() -> None:
    board = np.zeros(2)
    for flatten in (True, False):
        env = PettingZooMultiAgentEnv(seeing(Toy.observed, board), flatten=flatten)
        env.reset()[0]["a"][:] = 7
    assert not board.any()


def test_an_observation_without_a_fixed_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"agent 'a' of Seeing observes Sequence.*no fixed size"):
        PettingZooMultiAgentEnv(seeing(spaces.Sequence(spaces.Discrete(2)), ()))


@pytest.mark.parametrize(
    ("space", "chosen", "received"),
    [
        (spaces.Discrete(3, start=-1), np.int64(0), -1),
        (spaces.MultiDiscrete([2, 3], start=[1, 0]), np.array([1, 2]), [2, 2]),
        (spaces.Box(-1, 1, (2,), np.float64), np.array([0.5, -1], np.float32), [0.5, -1]),
        (spaces.Box(-1, 1, (2,), np.float32), np.array([0.5, -1], np.float64), [0.5, -1]),
        (spaces.MultiBinary(2), np.array([1, 0], np.int8), [1, 0]),
    ],
    ids=str,
)
def test_actions_arrive_as_the_environment_wants_them(space: spaces.Space, chosen: Any, received: Any) -> None:
    class Unpaid(Toy):
        acted = space

        def step(self, actions: dict[str, Any]) -> toy_worlds.Dicts:
            assert all(space.contains(action) for action in actions.values())
            self.received = actions["a"]
            self.t += 1
            everyone = self.agents
            self.agents = [] if self.t == self.horizon else everyone
            flags = dict.fromkeys(everyone, not self.agents)
            return {a: np.zeros(2) for a in everyone}, dict.fromkeys(everyone, 1.0), flags, flags, {}

    env = PettingZooMultiAgentEnv(Unpaid())
    env.reset()
    env.step(dict.fromkeys("abc", chosen))
    np.testing.assert_array_equal(env.env.received, received)
    if not isinstance(space, spaces.MultiBinary):  # for which RLlib has no distribution
        play_episode(ppo(Unpaid))


# ---- masks ----


def test_masks_stand_beside_the_observation_as_modules_want_them() -> None:
    env = PettingZooMultiAgentEnv(Masked())
    seen = env.reset()[0]["b"]
    assert seen["action_mask"].dtype == seen["observations"].dtype == np.float32
    assert (seen["action_mask"].tolist(), seen["observations"].tolist()) == ([1, 0, 0], [0, -1])
    assert env.observation_spaces["b"].contains(seen)
    seen = env.step(dict.fromkeys("abc", 0))[0]["b"]
    assert (seen["action_mask"].tolist(), seen["observations"].tolist()) == ([0, 1, 0], [1, 0])


def test_masks_in_infos_are_obeyed_on_request_and_never_ignored() -> None:
    with pytest.raises(ValueError, match=r"agent 'a' of MaskedInInfos.*masks_in_infos=True"):
        PettingZooMultiAgentEnv(MaskedInInfos()).reset()
    env = PettingZooMultiAgentEnv(MaskedInInfos(), masks_in_infos=True)
    assert_same_seen(env, PettingZooMultiAgentEnv(Masked()))
    unmasked = PettingZooMultiAgentEnv(Toy(), masks_in_infos=True)  # no word of masks: all is legal
    assert unmasked.reset()[0]["a"]["action_mask"].tolist() == [1, 1, 1]


def assert_same_seen(first: Any, second: Any) -> None:
    np.testing.assert_equal(first.reset()[0], second.reset()[0])
    for t in range(6):
        np.testing.assert_equal(first.step(dict.fromkeys("abc", t % 3))[0], second.step(dict.fromkeys("abc", t % 3))[0])


def test_a_mask_of_the_wrong_length_or_of_actions_without_choices_is_refused() -> None:
    class TooShort(Masked):
        def mask(self) -> np.ndarray:
            return np.ones(2, np.int8)

    class Continuous(Masked):
        acted = spaces.Box(0, 1, (1,))

    with pytest.raises(ValueError, match=r"mask of agent 'a' of TooShort has 2 entries.*3 choices"):
        PettingZooMultiAgentEnv(TooShort()).reset()
    with pytest.raises(ValueError, match=r"agent 'a' of Continuous has an action mask.*no choices"):
        PettingZooMultiAgentEnv(Continuous())


# ---- what is passed through, what is accepted ----


def test_seeds_options_drawings_and_the_end_reach_the_environment() -> None:
    toy = Toy()
    env = PettingZooMultiAgentEnv(toy)
    env.reset(seed=4, options={"map": 1})
    env.reset()
    assert toy.seeds == [(4, {"map": 1}), (None, None)]
    env.step(dict.fromkeys("abc", 0))
    assert (env.render(), env.render_mode) == ("time 1", "ansi")
    assert env.metadata == toy.metadata
    assert env.metadata is not toy.metadata
    env.close()
    assert toy.is_closed


def test_infos_for_everybody_go_where_rllib_allows_them() -> None:
    class Announcing(Toy):
        def step(self, actions: dict[str, Any]) -> toy_worlds.Dicts:
            *told, infos = super().step(actions)
            return *told, infos | {"weather": {"rain": 1}}

    env = PettingZooMultiAgentEnv(Announcing())
    env.reset()
    *_, infos = env.step(dict.fromkeys("abc", 0))
    assert infos["__common__"] == {"weather": {"rain": 1}}
    play_episode(ppo(Announcing))


def test_unknown_agents_are_named() -> None:
    class Unlisted(Toy):
        def population(self, t: int) -> list[str]:
            return ["a", "b", "c"] + ["d"] * (t > 0)

        def action_space(self, agent: str) -> spaces.Space:
            return self.acted

    env = PettingZooMultiAgentEnv(Unlisted())
    observations, _ = env.reset()
    with pytest.raises(ValueError, match="unknown agent of Unlisted 'd'"):
        env.step(dict.fromkeys(observations, 0))
    with pytest.raises(ValueError, match="unknown agent of Toy 'x'"):
        PettingZooMultiAgentEnv(Toy()).step({"x": 0})


def test_environments_that_name_nobody_are_refused() -> None:
    class Anonymous(Toy):
        @property
        def possible_agents(self) -> list[str]:
            raise AttributeError("possible_agents")

        def __init__(self) -> None:
            self.metadata = {"name": "Anonymous"}

    class Empty(Toy):
        def population(self, t: int) -> list[str]:
            return []

    with pytest.raises(ValueError, match="Anonymous has no possible_agents"):
        PettingZooMultiAgentEnv(Anonymous())
    with pytest.raises(ValueError, match="Empty begins an episode without any agent"):
        PettingZooMultiAgentEnv(Empty()).reset()


def test_agent_by_agent_environments_are_taken_only_where_that_is_safe() -> None:
    class TurnBased(pettingzoo.AECEnv):
        metadata = {"name": "turns"}  # noqa: RUF012

    with pytest.raises(ValueError, match=r"turns moves agent by agent.*turn_based_aec_to_parallel"):
        PettingZooMultiAgentEnv(TurnBased())
    id = "matrix/prisoners_dilemma_v0"
    assert isinstance(PettingZooMultiAgentEnv(games.aec_env(id)).env, pettingzoo.ParallelEnv)


def test_an_environment_can_be_given_ready_as_a_function_or_as_an_id() -> None:
    for env in (Toy(), Toy, lambda: Toy(3), "matrix/prisoners_dilemma_v0"):
        assert PettingZooMultiAgentEnv(env).possible_agents
    for wrong in (3, dict, None):
        with pytest.raises(TypeError, match=r"expected a pettingzoo.ParallelEnv, got"):
            PettingZooMultiAgentEnv(wrong)


def test_registered_environments_take_env_config_as_arguments() -> None:
    register_pettingzoo("toy", Toy)
    assert make_registered("toy", {"horizon": 2}).env.horizon == 2
    register_pettingzoo("dilemma", "matrix/prisoners_dilemma_v0", flatten=False)
    assert make_registered("dilemma", {"horizon": 7}).env.batch.config.horizon == 7
    with pytest.raises(TypeError, match="a function or an id that makes copies, got the environment Toy"):
        register_pettingzoo("one", Toy())


def make_registered(name: str, env_config: dict[str, Any]) -> Any:
    return _global_registry.get("env_creator", name)(env_config)


# ---- our worlds, and those of others ----

MASKED_MATRIX = {"legal_actions": [[True, False], [False, True]], "horizon": 5}


@pytest.mark.parametrize(
    ("id", "settings"), [(id, {}) for id in games.env_ids()] + [("matrix/prisoners_dilemma_v0", MASKED_MATRIX)]
)
def test_our_worlds_play_the_same_through_pettingzoo_as_directly(id: str, settings: dict[str, Any]) -> None:
    if "horizon" in games.spec(id).config_class.__dataclass_fields__:
        settings = {"horizon": 20} | settings
    through = PettingZooMultiAgentEnv(games.parallel_env(id, **settings), flatten=False)
    direct = BatchMultiAgentEnv(id, settings)
    assert through.possible_agents == direct.possible_agents
    assert through.observation_spaces == direct.observation_spaces
    assert through.action_spaces == direct.action_spaces
    assert_same_episodes(through, direct)


def test_our_worlds_train_through_pettingzoo(build: Build) -> None:
    config = ppo("probe/everything_v0")
    config.multi_agent(policies={"walker", "picker", "caller"}, policy_mapping_fn=policy_of)
    assert_trains(build(config))


def quiet(make: Callable[[], Any]) -> Callable[[], Any]:
    def make_quietly() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make()

    return make_quietly


def spread() -> pettingzoo.ParallelEnv:
    from mpe2 import simple_spread_v3

    return simple_spread_v3.parallel_env(N=2, max_cycles=10)


def knights() -> pettingzoo.ParallelEnv:
    from pettingzoo.butterfly import knights_archers_zombies_v11

    return knights_archers_zombies_v11.parallel_env(max_cycles=300, spawn_delay=3, max_zombies=30)


def test_ppo_trains_on_worlds_of_others(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert assert_trains(build(ppo(quiet(spread))))["episode_len_mean"] == 10
    assert_trains(build(ppo(quiet(knights))), iterations=1)


def test_knights_fall_one_by_one_and_the_others_fight_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = PettingZooMultiAgentEnv(quiet(knights))
    observations, _ = env.reset(seed=1)
    generator, alive = np.random.default_rng(0), [set(env.agents)]
    while observations:
        actions = {agent: draw(env.action_spaces[agent], None, generator) for agent in observations}
        observations, rewards, terminations, truncations, _ = env.step(actions)
        assert set(rewards) == set(observations) == set(terminations) - {"__all__"} == alive[-1]
        observations = {a: s for a, s in observations.items() if not (terminations[a] or truncations.get(a, True))}
        alive.append(set(observations))
    assert {len(agents) for agents in alive} >= {4, 3, 0}
    assert terminations["__all__"] or truncations["__all__"]


def test_the_readmes_example_trains(ray_session: None) -> None:
    text = (Path(__file__).parents[2] / "marl" / "rllib" / "README.md").read_text(encoding="utf-8")
    (example,) = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "register_pettingzoo" in block
    ]
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert np.isfinite(names["result"]["env_runners"]["episode_return_mean"])
    names["algorithm"].stop()
