from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from one_policy_per_group import one_policy_per_group, policy_of
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.utils.pre_checks.env import check_multiagent_environments

from games.batch import Group
from marl.rllib import ActorCriticModule, BatchedEnvRunner, BatchMultiAgentEnv, Fragment, GroupFragment, register
from marl.rllib.runner.observations import module_input

NUM_STEPS, NUM_ENVS = 120, 3


def chosen(runner: BatchedEnvRunner, agent: str, observation: Any) -> np.ndarray:
    """Returns the distribution inputs of an agent's module for one observation of the plain env."""
    array, mask = observation, None
    if isinstance(observation, dict):
        array, mask = observation["observations"], observation["action_mask"].astype(np.uint8)[None]
    module = runner.module[runner.map_agents()[agent]]
    with torch.no_grad():
        output = module.forward_inference({Columns.OBS: module_input(array[None], mask)})
    return output[Columns.ACTION_DIST_INPUTS].numpy()


def seen(record: GroupFragment, t: int, e: int, p: int) -> Any:
    if record.action_masks is None:
        return record.observations[t, e, p]
    return {"observations": record.observations[t, e, p], "action_mask": record.action_masks[t, e, p]}


LEGAL = [[True, False, True], [False, True, True]]


@pytest.mark.parametrize(
    ("id", "settings", "setup"),
    [
        ("matrix/prisoners_dilemma_v0", {"horizon": 50}, None),
        ("matrix/rock_paper_scissors_v0", {"horizon": 9, "legal_actions": LEGAL}, None),
        ("overcooked/cramped_room_v0", {"horizon": 50}, None),
        ("probe/everything_v0", {}, one_policy_per_group),
    ],
)
def test_the_plain_env_and_every_env_of_the_batched_runner_show_the_same_trajectory(
    ppo: Callable[..., PPOConfig], id: str, settings: dict[str, Any], setup: Callable[[PPOConfig], None] | None
) -> None:
    torch.manual_seed(1)
    config = ppo(id, settings=settings, num_envs=NUM_ENVS, setup=setup or (lambda config: None))
    runner = BatchedEnvRunner(config=config, worker_index=0)
    for module in runner.module.values():
        module.policy_head.weight.data.mul_(300)  # a policy that does something else in every state
    (fragment,) = runner.sample(num_timesteps=NUM_STEPS * NUM_ENVS, explore=False)
    assert fragment.ended.any(axis=0).all()
    for e in range(NUM_ENVS):
        assert_same_trajectory(runner, fragment, e, BatchMultiAgentEnv(id, settings, first_env=e))


def assert_same_trajectory(runner: BatchedEnvRunner, fragment: Fragment, e: int, env: BatchMultiAgentEnv) -> None:
    """Plays the plain env with the runner's modules, and compares every step with env e of the fragment."""
    slots: list[tuple[str, Group, GroupFragment, int]] = [
        (agent, env.batch.groups[name], record, p)
        for name, record in fragment.groups.items()
        for p, agent in enumerate(record.agents)
    ]
    observations, _ = env.reset(seed=runner.config.seed)
    for t in range(NUM_STEPS):
        alive = [slot for slot in slots if slot[2].alive[t, e, slot[3]]]
        assert [agent for agent, *_ in alive] == list(observations)
        actions = {}
        for agent, group, record, p in alive:
            np.testing.assert_equal(observations[agent], seen(record, t, e, p))
            inputs = chosen(runner, agent, observations[agent])
            # One row and many are not added up in the same order.
            np.testing.assert_allclose(inputs[0], record.action_dist_inputs[t, e, p], rtol=1e-3, atol=1e-3)
            kind = runner._kind_of(runner.map_agents()[agent], group)
            np.testing.assert_array_equal(
                kind.sample(record.action_dist_inputs[t, e, p][None], None)[0], record.actions[t, e, p]
            )
            actions[agent] = kind.for_env(record.actions[t, e, p])
        observations, rewards, terminations, truncations, _ = env.step(actions)
        is_over = terminations["__all__"] or truncations["__all__"]
        assert is_over == fragment.ended[t, e]
        for agent, _, record, p in alive:
            assert rewards[agent] == record.rewards[t, e, p]
            assert terminations[agent] == record.terminations[t, e, p]
            was_cut = truncations["__all__"] and not terminations[agent]
            assert truncations.get(agent, was_cut) == record.truncations[t, e, p]
        if is_over:
            (row,) = np.flatnonzero((fragment.final_index == (t, e)).all(axis=1))
            for agent, _, record, p in alive:
                final = observations[agent]
                final = final["observations"] if isinstance(final, dict) else final
                np.testing.assert_array_equal(final, record.final_observations[row, p])
            observations, _ = env.reset()
        else:
            observations = {a: s for a, s in observations.items() if not (terminations[a] or truncations[a])}


@pytest.mark.parametrize(
    ("id", "settings", "is_cut"),
    [
        ("overcooked/cramped_room_v0", {"horizon": 6}, True),
        ("matrix/prisoners_dilemma_v0", {"horizon": 6}, False),
        ("probe/everything_v0", {"horizon": 6, "stamina": (60, 60)}, True),
    ],
)
def test_rllib_tells_a_time_limit_from_an_end(id: str, settings: dict[str, Any], is_cut: bool) -> None:
    """RLlib bootstraps from a last observation unless the agent's episode is terminated, truncated or not."""
    register()
    config = PPOConfig().environment(id, env_config=settings)
    kinds = {policy_of(agent, None) for agent in BatchMultiAgentEnv(id).possible_agents}
    config.multi_agent(policies=kinds, policy_mapping_fn=policy_of)
    config.rl_module(rl_module_spec=RLModuleSpec(module_class=ActorCriticModule))
    config.env_runners(num_env_runners=0).debugging(log_level="ERROR", seed=2)
    (episode,) = MultiAgentEnvRunner(config=config, worker_index=0).sample(num_episodes=1, random_actions=True)
    played_to_the_end = [single for single in episode.agent_episodes.values() if len(single) == 6]
    assert played_to_the_end
    for single in played_to_the_end:
        assert single.is_terminated != is_cut


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
    num_left = 0
    for _ in range(100):
        assert all(env.observation_spaces[agent].contains(seen) for agent, seen in observations.items())
        acted = list(observations)
        actions = {agent: env.action_spaces[agent].sample() for agent in acted}
        observations, rewards, terminations, truncations, infos = env.step(actions)
        assert list(observations) == list(rewards) == list(infos) == env.agents == acted
        assert set(terminations) == {*acted, "__all__"}
        assert all({"distance", "stamina"} == set(infos[agent]) for agent in acted if agent.startswith("walker"))
        if terminations["__all__"] or truncations["__all__"]:
            assert not (terminations["__all__"] and truncations["__all__"])
            observations, _ = env.reset()
            continue
        left = {agent for agent in acted if terminations[agent] or truncations[agent]}
        groups = env.batch.groups.values()
        assert left == set(acted) - {a for group in groups for a in np.array(group.agents)[group.alive[0] == 1]}
        num_left += len(left)
        observations = {agent: seen for agent, seen in observations.items() if agent not in left}
    assert num_left


def test_rllibs_env_check_accepts_agents_that_leave_in_the_first_step() -> None:
    check_multiagent_environments(BatchMultiAgentEnv("probe/everything_v0", {"stamina": (1, 1)}))
    check_multiagent_environments(BatchMultiAgentEnv("matrix/prisoners_dilemma_v0", {"horizon": 1}))
