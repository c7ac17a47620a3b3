"""Worlds of others under RLlib: what PettingZoo allows and RLlib does not is settled in between."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pettingzoo
import pytest
import toy_worlds
from gymnasium import spaces
from pettingzoo_play import Build, assert_same_episodes, assert_trains, play_episode, ppo
from ray.tune.registry import _global_registry
from toy_worlds import DyingAgents, LateJoiners, Masked, MixedEnd, Toy

import games
from marl.rllib import PettingZooMultiAgentEnv, register_pettingzoo

with warnings.catch_warnings():
    # PettingZoo's tests import one of its own games in the way that it has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import parallel_api_test


@pytest.mark.parametrize("toy", [Toy, LateJoiners, DyingAgents, MixedEnd, Masked])
def test_the_toys_are_what_pettingzoo_calls_an_environment(toy: type[Toy]) -> None:
    parallel_api_test(toy(), num_cycles=20)


# ---- who is there ----


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
