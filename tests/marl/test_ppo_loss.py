"""The lighter PPO update is RLlib's update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from one_policy_per_group import one_policy_per_group
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner

KITCHEN, PROBE = "overcooked/cramped_room_v0", "probe/everything_v0"
LOGGED = ("policy_loss", "vf_loss", "vf_loss_unclipped", "vf_explained_var", "entropy", "mean_kl_loss")

Build = Callable[[PPOConfig], Algorithm]
MakeConfig = Callable[..., PPOConfig]


def minibatch_of(algorithm: Algorithm) -> tuple[Any, dict[str, Any]]:
    learner = algorithm.learner_group._learner
    columns = learner._columns(algorithm.env_runner.sample())
    return learner, {module_id: learner._to_device(rows) for module_id, rows in columns.items()}


def gradients(module: torch.nn.Module, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    module.zero_grad()
    loss.backward(retain_graph=True)
    return {name: value.grad.clone() for name, value in module.named_parameters() if value.grad is not None}


def logged(learner: Any, module_id: str) -> dict[str, float]:
    return {name: torch.as_tensor(learner.metrics.peek((module_id, name))).item() for name in LOGGED}


@pytest.mark.parametrize("use_kl_loss", [True, False])
@pytest.mark.parametrize("use_critic", [True, False])
@pytest.mark.parametrize("world", [KITCHEN, PROBE])
def test_loss_gradients_and_numbers_are_rllibs(
    ppo: MakeConfig, build: Build, world: str, use_critic: bool, use_kl_loss: bool
) -> None:
    def setup(config: PPOConfig) -> None:
        if world == PROBE:
            one_policy_per_group(config)
        config.training(use_kl_loss=use_kl_loss, use_critic=use_critic, entropy_coeff=0.03, vf_clip_param=0.5)
        config.training(kl_coeff=0.7, clip_param=0.1)

    algorithm = build(ppo(world, num_envs=4, length=24, setup=setup))
    algorithm.train()  # so that the policy is not uniform any more
    learner, batch = minibatch_of(algorithm)
    generator = torch.Generator().manual_seed(2)
    for columns in batch.values():  # as if the policy had moved on since it played
        columns["action_logp"] += 0.2 * torch.randn(columns["action_logp"].shape, generator=generator)
        columns["action_dist_inputs"] += 0.2 * torch.randn(columns["action_dist_inputs"].shape, generator=generator)
    outputs = learner.module.forward_train(batch)
    for module_id, columns in batch.items():
        arguments = {"module_id": module_id, "batch": columns, "fwd_out": outputs[module_id]}
        arguments["config"] = learner.config.get_config_for_module(module_id)
        learner.metrics.reduce()
        expected = PPOTorchLearner.compute_loss_for_module(learner, **arguments)
        told = logged(learner, module_id)
        learner.metrics.reduce()
        found = learner.compute_loss_for_module(**arguments)
        assert found.item() == pytest.approx(expected.item(), abs=1e-5)
        assert logged(learner, module_id) == pytest.approx(told, abs=1e-4)
        module = learner.module[module_id]
        ours, theirs = gradients(module, found), gradients(module, expected)
        assert ours.keys() == theirs.keys()
        for name, gradient in theirs.items():
            torch.testing.assert_close(ours[name], gradient, atol=1e-5, rtol=1e-3)
