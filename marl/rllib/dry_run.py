"""A dry run: what a runner in another process would fail with, said on the driver before any process starts."""

from __future__ import annotations

import torch
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.callbacks.callbacks import RLlibCallback

from marl.rllib.runner.batched_runner import BatchedEnvRunner


def try_out(config: AlgorithmConfig) -> None:
    """Builds the modules and plays one step of one env with them; no generator of the caller's moves on.

    Args:
        config: Of an algorithm on the batched runner; it stays as it is.

    Raises:
        TrainingError: Policies, modules and spaces do not fit together.
        UnknownNameError: The mapping names a policy that does not exist.
        Exception: Whatever a module of the user's raises.
    """
    trial = config.copy(copy_frozen=False)
    trial.env_runners(num_env_runners=0, num_envs_per_env_runner=1)
    trial.debugging(seed=None)  # a runner seeds the generators of the whole process
    trial.callbacks_class = RLlibCallback
    for name in ("environment_created", "sample_end", "episode_end"):
        setattr(trial, f"callbacks_on_{name}", None)
    with torch.random.fork_rng(devices=[]):
        runner = BatchedEnvRunner(config=trial, worker_index=0)
        runner.sample(num_timesteps=1)
