"""What a user gets wrong is told in one line: before any process starts, or on the driver wherever it was met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import ray
import torch
from ray.exceptions import ActorDiedError, RayTaskError
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.algorithms.appo import APPOConfig
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from games.names import UnknownNameError
from marl.rllib import (
    ActorCriticModule,
    BatchedEnvRunner,
    DivergedError,
    TrainingError,
    explain,
    explain_errors,
    use_batched_runner,
)

Build = Callable[[AlgorithmConfig], Algorithm]
KITCHEN, SCISSORS = "overcooked/cramped_room_v0", "matrix/rock_paper_scissors_v0"


class OneActionTooFew(ActorCriticModule):
    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        output = super()._forward(batch, **kwargs)
        return {**output, Columns.ACTION_DIST_INPUTS: output[Columns.ACTION_DIST_INPUTS][:, 1:]}


class Forgetful(ActorCriticModule):
    """Works for one row, as in a dry run, and not for many."""

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if len(batch[Columns.OBS]) > 4:
            raise KeyError("what was it")
        return super()._forward(batch, **kwargs)


def cook_then_chef(agent: str, episode: Any, **kwargs: Any) -> str:
    return "cook" if episode.id_ == 0 else "chef"


def spoil_weights(holder: Any) -> None:
    for parameter in holder.module["default_policy"].parameters():
        parameter.data.fill_(torch.nan)


def chef(agent: str, episode: Any, **kwargs: Any) -> str:
    return "chef"


def make_config(config: AlgorithmConfig, id: str = KITCHEN, **runners: Any) -> Any:
    config.environment(id).debugging(seed=1)
    config.env_runners(**{"num_env_runners": 0, "num_envs_per_env_runner": 4, "rollout_fragment_length": 20, **runners})
    return config


def ppo(id: str = KITCHEN, **runners: Any) -> PPOConfig:
    return make_config(PPOConfig(), id, **runners).training(num_epochs=2, minibatch_size=40)


# ---- before any process starts ----


def test_a_mapping_to_no_policy_is_found_without_ray() -> None:
    config = ppo(num_env_runners=1).multi_agent(policies={"cook"}, policy_mapping_fn=chef)
    with pytest.raises(UnknownNameError, match="unknown policy for agent cook_0 'chef'; known: cook"):
        use_batched_runner(config)


def test_a_module_whose_output_fits_no_action_is_found_without_ray() -> None:
    config = ppo(num_env_runners=1).rl_module(rl_module_spec=RLModuleSpec(module_class=OneActionTooFew))
    with pytest.raises(TrainingError, match=r"returned 5 distribution inputs .* Discrete\(6\) needs 6"):
        use_batched_runner(config)


def test_a_dry_run_moves_no_generator_and_calls_no_callback() -> None:
    called: list[str] = []
    config = ppo().callbacks(on_sample_end=lambda **kwargs: called.append("sample"))
    config.callbacks(on_environment_created=lambda **kwargs: called.append("env"))
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - RLlib seeds this one
    before = (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist())  # type: ignore[index] # noqa: NPY002
    use_batched_runner(config)
    after = (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist())  # type: ignore[index] # noqa: NPY002
    assert (after, called) == (before, [])


# ---- in this process ----


def test_an_agent_with_no_legal_action_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config(PPOConfig(), SCISSORS)
    config.environment(SCISSORS, env_config={"legal_actions": [[1, 0, 1], [0, 1, 1]]})
    runner = BatchedEnvRunner(config=use_batched_runner(config), worker_index=0)
    (group,) = runner.env.groups.values()
    reset = runner.env.reset

    def forbid_everything(seed: int | None = None) -> None:
        reset(seed)
        group.action_masks[2, 1] = 0

    monkeypatch.setattr(runner.env, "reset", forbid_everything)
    with pytest.raises(TrainingError, match="lets player_1 do nothing in env 2: its action mask has no 1"):
        runner.sample()


def test_a_reward_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = BatchedEnvRunner(config=use_batched_runner(ppo()), worker_index=0)
    (group,) = runner.env.groups.values()
    step = runner.env.step

    def pay_nan() -> None:
        step()
        group.rewards[3, 1] = np.nan

    monkeypatch.setattr(runner.env, "step", pay_nan)
    with pytest.raises(TrainingError, match="gives cook_1 a reward of nan in env 3"):
        runner.sample()


@pytest.mark.parametrize("make", [ppo, lambda: make_config(APPOConfig()), lambda: make_config(DQNConfig())])
def test_a_loss_that_is_no_number_ends_training(make: Callable[[], Any], build: Build) -> None:
    config = make()
    config.learners(num_learners=0).reporting(min_time_s_per_iteration=0, min_sample_timesteps_per_iteration=80)
    if isinstance(config, DQNConfig):
        config.training(num_steps_sampled_before_learning_starts=0)
    algorithm = build(use_batched_runner(config))
    assert algorithm.learner_group is not None
    spoil_weights(algorithm.learner_group._learner)

    def train() -> None:
        for _ in range(20):  # APPO's learner is a thread
            algorithm.train()

    with pytest.raises(DivergedError, match=r"the (loss|network) of module 'default_policy' .* diverged"):
        train()


# ---- in other processes ----


def test_what_a_runner_meets_with_is_raised_on_the_driver(build: Build) -> None:
    config = ppo(num_env_runners=1).multi_agent(policies={"cook"}, policy_mapping_fn=cook_then_chef)
    algorithm = build(use_batched_runner(config))
    algorithm.train()
    with pytest.raises(UnknownNameError, match="unknown policy for agent cook_0 'chef'; known: cook") as caught:
        algorithm.train()
    assert caught.value.__cause__ is None


def test_a_fault_in_a_users_module_is_raised_with_its_place(build: Build) -> None:
    config = ppo(num_env_runners=1).rl_module(rl_module_spec=RLModuleSpec(module_class=Forgetful))
    algorithm = build(use_batched_runner(config))
    message = r"env runner 1 failed: KeyError: 'what was it' \(test_errors\.py:\d+, in _forward\)"
    with pytest.raises(TrainingError, match=message):
        algorithm.train()


def test_what_changed_after_the_dry_run_is_found_when_the_algorithm_is_built(local_ray: None) -> None:
    config = use_batched_runner(ppo(num_env_runners=1))
    config.multi_agent(policies={"cook"}, policy_mapping_fn=chef)
    with pytest.raises(UnknownNameError, match="unknown policy for agent cook_0 'chef'; known: cook"):
        config.build_algo()


def test_weights_and_losses_that_are_no_numbers_are_told_from_other_processes(build: Build) -> None:
    algorithm = build(use_batched_runner(ppo(num_env_runners=1).learners(num_learners=1)))
    learners: Any = algorithm.learner_group
    learners.foreach_learner(spoil_weights)
    with pytest.raises(DivergedError, match="the loss of module 'default_policy' is nan"):
        algorithm.train()
    group: Any = algorithm.env_runner_group
    group.foreach_env_runner(spoil_weights)
    with pytest.raises(DivergedError, match="the network of module 'default_policy' answers with NaN"):
        algorithm.train()


def test_one_of_two_learners_that_fails_ends_training_with_its_error(build: Build) -> None:
    algorithm = build(use_batched_runner(ppo().learners(num_learners=2)))
    learners: Any = algorithm.learner_group
    learners.foreach_learner(spoil_weights, remote_actor_ids=[learners._worker_manager.actor_ids()[1]])
    with pytest.raises(TrainingError, match="the loss of module 'default_policy' is nan"):
        algorithm.train()


# ---- explained ----


@ray.remote
def fail_in_another_process() -> None:
    raise DivergedError("the loss is nan")


def test_errors_of_ray_are_explained_in_one_line(local_ray: None) -> None:
    with pytest.raises(RayTaskError) as caught:
        ray.get(fail_in_another_process.remote())
    assert explain(caught.value) == "the loss is nan"
    assert explain(ActorDiedError()) == (
        "a process of the training died; where memory is short, fewer envs or runners may help"
    )
    assert explain(KeyError("ours")) is None


def test_a_script_ends_with_the_explanation_and_a_status() -> None:
    with pytest.raises(SystemExit) as ended, explain_errors():
        raise TrainingError("policies do not fit")
    assert ended.value.code == "policies do not fit"  # Python prints it and exits with 1
    with pytest.raises(KeyError), explain_errors():
        raise KeyError("ours")
