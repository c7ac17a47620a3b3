"""Evaluation beside training, in a process of its own: what was asked for, under RLlib's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig

MakeConfig = Callable[..., PPOConfig]
Build = Callable[[PPOConfig], Algorithm]

KITCHEN, HORIZON = "overcooked/cramped_room_v0", 30


@pytest.fixture
def build_evaluated(ppo: MakeConfig, build: Build) -> Callable[..., Algorithm]:
    """Builds an algorithm that evaluates in a process of its own, while it trains."""

    def build_one(**evaluation: Any) -> Algorithm:
        def setup(config: PPOConfig) -> None:
            config.evaluation(
                evaluation_interval=1,
                evaluation_num_env_runners=1,
                evaluation_parallel_to_training=True,
                evaluation_config=PPOConfig.overrides(explore=False, num_envs_per_env_runner=2),
                **evaluation,
            )

        return build(ppo(KITCHEN, settings={"horizon": HORIZON}, setup=setup))

    return build_one


def test_a_number_of_episodes_is_played_exactly(build_evaluated: Callable[..., Algorithm]) -> None:
    algorithm = build_evaluated(evaluation_duration=5, evaluation_duration_unit="episodes")
    for iteration in (1, 2):
        result = algorithm.train()
        found = result["evaluation"]["env_runners"]
        assert found["num_episodes"] == 5
        assert found["num_env_steps_sampled"] == 5 * HORIZON
        assert found["episode_len_mean"] == HORIZON
        assert np.isfinite(found["episode_return_mean"])
        assert result["env_runners"]["num_env_steps_sampled_lifetime"] == iteration * 8 * 16  # training's alone


def test_auto_evaluates_for_as_long_as_training_takes(build_evaluated: Callable[..., Algorithm]) -> None:
    algorithm = build_evaluated(evaluation_duration="auto", evaluation_duration_unit="timesteps")
    found: list[dict[str, Any]] = []
    for _ in range(200):  # an iteration that is over before the first answer has none, with RLlib's runner too
        found += [algorithm.train()["evaluation"].get("env_runners", {})]
        if sum("num_episodes" in each for each in found) == 2:
            break
    # RLlib asks for at least 100 steps at a time, here of two envs that begin together.
    for each in [each for each in found if "num_episodes" in each]:
        assert each["num_env_steps_sampled"] >= 100
        assert each["episode_len_mean"] == HORIZON


def test_evaluation_plays_with_the_newest_weights(build_evaluated: Callable[..., Algorithm]) -> None:
    algorithm = build_evaluated(evaluation_duration=2, evaluation_duration_unit="episodes")
    algorithm.train()
    group: Any = algorithm.eval_env_runner_group
    algorithm.evaluate()
    (played,) = group.foreach_env_runner(lambda runner: runner.get_weights(), local_env_runner=False)
    newest = algorithm.get_weights()
    for name, weights in played["default_policy"].items():
        np.testing.assert_array_equal(weights, newest["default_policy"][name])
