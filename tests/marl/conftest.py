from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig

from marl.rllib import start_ray, stop_ray, use_batched_runner


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    # Runners and learners in other processes import mappings and callbacks from the files beside this one.
    start_ray(num_cpus=4, runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}})
    yield
    stop_ray()


@pytest.fixture
def build(ray_session: None) -> Iterator[Callable[[PPOConfig], Algorithm]]:
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
