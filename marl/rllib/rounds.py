"""What algorithms that learn in rounds do before and after their updates: collect fragments, send weights."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE
from ray.rllib.execution.rollout_ops import synchronous_parallel_sample
from ray.rllib.utils import metrics as names

from marl.rllib.runner.fragment import Fragment


def collect(algorithm: Any) -> list[Fragment]:
    """Lets all runners of an algorithm play a round, and returns their fragments."""
    with algorithm.metrics.log_time((names.TIMERS, names.ENV_RUNNER_SAMPLING_TIMER)):
        sampled: Any = synchronous_parallel_sample(
            worker_set=algorithm.env_runner_group,
            sample_timeout_s=algorithm.config.sample_timeout_s,
            _uses_new_env_runners=True,
            _return_metrics=True,
        )
    fragments, results = sampled
    algorithm.metrics.aggregate(results, key=names.ENV_RUNNER_RESULTS)
    return list(fragments)


def gather_learned(algorithm: Any) -> None:
    """Takes what the learner has logged into an algorithm's results."""
    learned = algorithm.learner_group.foreach_learner(lambda learner: learner.metrics.reduce())
    algorithm.metrics.aggregate([found.get() for found in learned], key=names.LEARNER_RESULTS)


def send_weights(algorithm: Any, module_ids: Collection[str]) -> None:
    """Sends the weights of some modules from the learner to the runners of an algorithm."""
    with algorithm.metrics.log_time((names.TIMERS, names.SYNCH_WORKER_WEIGHTS_TIMER)):
        if algorithm.env_runner_group.num_remote_env_runners():
            algorithm.env_runner_group.sync_weights(
                from_worker_or_learner_group=algorithm.learner_group, policies=list(module_ids), inference_only=True
            )
            return
        # RLlib's way leads through the object store, which takes a sixth of a small training step.
        modules = [f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}/{module_id}" for module_id in module_ids]
        state = algorithm.learner_group.get_state(components=modules, inference_only=True)[COMPONENT_LEARNER]
        algorithm.env_runner.set_state({name: state[name] for name in (COMPONENT_RL_MODULE, names.WEIGHTS_SEQ_NO)})
