from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from one_policy_per_group import POLICIES, one_policy_per_group, policy_of
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import COMPONENT_RL_MODULE

from games.batch import MAX_PENDING_EPISODES
from games.names import UnknownNameError
from marl.rllib import ActorCriticModule, BatchedEnvRunner, use_batched_runner
from marl.rllib.errors import TrainingError
from marl.rllib.learner.advantages import Discounts, generalized_advantages
from marl.rllib.learner.played import Played
from marl.rllib.runner.batched_runner import ENV_STATES
from marl.rllib.runner.fragment import Fragment

PROBE, DILEMMA, KITCHEN = "probe/everything_v0", "matrix/prisoners_dilemma_v0", "overcooked/cramped_room_v0"


@pytest.fixture
def make_runner(ppo: Callable[..., PPOConfig]) -> Callable[..., BatchedEnvRunner]:
    def make(id: str, **options: Any) -> BatchedEnvRunner:
        return BatchedEnvRunner(config=ppo(id, **options), worker_index=0)

    return make


def test_a_fragment_has_the_promised_shapes_and_counts(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(KITCHEN, num_envs=3, length=7, settings={"horizon": 5})
    (fragment,) = runner.sample()
    (group,) = fragment.groups.values()
    assert group.observations.shape == (8, 3, 2, 5, 4, 26)
    assert group.observations.dtype == np.uint8
    assert group.actions.shape == group.rewards.shape == group.action_logp.shape == (7, 3, 2)
    assert group.action_dist_inputs.shape == (7, 3, 2, 6)
    np.testing.assert_array_equal(np.flatnonzero(fragment.ended[:, 0]), [4])
    np.testing.assert_array_equal(fragment.final_index, [[4, 0], [4, 1], [4, 2]])
    assert (fragment.env_steps(), fragment.agent_steps(), len(fragment)) == (21, 42, 3)


def test_a_fragment_is_divided_among_learners_env_by_env(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(KITCHEN, num_envs=3, length=7, settings={"horizon": 5})
    (fragment,) = runner.sample()
    first, rest = fragment[:1], fragment.slice(slice(1, None), len_lookback_buffer=0)
    assert (len(first), len(rest), first.env_steps(), rest.env_steps()) == (1, 2, 7, 14)
    np.testing.assert_array_equal(rest.final_index, [[4, 0], [4, 1]])
    (whole,), (part,) = fragment.groups.values(), rest.groups.values()
    np.testing.assert_array_equal(part.observations, whole.observations[:, 1:])
    np.testing.assert_array_equal(part.final_observations, whole.final_observations[1:])


def test_staggered_envs_are_at_different_steps_of_their_episodes(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(KITCHEN, num_envs=4, length=10, settings={"horizon": 10})
    runner.stagger(10)
    assert [runner.env.fields(e)["timestep"] for e in range(4)] == [0, 2, 5, 7]
    (fragment,) = runner.sample()
    np.testing.assert_array_equal(fragment.final_index, [[2, 3], [4, 2], [7, 1], [9, 0]])
    assert runner.get_metrics()["num_episodes"] == 4
    with pytest.raises(ValueError, match="the episode of env 2 ended at step 10, before its step 10"):
        runner.stagger(20)


def test_the_next_fragment_goes_on_where_the_last_one_stopped(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(KITCHEN, num_envs=3, length=7)
    (first,), (second,) = runner.sample(), runner.sample()
    for name, group in first.groups.items():
        np.testing.assert_array_equal(group.observations[-1], second.groups[name].observations[0])


def test_fragments_that_someone_keeps_are_not_written_to(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(KITCHEN, num_envs=3, length=7)
    kept = [runner.sample()[0].groups for _ in range(6)]
    copies = [{name: group.observations.copy() for name, group in groups.items()} for groups in kept]
    view = torch.from_numpy(next(iter(runner.sample()[0].groups.values())).observations[:-1].reshape(-1, 520))
    expected = view.clone()
    for _ in range(6):
        runner.sample()
    assert torch.equal(view, expected)
    for groups, copy in zip(kept, copies, strict=True):
        for name, group in groups.items():
            np.testing.assert_array_equal(group.observations, copy[name])


def test_log_probabilities_and_frequencies_are_those_of_the_inputs(
    make_runner: Callable[..., BatchedEnvRunner],
) -> None:
    runner = make_runner(DILEMMA, num_envs=64, length=64)
    for module in runner.module.values():
        module.policy_head.bias.data[:] = torch.tensor([0.0, 1.0])
        module.policy_head.weight.data.zero_()
    (group,) = runner.sample()[0].groups.values()
    probabilities = np.exp([0.0, 1.0]) / np.exp([0.0, 1.0]).sum()
    np.testing.assert_allclose(np.exp(group.action_logp), probabilities[group.actions], rtol=1e-5)
    # 8192 draws: the standard error of a frequency is 0.005.
    assert group.actions.mean() == pytest.approx(probabilities[1], abs=0.025)
    (greedy,) = runner.sample(explore=False)[0].groups.values()
    assert (greedy.actions == 1).all()


def test_masked_actions_are_never_taken(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    legal = [[True, False, True], [False, True, True]]
    runner = make_runner("matrix/rock_paper_scissors_v0", num_envs=32, length=32, settings={"legal_actions": legal})
    for how in ({}, {"explore": False}, {"random_actions": True}):
        (group,) = runner.sample(**how)[0].groups.values()
        assert set(np.unique(group.actions[..., 0])) <= {0, 2}
        assert set(np.unique(group.actions[..., 1])) <= {1, 2}


@pytest.mark.parametrize("num_episodes", [1, 4, 10])
def test_exactly_the_episodes_asked_for_are_played_and_counted(
    make_runner: Callable[..., BatchedEnvRunner], num_episodes: int
) -> None:
    runner = make_runner(PROBE, num_envs=4, setup=one_policy_per_group)
    runner.sample()
    runner.get_metrics()
    fragments = runner.sample(num_episodes=num_episodes)
    metrics = runner.get_metrics()
    assert metrics["num_episodes"].peek() == num_episodes
    assert metrics["num_env_steps_sampled"].peek() == sum(fragment.env_steps() for fragment in fragments)
    played = metrics["episode_len_mean"].peek() * num_episodes
    assert played == pytest.approx(sum(fragment.env_steps() for fragment in fragments))


def test_metrics_have_rllibs_names_and_the_worlds_statistics(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(PROBE, num_envs=4, length=90, setup=one_policy_per_group)
    (fragment,) = runner.sample()
    metrics = runner.get_metrics()
    values = {name: stats.peek() for name, stats in metrics.items() if not isinstance(stats, dict)}
    assert values["num_episodes"] == fragment.ended.sum() > 0
    assert values["num_env_steps_sampled"] == values["num_env_steps_sampled_lifetime"] == 4 * 90
    assert values["episode_return_min"] <= values["episode_return_mean"] <= values["episode_return_max"]
    assert values["episode_len_min"] <= values["episode_len_mean"] <= values["episode_len_max"] <= 40
    assert {"population_mean", "arrivals_mean", "taken_mean", "right_calls_mean"} <= set(values)
    agents = {agent: stats.peek() for agent, stats in metrics["agent_episode_returns_mean"].items()}
    modules = {module_id: stats.peek() for module_id, stats in metrics["module_episode_returns_mean"].items()}
    assert set(modules) == set(POLICIES)
    assert sum(agents.values()) == pytest.approx(sum(modules.values())) == pytest.approx(values["episode_return_mean"])
    steps = {agent: stats.peek() for agent, stats in metrics["num_agent_steps_sampled"].items()}
    assert sum(steps.values()) == fragment.agent_steps()


def test_metrics_lose_no_episode_of_a_long_fragment(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(DILEMMA, num_envs=1024, length=128, settings={"horizon": 1})
    rewards = np.concatenate([runner.sample()[0].groups["players"].rewards for _ in range(2)])
    assert rewards.size / 2 > 2 * MAX_PENDING_EPISODES
    metrics = runner.get_metrics()
    values = {name: stats.peek() for name, stats in metrics.items() if not isinstance(stats, dict)}
    assert values["num_episodes"] == rewards.size / 2
    returns = rewards.sum(axis=2, dtype=np.float64)
    assert values["episode_return_mean"] == pytest.approx(returns.mean(), rel=1e-12)
    assert (values["episode_return_min"], values["episode_return_max"]) == (returns.min(), returns.max())
    agents = {agent: stats.peek() for agent, stats in metrics["agent_episode_returns_mean"].items()}
    assert list(agents.values()) == pytest.approx(rewards.mean(axis=(0, 1), dtype=np.float64), rel=1e-12)
    runner.sample()
    assert runner.get_metrics()["num_episodes"].peek() == rewards.size / 4


def test_means_and_spreads_are_over_all_fragments_since_the_last_metrics(
    make_runner: Callable[..., BatchedEnvRunner],
) -> None:
    runner, twin = (make_runner(PROBE, num_envs=4, length=90, setup=one_policy_per_group) for _ in range(2))
    kept: list[np.ndarray] = []

    class KeepingCore:
        """The core of the twin's batch, which hands its rows to the test too."""

        def __init__(self, core: Any) -> None:
            self.core = core

        def __getattr__(self, name: str) -> Any:
            return getattr(self.core, name)

        def read_statistics(self) -> np.ndarray:
            kept.append(self.core.read_statistics())
            return kept[-1]

    twin.env._core = KeepingCore(twin.env._core)
    for _ in range(3):
        runner.sample()
        twin.sample()
    twin.get_metrics()
    metrics, expected = runner.get_metrics(), np.concatenate(kept)
    assert len(expected) >= 3 * 4
    for i, name in enumerate(runner.env.episode_statistics):
        assert metrics[f"{name}_mean"].peek() == pytest.approx(expected[:, i].mean(), rel=1e-12)
        assert metrics[f"{name}_std"].peek() == pytest.approx(expected[:, i].std(), rel=1e-12)


def test_episodes_that_someone_else_played_are_not_counted(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(DILEMMA, num_envs=4, length=6, settings={"horizon": 3})
    runner.sample()
    for _ in range(3):
        runner.env.step()
    runner.sample()
    assert runner.get_metrics()["num_episodes"].peek() == 16


def test_a_stopped_runner_lets_go_of_its_envs(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(DILEMMA)
    runner.sample()
    batch = weakref.ref(runner.env)
    runner.stop()
    gc.collect()
    assert batch() is None


def fragments_of_whole_episodes(runner: BatchedEnvRunner) -> list[Fragment]:
    return runner.sample(num_episodes=5)


@pytest.mark.parametrize("batch_mode", ["truncate_episodes", "complete_episodes"])
@pytest.mark.parametrize("before", [lambda runner: None, BatchedEnvRunner.sample, fragments_of_whole_episodes])
@pytest.mark.parametrize("seed", [3, None])
def test_a_restored_runner_goes_on_exactly(
    make_runner: Callable[..., BatchedEnvRunner],
    batch_mode: str,
    before: Callable[[BatchedEnvRunner], Any],
    seed: int | None,
) -> None:
    def setup(config: PPOConfig) -> None:
        one_policy_per_group(config)
        config.debugging(seed=seed)

    # An episode of this world has at most 40 steps: some end in every fragment.
    first, second = (make_runner(PROBE, num_envs=3, length=60, setup=setup, batch_mode=batch_mode) for _ in range(2))
    before(first)
    first.get_metrics()
    second.set_state(first.get_state())
    for _ in range(2):
        expected, found = first.sample(), second.sample()
        assert len(expected) == len(found)
        for fragments in zip(expected, found, strict=True):
            assert_equal_fragments(*fragments)
        values = [{n: s.peek() for n, s in r.get_metrics().items() if n.startswith("episode")} for r in (first, second)]
        assert values[0] == values[1]


def assert_equal_fragments(expected: Fragment, found: Fragment) -> None:
    np.testing.assert_array_equal(expected.ended, found.ended)
    for name, group in expected.groups.items():
        np.testing.assert_array_equal(group.observations, found.groups[name].observations)
        np.testing.assert_array_equal(group.actions, found.groups[name].actions)
        np.testing.assert_array_equal(group.rewards, found.groups[name].rewards)


def test_a_runner_plays_no_episode_twice_after_a_restore(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    first, second = (
        make_runner(PROBE, num_envs=3, setup=one_policy_per_group, batch_mode="complete_episodes") for _ in range(2)
    )
    played = first.sample()[0].groups
    second.set_state(first.get_state())
    again = second.sample()[0].groups
    assert any(not np.array_equal(group.observations[0], again[name].observations[0]) for name, group in played.items())


def test_a_state_with_another_number_of_envs_is_refused_before_the_envs_change(
    make_runner: Callable[..., BatchedEnvRunner],
) -> None:
    first, second = (make_runner(DILEMMA, num_envs=n) for n in (2, 3))
    second.sample()
    before = second.get_state()[ENV_STATES]
    with pytest.raises(ValueError, match="holds 2 envs, this runner has num_envs_per_env_runner=3"):
        second.set_state(first.get_state())
    assert second.get_state()[ENV_STATES] == before


def test_the_state_for_another_worker_leaves_its_envs_alone(ppo: Callable[..., PPOConfig]) -> None:
    config = ppo(KITCHEN, num_envs=2)
    local, other = (BatchedEnvRunner(config=config, worker_index=i) for i in (0, 2))
    local.configure_env(shaped_reward_weight=0.5)
    local.sample()
    other.set_state(local.get_state())
    assert other._needs_initial_reset
    assert other.env.config.shaped_reward_weight == 0.5
    for key, value in local.get_state()[COMPONENT_RL_MODULE].items():
        np.testing.assert_equal(other.get_state()[COMPONENT_RL_MODULE][key], value)


def test_a_live_setting_is_refused_before_anything_changes(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    runner = make_runner(KITCHEN)
    with pytest.raises(ValueError, match="cannot change"):
        runner.configure_env(horizon=3)
    with pytest.raises(UnknownNameError, match="shaped_reward_weight"):
        runner.configure_env(shaped_reward_wait=0.0)
    assert runner.live_settings == {}


def test_agents_are_mapped_anew_for_every_fragment(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    def alternate(agent: str, episode: Any, **kwargs: Any) -> str:
        return "a" if (episode.id_ + int(agent[-1])) % 2 else "b"

    def setup(config: PPOConfig) -> None:
        config.multi_agent(policies={"a", "b"}, policy_mapping_fn=alternate)

    runner = make_runner(DILEMMA, setup=setup)
    first, second = (runner.sample()[0].groups["players"].modules for _ in range(2))
    assert (first, second) == (("b", "a"), ("a", "b"))


def test_two_policies_in_one_group_each_play_their_own_agents(make_runner: Callable[..., BatchedEnvRunner]) -> None:
    def setup(config: PPOConfig) -> None:
        config.multi_agent(policies={"a", "b"}, policy_mapping_fn=lambda agent, episode, **kwargs: "ab"[int(agent[-1])])

    runner = make_runner(DILEMMA, setup=setup)
    for module_id, action in (("a", 0), ("b", 1)):
        runner.module[module_id].policy_head.bias.data[action] = 100.0
    (group,) = runner.sample()[0].groups.values()
    assert (group.actions == [0, 1]).all()


def test_errors_name_what_was_given_and_what_was_expected(ppo: Callable[..., PPOConfig]) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'matrix/prisoners_dilemma_v0'"):
        ppo("matrix/prisoner_dilemma_v0")
    with pytest.raises(UnknownNameError, match="did you mean 'horizon'"):
        ppo(DILEMMA, settings={"horizons": 3})

    def unknown_policy(config: PPOConfig) -> None:
        config.multi_agent(policies={"learner"}, policy_mapping_fn=lambda agent, episode, **kwargs: "lerner")

    with pytest.raises(UnknownNameError, match="policy for agent player_0 'lerner'; did you mean 'learner'"):
        BatchedEnvRunner(config=ppo(DILEMMA, setup=unknown_policy), worker_index=0)
    with pytest.raises(ValueError, match="'default_policy' plays agents whose spaces differ"):
        BatchedEnvRunner(config=ppo(PROBE), worker_index=0)
    with pytest.raises(ValueError, match="fcnet_activation must be one of"):
        BatchedEnvRunner(
            config=ppo(DILEMMA, setup=lambda config: config.rl_module(model_config={"fcnet_activation": "rlu"})),
            worker_index=0,
        )


def test_a_runner_that_starts_late_plays_other_episodes_than_training_began_with(
    make_runner: Callable[..., BatchedEnvRunner],
) -> None:
    # RLlib gives a restarted runner the number, and so the seed, of the one that died.
    first, late, as_late = (make_runner(KITCHEN, num_envs=2, length=30) for _ in range(3))
    for runner in (late, as_late):
        runner.set_state({"num_env_steps_sampled_lifetime": 6400})
    begun, restarted, again = (runner.sample()[0].groups["cooks"].actions for runner in (first, late, as_late))
    assert (begun != restarted).any()
    np.testing.assert_array_equal(restarted, again)


def test_whole_episodes_come_as_one_fragment_so_that_returns_reach_their_beginning(
    make_runner: Callable[..., BatchedEnvRunner],
) -> None:
    # Longer than one part (128 steps); the second env plays one episode more.
    runner = make_runner(DILEMMA, num_envs=2, settings={"horizon": 150})
    (fragment,) = runner.sample(num_episodes=3)
    (group,) = fragment.groups.values()
    assert group.observations.shape[0] == 301
    np.testing.assert_array_equal(fragment.final_index, [[149, 0], [149, 1], [299, 0], [299, 1]])
    assert fragment.env_steps() == 3 * 150
    played = Played(fragment, group, slice(None))
    zeros = np.zeros((300, 2, 2), np.float32)
    advantages = generalized_advantages(group.rewards, zeros, zeros, played.transitions.goes_on, Discounts(1.0, 1.0))
    np.testing.assert_allclose(advantages[0], group.rewards[:150].sum(axis=0), rtol=1e-5)


def test_a_policy_that_plays_nobody_yet_gets_the_spaces_of_those_it_may_play(ppo: Callable[..., PPOConfig]) -> None:
    def league(config: PPOConfig) -> None:
        def choose(agent: str, episode: Any, **kwargs: Any) -> str:
            return "a" if agent == "player_0" else "bc"[episode.id_ % 2]

        config.multi_agent(policies={"a", "b", "c"}, policy_mapping_fn=choose)

    runner = BatchedEnvRunner(config=ppo(DILEMMA, num_envs=2, length=4, setup=league), worker_index=0)
    modules = [runner.sample()[0].groups["players"].modules for _ in range(3)]
    assert modules == [("a", "b"), ("a", "c"), ("a", "b")]

    def none_for_callers(config: PPOConfig) -> None:
        config.multi_agent(policies={*POLICIES, "idle"}, policy_mapping_fn=policy_of)

    with pytest.raises(TrainingError, match="policy 'idle' plays nobody in the first fragment"):
        BatchedEnvRunner(config=ppo(PROBE, setup=none_for_callers), worker_index=0)


def test_what_a_search_leaves_open_and_learners_without_envs_are_refused(ppo: Callable[..., PPOConfig]) -> None:
    with pytest.raises(TrainingError, match="model_config is a search space"):
        ppo(DILEMMA, setup=lambda config: config.rl_module(model_config={"fcnet_hiddens": tune.choice([[8], [16]])}))
    with pytest.raises(TrainingError, match="env_config is a search space"):
        use_batched_runner(PPOConfig().environment(DILEMMA, env_config={"horizon": tune.randint(1, 9)}))
    with pytest.raises(TrainingError, match="3 learners share 2 envs"):
        ppo(DILEMMA, num_envs=2, setup=lambda config: config.learners(num_learners=3))


def test_a_learner_that_cannot_use_fragments_is_refused() -> None:
    from ray.rllib.algorithms.marwil import MARWILConfig

    with pytest.raises(TypeError, match="FragmentLearner"):
        use_batched_runner(MARWILConfig().environment(DILEMMA))


def test_a_shared_torso_leaves_only_the_value_head_out_of_runners(ppo: Callable[..., PPOConfig]) -> None:
    config = ppo(DILEMMA, setup=lambda config: config.rl_module(model_config={"vf_share_layers": True}))
    runner = BatchedEnvRunner(config=config, worker_index=0)
    (module,) = runner.module.values()
    assert isinstance(module, ActorCriticModule)
    assert not hasattr(module, "value_head")
    assert {name.split(".")[0] for name in module.state_dict()} == {"policy_torso", "policy_head"}
