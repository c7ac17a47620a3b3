"""Worlds are what they declare."""

from __future__ import annotations

import numpy as np
import pytest
from seeded_play import Case, assert_observations_in_space, column, joint_actions

import games
from games.batch import Batch

NUM_ENVS = 32
MAX_STEPS = 450

# Rewards are float32: a sum of a few may miss 0, and a bound may be rounded, by this share of the largest reward.
ROUNDING = 1e-6


@pytest.mark.parametrize("legal", [True, False], ids=["legal", "any"])
def test_declared_properties_hold(case: Case, legal: bool) -> None:
    batch = case.batch(NUM_ENVS, seed=21)
    properties = batch.config.properties()
    low, high = properties.reward_bounds
    slack = ROUNDING * max(abs(low), abs(high), 1)
    assert properties.num_agents == len(batch.agents)
    assert low <= high
    generator = np.random.default_rng(0)
    batch.reset()
    assert_state_arrays(batch)
    for _ in range(min(properties.horizon, MAX_STEPS)):
        was_alive, was_ended = column(batch, "alive"), batch.ended.copy()
        batch.step(joint_actions(batch, generator, legal))
        rewards = column(batch, "rewards").astype(np.float64)
        assert np.isfinite(rewards).all()
        assert (rewards >= low - slack).all(), rewards.min()
        assert (rewards <= high + slack).all(), rewards.max()
        if properties.utility == "zero_sum":
            np.testing.assert_allclose(rewards.sum(axis=1), 0, atol=len(batch.agents) * slack)
        if properties.utility == "common":
            np.testing.assert_array_equal(rewards, np.broadcast_to(rewards[:, :1], rewards.shape))
        assert_ends(batch, was_alive, was_ended)
        assert_state_arrays(batch)
        if batch.ended.any():
            assert (batch.episode_lengths <= properties.horizon).all()
            batch.reset(mask=batch.ended.copy())


def assert_state_arrays(batch: Batch) -> None:
    """Checks observations, masks and alive flags."""
    assert_observations_in_space(batch)
    has_choice = []
    for group in batch.groups.values():
        assert set(np.unique(group.alive)) <= {0, 1}
        if group.action_masks is None:
            continue
        assert set(np.unique(group.action_masks)) <= {0, 1}
        choices = getattr(group.action_space, "nvec", None)
        sizes = [group.action_masks.shape[-1]] if choices is None else choices
        for part in np.split(group.action_masks, np.cumsum(sizes)[:-1], axis=-1):
            assert part.any(axis=-1).all(), "an agent has no legal action"
            has_choice.append(part.sum(axis=-1) > 1)
    if batch.config.properties().dynamics == "turn":
        assert has_choice, "a world of turns needs masks"
        assert (np.concatenate(has_choice, axis=1).sum(axis=1) <= 1).all(), "two agents have a choice at once"


def assert_ends(batch: Batch, was_alive: np.ndarray, was_ended: np.ndarray) -> None:
    """Checks flags against alive: who leaves, leaves once and with a flag, and the end of an episode is all's."""
    terminations, truncations, alive = (column(batch, name) for name in ("terminations", "truncations", "alive"))
    assert set(np.unique(terminations)) | set(np.unique(truncations)) <= {0, 1}
    assert not (terminations & truncations).any(), "an agent is terminated and truncated"
    ends = terminations | truncations
    goes_on = batch.ended == 0
    assert (alive[goes_on] <= was_alive[goes_on]).all(), "an agent came back within an episode"
    assert (ends[goes_on] == (was_alive & ~alive & 1)[goes_on]).all(), "flags do not tell who left"
    assert not (ends & (1 - was_alive)).any(), "an agent that was out ended again"
    assert (ends >= was_alive)[~goes_on].all(), "the episode is over for the engine but not for every agent"
    assert not column(batch, "rewards")[was_alive == 0].any(), "an agent that is out got a reward that nobody will see"


def test_an_episode_ends_by_its_horizon(case: Case) -> None:
    batch = case.batch(NUM_ENVS, seed=3)
    batch.reset()
    generator = np.random.default_rng(1)
    actions = joint_actions(batch, generator)
    ended = np.zeros(NUM_ENVS, bool)
    for _ in range(case.horizon):
        batch.step(actions)
        ended |= batch.ended.astype(bool)
        if ended.all():
            break
        if batch.ended.any():
            batch.reset(mask=batch.ended.copy())
    assert ended.all()


def test_reset_clears_the_outcome_of_the_last_episode(case: Case) -> None:
    batch = case.with_horizon(10).batch(4)
    batch.reset()
    while not batch.ended.any():
        batch.step(joint_actions(batch, np.random.default_rng(0)))
    batch.reset()
    assert not batch.ended.any()
    for group in batch.groups.values():
        for array in (group.rewards, group.terminations, group.truncations, *group.infos.values()):
            assert not array.any()


@pytest.mark.parametrize("env_id", games.env_ids())
def test_ids_are_well_formed(env_id: str) -> None:
    family, variant = env_id.split("/")
    assert family == games.spec(env_id).family
    assert variant.rsplit("_v", 1)[1].isdigit()
    assert games.spec(env_id).description
