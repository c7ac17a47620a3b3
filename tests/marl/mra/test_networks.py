"""The networks of MRA: sets of any size, in any order, with anybody missing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_teams import WORLD, make_module, observe
from torch import nn

from agents.relations import Perceptron, masked_softmax
from games.particles import EntityViews
from marl.mra.critic import relations_within

LARGE = {**WORLD, "num_agents": 9, "populations": None}


def logits_of(module: Any, views: EntityViews) -> torch.Tensor:
    latents = torch.eye(module.num_latents)[torch.zeros(views.own.shape[:-1], dtype=torch.long)]
    logits: torch.Tensor = module.actor(views, latents)
    return logits


def test_weights_are_of_those_who_are_there() -> None:
    """By hand: softmax of (0, log 3) is (1/4, 3/4); nobody there: nothing."""
    scores = torch.tensor([[0.0, 3.0**0.5, 0.0], [1.0, 2.0, 3.0]])
    scores[0, 1] = torch.tensor(3.0).log()
    weights = masked_softmax(scores, torch.tensor([[1, 1, 0], [0, 0, 0]]))
    torch.testing.assert_close(weights, torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]]))
    assert masked_softmax(torch.zeros(2, 0), torch.zeros(2, 0)).shape == (2, 0)


@pytest.mark.parametrize("landmarks", ["set", "row"])
def test_the_order_of_others_and_empty_slots_do_not_matter(landmarks: str) -> None:
    module = make_module(LARGE, landmarks=landmarks)
    seen, _ = observe(LARGE)
    views = module.views(seen)
    expected = logits_of(module, views)
    order = torch.randperm(8)
    moved = views._replace(others=views.others[..., order, :], other_mask=views.other_mask[..., order])
    torch.testing.assert_close(logits_of(module, moved), expected)
    padded = views._replace(
        others=nn.functional.pad(views.others, (0, 0, 3, 4), value=7.0),
        other_mask=nn.functional.pad(views.other_mask, (3, 4)),
    )
    torch.testing.assert_close(logits_of(module, padded), expected)


def test_landmarks_are_a_set() -> None:
    module = make_module()
    views = module.views(observe(WORLD)[0])
    order = torch.randperm(6)
    moved = views._replace(landmarks=views.landmarks[..., order, :], landmark_mask=views.landmark_mask[..., order])
    torch.testing.assert_close(logits_of(module, moved), logits_of(module, views))


def test_one_set_of_weights_plays_in_any_number() -> None:
    small, large = make_module(), make_module(LARGE, seed=1)
    sizes = [{name: tuple(array.shape) for name, array in each.actor.state_dict().items()} for each in (small, large)]
    assert sizes[0] == sizes[1]
    critics = [sum(array.numel() for array in each.critic.parameters()) for each in (small, large)]
    assert critics[0] == critics[1]


@pytest.mark.parametrize("num_agents", [1, 2, 48])
def test_it_is_defined_for_one_agent_and_for_many(num_agents: int) -> None:
    world = {"num_agents": num_agents, "horizon": 5}
    module = make_module(world)
    logits = logits_of(module, module.views(observe(world)[0]))
    assert logits.shape == (5, num_agents, 5)
    assert torch.isfinite(logits).all()
    assert logits.flatten(0, 1).std(dim=0).min() > 0  # they see where they are, alone as well


def test_without_sight_of_itself_who_is_alone_does_the_same_everywhere() -> None:
    world = {"num_agents": 1, "horizon": 5}
    module = make_module(world, sees_itself=False, landmarks="row")
    logits = logits_of(module, module.views(observe(world)[0])).flatten(0, 1)
    torch.testing.assert_close(logits, logits[:1].expand_as(logits))


def test_a_latent_chooses_its_own_relation() -> None:
    module = make_module()
    views = module.views(observe(WORLD)[0])
    relations = module.actor.relation(views)
    for z in range(module.num_latents):
        latents = torch.eye(module.num_latents)[z].expand(*views.own.shape[:-1], -1)
        expected = module.actor.policy(views, relations[..., z : z + 1, :]).squeeze(-2)
        torch.testing.assert_close(module.actor(views, latents), expected)


def test_relations_within_a_group_leave_out_oneself_and_other_groups() -> None:
    """Against plain loops: five agents in the world, of whom the last three are the group."""
    relations = torch.rand(2, 3, 4)
    expected = torch.zeros(2, 3, 3)
    for b in range(2):
        for i in range(3):
            others = [j for j in range(5) if j != 2 + i]
            for m, j in enumerate(others):
                if j >= 2:
                    expected[b, i, j - 2] = relations[b, i, m]
    torch.testing.assert_close(relations_within(relations, first=2), expected)


@pytest.mark.parametrize("sees_own", [False, True])
def test_values_see_the_own_action_only_where_that_is_wanted(sees_own: bool) -> None:
    module = make_module(own_action_in_critic=sees_own, policy_gradient="sampled")
    seen, _ = observe(WORLD)
    views = module.views(seen)
    mix = torch.rand(5, 4, 4) * (1 - torch.eye(4))
    actions = torch.zeros(5, 4, dtype=torch.long)
    before = module.critic(views, mix, actions)
    actions[:, 2] = 3
    changed = (module.critic(views, mix, actions) - before).abs().amax(dim=(0, 2)) > 0
    assert changed.tolist() == [True, True, sees_own, True]


def test_networks_of_one_latent_have_as_many_weights_but_for_the_prior() -> None:
    """By hand: a prior of n over 16 units to 6 latents has 2 * 16 + 17 * 6 = 134."""
    sizes = {}
    for count in (1, 6):
        actor = make_module(num_latents=count).actor
        sizes[count] = {name: sum(p.numel() for p in part.parameters()) for name, part in actor.named_children()}
    assert sizes[1] == sizes[6] | {"prior": 0}
    assert sizes[6]["prior"] == 134


def test_longer_keys_make_no_sharper_relations() -> None:
    """Products of k independent numbers have a deviation that grows with the root of k; the release divides 16 by 8."""
    scales = {count: make_module(num_latents=count).actor.relation.scale for count in (1, 6)}
    assert scales == pytest.approx({6: 8.0, 1: 8 * 6**0.5})


def test_sums_before_the_last_layer_are_those_after_it() -> None:
    """Against the definitions, with every output computed."""
    layers = Perceptron(3, 8, 6).double()
    nn.init.normal_(layers[-1].bias)
    seen, weights = torch.rand(4, 5, 3).double(), torch.rand(4, 2, 5).double()
    outputs = layers(seen)
    torch.testing.assert_close(layers.pooled(weights, seen), weights @ outputs)
    parts = outputs.unflatten(-1, (2, 3))
    torch.testing.assert_close(layers.pooled_by_head(weights, seen), torch.einsum("bhm,bmhe->bhe", weights, parts))
    keys = torch.rand(4, 2, 3).double()
    torch.testing.assert_close(layers.products(keys, seen), torch.einsum("bhe,bmhe->bhm", keys, parts))


def test_who_has_no_latent_has_no_relations() -> None:
    module = make_module()
    views = module.views(observe(WORLD)[0])
    assert (module.actor.relation.under(views, torch.zeros(*views.own.shape[:-1], module.num_latents)) == 0).all()
