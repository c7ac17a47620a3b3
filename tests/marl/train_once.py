"""Trains three policies for two iterations in a process of its own and prints a digest of their weights."""

from __future__ import annotations

import hashlib

from one_policy_per_group import one_policy_per_group
from ray.rllib.algorithms.ppo import PPOConfig

from marl.rllib import start_ray, stop_ray, use_batched_runner


def train_and_digest() -> str:
    config = PPOConfig().environment("probe/everything_v0")
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=4, rollout_fragment_length=16)
    config.training(num_epochs=2, minibatch_size=32).debugging(seed=5, log_level="ERROR")
    one_policy_per_group(config)
    algorithm = use_batched_runner(config).build_algo()
    for _ in range(2):
        algorithm.train()
    digest = hashlib.sha256()
    for module_id, module in sorted(algorithm.learner_group.get_weights().items()):
        digest.update(module_id.encode())
        for name, value in sorted(module.items()):
            digest.update(name.encode() + value.tobytes())
    algorithm.stop()
    return digest.hexdigest()


if __name__ == "__main__":
    start_ray(num_cpus=1)
    print(train_and_digest())
    stop_ray()
