"""A policy for each group of the probe world, whose spaces differ."""

from __future__ import annotations

from typing import Any

from ray.rllib.algorithms.algorithm_config import AlgorithmConfig

POLICIES = ("walker", "picker", "caller")


def policy_of(agent: str, episode: Any, **kwargs: Any) -> str:
    return agent.split("_")[0]


def one_policy_per_group(config: AlgorithmConfig) -> None:
    config.multi_agent(policies=set(POLICIES), policy_mapping_fn=policy_of)
