"""The losses of MRA against hand-worked numbers, plain loops and bounds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_teams import make_module, make_steps

from games.particles import EntityViews
from marl.mra import MRASettings
from marl.mra.losses import (
    attention_entropy,
    critic_loss,
    draw,
    game_loss,
    information,
    information_bound,
    information_numbers,
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
        bounds.append(information_bound(module, steps, settings(num_contrasts=3), generator(seed)).item())
    assert 0 < np.mean(bounds) <= information_numbers(module, steps)["information"].item() + 0.02
    assert max(bounds) <= math.log(3)


def test_relations_of_the_release_learn_from_its_bound_alone() -> None:
    module = make_module()
    with torch.no_grad():
        module.actor.policy.load_state_dict(module.target_policy.state_dict())
    steps, optimizer = make_steps(module, 32), torch.optim.Adam(module.actor.relation.parameters(), lr=0.02)
    before = information_numbers(module, steps)["information"].item()
    for seed in range(20):
        bound = information_bound(module, steps, settings(), generator(seed))
        optimizer.zero_grad()
        (-bound).backward()
        optimizer.step()
    assert information_numbers(module, steps)["information"].item() > 1.5 * before
    assert all(parameter.grad is None for parameter in module.actor.policy.parameters())


def test_information_of_a_policy_of_two_latents_is_the_one_worked_by_hand() -> None:
    """Two others whom a latent each names; who is named decides between two actions, 3 to 1, else 1 to 3.

    By hand, even latents: ln 2 - H(1/4) = 0.693147 - (ln 4 - 3/4 ln 3) = 0.130812 nats. Named evenly, the two others
    are the latents, so that the ceiling is the same; heads that weigh both alike have none.
    """
    module = make_module(num_latents=2, prior="uniform")
    steps = make_steps(module, alive=torch.ones(24, 4, dtype=torch.bool))
    two = torch.tensor([1.0, 1.0, 0.0]).expand(24, 4, 3)  # the third slot is empty
    steps = replace(steps, views_t=steps.views_t._replace(other_mask=two))
    module.actor.policy, module.actor.relation = Heeding(), torch.nn.Module()
    for heads, expected in ((torch.eye(2), 0.130812), (torch.full((2, 2), 0.5), 0.0)):
        relations = torch.nn.functional.pad(heads, (0, 1)).expand(24, 4, 2, 3)
        module.actor.relation.forward = lambda views, relations=relations: relations
        numbers = information_numbers(module, steps)
        assert numbers["information"].item() == pytest.approx(expected, abs=1e-5)
        assert numbers["information_ceiling"].item() == pytest.approx(0.130812, abs=1e-5)


class Heeding(torch.nn.Module):
    """Actions 3 to 1 for the first other, 1 to 3 for the second, in logits that are linear in relations."""

    def forward(self, views: EntityViews, relations: torch.Tensor) -> torch.Tensor:
        return relations @ torch.tensor([[3.0, 1.0], [1.0, 3.0], [1.0, 9.0]]).log()


def information_gradients(**changes: Any) -> tuple[float, float]:
    """What the gradient of the policy loss has beyond values and entropy: its largest part in policy and relations."""
    module = make_module()
    steps, actor = make_steps(module), module.actor
    parts = [list(actor.policy.parameters()), list(actor.relation.parameters())]
    sizes = []
    for own in parts:
        by_coeff = [
            torch.autograd.grad(
                policy_loss(module, steps, settings(information_coeff=coeff, **changes), generator())[0],
                own,
                allow_unused=True,
            )
            for coeff in (0.0, 1.0)
        ]
        pairs = [pair for pair in zip(*by_coeff, strict=True) if pair[1] is not None]
        sizes.append(max([(a - b).abs().max().item() for a, b in pairs], default=0.0))
    return sizes[0], sizes[1]


def test_information_pulls_policy_and_relations_until_there_is_what_is_wanted() -> None:
    found = information_numbers(make_module(), make_steps(make_module()))["information"].item()
    for size in information_gradients(wanted_information=2 * found):
        assert size > 1e-4
    assert information_gradients(wanted_information=0.5 * found) == pytest.approx((0, 0), abs=1e-5)
    assert information_gradients(wanted_information=2 * found, relation_follows_policy=False) == (0, 0)


def test_a_nat_of_information_takes_its_price_from_the_loss() -> None:
    """By hand: 3 * min(I, wanted) less than without, whether I or what is wanted is the smaller."""
    module = make_module()
    steps = make_steps(module)
    plain = policy_loss(module, steps, settings(information_coeff=0.0), generator())[0].item()
    found = information_numbers(module, steps)["information"].item()
    for wanted in (0.5 * found, 2 * found):
        own = settings(information_coeff=3.0, wanted_information=wanted)
        loss = policy_loss(module, steps, own, generator())[0].item()
        assert plain - loss == pytest.approx(3 * min(found, wanted), abs=1e-5)


def test_policy_and_relations_come_to_the_information_that_is_wanted() -> None:
    """From less than half of it, with values that say nothing."""
    module = make_module()
    steps, own = make_steps(module, 32), settings(wanted_information=0.1, inverse_temperature=1e6)
    module.critic.forward = lambda views, mix, actions: torch.zeros(*actions.shape, 5)
    optimizer = torch.optim.Adam([*module.actor.policy.parameters(), *module.actor.relation.parameters()], lr=3e-3)
    assert information_numbers(module, steps)["information"].item() < 0.05
    for seed in range(100):
        optimizer.zero_grad()
        policy_loss(module, steps, own, generator(seed))[0].backward()
        optimizer.step()
    assert information_numbers(module, steps)["information"].item() > 0.09


@pytest.mark.parametrize("is_late", [False, True])
def test_targets_are_rewards_and_the_soft_future_of_who_has_one(is_late: bool) -> None:
    """Against one step and agent at a time: y = r + gamma Q'(o', a') - log pi'(a') / T; in the release a' is of o."""
    module = make_module()
    steps = make_steps(module, num_steps=6)
    gone = steps.alive.clone()
    gone[::2] = False
    steps = make_steps(module, num_steps=6, next_alive=gone)
    own = settings(inverse_temperature=10.0, next_action_from_obs=is_late)
    found = soft_targets(module, steps, own, 0.9, generator(4))
    sight = steps.sight_t if is_late else steps.sight_tp1
    relations = relate(module, sight, steps.latents)
    log_probs = log_policy(module.target_policy, sight, relations, None)
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


def test_terminations_are_bootstrapped_where_they_are_ignored() -> None:
    """Then it does not matter who has a future; else, with nobody who has one, targets are rewards."""
    module = make_module()
    over, goes_on = (make_steps(module, next_alive=torch.full((24, 4), is_on)) for is_on in (False, True))
    goes_on = replace(goes_on, next_alive=goes_on.alive)
    torch.testing.assert_close(soft_targets(module, over, settings(), 0.9, generator()), over.rewards)
    ignoring = settings(ignores_terminations=True)
    found = soft_targets(module, over, ignoring, 0.9, generator())
    torch.testing.assert_close(found, soft_targets(module, goes_on, settings(), 0.9, generator()))


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
            "information": lambda steps=steps: (information_bound(module, steps, settings(), generator()),),
            "game": lambda steps=steps: game_loss(module, steps, settings(), generator()),
        }[name]()[0]
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_error_of_a_team_is_of_its_agents_together() -> None:
    """By hand, from values and targets: mean, sum, or each by itself."""
    module = make_module()
    steps = make_steps(module, next_alive=torch.zeros(24, 4, dtype=torch.bool))
    with torch.no_grad():
        full = torch.zeros(24, 4, 4)
        relations = relate(module, steps.sight_t, steps.latents)
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
        loss, numbers = game_loss(module, steps, settings(), generator(seed))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert numbers["game_accuracy"].item() > 0.8
    assert all(parameter.grad is not None for parameter in module.actor.prior.parameters())


def test_latents_that_all_populations_use_are_paid_by_their_entropy() -> None:
    """Against NumPy: the entropy of the mean prior of all agents, whatever a population's own is."""
    module = make_module()
    steps = make_steps(module)
    losses = [game_loss(module, steps, settings(usage_coeff=c), generator())[0].item() for c in (0.0, 2.0)]
    count = steps.alive.numpy().sum(axis=1)
    priors = module.actor.prior(torch.from_numpy(count)).detach().exp().numpy()
    shares = (priors * count[:, None]).sum(axis=0) / count.sum()
    assert losses[0] - losses[1] == pytest.approx(-2 * (shares * np.log(shares)).sum(), abs=1e-5)


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
