from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from one_policy_per_group import one_policy_per_group
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns

from games.batch import Group
from marl.rllib import BatchedEnvRunner, BatchMultiAgentEnv, GroupFragment
from marl.rllib.observations import module_input

NUM_STEPS = 120


def chosen(runner: BatchedEnvRunner, agent: str, observation: Any) -> np.ndarray:
    """Returns the distribution inputs of an agent's module for one observation of the plain env."""
    array, mask = observation, None
    if isinstance(observation, dict):
        array, mask = observation["observations"], observation["action_mask"].astype(np.uint8)[None]
    module = runner.module[runner.map_agents()[agent]]
    with torch.no_grad():
        output = module.forward_inference({Columns.OBS: module_input(array[None], mask)})
    return output[Columns.ACTION_DIST_INPUTS].numpy()


def seen_in_first_env(record: GroupFragment, t: int, p: int) -> Any:
    if record.action_masks is None:
        return record.observations[t, 0, p]
    return {"observations": record.observations[t, 0, p], "action_mask": record.action_masks[t, 0, p]}


@pytest.mark.parametrize(
    ("id", "settings", "setup"),
    [
        ("matrix/prisoners_dilemma_v0", {"horizon": 50}, None),
        ("overcooked/cramped_room_v0", {"horizon": 50}, None),
        ("probe/everything_v0", {}, one_policy_per_group),
    ],
)
def test_the_plain_env_and_the_batched_runner_show_the_same_trajectory(
    ppo: Callable[..., PPOConfig], id: str, settings: dict[str, Any], setup: Callable[[PPOConfig], None] | None
) -> None:
    torch.manual_seed(1)
    config = ppo(id, settings=settings, num_envs=3, setup=setup or (lambda config: None))
    runner = BatchedEnvRunner(config=config, worker_index=0)
    for module in runner.module.values():
        module.policy_head.weight.data.mul_(300)  # a policy that does something else in every state
    (fragment,) = runner.sample(num_timesteps=NUM_STEPS * 3, explore=False)
    assert fragment.ended[:, 0].any()

    env = BatchMultiAgentEnv(id, settings)
    slots: list[tuple[str, Group, GroupFragment, int]] = [
        (agent, env.batch.groups[name], record, p)
        for name, record in fragment.groups.items()
        for p, agent in enumerate(record.agents)
    ]
    observations, _ = env.reset(seed=config.seed)
    for t in range(NUM_STEPS):
        alive = [slot for slot in slots if slot[2].alive[t, 0, slot[3]]]
        assert [agent for agent, *_ in alive] == env.agents
        actions = {}
        for agent, group, record, p in alive:
            np.testing.assert_equal(observations[agent], seen_in_first_env(record, t, p))
            inputs = chosen(runner, agent, observations[agent])
            # One row and many are not added up in the same order.
            np.testing.assert_allclose(inputs[0], record.action_dist_inputs[t, 0, p], rtol=1e-3, atol=1e-3)
            kind = runner._kind_of(runner.map_agents()[agent], group)
            np.testing.assert_array_equal(
                kind.sample(record.action_dist_inputs[t, 0, p][None], None)[0], record.actions[t, 0, p]
            )
            actions[agent] = kind.for_env(record.actions[t, 0, p])
        observations, rewards, terminations, truncations, _ = env.step(actions)
        for agent, _, record, p in alive:
            assert rewards[agent] == record.rewards[t, 0, p]
            assert terminations[agent] == record.terminations[t, 0, p]
            assert truncations[agent] == record.truncations[t, 0, p]
        is_over = terminations["__all__"] or truncations["__all__"]
        assert is_over == fragment.ended[t, 0]
        if is_over:
            (row,) = np.flatnonzero((fragment.final_index == (t, 0)).all(axis=1))
            for agent, _, record, p in alive:
                final = observations[agent]
                final = final["observations"] if isinstance(final, dict) else final
                np.testing.assert_array_equal(final, record.final_observations[row, p])
            observations, _ = env.reset()


def test_the_plain_env_gives_the_same_episode_for_the_same_seed_and_another_one_next() -> None:
    env = BatchMultiAgentEnv("probe/everything_v0")
    first, again = env.reset(seed=7)[0], env.reset(seed=7)[0]
    np.testing.assert_equal(first, again)
    other = env.reset()[0]
    with pytest.raises(AssertionError):
        np.testing.assert_equal(first, other)


def test_the_plain_env_leaves_out_who_is_out_and_reports_infos() -> None:
    env = BatchMultiAgentEnv("probe/everything_v0")
    observations, _ = env.reset(seed=0)
    seen_out = False
    for _ in range(100):
        assert all(env.observation_spaces[agent].contains(observations[agent]) for agent in env.agents)
        acted = list(env.agents)
        actions = {agent: env.action_spaces[agent].sample() for agent in acted}
        observations, rewards, terminations, truncations, infos = env.step(actions)
        assert list(rewards) == acted
        assert set(terminations) == {*acted, "__all__"}
        assert set(observations) == set(infos) >= set(acted)
        assert all({"distance", "stamina"} == set(infos[agent]) for agent in acted if agent.startswith("walker"))
        left = set(acted) - set(env.agents)
        assert all(terminations[agent] or truncations[agent] for agent in left)
        seen_out |= bool(left)
        if terminations["__all__"] or truncations["__all__"]:
            assert not (terminations["__all__"] and truncations["__all__"])
            observations, _ = env.reset()
    assert seen_out
