"""QARL's rivals and schedules: an attack on actions, two actors that share them, and what decides temperatures."""

import copy

import numpy as np
import pytest
import torch

from marl.qarl import mixed_actors
from marl.qarl.action_shift import ActionShift
from marl.qarl.methods import METHODS
from marl.qarl.mixed_actors import LangevinOptimizer, MixedActors
from marl.qarl.schedules import PointSchedule, Temperatures
from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics, Transitions
from marl.qarl.stacked import StackedMLP

SMALL = SacSettings(hidden_sizes=(8,), actor_rate=1e-2)


class Gaussian:
    """A policy with one mean and deviation for whatever is seen."""

    def __init__(self, mean, deviation):
        self.mean, self.deviation = torch.tensor([[mean]]), torch.tensor([[deviation]])

    def distribution(self, observations):
        return self.mean, self.deviation


def shifted(attack, policy, action, share=1.0):
    return attack.apply(policy, np.zeros((1, 1, 3), np.float32), np.array([[action]], np.float32), share)[0, 0]


def test_shifts_go_away_from_the_mean_as_far_as_the_budget_goes():
    """In one dimension the density falls on both sides, so the whole budget is used, away from the mean."""
    policy = Gaussian([0.0], [0.3])
    for is_released in (True, False):
        attack = ActionShift(0.1, is_released)
        assert shifted(attack, policy, [0.2]) == pytest.approx([0.3], abs=1e-6)
        assert shifted(attack, policy, [-0.2]) == pytest.approx([-0.3], abs=1e-6)
        assert shifted(attack, policy, [0.2], share=0.5) == pytest.approx([0.25], abs=1e-6)
        assert shifted(attack, policy, [0.97]) == pytest.approx([1.0]), "actions end at 1"
        assert shifted(attack, policy, [0.2], share=0.0) == pytest.approx([0.2])


def test_the_release_looks_at_the_density_before_tanh():
    """Mean 1 before tanh is 0.762 after: of 0.85, the released form goes below (0.85 < 1), the corrected one above."""
    policy = Gaussian([1.0], [0.2])
    assert shifted(ActionShift(0.05, True), policy, [0.85])[0] < 0.85
    assert shifted(ActionShift(0.05, False), policy, [0.85])[0] > 0.85


def test_the_slope_is_that_of_the_squashed_density():
    """Beside torch's own transformed distribution, differentiated by torch."""
    mean, deviation = torch.tensor([0.3, -0.5]), torch.tensor([0.4, 1.1])
    actions = torch.tensor([0.6, -0.2], requires_grad=True)
    squashed = torch.distributions.TransformedDistribution(
        torch.distributions.Normal(mean, deviation), torch.distributions.TanhTransform()
    )
    squashed.log_prob(actions).sum().backward()
    slope = ActionShift(1.0)._slope(actions.detach(), mean, deviation)
    torch.testing.assert_close(slope, actions.grad, rtol=1e-5, atol=1e-6)


def test_budgets_grow_between_a_fifth_and_four_fifths_of_the_training():
    attack = ActionShift(1.0)
    assert [attack.share(progress) for progress in (0, 0.2, 0.35, 0.5, 0.8, 1)] == pytest.approx(
        [0, 0, 0.25, 0.5, 1, 1]
    )


def make_mixed(mixing, is_released=False):
    return MixedActors(3, 2, SMALL, [4, 5], mixing, is_released)


def make_batch():
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(2, 16, size, generator=generator) for size in (3, 2, 3)]
    zeros = torch.zeros(2, 16)
    return Transitions(parts[0], torch.tanh(parts[1]), torch.randn(2, 16, generator=generator), parts[2], zeros)


def test_targets_hear_the_second_actor_but_not_as_released():
    """With a share of 1 the targets depend on nobody else; the release draws that share from the first actor."""
    for is_released, changes in ((False, True), (True, False)):
        losses = []
        for scale in (1.0, 3.0):
            mixed = make_mixed(1.0, is_released)
            for parameter in mixed.second.parameters():
                parameter.data *= scale
            losses.append(mixed.critic_losses(make_batch()).detach())
        assert torch.equal(*losses) is not changes


def test_actors_pull_the_values_apart():
    """With the temperature near 0, the first actor's step raises and the second's lowers what the critics say."""
    settings = SacSettings(hidden_sizes=(8,), actor_rate=1e-3, first_temperature=1e-6)
    batch = make_batch()
    for name, sign in (("langevin", 1), ("second_langevin", -1)):
        mixed = MixedActors(3, 2, settings, [4, 5], 0.5)
        for network in (mixed.actor, mixed.second):
            network.biases[-1].data[..., 2:] = -20.0  # hardly any chance in actions
        first, _ = mixed.sample(batch.observations)
        second, _ = mixed.sample(batch.observations, mixed.second)
        before = mixed.worth(batch.observations, 0.5 * first + 0.5 * second).mean()
        loss = mixed.actor_losses(batch)[0] if sign > 0 else mixed.second_losses(batch)
        loss.sum().backward()
        getattr(mixed, name).step()
        first, _ = mixed.sample(batch.observations)
        second, _ = mixed.sample(batch.observations, mixed.second)
        after = mixed.worth(batch.observations, 0.5 * first + 0.5 * second).mean()
        assert sign * (after - before) > 0


def test_the_mean_of_the_first_actor_is_what_is_judged():
    mixed = make_mixed(0.5)
    old = copy.deepcopy(mixed.mean_actor)
    mixed.update(make_batch())
    for before, now, mean in zip(
        old.parameters(), mixed.actor.parameters(), mixed.mean_actor.parameters(), strict=True
    ):
        torch.testing.assert_close(mean, 0.999 * before + 0.001 * now, rtol=1e-5, atol=1e-7)
    observations = make_batch().observations
    wanted = torch.tanh(mixed.mean_actor(observations)[..., :2])
    assert torch.equal(mixed.act(observations, is_greedy=True), wanted)


def test_langevin_steps_by_hand(monkeypatch):
    """First step: v = 0.01 g^2, so C g = 10 sign(g); the noise has a deviation of sigma sqrt(2 rate C)."""
    generators = [torch.Generator().manual_seed(0)]
    network = StackedMLP([400, 50], generators)
    weight, start = network.weights[0], network.weights[0].detach().clone()
    optimizer = LangevinOptimizer(network, 1e-3, generators)
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 4.0)
    monkeypatch.setattr(mixed_actors, "NOISE", 0.0)
    optimizer.step()
    torch.testing.assert_close(weight, start - 1e-2, rtol=0, atol=1e-6)
    monkeypatch.setattr(mixed_actors, "NOISE", 1.0)
    fresh = LangevinOptimizer(network, 1e-3, generators)
    before = weight.detach().clone()
    fresh.step()
    moved = weight.detach() - before + 1e-2
    assert float(moved.std()) == pytest.approx((2 * 1e-3 / 0.4) ** 0.5, rel=0.03)


def test_the_point_falls_with_thirty_good_returns():
    point = PointSchedule(threshold=5.0, hot=0.003, cold=0.0015)
    for returns, wanted in (([6.0] * 29, 0.003), ([6.0], 0.002), ([5.0] * 30, 0.002), ([7.0] * 30, 0.0015)):
        point.add(np.zeros(len(returns)), np.array(returns))
        point.update()
        assert point.draw(2) == pytest.approx([wanted, wanted])


def test_single_draws_hold_for_an_iteration():
    temperatures = Temperatures(METHODS["single"], 10, 0.0, 0.05, 0.001, [0, 1])
    drawn = temperatures.draw(0, 4)
    assert (drawn == drawn[:, :1]).all()
    assert drawn[0, 0] != drawn[1, 0] != temperatures.draw(1, 4)[1, 0]


def test_every_curriculum_ends_at_the_cold_temperature():
    """Gamma(1, 1 / cold) has that mean, from wherever the curriculum begins."""
    temperatures = Temperatures(METHODS["qarl"], 10, -1.0, 0.5, 0.002, [0])
    assert temperatures.followers[0].mean_temperature == pytest.approx(0.5)
    for _ in range(60):
        drawn = temperatures.draw(0, 30)
        temperatures.note(drawn, np.zeros((1, 30)))
    assert temperatures.followers[0].mean_temperature == pytest.approx(0.002)


def test_a_cold_pusher_does_not_learn_its_temperature():
    fixed = SoftActorCritics(3, 2, SacSettings(hidden_sizes=(8,), fixed_temperature=0.001), [0, 1])
    fixed.update(make_batch())
    assert fixed.log_temperature.exp().ravel().tolist() == pytest.approx([0.001, 0.001])
