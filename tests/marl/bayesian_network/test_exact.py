"""Exact values, gradients and gaps of Bayesian-network policies, against automatic differentiation and brute force."""

import itertools

import numpy as np
import pytest
import torch

from games.bits import bits_game
from games.markov.game import from_arrays
from marl.bayesian_network import (
    BayesianNetwork,
    ascend,
    blind_nash_gaps,
    complete,
    draw_logits,
    empty,
    from_edges,
    line,
    nash_gaps,
    policy_gradient,
    price_of_anarchy,
    released_line,
    team_game,
)
from marl.bayesian_network.exact import evaluate, joint_policy, softmax_conditionals
from marl.equilibrium import markov_games

ACTIONS = (2, 3, 2)
GRAPHS = {
    "empty": empty(ACTIONS),
    "complete": complete(ACTIONS),
    "line": line(ACTIONS),
    "backwards": from_edges(ACTIONS, [(2, 0), (2, 1)]),
}


def random_game(seed=0, num_actions=ACTIONS):
    """A game of four states with common rewards, masks, and a last state that is terminal."""
    rng = np.random.default_rng(seed)
    shape = (4, *num_actions)
    rewards = rng.standard_normal(shape)
    rewards[3] = 0
    transitions = rng.dirichlet(np.ones(4), shape)
    legal = [rng.random((4, a)) < 0.7 for a in num_actions]
    for flags in legal:
        flags[:, 0] = True
    return from_arrays(
        transitions,
        np.stack([rewards] * len(num_actions)),
        initial=[0.5, 0.3, 0.2, 0],
        terminal=[3],
        legal_actions=legal,
    )


def generators(count):
    return [np.random.default_rng(seed) for seed in range(count)]


def torch_return(team, network, logits):
    """J [B] by torch, each agent's distribution looked up joint action by joint action."""
    joint = 1
    actions = list(np.ndindex(*network.num_actions))
    for agent, own in enumerate(logits):
        if team.legal is not None:
            own = own.masked_fill(~torch.tensor(team.legal[agent])[None, :, None, :], -torch.inf)
        shares = torch.softmax(own, dim=-1)
        parents = network.parents[agent]
        seen = [
            np.ravel_multi_index([a[j] for j in parents], [network.num_actions[j] for j in parents]) if parents else 0
            for a in actions
        ]
        joint = joint * torch.stack([shares[:, :, c, a[agent]] for c, a in zip(seen, actions, strict=True)], dim=-1)
    chain = torch.einsum("bsa,sat->bst", joint, torch.tensor(team.transitions))
    paid = (joint * torch.tensor(team.rewards)).sum(-1, keepdim=True)
    values = torch.linalg.solve(torch.eye(len(team.initial)) - team.discount * chain, paid)[..., 0]
    return values @ torch.tensor(team.initial)


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_gradient_is_that_of_the_return_by_automatic_differentiation(graph):
    team, network = team_game(random_game(), 0.9), GRAPHS[graph]
    logits = draw_logits(team, network, generators(3))
    gradients, returns = policy_gradient(team, network, logits)
    leaves = [torch.tensor(own, requires_grad=True) for own in logits]
    expected = torch_return(team, network, leaves)
    np.testing.assert_allclose(returns, expected.detach(), rtol=1e-12)
    for gradient, own in zip(gradients, torch.autograd.grad(expected.sum(), leaves), strict=True):
        np.testing.assert_allclose(gradient, own, atol=1e-12)


@pytest.mark.parametrize("graph", GRAPHS)
def test_conditionals_multiply_to_a_distribution_over_legal_joint_actions(graph):
    game, network = random_game(), GRAPHS[graph]
    team = team_game(game, 0.9)
    joint = joint_policy(network, softmax_conditionals(team, draw_logits(team, network, generators(2))))
    np.testing.assert_allclose(joint.sum(axis=-1), 1, rtol=1e-12)
    legal = np.array([[all(f[s, a] for f, a in zip(game.legal, each, strict=True)) for each in np.ndindex(ACTIONS)]
                      for s in range(4)])  # fmt: skip
    assert (joint[:, ~legal] == 0).all()
    assert (joint[:, legal] > 0).all()


def test_without_edges_values_and_gaps_are_those_of_independent_policies():
    game, network = random_game(), GRAPHS["empty"]
    team = team_game(game, 0.9)
    logits = draw_logits(team, network, generators(2))
    conditionals = softmax_conditionals(team, logits)
    values = evaluate(team, joint_policy(network, conditionals))
    gaps = nash_gaps(team, network, logits)
    for seed in range(2):
        gap = markov_games.nash_gap(game, [own[seed, :, 0] for own in conditionals], 0.9)
        np.testing.assert_allclose(values[seed], gap.values[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(gaps[seed], gap.gains, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(blind_nash_gaps(team, network, logits), gaps, rtol=1e-12)


def best_by_brute_force(team, network, logits, agent, is_blind):
    """The best J over all deterministic policies of one agent, blind or not, the others as they are."""
    conditionals = softmax_conditionals(team, logits)
    states, configurations, actions = conditionals[agent].shape[1:]
    columns = 1 if is_blind else configurations
    best = -np.inf
    for choice in itertools.product(range(actions), repeat=states * columns):
        table = np.eye(actions)[np.array(choice).reshape(1, states, columns)]
        conditionals[agent] = np.broadcast_to(table, (1, states, configurations, actions))
        best = max(best, float(evaluate(team, joint_policy(network, conditionals))[0] @ team.initial))
    return best


@pytest.mark.parametrize("seed", [0, 1])
def test_gaps_are_those_of_the_best_deterministic_policy(seed):
    """Two states, agent 2 sees both others: 2^8 policies that see them, 2^2 blind ones."""
    rng = np.random.default_rng(seed)
    shape = (2, 2, 2, 2)
    rewards, transitions = rng.standard_normal(shape), rng.dirichlet([1, 1], shape)
    team = team_game(from_arrays(transitions, np.stack([rewards] * 3), initial=[0.5, 0.5]), 0.8)
    network = complete((2, 2, 2))
    logits = draw_logits(team, network, [rng])
    value = price_of_anarchy(team, network, logits)[0] * team.optimum
    seeing, blind = nash_gaps(team, network, logits)[0], blind_nash_gaps(team, network, logits)[0]
    for agent in range(3):
        assert seeing[agent] + value == pytest.approx(best_by_brute_force(team, network, logits, agent, False))
        assert blind[agent] + value == pytest.approx(best_by_brute_force(team, network, logits, agent, True))
    assert (seeing >= blind - 1e-12).all()
    assert seeing[2] > blind[2] + 1e-3


def test_a_blind_answer_to_a_policy_that_sees_can_lose():
    """Agent 1 copies agent 0's coin and earns 1; blind it earns 1/2. Nobody can gain with open eyes."""
    game = from_arrays(np.ones((1, 2, 2, 1)), np.stack([np.eye(2)[None]] * 2))
    team, network = team_game(game, 0.0), complete((2, 2))
    logits = [np.zeros((1, 1, 1, 2)), 50 * np.eye(2)[None, None]]
    np.testing.assert_allclose(nash_gaps(team, network, logits), 0, atol=1e-12)
    np.testing.assert_allclose(blind_nash_gaps(team, network, logits)[0], [0, -0.5], atol=1e-12)


def test_a_complete_network_finds_what_independent_agents_miss():
    """A stag hunt for a team: apart both lose, and independent agents settle where nobody gains alone, stag or hare."""
    hunt = np.array([[3.0, -3], [-3, 2]])
    team = team_game(from_arrays(np.ones((1, 2, 2, 1)), np.stack([hunt[None]] * 2)), 0.0)
    found = {}
    for name, network in {"empty": empty((2, 2)), "complete": complete((2, 2))}.items():
        logits = ascend(team, network, draw_logits(team, network, generators(40)), 0.5, 1000)
        found[name] = price_of_anarchy(team, network, logits)
        assert ((found[name] > 0.99) | (np.abs(found[name] - 2 / 3) < 0.01)).all()
        if name == "empty":
            assert nash_gaps(team, network, logits).max() < 0.01
    assert (found["complete"] > 0.99).mean() > (found["empty"] > 0.99).mean() + 0.2


def test_each_seed_goes_its_own_way_whatever_stands_beside_it():
    team, network = team_game(bits_game(2), 0.95), complete((2, 2))
    logits = draw_logits(team, network, generators(5))
    together = ascend(team, network, logits, 0.02, 20)
    alone = ascend(team, network, [own[3:4] for own in logits], 0.02, 20)
    for own, single in zip(together, alone, strict=True):
        np.testing.assert_allclose(own[3:4], single, rtol=1e-12)


def test_named_graphs_have_their_edges():
    five = (2,) * 5
    assert released_line(five).parents == ((), (0,), (1,), (2,), ())
    assert line(five).parents == ((), (0,), (1,), (2,), (3,))
    assert released_line((2, 2)) == empty((2, 2))
    assert line((2, 2)) == complete((2, 2))
    assert [complete(five).density(), line(five).density(), empty(five).density()] == [1.0, 0.4, 0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: from_edges((2, 2), [(0, 1), (1, 0)]), "must not wait for each other in a circle, got"),
        (lambda: from_edges((2, 2), [(1, 1)]), "must not wait for each other in a circle"),
        (lambda: from_edges((2, 2), [(0, 2)]), r"edges must join agents in \[0, 1\], got \(0, 2\)"),
        (lambda: from_edges((2, 2), [(5, 1)]), r"parents of agent 1 must be agents in \[0, 1\]"),
        (lambda: BayesianNetwork((2, 2), ((),)), "parents must be given for each of 2 agents, got 1"),
        (lambda: BayesianNetwork((2, 0), ((), ())), "num_actions must be"),
        (lambda: from_edges((2, 2), [(0.5, 1)]), r"parents of agent 1 must be agents in \[0, 1\]"),
    ],
)
def test_graphs_that_are_none_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_network_of_other_agents_and_unequal_payoffs_are_refused():
    team = team_game(bits_game(2), 0.95)
    with pytest.raises(ValueError, match=r"numbers of actions, \(2, 2\), got \(2, 3\)"):
        draw_logits(team, empty((2, 3)), generators(1))
    unequal = from_arrays(np.ones((1, 2, 1)), np.ones((1, 1, 2)))
    assert team_game(unequal, 0.5).optimum == pytest.approx(2)
    prisoners = from_arrays(np.ones((1, 2, 2, 1)), [[[[3, 0], [5, 1]]], [[[3, 5], [0, 1]]]])
    with pytest.raises(ValueError, match="rewards differ"):
        team_game(prisoners, 0.5)


@pytest.mark.parametrize(
    "call",
    [
        policy_gradient,
        price_of_anarchy,
        nash_gaps,
        blind_nash_gaps,
        lambda team, network, logits: ascend(team, network, logits, 0.1, 1),
    ],
)
def test_logits_that_are_no_numbers_or_of_other_agents_are_refused(call):
    team = team_game(bits_game(2), 0.95)
    logits = draw_logits(team, complete((2, 2)), generators(1))
    call(team, complete((2, 2)), logits)
    with pytest.raises(ValueError, match="logits must be finite"):
        call(team, complete((2, 2)), [logits[0], np.full_like(logits[1], np.nan)])
    with pytest.raises(ValueError, match=r"logits must have the shapes .* by agent, got \[\(1, 4, 1, 2\)\]"):
        call(team, complete((2, 2)), logits[:1])
    with pytest.raises(ValueError, match="logits must have the shapes"):
        call(team, empty((2, 2)), logits)


def test_steps_that_cannot_be_taken_are_refused():
    team = team_game(bits_game(2), 0.95)
    logits = draw_logits(team, empty((2, 2)), generators(1))
    for size, count in ((np.nan, 1), (0.1, -1)):
        with pytest.raises(ValueError, match="step_size must be finite and iterations 0 or more"):
            ascend(team, empty((2, 2)), logits, size, count)
    with pytest.raises(ValueError, match="generators must be at least one"):
        draw_logits(team, empty((2, 2)), [])
