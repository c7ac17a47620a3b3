from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from one_policy_per_group import POLICIES, one_policy_per_group
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from ray.rllib.examples.rl_modules.classes.random_rlm import RandomRLModule

from marl.rllib import ActorCriticModule, configure_envs, register

DILEMMA, SCISSORS, KITCHEN = (
    "matrix/prisoners_dilemma_v0",
    "matrix/rock_paper_scissors_v0",
    "overcooked/cramped_room_v0",
)
PROBE = "probe/everything_v0"

# One pair of actions is worth most, and it is not the one that does best against a player who mixes evenly.
COORDINATION = np.array([[0.0, 0.0, 0.0], [0.0, 0.6, 0.6], [0.0, 0.0, 1.0]])
COORDINATION = np.maximum(COORDINATION, COORDINATION.T)

Build = Callable[[PPOConfig], Algorithm]
MakeConfig = Callable[..., PPOConfig]


def weights(algorithm: Algorithm) -> dict[str, dict[str, np.ndarray]]:
    return algorithm.learner_group.get_weights()


def assert_equal_weights(first: Algorithm, second: Algorithm) -> None:
    for module_id, module in weights(first).items():
        for name, value in module.items():
            np.testing.assert_array_equal(value, weights(second)[module_id][name])


def test_ppo_finds_the_best_profile_of_a_common_interest_game(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        config.multi_agent(policies={"a", "b"}, policy_mapping_fn=lambda agent, episode, **kwargs: "ab"[int(agent[-1])])
        config.training(lr=5e-3, num_epochs=4, minibatch_size=512, entropy_coeff=0.01)

    payoffs = np.stack([COORDINATION, COORDINATION])
    algorithm = build(ppo(SCISSORS, settings={"payoffs": payoffs}, num_envs=64, length=8, setup=setup))
    first = algorithm.train()["env_runners"]["episode_return_mean"]
    for _ in range(30):
        last = algorithm.train()["env_runners"]["episode_return_mean"]
    assert first < 1.2  # both get the mean payoff 0.38
    assert last > 1.9


def test_a_frozen_policy_stays_as_it_is_and_is_exploited(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        config.multi_agent(
            policies={"learner", "frozen"},
            policy_mapping_fn=lambda agent, episode, **kwargs: "learner" if agent == "player_0" else "frozen",
            policies_to_train=["learner"],
        )
        config.training(lr=5e-3, num_epochs=4, minibatch_size=256)

    algorithm = build(ppo(SCISSORS, num_envs=64, length=8, setup=setup))
    state = weights(algorithm)
    state["frozen"]["policy_head.bias"][:] = [9.0, 0.0, 0.0]  # always rock
    algorithm.set_weights(state)
    before = weights(algorithm)
    for _ in range(20):
        result = algorithm.train()
    after = weights(algorithm)
    for name, value in before["frozen"].items():
        np.testing.assert_array_equal(after["frozen"][name], value)
    trained = {module_id for module_id, values in result["learners"].items() if "policy_loss" in values}
    assert trained == {"learner"}
    assert result["env_runners"]["agent_episode_returns_mean"]["player_0"] > 0.9


def test_ppo_learns_that_betrayal_pays_with_rllibs_own_module(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        config.training(lr=5e-3, num_epochs=4, minibatch_size=512, gamma=0.0)

    algorithm = build(ppo(DILEMMA, settings={"horizon": 8}, num_envs=64, length=8, rllib_module=True, setup=setup))
    for _ in range(12):
        result = algorithm.train()
    # Mutual betrayal pays 1 a round to each of the two; the first policy gets 2.25.
    assert result["env_runners"]["episode_return_mean"] < 1.2 * 2 * 8


def test_rllibs_own_masking_module_trains_and_obeys(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        config.rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=ActionMaskingTorchRLModule, model_config={"head_fcnet_hiddens": []}
            )
        )

    legal = [[True, False, True], [False, True, True]]
    algorithm = build(ppo(SCISSORS, settings={"legal_actions": legal}, num_envs=16, length=8, setup=setup))
    assert np.isfinite(algorithm.train()["learners"]["default_policy"]["total_loss"])
    (group,) = algorithm.env_runner.sample()[0].groups.values()
    assert set(np.unique(group.actions[..., 0])) == {0, 2}


def test_a_module_that_chooses_actions_itself_is_taken_at_its_word(ppo: MakeConfig, build: Build) -> None:
    class AlwaysPaper(RandomRLModule):
        def _forward_exploration(self, batch: dict, **kwargs: object) -> dict:
            return {Columns.ACTIONS: np.ones(len(batch[Columns.OBS]), int)}

    def setup(config: PPOConfig) -> None:
        config.multi_agent(
            policies={"learner", "paper"},
            policy_mapping_fn=lambda agent, episode, **kwargs: "learner" if agent == "player_0" else "paper",
            policies_to_train=["learner"],
        )
        specs = {
            "learner": RLModuleSpec(module_class=ActorCriticModule),
            "paper": RLModuleSpec(module_class=AlwaysPaper),
        }
        config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))

    algorithm = build(ppo(SCISSORS, setup=setup))
    assert np.isfinite(algorithm.train()["learners"]["learner"]["total_loss"])
    (group,) = algorithm.env_runner.sample()[0].groups.values()
    assert (group.actions[..., 1] == 1).all()
    assert (group.actions[..., 0] != 1).any()


def test_whole_episodes_can_be_trained_on(ppo: MakeConfig, build: Build) -> None:
    algorithm = build(ppo(PROBE, num_envs=4, length=20, setup=one_policy_per_group, batch_mode="complete_episodes"))
    result = algorithm.train()["env_runners"]
    assert result["num_episodes"] >= 4
    assert result["num_env_steps_sampled"] == pytest.approx(
        result["num_episodes"] * result["episode_len_mean"], rel=0.3
    )


def test_every_kind_of_space_is_trained(ppo: MakeConfig, build: Build) -> None:
    algorithm = build(ppo(PROBE, num_envs=8, length=50, setup=one_policy_per_group))
    before = weights(algorithm)
    result = algorithm.train()
    assert set(result["learners"]) == {*POLICIES, "__all_modules__"}
    for module_id in POLICIES:
        assert np.isfinite(result["learners"][module_id]["total_loss"])
        assert any(
            not np.array_equal(value, weights(algorithm)[module_id][n]) for n, value in before[module_id].items()
        )


@pytest.mark.parametrize(
    ("id", "batch_mode"),
    [(KITCHEN, "truncate_episodes"), (PROBE, "truncate_episodes"), (PROBE, "complete_episodes")],
)
def test_a_restored_algorithm_goes_on_exactly(
    ppo: MakeConfig, build: Build, tmp_path: Path, id: str, batch_mode: str
) -> None:
    def setup(config: PPOConfig) -> None:
        config.training(kl_target=1e-6, lr=1e-3)  # so small a target raises the coefficient at once
        if id == PROBE:
            one_policy_per_group(config)

    algorithm = build(ppo(id, setup=setup, batch_mode=batch_mode))
    if id == KITCHEN:
        configure_envs(algorithm, shaped_reward_weight=0.25)
    for _ in range(2):
        algorithm.train()
    algorithm.save_to_path(tmp_path)
    restored = Algorithm.from_checkpoint(tmp_path)
    try:
        coefficients = [
            {m: v.item() for m, v in a.learner_group._learner.curr_kl_coeffs_per_module.items()}
            for a in (algorithm, restored)
        ]
        assert coefficients[0] == coefficients[1]
        assert all(value != 0.2 for value in coefficients[0].values())
        assert restored.env_runner.live_settings == algorithm.env_runner.live_settings
        assert restored.iteration == 2
        expected, found = algorithm.train(), restored.train()
        assert_equal_weights(algorithm, restored)
        assert found["num_env_steps_sampled_lifetime"] == expected["num_env_steps_sampled_lifetime"]
        runners = algorithm.env_runner, restored.env_runner
        for e in range(runners[0].num_envs):
            assert runners[0].env.state_bytes(e) == runners[1].env.state_bytes(e)
    finally:
        restored.stop()


def test_the_same_seed_gives_the_same_training(ppo: MakeConfig, build: Build) -> None:
    first, second = (build(ppo(KITCHEN)) for _ in range(2))
    for algorithm in (first, second):
        algorithm.train()
    assert_equal_weights(first, second)


def test_evaluation_plays_whole_episodes(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        config.evaluation(
            evaluation_interval=1,
            evaluation_duration=5,
            evaluation_duration_unit="episodes",
            evaluation_num_env_runners=0,
            evaluation_config=PPOConfig.overrides(explore=False, num_envs_per_env_runner=2),
        )

    algorithm = build(ppo(KITCHEN, settings={"horizon": 30}, setup=setup))
    for _ in range(2):
        found = algorithm.train()["evaluation"]["env_runners"]
        assert found["num_episodes"] == 5
        assert found["num_env_steps_sampled"] == 5 * 30
        assert found["episode_len_mean"] == 30


def test_remote_runners_sample_train_and_take_live_settings(ppo: MakeConfig, build: Build) -> None:
    algorithm = build(ppo(KITCHEN, num_envs=4, num_env_runners=1))
    configure_envs(algorithm, shaped_reward_weight=0.25)
    group = algorithm.env_runner_group

    def look(runner: Any) -> tuple[int, float]:
        return runner.worker_index, runner.env.config.shaped_reward_weight

    assert group.foreach_env_runner(look, local_env_runner=False) == [(1, 0.25)]
    result = algorithm.train()
    assert result["env_runners"]["num_env_steps_sampled"] == 4 * 16
    with pytest.raises(ValueError, match="cannot change"):
        configure_envs(algorithm, horizon=3)


def test_stock_ppo_runs_on_the_plain_env(local_ray: None, build: Build) -> None:
    register()
    config = PPOConfig().environment(DILEMMA, env_config={"horizon": 10})
    config.multi_agent(policies={"shared"}, policy_mapping_fn=lambda agent, episode, **kwargs: "shared")
    config.env_runners(num_env_runners=0, rollout_fragment_length=40)
    config.training(train_batch_size_per_learner=40, minibatch_size=40, num_epochs=1).debugging(log_level="ERROR")
    algorithm = build(config)
    configured = algorithm.train()["env_runners"]
    assert configured["episode_len_mean"] == 10


def test_results_leave_nothing_in_the_home_directory(ppo: MakeConfig, build: Build) -> None:
    algorithm = build(ppo(DILEMMA))
    assert Path.home() not in Path(algorithm.logdir).parents


@pytest.mark.parametrize("iterations", [0, 1])
def test_going_back_to_an_earlier_checkpoint_takes_its_weights(
    ppo: MakeConfig, build: Build, tmp_path: Path, iterations: int
) -> None:
    # RLlib numbers weights and would keep the later ones.
    algorithm = build(ppo(DILEMMA, num_envs=4, length=16))
    for _ in range(iterations):
        algorithm.train()
    algorithm.save_to_path(tmp_path / "early")
    early = weights(algorithm)
    algorithm.train()
    algorithm.train()
    algorithm.restore_from_path(tmp_path / "early")
    played = algorithm.env_runner.get_weights()
    for module_id, module in early.items():
        for name, value in weights(algorithm)[module_id].items():
            np.testing.assert_array_equal(value, module[name])
        for name, value in played[module_id].items():
            np.testing.assert_array_equal(value, module[name])


@pytest.mark.learn
def test_a_seed_gives_one_result_whatever_the_order_of_sets_in_a_process() -> None:
    # Policies are a set, whose order Python draws anew for every process.
    def digest(hash_seed: str) -> str:
        folder = Path(__file__).parent
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(folder)}
        command = [sys.executable, "-W", "ignore", str(folder / "train_once.py")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
        return done.stdout.splitlines()[-1]

    assert digest("1") == digest("2")


def test_parts_of_a_checkpoint_are_restored_one_by_one(ppo: MakeConfig, build: Build, tmp_path: Path) -> None:
    first, second = (build(ppo(DILEMMA, num_envs=4, length=16)) for _ in range(2))
    first.train()
    first.save_to_path(tmp_path / "saved")
    second.restore_from_path(tmp_path / "saved" / "learner_group", component="learner_group")
    assert_equal_weights(first, second)
    assert second.iteration == 0
    runner = second.env_runner
    runner.restore_from_path(tmp_path / "saved" / "env_runner")
    for module_id, module in first.env_runner.get_weights().items():
        for name, value in module.items():
            np.testing.assert_array_equal(runner.get_weights()[module_id][name], value)
    (expected,), (found,) = first.env_runner.sample(), runner.sample()
    for name, group in expected.groups.items():
        np.testing.assert_array_equal(found.groups[name].actions, group.actions)


def test_going_back_to_an_earlier_checkpoint_takes_its_live_settings(
    ppo: MakeConfig, build: Build, tmp_path: Path
) -> None:
    algorithm = build(ppo(KITCHEN, settings={"shaped_reward_weight": 0.5}, num_envs=4, length=16))
    algorithm.save_to_path(tmp_path / "early")
    configure_envs(algorithm, shaped_reward_weight=0.0)
    algorithm.restore_from_path(tmp_path / "early")
    assert algorithm.env_runner.live_settings == {}
    assert algorithm.env_runner.env.config.shaped_reward_weight == 0.5
