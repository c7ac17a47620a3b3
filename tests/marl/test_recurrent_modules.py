"""Recurrent modules remember within an episode, and the learner unrolls what the runner played."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import tree
from cyclic_player import CyclicPlayer
from one_policy_per_group import one_policy_per_group
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.evaluation.postprocessing import Postprocessing

from marl.rllib import RecurrentActorCriticModule, use_batched_runner
from marl.rllib.learner.advantages import Discounts, generalized_advantages
from marl.rllib.learner.played import Played
from marl.rllib.learner.sequences import Sequences, sequence_rows
from marl.rllib.runner.memory import initial_leaves
from marl.rllib.runner.observations import module_input

SCISSORS, KITCHEN, PROBE = "matrix/rock_paper_scissors_v0", "overcooked/cramped_room_v0", "probe/everything_v0"
LENGTH = 5  # max_seq_len; divides neither the fragments nor the episodes here
DISCOUNTS = Discounts(0.9, 0.8)

Build = Callable[[PPOConfig], Algorithm]
MakeConfig = Callable[..., PPOConfig]


def gru(config: PPOConfig) -> None:
    settings = {"fcnet_hiddens": [16], "gru_size": 8, "max_seq_len": LENGTH}
    config.rl_module(rl_module_spec=RLModuleSpec(module_class=RecurrentActorCriticModule, model_config=settings))
    config.training(minibatch_size=8)


def rllibs_lstm(config: PPOConfig) -> None:
    lstm = {"use_lstm": True, "lstm_cell_size": 8, "max_seq_len": LENGTH, "fcnet_hiddens": [16]}
    config.rl_module(model_config=DefaultModelConfig(**lstm, vf_share_layers=False))


def play_alone(module: Any, played: Played, e: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps through what one agent saw, one row at a time; returns logits [T, K] and values [T + 1] (NaN if unseen)."""
    num_steps = len(played.alive) - 1
    logits: list[Any] = []
    values = np.full(num_steps + 1, np.nan, np.float32)
    state = initial_leaves(module)
    for t in range(num_steps + 1):
        observation = played.observations[t, e, p][None]
        mask = None if played.masks is None else played.masks[t, e, p][None]
        seen = tree.map_structure(lambda row: row.unsqueeze(1), module_input(observation, mask))
        structure = module.get_initial_state()
        batch = {Columns.OBS: seen, Columns.STATE_IN: tree.unflatten_as(structure, [leaf[None] for leaf in state])}
        with torch.no_grad():
            output = module.forward_train(batch)
            values[t] = module.compute_values(batch).item()
        if t < num_steps:
            logits.append(output[Columns.ACTION_DIST_INPUTS][0, 0].numpy())
            state = [leaf[0] for leaf in tree.flatten(output[Columns.STATE_OUT])]
            if played.fragment.ended[t, e]:
                state = initial_leaves(module)
    return np.array(logits), values


@pytest.mark.parametrize("setup", [gru, rllibs_lstm])
def test_runner_and_learner_see_what_a_module_sees_that_plays_alone(
    ppo: MakeConfig, build: Build, setup: Callable[[PPOConfig], None]
) -> None:
    is_stock = setup is rllibs_lstm
    config = ppo(KITCHEN, settings={"horizon": 9}, num_envs=3, length=23, rllib_module=is_stock, setup=setup)
    algorithm = build(config)
    (fragment,) = algorithm.env_runner.sample()
    (group,) = fragment.groups.values()
    ((module_id, columns),) = group.columns()
    module = algorithm.learner_group._learner.module[module_id]
    module.eval()
    played = Played(fragment, group, columns)
    rows = sequence_rows(module, played, module_id, DISCOUNTS)
    sequences = Sequences(played, LENGTH)
    inputs = {**rows, Columns.OBS: torch.from_numpy(rows[Columns.OBS]).float()}
    inputs[Columns.STATE_IN] = tree.map_structure(torch.from_numpy, rows[Columns.STATE_IN])
    with torch.no_grad():
        trained = module.forward_train(inputs)[Columns.ACTION_DIST_INPUTS].numpy()
    assert rows[Columns.LOSS_MASK].sum() == 23 * 3 * 2
    unrolled = np.full(group.action_dist_inputs.shape, np.nan, np.float32)
    targets = np.full(group.rewards.shape, np.nan, np.float32)
    unrolled[sequences.steps] = trained[sequences.places]
    targets[sequences.steps] = rows[Postprocessing.VALUE_TARGETS][sequences.places]
    for e in range(3):
        for p in range(2):
            logits, values = play_alone(module, played, e, p)
            np.testing.assert_allclose(group.action_dist_inputs[:, e, p], logits, atol=1e-5)
            np.testing.assert_allclose(unrolled[:, e, p], logits, atol=1e-5)
            ends = fragment.ended[:, e]
            assert ends.sum() == 2
            # Steps of the third episode, which is not over; the test below is about ends.
            going_on = slice(int(np.flatnonzero(ends)[-1]) + 1, None)
            v_t, v_tp1 = values[:-1], values[1:]
            expected = v_t + generalized_advantages(group.rewards[:, e, p], v_t, v_tp1, ~ends, DISCOUNTS)
            np.testing.assert_allclose(targets[going_on, e, p], expected[going_on], atol=1e-4)


def test_the_value_of_what_was_seen_last_is_that_of_the_memory_then(ppo: MakeConfig, build: Build) -> None:
    algorithm = build(ppo(KITCHEN, settings={"horizon": 7}, num_envs=2, length=7, setup=gru))
    (fragment,) = algorithm.env_runner.sample()
    (group,) = fragment.groups.values()
    ((module_id, columns),) = group.columns()
    module = algorithm.learner_group._learner.module[module_id]
    assert len(fragment.final_index) == 2
    played = Played(fragment, group, columns)
    rows = sequence_rows(module, played, module_id, Discounts(0.9, 0.0))
    found = rows[Postprocessing.VALUE_TARGETS][Sequences(played, LENGTH).places]
    # As if the episode went on: the last observations take the place of the first of the next episodes.
    group.observations[7] = group.final_observations
    fragment.ended[:] = False
    _, values = play_alone(module, played, 0, 0)
    t, e, p = Sequences(played, LENGTH).steps
    last = np.flatnonzero((t == 6) & (e == 0) & (p == 0))
    expected = group.rewards[6, 0, 0] + 0.9 * values[7]
    np.testing.assert_allclose(found[last], [expected], atol=1e-5)


def recurrent_against_a_cycle(config: PPOConfig) -> None:
    gru(config)
    config.multi_agent(
        policies={"learner", "cycle"},
        policy_mapping_fn=lambda agent, episode, **kwargs: "learner" if agent == "player_0" else "cycle",
    )
    config.training(lr=1e-2, num_epochs=4, minibatch_size=256, gamma=0.9, lambda_=0.9)


def test_a_recurrent_policy_beats_a_cycle_that_it_can_only_count(build: Build) -> None:
    # Nothing is seen in this game, so any policy without memory gets 0 on average against rock, paper, scissors in
    # turn; one that counts gets 1 in each of 9 rounds.
    config = PPOConfig().environment(SCISSORS, env_config={"horizon": 9})
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=64, rollout_fragment_length=18)
    config.debugging(seed=1, log_level="ERROR")
    recurrent_against_a_cycle(config)
    algorithm = build(use_batched_runner(config, players={"cycle": CyclicPlayer}))
    for _ in range(40):
        result = algorithm.train()
    assert result["env_runners"]["agent_episode_returns_mean"]["player_0"] > 7


def test_groups_of_recurrent_modules_with_masks_and_agents_that_go_out_are_trained(
    ppo: MakeConfig, build: Build
) -> None:
    def setup(config: PPOConfig) -> None:
        one_policy_per_group(config)
        gru(config)

    algorithm = build(ppo(PROBE, num_envs=4, length=13, setup=setup))
    for _ in range(2):
        result = algorithm.train()
    # Two epochs over the steps of agents that were alive.
    sampled = result["env_runners"]["num_module_steps_sampled"]
    trained = {m: result["learners"][m]["num_module_steps_trained"] for m in sampled}
    assert trained == {m: 2 * steps for m, steps in sampled.items()}


def test_a_restored_run_remembers(ppo: MakeConfig, build: Build, tmp_path: Any) -> None:
    def make() -> Algorithm:
        return build(ppo(KITCHEN, settings={"horizon": 30}, num_envs=2, length=13, setup=gru))

    first = make()
    first.train()
    first.save_to_path(tmp_path / "saved")
    second = make()
    second.restore_from_path(tmp_path / "saved")
    for algorithm in (first, second):
        algorithm.train()
    (expected,), (found,) = (a.env_runner.sample() for a in (first, second))
    for name, group in expected.groups.items():
        np.testing.assert_array_equal(found.groups[name].actions, group.actions)
        np.testing.assert_array_equal(found.groups[name].action_dist_inputs, group.action_dist_inputs)
