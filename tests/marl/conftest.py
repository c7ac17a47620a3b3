from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig

from marl.rllib import use_batched_runner


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def build(local_ray: None) -> Iterator[Callable[[PPOConfig], Algorithm]]:
    """Builds algorithms and stops them when the test is over."""
    built: list[Algorithm] = []

    def build_one(config: PPOConfig) -> Algorithm:
        built.append(config.build_algo())
        return built[-1]

    yield build_one
    for algorithm in built:
        algorithm.stop()


@pytest.fixture
def ppo() -> Callable[..., PPOConfig]:
    """A small PPO config on the batched runner."""

    def make(
        id: str,
        *,
        settings: dict[str, Any] | None = None,
        num_envs: int = 8,
        length: int = 16,
        rllib_module: bool = False,
        setup: Callable[[PPOConfig], Any] = lambda config: None,
        **env_runners: Any,
    ) -> PPOConfig:
        config = PPOConfig().environment(id, env_config=settings or {})
        config.env_runners(
            num_envs_per_env_runner=num_envs,
            rollout_fragment_length=length,
            **{"num_env_runners": 0, **env_runners},
        )
        config.training(num_epochs=2, minibatch_size=64).debugging(seed=3, log_level="ERROR")
        setup(config)
        return use_batched_runner(config, rllib_module=rllib_module)

    return make


@pytest.fixture
def team(build: Callable[..., Algorithm]) -> Callable[..., Algorithm]:
    """Builds a small team: config class, world, settings of the world, of the runner, and of the training."""

    def make(config_class: type, id: str, *, world: Any = None, runner: Any = None, **training: Any) -> Algorithm:
        config = config_class().environment(id, env_config=world or {}).debugging(seed=5, log_level="ERROR")
        config.env_runners(**{"num_envs_per_env_runner": 6, "rollout_fragment_length": 10, **(runner or {})})
        return build(config.training(**{"hidden_sizes": (16,), "num_epochs": 2, **training}))

    return make
