"""RLlib's algorithms on PettingZoo's environments: where agents come and go, on our worlds, and on those of others."""

from __future__ import annotations

import re
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
from pettingzoo_play import Build, assert_same_episodes, assert_trains, draw, play_episode, ppo
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from toy_worlds import DyingAgents, LateJoiners, Masked, MaskedInInfos, MixedEnd, Toy

import games
from marl.rllib import ActorCriticModule, BatchMultiAgentEnv, PettingZooMultiAgentEnv, register_pettingzoo


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


# ---- our worlds, and those of others ----

MASKED_MATRIX = {"legal_actions": [[True, False], [False, True]], "horizon": 5}


@pytest.mark.parametrize(
    ("id", "settings"),
    [(id, {}) for id in (*games.env_ids(), "mujoco/hopper_v0")] + [("matrix/prisoners_dilemma_v0", MASKED_MATRIX)],
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


def test_the_readmes_example_trains(local_ray: None) -> None:
    text = (Path(__file__).parents[2] / "marl" / "rllib" / "README.md").read_text(encoding="utf-8")
    (example,) = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "register_pettingzoo" in block
    ]
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert np.isfinite(names["result"]["env_runners"]["episode_return_mean"])
    names["algorithm"].stop()
