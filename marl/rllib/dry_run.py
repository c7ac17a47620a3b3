"""A dry run: what a runner in another process would fail with, said on the driver before any process starts."""

from __future__ import annotations

import random

import numpy as np
import torch
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from agents.random_player import RandomPlayer
from marl.rllib.runner.batched_runner import BatchedEnvRunner
from marl.rllib.runner.player_module import PlayerModule


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
    _let_nobody_play(trial)
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - a mapping of the user's may draw from it
    try:
        with torch.random.fork_rng(devices=[]):
            runner = BatchedEnvRunner(config=trial, worker_index=0)
            runner.sample(num_timesteps=1)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def _let_nobody_play(trial: AlgorithmConfig) -> None:
    """Puts random players in the place of players: to make and to ask one may cost money and minutes."""
    spec = trial._rl_module_spec
    if isinstance(spec, MultiRLModuleSpec):
        specs = {
            policy: RLModuleSpec(module_class=PlayerModule, model_config={"make_player": RandomPlayer})
            if each.module_class is PlayerModule
            else each
            for policy, each in (spec.rl_module_specs or {}).items()
        }
        trial.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))
