"""Several learners train on parts of one batch and stay equal. RLlib's own counting would lose half the data here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from one_policy_per_group import POLICIES, one_policy_per_group
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig

KITCHEN, PROBE = "overcooked/cramped_room_v0", "probe/everything_v0"

Build = Callable[[PPOConfig], Algorithm]
MakeConfig = Callable[..., PPOConfig]


def assert_learners_agree(algorithm: Algorithm) -> None:
    results = algorithm.learner_group.foreach_learner(lambda learner: learner.module.get_state())
    first, *others = (result.get() for result in results)
    assert others
    for other in others:
        for module_id, module in first.items():
            for name, value in module.items():
                np.testing.assert_array_equal(other[module_id][name], value)


def test_two_learners_train_on_every_step_and_stay_equal(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        config.learners(num_learners=2)
        config.training(num_epochs=3, minibatch_size=64, train_batch_size_per_learner=8 * 16 // 2)

    algorithm = build(ppo(KITCHEN, settings={"horizon": 20}, num_envs=8, length=16, setup=setup))
    result = algorithm.train()
    # Two cooks in 8 envs for 16 steps, three epochs; each learner has half of the envs.
    trained = result["learners"]["__all_modules__"]["num_module_steps_trained"]
    assert trained == 3 * 2 * 8 * 16
    assert_learners_agree(algorithm)


def test_modules_with_unequal_rows_do_not_keep_learners_waiting_for_each_other(ppo: MakeConfig, build: Build) -> None:
    # Agents of the probe world go out, so learners get different numbers of rows of each of three modules.
    def setup(config: PPOConfig) -> None:
        one_policy_per_group(config)
        config.learners(num_learners=2).training(num_epochs=2, minibatch_size=16, train_batch_size_per_learner=3 * 9)

    algorithm = build(ppo(PROBE, num_envs=6, length=9, setup=setup))
    for _ in range(3):
        result = algorithm.train()
    assert set(POLICIES) <= set(result["learners"])
    assert_learners_agree(algorithm)


def trained_weights(ppo: MakeConfig, build: Build, num_learners: int) -> dict[str, Any]:
    def setup(config: PPOConfig) -> None:
        config.learners(num_learners=num_learners)
        batch_size = 8 * 16 // max(num_learners, 1)
        config.experimental(_validate_config=False)  # RLlib takes env steps for rows, of which there are twice as many
        config.training(num_epochs=1, minibatch_size=2 * 8 * 16, lr=1e-2, train_batch_size_per_learner=batch_size)

    algorithm = build(ppo(KITCHEN, settings={"horizon": 20}, num_envs=8, length=16, setup=setup))
    state = algorithm.learner_group.get_weights()
    generator = torch.Generator().manual_seed(1)
    for module in state.values():
        for name, value in module.items():
            module[name] = 0.1 * torch.randn(value.shape, generator=generator).numpy()
    algorithm.set_weights(state)
    algorithm.train()
    (weights,) = algorithm.learner_group.get_weights().values()
    return weights


def test_two_learners_take_the_same_step_as_one(ppo: MakeConfig, build: Build) -> None:
    # One minibatch holds everything: the mean of the two learners' gradients is the gradient of the whole, provided
    # that advantages are standardized over the whole.
    one, two = trained_weights(ppo, build, 0), trained_weights(ppo, build, 2)
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, atol=1e-4)
