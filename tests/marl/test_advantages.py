from __future__ import annotations

from itertools import pairwise

import gymnasium
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.learner import AddOneTsToEpisodesAndTruncate, GeneralAdvantageEstimation
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule, MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.evaluation.postprocessing import Postprocessing

from marl.rllib import ActorCriticModule, Fragment, FragmentToBatch, GroupFragment
from marl.rllib.learner.advantages import Discounts, generalized_advantages
from marl.rllib.learner.decision_rows import module_rows
from marl.rllib.learner.played import Played

NUM_FEATURES, NUM_ACTIONS = 5, 3
DISCOUNTS = Discounts(gamma=0.9, lambda_=0.8)


def test_advantages_follow_the_hand_worked_example() -> None:
    # gamma 0.5, lambda 0.5, so advantage_tp1 counts a quarter. Step 1 terminates; step 3 is cut off and would have been
    # worth 8; step 4 is the last of the fragment, with 2 to come.
    r_t = np.array([1, 2, 0, 4, 1], np.float32)
    v_t = np.array([2, 4, 6, 2, 0], np.float32)
    v_tp1 = np.array([4, 0, 2, 8, 2], np.float32)
    goes_on = np.array([True, False, True, False, True])
    # delta: 1+2-2=1, 2+0-4=-2, 0+1-6=-5, 4+4-2=6, 1+1-0=2
    expected = np.array([1 - 2 / 4, -2, -5 + 6 / 4, 6, 2], np.float32)
    found = generalized_advantages(r_t, v_t, v_tp1, goes_on, Discounts(0.5, 0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.fixture
def module() -> MultiRLModule:
    torch.manual_seed(0)
    spec = RLModuleSpec(
        module_class=ActorCriticModule,
        observation_space=gymnasium.spaces.Box(-9, 9, (NUM_FEATURES,), np.float32),
        action_space=gymnasium.spaces.Discrete(NUM_ACTIONS),
        model_config={"fcnet_hiddens": [16]},
    )
    return MultiRLModuleSpec(rl_module_specs={DEFAULT_MODULE_ID: spec}).build()


def random_fragment(num_steps: int = 40, num_envs: int = 3, num_agents: int = 2) -> Fragment:
    """Episodes end at random, half by rule and half by time, for both agents at once."""
    rng = np.random.default_rng(5)
    shape = (num_steps, num_envs, num_agents)
    ended = rng.random((num_steps, num_envs)) < 0.15
    is_terminal = rng.random((num_steps, num_envs)) < 0.5
    index = np.argwhere(ended)
    group = GroupFragment(
        agents=("a_0", "a_1"),
        modules=(DEFAULT_MODULE_ID,) * num_agents,
        observations=rng.normal(size=(num_steps + 1, *shape[1:], NUM_FEATURES)).astype(np.float32),
        action_masks=None,
        alive=np.ones((num_steps + 1, *shape[1:]), bool),
        actions=rng.integers(NUM_ACTIONS, size=shape),
        action_dist_inputs=rng.normal(size=(*shape, NUM_ACTIONS)).astype(np.float32),
        action_logp=np.full(shape, -1.0, np.float32),
        rewards=rng.normal(size=shape).astype(np.float32),
        terminations=np.repeat((ended & is_terminal)[:, :, None], num_agents, axis=2),
        truncations=np.repeat((ended & ~is_terminal)[:, :, None], num_agents, axis=2),
        final_observations=rng.normal(size=(len(index), num_agents, NUM_FEATURES)).astype(np.float32),
    )
    return Fragment({"all": group}, ended, index, np.ones_like(ended))


def as_episodes(fragment: Fragment) -> list[tuple[SingleAgentEpisode, np.ndarray]]:
    """The same steps as RLlib's episodes, each with the rows [n, 3] of step, env and agent that it consists of."""
    (group,) = fragment.groups.values()
    num_steps, num_envs, num_agents = group.rewards.shape
    finals = {
        tuple(place): row for place, row in zip(fragment.final_index.tolist(), group.final_observations, strict=True)
    }
    episodes = []
    for e in range(num_envs):
        bounds = [0, *(np.flatnonzero(fragment.ended[:, e]) + 1).tolist(), num_steps]
        for first, last in pairwise(bounds):
            for p in range(num_agents if last > first else 0):
                steps = slice(first, last)
                after = finals[last - 1, e][p] if (last - 1, e) in finals else group.observations[last, e, p]
                episode = SingleAgentEpisode(
                    observations=[*group.observations[steps, e, p], after],
                    actions=list(group.actions[steps, e, p]),
                    rewards=group.rewards[steps, e, p].tolist(),
                    infos=[{}] * (last - first + 1),
                    terminated=bool(group.terminations[last - 1, e, p]),
                    truncated=bool(group.truncations[last - 1, e, p]),
                    extra_model_outputs={
                        Columns.ACTION_LOGP: list(group.action_logp[steps, e, p]),
                        Columns.ACTION_DIST_INPUTS: list(group.action_dist_inputs[steps, e, p]),
                    },
                    len_lookback_buffer=0,
                )
                episodes.append((episode.to_numpy(), np.array([(t, e, p) for t in range(first, last)])))
    return episodes


def test_value_targets_equal_those_of_rllibs_own_connectors(module: MultiRLModule) -> None:
    fragment = random_fragment()
    assert fragment.groups["all"].terminations.any()
    assert fragment.groups["all"].truncations.any()
    episodes = as_episodes(fragment)
    pipeline = PPOConfig().build_learner_connector(None, None)
    pipeline.prepend(AddOneTsToEpisodesAndTruncate())
    pipeline.append(GeneralAdvantageEstimation(gamma=DISCOUNTS.gamma, lambda_=DISCOUNTS.lambda_))
    batch = pipeline(rl_module=module, batch={}, episodes=[episode for episode, _ in episodes], shared_data={})
    theirs = batch[DEFAULT_MODULE_ID]
    is_real = theirs[Columns.LOSS_MASK].numpy()
    expected = theirs[Postprocessing.VALUE_TARGETS].numpy()[is_real]

    group = fragment.groups["all"]
    rows = module_rows(module[DEFAULT_MODULE_ID], Played(fragment, group, slice(None)), DISCOUNTS)
    t, e, p = np.concatenate([places for _, places in episodes]).T
    found = rows[Postprocessing.VALUE_TARGETS].reshape(group.rewards.shape)[t, e, p]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_dead_agents_leave_no_rows_and_nothing_follows_their_end(module: MultiRLModule) -> None:
    fragment = random_fragment(num_steps=4, num_envs=1)
    group = fragment.groups["all"]
    for array in (fragment.ended, group.terminations, group.truncations):
        array[...] = False
    fragment.final_index = np.zeros((0, 2), int)
    group.final_observations = group.final_observations[:0]
    group.terminations[1, 0, 1] = True
    group.alive[2:, 0, 1] = False
    rows = module_rows(module[DEFAULT_MODULE_ID], Played(fragment, group, slice(None)), DISCOUNTS)
    assert len(rows[Columns.OBS]) == 4 + 2
    # In the order of time the second agent's last row is the fourth.
    assert rows[Postprocessing.VALUE_TARGETS][3] == pytest.approx(group.rewards[1, 0, 1], abs=1e-6)


def test_an_agent_cut_off_within_an_episode_is_worth_what_it_saw_last(module: MultiRLModule) -> None:
    fragment = random_fragment(num_steps=4, num_envs=1)
    group = fragment.groups["all"]
    for array in (fragment.ended, group.terminations, group.truncations):
        array[...] = False
    fragment.final_index = np.zeros((0, 2), int)
    group.final_observations = group.final_observations[:0]
    group.truncations[1, 0, 1] = True
    group.alive[2:, 0, 1] = False
    rows = module_rows(module[DEFAULT_MODULE_ID], Played(fragment, group, slice(None)), DISCOUNTS)
    seen_last = torch.from_numpy(group.observations[2, 0, 1:])
    worth = module[DEFAULT_MODULE_ID].compute_values({Columns.OBS: seen_last}).item()
    expected = group.rewards[1, 0, 1] + DISCOUNTS.gamma * worth
    assert rows[Postprocessing.VALUE_TARGETS][3] == pytest.approx(expected, abs=1e-5)


def test_no_row_is_lost_and_advantages_are_standardized(module: MultiRLModule) -> None:
    fragments = [random_fragment(), random_fragment(num_steps=10)]
    connector = FragmentToBatch(discounts=lambda module_id: DISCOUNTS)
    columns = connector(rl_module=module, batch={}, episodes=fragments)[DEFAULT_MODULE_ID]
    expected = np.concatenate([f.groups["all"].observations[:-1].reshape(-1, NUM_FEATURES) for f in fragments])
    np.testing.assert_array_equal(columns[Columns.OBS].numpy(), expected)
    assert {len(column) for column in columns.values()} == {len(expected)}
    advantages = columns[Postprocessing.ADVANTAGES].numpy()
    assert advantages.mean() == pytest.approx(0, abs=1e-5)
    assert advantages.std() == pytest.approx(1, abs=1e-3)
