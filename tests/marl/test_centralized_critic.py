"""Centralised critics see what all agents see; play stays decentralised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from one_policy_per_group import POLICIES, one_policy_per_group
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.evaluation.postprocessing import Postprocessing

import games
from marl.rllib import CentralizedCriticModule
from marl.rllib.learner.advantages import Discounts
from marl.rllib.learner.fragment_to_batch import FragmentToBatch
from marl.rllib.learner.global_state import AGENT_INDEX, GLOBAL_STATE

KITCHEN, PROBE = "overcooked/cramped_room_v0", "probe/everything_v0"

Build = Callable[[PPOConfig], Algorithm]
MakeConfig = Callable[..., PPOConfig]


def centralized(config: PPOConfig) -> None:
    spec = RLModuleSpec(module_class=CentralizedCriticModule, model_config={"fcnet_hiddens": [8]})
    config.rl_module(rl_module_spec=spec).training(minibatch_size=8)


def make_columns(algorithm: Algorithm, lambda_: float) -> tuple[Any, dict[str, dict[str, Any]]]:
    (fragment,) = algorithm.env_runner.sample()
    connector = FragmentToBatch(discounts=lambda module_id: Discounts(0.9, lambda_))
    module = algorithm.learner_group._learner.module
    return fragment, connector(rl_module=module, batch={}, episodes=[fragment])


def test_every_row_has_the_observations_of_all_agents_of_its_env(ppo: MakeConfig, build: Build) -> None:
    algorithm = build(ppo(KITCHEN, settings={"horizon": 5}, num_envs=3, length=8, setup=centralized))
    fragment, columns = make_columns(algorithm, 0.5)
    (group,), (rows,) = fragment.groups.values(), columns.values()
    states = rows[GLOBAL_STATE].to("cpu").numpy()
    # PettingZoo's state(): the observations side by side. Rows are in the order of step, env, agent.
    expected = group.observations[:-1].reshape(8, 3, 1, -1).repeat(2, axis=2).reshape(8 * 3 * 2, -1)
    np.testing.assert_array_equal(states, expected)
    np.testing.assert_array_equal(rows[AGENT_INDEX], np.tile([0, 1], 8 * 3))


def test_value_targets_bootstrap_from_the_critic_with_the_last_global_state(ppo: MakeConfig, build: Build) -> None:
    algorithm = build(ppo(KITCHEN, settings={"horizon": 5}, num_envs=3, length=8, setup=centralized))
    fragment, columns = make_columns(algorithm, 0.0)  # targets are r + 0.9 v(next)
    (group,), ((module_id, rows),) = fragment.groups.values(), columns.items()
    module = algorithm.learner_group._learner.module[module_id]

    def value(observations: np.ndarray, agent: int) -> float:
        state = torch.from_numpy(observations.reshape(1, -1)).float()
        with torch.no_grad():
            return module.compute_values({GLOBAL_STATE: state, AGENT_INDEX: torch.tensor([agent])}).item()

    targets = rows[Postprocessing.VALUE_TARGETS].numpy().reshape(8, 3, 2)
    for e in range(3):
        # Step 4 is the fifth and last of an episode that the horizon cut.
        (end,) = np.flatnonzero((fragment.final_index == [4, e]).all(axis=1))
        for agent in range(2):
            seen_next = {0: group.observations[1, e], 4: group.final_observations[end], 7: group.observations[8, e]}
            for t, observations in seen_next.items():
                expected = group.rewards[t, e, agent] + 0.9 * value(observations, agent)
                assert targets[t, e, agent] == pytest.approx(expected, abs=1e-5)


def test_groups_with_different_observations_share_one_global_state(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        one_policy_per_group(config)
        centralized(config)

    algorithm = build(ppo(PROBE, num_envs=4, length=20, setup=setup))
    result = algorithm.train()
    assert set(POLICIES) <= set(result["learners"])
    _, columns = make_columns(algorithm, 0.5)
    size = sum(int(np.prod(group.observations.shape[1:])) for group in games.make_batch(PROBE).groups.values())
    assert {rows[GLOBAL_STATE].to("cpu").shape[1] for rows in columns.values()} == {size}


def test_a_critic_cannot_share_layers_with_a_policy_that_sees_less(ppo: MakeConfig, build: Build) -> None:
    def setup(config: PPOConfig) -> None:
        settings = {"vf_share_layers": True}
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=CentralizedCriticModule, model_config=settings))

    with pytest.raises(ValueError, match="vf_share_layers"):
        build(ppo(KITCHEN, setup=setup))
