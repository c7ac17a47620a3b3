"""Policy sets in symmetric games: payoffs and equilibria by hand, gradients by differences, what learning comes to."""

import math
from itertools import product

import pytest
import torch

from marl.mra.exact import (
    EXACT,
    PolicySets,
    SetSettings,
    adapted_exploitability,
    drawn_exploitability,
    exploitabilities,
    learn,
    least_exploitability,
    prior_loss,
    set_loss,
    uniform_exploitability,
)
from marl.mra.symmetric_games import GAMES, ResourceGame, VolunteersDilemma, exploitability

SEEDS = (1, 2, 3)


def exact(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=EXACT)


def enumerate_payoffs(game, others: torch.Tensor, players: int) -> list[float]:
    """Returns what each own action pays, by going through all that the others can do."""
    paid = []
    for own in range(game.num_actions):
        total = 0.0
        for profile in product(range(game.num_actions), repeat=players - 1):
            chance = math.prod(float(others[action]) for action in profile)
            if isinstance(game, ResourceGame):
                total += chance * game.values[own] / (1 + profile.count(own))
            else:
                is_there = own == 0 or 0 in profile
                total += chance * (game.benefit * is_there - game.cost * (own == 0))
        paid.append(total)
    return paid


@pytest.mark.parametrize("players", [1, 2, 4])
@pytest.mark.parametrize("game", [ResourceGame((3.0, 2.0, 0.5)), VolunteersDilemma()])
def test_payoffs_are_those_of_all_profiles(game, players):
    others = torch.softmax(torch.arange(game.num_actions, dtype=EXACT), dim=0)
    expected = enumerate_payoffs(game, others, players)
    assert game.payoffs(others, torch.tensor(players)).tolist() == pytest.approx(expected, abs=1e-12)


def test_nobody_shares_what_nobody_chooses():
    assert ResourceGame((3.0, 2.0)).payoffs(exact(1.0, 0.0), torch.tensor(4)).tolist() == pytest.approx([0.75, 2.0])


def test_two_players_of_two_resources_by_hand():
    # 3 (1 - q / 2) = 2 (1 - (1 - q) / 2), so q = 0.8, and both pay 1.8
    assert exploitability(ResourceGame((3.0, 2.0)), exact(0.8, 0.2), torch.tensor(2)) == pytest.approx(0, abs=1e-12)
    # all at the better one: 1.5 each, beside 2 alone at the other
    assert exploitability(ResourceGame((3.0, 2.0)), exact(1.0, 0.0), torch.tensor(2)) == pytest.approx(0.5)


@pytest.mark.parametrize("players", [2, 3, 8, 16])
def test_volunteers_equilibrium_is_diekmanns(players):
    game = VolunteersDilemma(benefit=2.0, cost=0.6)
    leaves = (game.cost / game.benefit) ** (1 / (players - 1))
    assert exploitability(game, exact(1 - leaves, leaves), torch.tensor(players)) == pytest.approx(0, abs=1e-12)
    assert exploitability(game, exact(leaves, 1 - leaves), torch.tensor(players)) > 0.01


def test_policies_follow_their_own_payoffs_alone():
    """With others held, a small change of a policy is worth what the payoffs at the old one say."""
    game, counts, settings = GAMES["resources"], torch.tensor([2, 5]), SetSettings(num_latents=2, information_coeff=0.0)
    sets = PolicySets(game.num_actions, settings, [1])
    gradient = torch.autograd.grad(set_loss(game, sets, counts, settings).sum(), sets.logits)[0]
    with torch.no_grad():
        prior, step = sets.prior(counts).exp(), 1e-6
        before = prior @ sets.policies().exp()
        held = game.payoffs(before, counts)
        sets.logits[0, 1, 3] += step
        gained = (((prior @ sets.policies().exp()) - before) * held).sum(dim=-1).mean()
    assert gradient[0, 1, 3].item() == pytest.approx(-gained.item() / step, rel=1e-4)


def test_prior_that_names_every_game_has_all_information():
    """Three games, three latents: log 3 nats of the game, and log 3 of entropy of what is used."""
    told = torch.log_softmax(50 * torch.eye(3, dtype=EXACT), dim=-1).unsqueeze(0)
    assert prior_loss(told, usage_coeff=0.5).item() == pytest.approx(-1.5 * math.log(3), abs=1e-9)
    blind = torch.full((1, 3, 3), -math.log(3), dtype=EXACT)
    assert prior_loss(blind, usage_coeff=0.5).item() == pytest.approx(-0.5 * math.log(3), abs=1e-9)


@pytest.mark.parametrize("name", ["resources", "volunteers"])
def test_latents_for_all_games_are_equilibria_and_one_is_not(name):
    game, trained = GAMES[name], (2, 8)
    one = learn(game, trained, SetSettings(num_latents=1, iterations=600, lr=0.03), SEEDS)
    two = learn(game, trained, SetSettings(num_latents=2, iterations=600, lr=0.03), SEEDS)
    for players in trained:
        assert (drawn_exploitability(game, two, players) < 0.02).all()
        assert (least_exploitability(game, two, players) < 0.02).all()
    # no policy is an equilibrium of both games
    assert (drawn_exploitability(game, one, 2) + drawn_exploitability(game, one, 8) > 0.1).all()


def test_adaptation_starts_at_the_prior_and_finds_mixtures_in_between():
    game = GAMES["volunteers"]
    sets = learn(game, (2, 8), SetSettings(num_latents=2, iterations=600, lr=0.03), SEEDS)
    assert torch.equal(adapted_exploitability(game, sets, 4, 0), drawn_exploitability(game, sets, 4))
    assert (adapted_exploitability(game, sets, 4, 500) < 0.005).all()
    found = exploitabilities(game, sets, 4, (20,))
    assert list(found) == ["drawn", "least", "adapted_20"]
    assert len(found["least"]) == len(SEEDS)


def test_a_seed_is_the_same_whatever_others_learn_beside_it():
    game, settings = GAMES["resources"], SetSettings(num_latents=2, iterations=50)
    beside = learn(game, (2, 4), settings, SEEDS).policies()[1]
    assert torch.allclose(learn(game, (2, 4), settings, SEEDS[1:2]).policies()[0], beside, atol=1e-12)


def test_actions_at_random_by_hand():
    # Two resources of 3 and 2, two players, each at random: 3 (1 - 1/4) = 2.25 beside the mean of 2.25 and 1.5.
    assert uniform_exploitability(ResourceGame((3.0, 2.0)), 2) == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prior": "guess"}, "prior"),
        ({"num_latents": 0}, "num_latents"),
        ({"lr": float("nan")}, "lr"),
        ({"wanted_information": -1.0}, "wanted_information"),
    ],
)
def test_settings_that_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        SetSettings(**wrong)
