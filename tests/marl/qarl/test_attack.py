"""The common attack finds what hurts, for each protagonist by itself."""

import numpy as np
import pytest
import torch

from marl.qarl.attack import AttackSettings, CommonAttack, FrozenProtagonists
from marl.qarl.soft_actor_critic import SacSettings
from marl.qarl.stacked import StackedMLP

WORLD = ("control/point_mass_gap_v0", {"horizon": 15, "force": 4.0})
SETTINGS = AttackSettings(
    restarts=2, iterations=12, episodes=4, judged_episodes=8, first=60, batch_size=64, steps_per_update=4,
    sac=SacSettings(hidden_sizes=(16,), actor_rate=1e-2, critic_rate=1e-2, first_temperature=0.01),
)  # fmt: skip


def steady(actions, inputs):
    """Returns actors that always play one action each, [S, A], whatever they see."""
    stack = StackedMLP([inputs, 2 * len(actions[0])], [torch.Generator() for _ in actions])
    stack.weights[0].data[:] = 0
    for own, action in zip(stack.biases[0].data, actions, strict=True):
        own[0, : len(action)] = torch.atanh(torch.tensor(action))
    return stack


def test_protagonists_play_what_they_would_and_see_their_context():
    actors = FrozenProtagonists(steady([[0.5, -0.25]], 5), context=2.0)
    actors.actors.weights[0].data[0, 4, 0] = 1.0  # the context's weight on the first action
    acted = actors.act(np.zeros((1, 3, 4), np.float32))
    np.testing.assert_allclose(acted[0], [[np.tanh(np.arctanh(0.5) + 2), -0.25]] * 3, rtol=1e-5)


def test_a_protagonist_is_attacked_as_if_it_were_alone():
    """Two protagonists side by side and the second one by itself: equal adversaries, equal returns."""
    actions = [[0.0, 0.9], [0.3, 0.9]]
    both = CommonAttack(*WORLD, FrozenProtagonists(steady(actions, 4)), SETTINGS, [3, 9])
    one = CommonAttack(*WORLD, FrozenProtagonists(steady(actions[1:], 4)), SETTINGS, [9])
    for _ in range(3):
        np.testing.assert_allclose(both.iterate()[1], one.iterate()[0], rtol=1e-4)
    np.testing.assert_allclose(both.judge()[1], one.judge()[0], rtol=1e-4)


def test_adversaries_learn_to_hurt():
    """A pole that nobody balances stays up for a while; adversaries learn to throw it over at once."""
    world = ("control/cartpole_balance_v0", {"horizon": 40, "force": 4.0})
    attack = CommonAttack(*world, FrozenProtagonists(steady([[0.0]], 5)), SETTINGS, [1])
    before = attack.judge()
    for _ in range(SETTINGS.iterations):
        attack.iterate()
    after = attack.judge()
    assert after.shape == (1, 2, 8)
    assert before.mean(axis=2).max() > 25
    assert after.mean(axis=2).max() < 16


def test_wrong_budgets_are_named():
    with pytest.raises(ValueError, match="restarts must be at least 1, got 0"):
        AttackSettings(restarts=0)
    with pytest.raises(ValueError, match="judged_episodes must be a multiple of 5, got 12"):
        AttackSettings(judged_episodes=12)
    with pytest.raises(ValueError, match="first must be at most 240, all the steps, or nobody learns; got 1000"):
        CommonAttack(*WORLD, FrozenProtagonists(steady([[0.0, 0.9]], 4)), AttackSettings(iterations=4, episodes=4), [1])
