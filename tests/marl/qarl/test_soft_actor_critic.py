"""Soft actor-critic for many seeds: beside plain PyTorch, and each seed beside itself alone."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, TanhTransform, TransformedDistribution

from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics, Transitions

D, A, N = 4, 2, 16


def transitions(seeds, step=0):
    def draw(seed):
        rng = np.random.default_rng([seed, step])
        return (
            rng.normal(size=(N, D)),
            rng.uniform(-1, 1, (N, A)),
            rng.normal(size=N),
            np.abs(rng.normal(size=(N, D))),
            rng.random(N) < 0.2,
        )

    parts = zip(*(draw(seed) for seed in seeds), strict=True)
    return Transitions(*(torch.tensor(np.stack(part), dtype=torch.float32) for part in parts))


def linear(layers):
    """The same network from torch's own pieces."""
    parts = []
    for weight, bias in layers:
        own = nn.Linear(*weight.shape)
        own.weight.data, own.bias.data = weight.T.clone(), bias.clone()
        parts += [own, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


@pytest.mark.parametrize("gives", [False, True])
def test_every_seed_learns_what_it_would_alone(gives):
    settings, seeds = SacSettings(gives_temperature=gives), [3, 5, 8]
    together = SoftActorCritics(D, A, settings, seeds)
    alone = [SoftActorCritics(D, A, settings, [seed]) for seed in seeds]
    for step in range(5):
        together.update(transitions(seeds, step))
        for one, seed in zip(alone, seeds, strict=True):
            one.update(transitions([seed], step))
    for index, one in enumerate(alone):
        for mine, its in (
            (together.actor.take(index), one.actor.take(0)),
            (together.critics.take(2 * index), one.critics.take(0)),
        ):
            for (weight, bias), (other_weight, other_bias) in zip(mine, its, strict=True):
                torch.testing.assert_close(weight, other_weight, rtol=1e-5, atol=1e-7)
                torch.testing.assert_close(bias, other_bias, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(together.log_temperature[index], one.log_temperature[0])


def test_densities_are_those_of_a_squashed_normal():
    learner = SoftActorCritics(D, A, SacSettings(), [0])
    observations = torch.randn(1, 50, D)
    actions, log_density = learner.sample(observations)
    mean, log_deviation = linear(learner.actor.take(0))(observations[0]).chunk(2, dim=-1)
    squashed = TransformedDistribution(Normal(mean, log_deviation.exp()), TanhTransform())
    torch.testing.assert_close(log_density[0], squashed.log_prob(actions[0]).sum(dim=-1), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("gives", [False, True])
def test_losses_are_the_published_ones(gives):
    """Written out for one seed with torch's own layers; the same noise comes from a generator of the same state."""
    learner = SoftActorCritics(D, A, SacSettings(gives_temperature=gives, first_temperature=0.2), [1])
    batch = transitions([1])
    actor, critics, targets = (linear(net.take(0)) for net in (learner.actor, learner.critics, learner.targets))
    second, second_target = linear(learner.critics.take(1)), linear(learner.targets.take(1))

    def draw(observations):
        mean, log_deviation = actor(observations).chunk(2, dim=-1)
        normal = Normal(mean, log_deviation.exp())
        raw = mean + log_deviation.exp() * torch.randn(len(observations), A, generator=copy)
        return torch.tanh(raw), (normal.log_prob(raw) - torch.log(1 - torch.tanh(raw) ** 2)).sum(dim=-1)

    def temperature(observations):
        return observations[:, -1] if gives else 0.2

    copy = torch.Generator()
    copy.set_state(learner.generators[0].get_state())
    found_critic, (found_actor, _) = learner.critic_losses(batch), learner.actor_losses(batch)
    nexts, own = batch.nexts[0], batch.observations[0]
    actions, log_density = draw(nexts)
    inputs = torch.cat([nexts, actions], dim=-1)
    future = torch.minimum(targets(inputs), second_target(inputs))[:, 0] - temperature(nexts) * log_density
    wanted = (batch.rewards[0] + 0.99 * (1 - batch.ends[0]) * future).detach()
    given = torch.cat([own, batch.actions[0]], dim=-1)
    critic = sum(0.5 * ((net(given)[:, 0] - wanted) ** 2).mean() for net in (critics, second))
    actions, log_density = draw(own)
    inputs = torch.cat([own, actions], dim=-1)
    worth = torch.minimum(critics(inputs), second(inputs))[:, 0]
    torch.testing.assert_close(found_critic[0], critic, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found_actor[0], (temperature(own) * log_density - worth).mean(), rtol=1e-4, atol=1e-5)


def test_targets_follow_and_the_actor_leaves_the_critics_alone():
    learner = SoftActorCritics(D, A, SacSettings(critic_rate=0.0), [0, 1])
    before = [weight.detach().clone() for weight in learner.critics.parameters()]
    for target in learner.targets.parameters():
        target.zero_()
    learner.update(transitions([0, 1]))
    for weight, kept, target in zip(learner.critics.parameters(), before, learner.targets.parameters(), strict=True):
        torch.testing.assert_close(weight.detach(), kept)
        torch.testing.assert_close(target, 0.005 * kept)


def test_the_temperature_rises_where_actions_are_too_certain():
    """Its gradient is -(log density - A), so entropy below -A raises it, and above lowers it."""
    for shift, rises in ((-8.0, True), (1.0, False)):
        learner = SoftActorCritics(D, A, SacSettings(), [0])
        with torch.no_grad():
            learner.actor.weights[-1].zero_()
            learner.actor.biases[-1].zero_()
            learner.actor.biases[-1][..., A:] = shift
        learner.update(transitions([0]))
        assert (learner.log_temperature.item() > math.log(0.005)) == rises


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_sizes": (8, 0)}, "hidden_sizes must be a whole number of at least 1, got 0"),
        ({"hidden_sizes": (8.5,)}, "hidden_sizes must be a whole number of at least 1, got 8.5"),
        ({"critic_rate": -1e-3}, "critic_rate must be at least 0, got -0.001"),
        ({"actor_rate": math.nan}, "actor_rate must be a finite number"),
        ({"discount": 2.0}, "discount must be at least 0 and at most 1, got 2.0"),
        ({"smoothing": 5}, "smoothing must be at least 0 and at most 1, got 5"),
        ({"first_temperature": 0.0}, "first_temperature must be above 0, got 0.0"),
        ({"fixed_temperature": 0.0}, "fixed_temperature must be above 0, got 0.0"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        SacSettings(**settings)
