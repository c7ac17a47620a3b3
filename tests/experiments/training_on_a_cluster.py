"""A training job that says after every iteration where it stands, until its input is closed. Run as a script."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from typing import Any

import ray
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig

from marl.rllib import start_ray, stop_ray, use_batched_runner
from marl.rllib.runner.batched_runner import BatchedEnvRunner
from marl.rllib.runner.fragment import Fragment

NUM_ENVS, LENGTH, NUM_RUNNERS = 32, 100, 2
FRAGMENT_STEPS = NUM_ENVS * LENGTH
LEDGER = "ledger"


@ray.remote(num_cpus=0)
class Ledger:
    """Counts the fragments that runners have begun, so that those which never arrived can be told."""

    def __init__(self) -> None:
        self.num_begun = 0

    def begin(self) -> None:
        self.num_begun += 1

    def count(self) -> int:
        return self.num_begun


class AccountableRunner(BatchedEnvRunner):
    """Enters every fragment in the ledger before it begins."""

    def sample(self, **kwargs: Any) -> list[Fragment]:
        ray.get(ray.get_actor(LEDGER).begin.remote())
        return super().sample(**kwargs)


def build() -> Algorithm:
    config = PPOConfig().environment("overcooked/cramped_room_v0")
    config.env_runners(
        num_env_runners=NUM_RUNNERS,
        num_envs_per_env_runner=NUM_ENVS,
        rollout_fragment_length=LENGTH,
        custom_resources_per_env_runner={"worker_place": 1},
    )
    config.training(num_epochs=1, minibatch_size=FRAGMENT_STEPS).debugging(seed=3, log_level="ERROR")
    config.fault_tolerance(restart_failed_env_runners=True)
    use_batched_runner(config)
    config.env_runners(env_runner_cls=AccountableRunner)
    return config.build_algo()


def where(runner: Any) -> tuple[str, int]:
    return ray.util.get_node_ip_address(), os.getpid()


def digest(weights: dict[str, Any]) -> str:
    """Of the part that runners have; learners also hold value functions."""
    arrays = [weights[name] for name in sorted(weights)]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def describe_end(algorithm: Algorithm) -> dict[str, Any]:
    group = algorithm.env_runner_group
    assert group is not None
    modules = group.foreach_env_runner(lambda runner: runner.get_state()["rl_module"]["default_policy"])
    learner = algorithm.learner_group.get_weights()["default_policy"]
    modules.append({name: learner[name] for name in modules[0]})
    return {
        "fragments_begun": ray.get(ray.get_actor(LEDGER).count.remote()),
        "weights": [digest(module) for module in modules],
        "lifetime_of_runners": group.foreach_env_runner(lambda runner: int(runner.num_env_steps_sampled_lifetime)),
        "restarts": group.num_remote_worker_restarts(),
    }


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def main() -> None:
    start_ray(address=sys.argv[1])
    on_head = {"node:__internal_head__": 0.001}  # where no test kills it
    ledger = Ledger.options(name=LEDGER, resources=on_head).remote()
    ray.get(ledger.count.remote())
    algorithm = build()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.is_set():
        result = algorithm.train()
        sampled = result["env_runners"]
        say(
            sampled=int(sampled["num_env_steps_sampled"]),
            lifetime=int(sampled["num_env_steps_sampled_lifetime"]),
            trained=int(result["learners"]["__all_modules__"]["num_env_steps_trained"]),
            runners=algorithm.env_runner_group.foreach_env_runner(where, local_env_runner=False, timeout_seconds=30),
        )
    say(**describe_end(algorithm))
    algorithm.stop()
    stop_ray()


if __name__ == "__main__":
    main()
