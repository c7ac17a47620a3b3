"""Worlds of turns on the batched runner: who waits plays its only action, and hands pay what OpenSpiel says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyspiel
import pytest
import torch
from open_spiel.python import policy
from open_spiel.python.algorithms import exploitability
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig

from games import open_spiel
from marl.rllib import BatchedEnvRunner

KUHN, LEDUC = "cards/kuhn_poker_v0", "cards/leduc_poker_v0"


@pytest.mark.parametrize("id", [KUHN, LEDUC])
def test_who_waits_plays_its_only_action_and_adds_nothing_to_the_policy_gradient(
    ppo: Callable[..., PPOConfig], id: str
) -> None:
    runner = BatchedEnvRunner(config=ppo(id, num_envs=32, length=24), worker_index=0)
    (fragment,) = runner.sample()
    (group,) = fragment.groups.values()
    waits = group.action_masks[:-1].sum(axis=-1) == 1
    assert (waits.sum(axis=-1) == 1).all()  # of two players, one
    assert not group.actions[waits].any()
    # Of a single action the log-probability is 0 whatever the weights: its gradient is 0.
    np.testing.assert_allclose(group.action_logp[waits], 0, atol=1e-6)
    assert (group.action_logp[~waits] < -0.1).any()
    assert not group.rewards[fragment.ended == 0].any()


def test_rewards_of_hands_are_those_of_openspiel(ppo: Callable[..., PPOConfig]) -> None:
    runner = BatchedEnvRunner(config=ppo(KUHN, num_envs=64, length=24), worker_index=0)
    (fragment,) = runner.sample()
    (group,) = fragment.groups.values()
    assert len(fragment.final_index) > 300
    for (t, env), seen in zip(fragment.final_index, group.final_observations, strict=True):
        assert group.rewards[t, env].tolist() == kuhn_returns(seen)


def kuhn_returns(seen: np.ndarray) -> list[float]:
    """Plays the hand that both players' last tensors [2, 11] tell, in OpenSpiel."""
    state = pyspiel.load_game("kuhn_poker").new_initial_state()
    for card in seen[:, 2:5].argmax(axis=1):
        state.apply_action(int(card))
    for action in seen[0, 5:].reshape(3, 2):
        if action.any():
            state.apply_action(int(action.argmax()))
    assert state.is_terminal()
    return state.returns()


def test_ppo_against_itself_becomes_harder_to_exploit(
    ppo: Callable[..., PPOConfig], build: Callable[[PPOConfig], Algorithm]
) -> None:
    """Uniform play of Kuhn poker can be exploited by 0.458 (NashConv 11/12); ten iterations come to less than half."""
    config = ppo(KUHN, num_envs=256, length=32)
    config.training(num_epochs=4, minibatch_size=2048, lr=3e-3, gamma=1.0, entropy_coeff=0.02)
    algorithm = build(config)
    game = open_spiel.game(KUHN)
    (module,) = algorithm.env_runner.module.values()
    assert exploitability.exploitability(game, tabular(game, module)) > 0.4
    for _ in range(10):
        algorithm.train()
    assert exploitability.exploitability(game, tabular(game, module)) < 0.3


def tabular(game: pyspiel.Game, module: torch.nn.Module) -> policy.TabularPolicy:
    """The module's policy in every information state."""
    table = policy.TabularPolicy(game)
    for state in table.states:
        player = state.current_player()
        seen = torch.tensor([state.information_state_tensor(player)], dtype=torch.float32)
        row = {"observations": seen, "action_mask": torch.ones(1, 2, dtype=torch.uint8)}
        logits = module.forward_inference({"obs": row})["action_dist_inputs"]
        table.policy_for_key(state.information_state_string(player))[:] = torch.softmax(logits, -1)[0].detach().numpy()
    return table
