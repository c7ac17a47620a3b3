"""The losses of MRA against hand-worked numbers, plain loops and bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from small_teams import make_module, make_steps

from marl.mra import MRASettings
from marl.mra.losses import (
    attention_entropy,
    critic_loss,
    draw,
    game_loss,
    information,
    information_loss,
    log_policy,
    policy_loss,
    relate,
    soft_targets,
)
from marl.mra.reward_scale import RewardScale


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def settings(**changes: Any) -> MRASettings:
    return MRASettings(**changes)


def test_information_of_latents_that_decide_and_of_latents_that_do_not() -> None:
    """By hand: two latents, each sure of its own action, tell log 2; a sure prior, or equal policies, tell nothing."""
    even, sure = torch.tensor([0.5, 0.5]).log(), torch.tensor([1.0, 0.0]).log()
    apart = torch.tensor([[1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9]], dtype=torch.float64).log()
    assert information(even.double(), apart).item() == pytest.approx(math.log(2), abs=1e-6)
    assert information(sure.double(), apart).item() == pytest.approx(0, abs=1e-6)
    assert information(even.double(), apart[:1].expand(2, -1)).item() == pytest.approx(0, abs=1e-6)


def test_information_is_the_entropy_of_actions_less_that_under_latents() -> None:
    """I(A; Z) = H(A) - H(A | Z), with NumPy."""
    rng = np.random.default_rng(1)
    prior, policies = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(5), size=4)
    mixture = prior @ policies
    expected = -(mixture * np.log(mixture)).sum() + (prior @ (policies * np.log(policies))).sum()
    found = information(torch.from_numpy(np.log(prior)), torch.from_numpy(np.log(policies)))
    assert found.item() == pytest.approx(expected)


def test_the_bound_is_a_bound_of_the_information_and_of_log_k() -> None:
    """Contrastive bounds with the latent itself among the K (van den Oord et al. 2018): at most log K, and I."""
    module = make_module()
    with torch.no_grad():  # relations that differ much, of a policy that heeds them, as its target is
        module.actor.relation.key[-1].weight.mul_(20)
        module.actor.policy.load_state_dict(module.target_policy.state_dict())
    steps, bounds = make_steps(module, num_steps=400), []
    for seed in range(10):
        _, numbers = information_loss(module, steps, settings(num_contrasts=3), generator(seed))
        bounds.append(numbers["information_bound"].item())
    assert 0 < np.mean(bounds) <= numbers["information"].item() + 0.02
    assert max(bounds) <= math.log(3)


@pytest.mark.parametrize("estimate", ["exact", "contrastive"])
def test_more_information_is_what_the_relations_learn(estimate: str) -> None:
    module = make_module()
    steps, optimizer = make_steps(module, 32), torch.optim.Adam(module.actor.relation.parameters(), lr=0.02)
    found = []
    for seed in range(20):
        loss, numbers = information_loss(module, steps, settings(information_estimate=estimate), generator(seed))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(numbers["information"].item())
    assert np.mean(found[-5:]) > 1.5 * found[0]
    assert all(parameter.grad is None for parameter in module.target_policy.parameters())


def test_targets_are_rewards_and_the_soft_future_of_who_has_one() -> None:
    """Against one step and agent at a time: y = r + gamma Q'(o', a') - log pi'(a') / T."""
    module = make_module()
    steps = make_steps(module, num_steps=6)
    gone = steps.alive.clone()
    gone[::2] = False
    steps = make_steps(module, num_steps=6, next_alive=gone)
    own = settings(inverse_temperature=10.0)
    found = soft_targets(module, steps, own, 0.9, generator(4))
    relations = relate(module, steps.views_tp1, steps.latents)
    log_probs = log_policy(module.target_policy, steps.views_tp1, relations, None)
    actions = draw(log_probs, generator(4))
    for b in range(6):
        for i in range(4):
            expected = steps.rewards[b, i].item()
            if gone[b, i]:
                mix = torch.zeros(1, 4, 4)
                for m, j in enumerate(j for j in range(4) if j != i):
                    mix[0, i, j] = relations[b, i, m]
                views = type(steps.views_tp1)(*(part[b : b + 1] for part in steps.views_tp1))
                values = module.target_critic(views, mix, actions[b : b + 1])[0, i]
                expected += 0.9 * values[actions[b, i]].item() - log_probs[b, i, actions[b, i]].item() / 10
            assert found[b, i].item() == pytest.approx(expected, abs=1e-4)


def test_released_forms_are_other_targets() -> None:
    module = make_module()
    steps = make_steps(module, next_alive=torch.zeros(24, 4, dtype=torch.bool))
    plain = soft_targets(module, steps, settings(), 0.9, generator())
    torch.testing.assert_close(plain, steps.rewards)
    kept = soft_targets(module, steps, settings(ignores_terminations=True), 0.9, generator())
    late = settings(ignores_terminations=True, next_action_from_obs=True)
    assert not torch.allclose(kept, plain)
    assert not torch.allclose(soft_targets(module, steps, late, 0.9, generator()), kept)


@pytest.mark.parametrize("name", ["critic", "policy", "information", "game"])
def test_slots_that_are_empty_change_no_loss(name: str) -> None:
    module, losses = make_module(), []
    for fill in (0, 1):
        steps = make_steps(module)
        out = ~steps.alive
        actions, rewards = steps.actions.masked_fill(out, fill), steps.rewards.masked_fill(out, 9.0 * fill)
        views = steps.views_t._replace(own=steps.views_t.own + fill * out[..., None])
        steps = make_steps(module, actions=actions, rewards=rewards, views_t=views)
        loss = {
            "critic": lambda steps=steps: critic_loss(module, steps, settings(), 0.9, generator()),
            "policy": lambda steps=steps: policy_loss(module, steps, settings(), generator()),
            "information": lambda steps=steps: information_loss(module, steps, settings(), generator()),
            "game": lambda steps=steps: game_loss(module, steps, generator()),
        }[name]()[0]
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_error_of_a_team_is_of_its_agents_together() -> None:
    """By hand, from values and targets: mean, sum, or each by itself."""
    module = make_module()
    steps = make_steps(module, next_alive=torch.zeros(24, 4, dtype=torch.bool))
    with torch.no_grad():
        full = torch.zeros(24, 4, 4)
        relations = relate(module, steps.views_t, steps.latents)
        for i in range(4):
            for m, j in enumerate(j for j in range(4) if j != i):
                full[:, i, j] = relations[:, i, m]
        values = module.critic(steps.views_t, full, steps.actions).gather(-1, steps.actions[..., None])[..., 0]
    errors = ((values - steps.rewards) * steps.alive).numpy()
    count = steps.alive.numpy().sum(axis=1)
    expected = {
        "sum": (errors.sum(axis=1) ** 2).mean(),
        "mean": ((errors.sum(axis=1) / count) ** 2).mean(),
        "own": (errors**2).sum() / count.sum(),
    }
    for name, value in expected.items():
        loss, _ = critic_loss(module, steps, settings(team_error=name), 0.9, generator())
        assert loss.item() == pytest.approx(value, rel=1e-4)


def test_an_expected_gradient_is_the_mean_of_sampled_ones() -> None:
    """E[grad log pi(a) (log pi(a) / T - Q(a))] = grad E[log pi / T - Q], for values that do not see the own action.

    With nobody related to anybody, values do not hang on the draws at all.
    """
    module = make_module()
    nobody = torch.zeros(24, 4, 3)
    steps = make_steps(module)
    steps = make_steps(module, views_t=steps.views_t._replace(other_mask=nobody))
    parameter = module.actor.policy.head[-1].weight
    expected = torch.autograd.grad(policy_loss(module, steps, settings(), generator())[0], parameter)[0]
    draws = [
        torch.autograd.grad(policy_loss(module, steps, settings(policy_gradient="sampled"), generator(k))[0], parameter)
        for k in range(150)
    ]
    mean = torch.stack([gradient[0] for gradient in draws]).mean(dim=0)
    assert torch.nn.functional.cosine_similarity(mean.flatten(), expected.flatten(), dim=0) > 0.95
    assert (mean.norm() / expected.norm()).item() == pytest.approx(1, abs=0.2)


def test_attention_entropy_is_1_of_equal_weights_and_0_of_one() -> None:
    module = make_module()
    steps = make_steps(module)
    there = steps.views_t.other_mask
    equal = there / there.sum(dim=-1, keepdim=True).clamp(min=1)
    assert attention_entropy(equal, steps).item() == pytest.approx(1)
    one = torch.nn.functional.one_hot(there.argmax(dim=-1), 3).float()
    assert attention_entropy(one, steps).item() == pytest.approx(0, abs=1e-6)


def test_prior_and_predictor_learn_which_game_it_is() -> None:
    module = make_module()
    steps, own = make_steps(module, 128), [*module.actor.prior.parameters(), *module.predictor.parameters()]
    optimizer = torch.optim.Adam(own, lr=0.01)
    for seed in range(60):
        loss, numbers = game_loss(module, steps, generator(seed))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert numbers["game_accuracy"].item() > 0.8
    assert all(parameter.grad is not None for parameter in module.actor.prior.parameters())


def test_rewards_have_mean_0_and_deviation_1_by_population() -> None:
    """Against NumPy over all that was paid."""
    scale, rng = RewardScale(), np.random.default_rng(2)
    paid = {n: rng.normal(n, n, size=(2, 50)) for n in (3, 6)}
    for n, parts in paid.items():
        for part in parts:
            scale.add(n, part)
    rewards = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    expected = [
        (rewards[0] - paid[3].mean()) / paid[3].std(),
        (rewards[1] - paid[6].mean()) / paid[6].std(),
        rewards[2],
    ]
    np.testing.assert_allclose(scale.scale(rewards, np.array([3, 6, 9])), expected, rtol=1e-5)
