"""Sampled graphs of agents: no circles, the right chances, the best assignments, gradients of the soft forms."""

import itertools

import networkx as nx
import numpy as np
import pytest
import torch

from marl.dag import DagNet, DagNoise, assign, density, draw_noise, levels, no_noise, sample_dags, sinkhorn
from marl.dag_passes import WAYS


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_inputs(batch, agents, seed=0):
    rng = generator(seed)
    scores, logits = (2 * torch.randn(batch, agents, agents, generator=rng) for _ in range(2))
    return scores, logits, draw_noise(batch, agents, rng)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_assignments_are_the_best_of_all_permutations(size):
    scores = np.random.default_rng(size).standard_normal((40, size, size))
    every = np.array(list(itertools.permutations(range(size))))
    worth = scores[:, np.arange(size), every].sum(axis=2)
    np.testing.assert_array_equal(assign(scores), every[worth.argmax(axis=1)])


@pytest.mark.parametrize("scores", [np.zeros((2, 3, 4)), np.full((1, 2, 2), np.nan), np.zeros((3, 3))])
def test_scores_that_cannot_be_assigned_are_refused(scores):
    with pytest.raises(ValueError, match=r"scores must (have the shape \[B, N, N\]|be finite)"):
        assign(scores)


def test_sinkhorn_makes_rows_and_columns_sum_to_one():
    matrix = sinkhorn(torch.randn(20, 5, 5, generator=generator()), 200)
    ones = torch.ones(20, 5)
    torch.testing.assert_close(matrix.sum(dim=1), ones)
    torch.testing.assert_close(matrix.sum(dim=2), ones)


def sinkhorn_by_definition(scores, iterations):
    """Mena et al. 2018, equation 2, in logarithms."""
    for _ in range(iterations):
        for dim in (-1, -2):
            scores = scores - torch.logsumexp(scores, dim=dim, keepdim=True)
    return scores.exp()


@pytest.mark.parametrize("iterations", [1, 2, 20])
@pytest.mark.parametrize("spread", [1, 300])
def test_sinkhorn_and_its_gradient_are_those_of_the_definition_in_logarithms(spread, iterations):
    """A spread of 300 leaves float64's exponentials far behind: e^-900 is 0."""
    rng = generator(1)
    scores = (spread * torch.randn(30, 4, 4, generator=rng)).double().requires_grad_()
    weights = torch.randn(30, 4, 4, generator=rng).double()
    both = [form(scores, iterations) for form in (sinkhorn, sinkhorn_by_definition)]
    torch.testing.assert_close(*both, rtol=1e-9, atol=1e-12)
    gradients = [torch.autograd.grad((weights * form).sum(), scores)[0] for form in both]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("agents", [1, 2, 5, 9])
def test_no_graph_has_a_circle_and_parents_act_first(agents):
    sampled = sample_dags(*random_inputs(200, agents))
    assert set(sampled.graph.unique().tolist()) <= {0.0, 1.0}
    for graph, order in zip(sampled.graph.numpy(), sampled.order.numpy(), strict=True):
        network = nx.from_numpy_array(graph, create_using=nx.DiGraph)
        assert nx.is_directed_acyclic_graph(network)
        place = np.argsort(order)
        assert all(place[parent] < place[child] for parent, child in network.edges)


def test_edges_along_the_order_come_with_the_chance_of_their_logit():
    """The order is fixed by large scores, agent 2 first, then 0, then 1."""
    batch = 20_000
    scores = torch.full((3, 3), -30.0)
    scores[0, 2] = scores[1, 0] = scores[2, 1] = 30.0
    logits = torch.tensor([[0.0, 1.0, 5.0], [5.0, 0.0, 5.0], [-2.0, 0.5, 0.0]])
    noise = draw_noise(batch, 3, generator())
    sampled = sample_dags(scores.expand(batch, 3, 3), logits.expand(batch, 3, 3), noise)
    assert (sampled.order == torch.tensor([2, 0, 1])).all()
    expected = torch.zeros(3, 3)
    for parent, child in ((2, 0), (2, 1), (0, 1)):
        expected[parent, child] = torch.sigmoid(logits[parent, child])
    assert (sampled.graph.mean(dim=0) - expected).abs().max() < 5 * 0.5 / batch**0.5


def test_equal_scores_make_all_orders_equally_likely():
    batch = 12_000
    sampled = sample_dags(torch.zeros(batch, 3, 3), torch.zeros(batch, 3, 3), draw_noise(batch, 3, generator()))
    found = [
        (sampled.order == torch.tensor(order)).all(dim=1).float().mean() for order in itertools.permutations(range(3))
    ]
    assert max(abs(share - 1 / 6) for share in found) < 5 * (5 / 36 / batch) ** 0.5


def test_the_same_noise_makes_the_same_graphs_and_none_the_likeliest():
    scores, logits, noise = random_inputs(50, 4)
    first, again = (sample_dags(scores, logits, noise) for _ in range(2))
    assert torch.equal(first.graph, again.graph)
    other = sample_dags(scores, logits, draw_noise(50, 4, generator(9)))
    assert not torch.equal(first.graph, other.graph)
    likeliest = sample_dags(scores, logits, no_noise(50, 4))
    place = likeliest.order.argsort(dim=1)
    along = place[:, :, None] < place[:, None, :]
    assert torch.equal(likeliest.graph.bool(), along & (logits > 0))


def test_gradients_of_edges_are_those_of_the_sigmoid_where_the_order_allows():
    scores, logits, noise = random_inputs(30, 4)
    logits.requires_grad_()
    sampled = sample_dags(scores, logits, noise)
    sampled.graph.sum().backward()
    place = sampled.order.argsort(dim=1)
    along = place[:, :, None] < place[:, None, :]
    soft = torch.sigmoid(logits.detach() + noise.edges)
    torch.testing.assert_close(logits.grad, along * soft * (1 - soft))


def test_gradients_of_orders_are_those_of_sinkhorns_matrix():
    """With all edges on, d sum(W * G) = d sum over (j, i) of W (P^T M P), by the chain rule at the hard P."""
    scores, _, noise = random_inputs(5, 3)
    weights = torch.randn(5, 3, 3, generator=generator(4))
    scores.requires_grad_()
    sampled = sample_dags(scores, torch.full((5, 3, 3), 40.0), DagNoise(noise.order, torch.zeros(5, 3, 3)))
    (weights * sampled.graph).sum().backward()
    upper = torch.ones(3, 3).triu(1)
    places = torch.nn.functional.one_hot(sampled.order, 3).float()
    by_places = upper @ places @ weights.transpose(1, 2) + upper.T @ places @ weights
    leaf = scores.detach().clone().requires_grad_()
    soft = sinkhorn(torch.nn.functional.logsigmoid(leaf) + noise.order)
    (expected,) = torch.autograd.grad((by_places * soft).sum(), leaf)
    torch.testing.assert_close(scores.grad, expected)


def test_graphs_are_the_same_whether_gradients_are_asked_for_or_not():
    scores, logits, noise = random_inputs(40, 5)
    plain = sample_dags(scores, logits, noise)
    tracked = sample_dags(scores.requires_grad_(), logits.requires_grad_(), noise)
    assert not plain.graph.requires_grad
    assert torch.equal(plain.graph, tracked.graph.detach())


def test_agents_that_are_out_have_no_edges():
    alive = torch.tensor([[True, False, True, True]]).expand(40, 4)
    scores, logits, noise = random_inputs(40, 4)
    graph = sample_dags(scores, logits + 9, noise, alive=alive).graph
    assert (graph[:, 1] == 0).all()
    assert (graph[:, :, 1] == 0).all()
    assert density(graph, alive) > 0.9
    assert density(torch.zeros(3, 1, 1)) == 0
    assert density(torch.ones(3, 4, 4).triu(1)) == 1


def test_a_net_learns_the_order_and_the_edges_that_a_context_asks_for():
    """Context 0 wants the edge 0 -> 1 alone, context 1 the edge 1 -> 0: opposite orders."""
    torch.manual_seed(0)
    net, rng = DagNet(2, 2, 16), generator(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    contexts = torch.eye(2).repeat(32, 1)
    wanted = torch.zeros(2, 2, 2)
    wanted[0, 0, 1] = wanted[1, 1, 0] = 1
    for _ in range(150):
        graph = sample_dags(*net(contexts), draw_noise(64, 2, rng)).graph
        optimizer.zero_grad()
        (graph - wanted.repeat(32, 1, 1)).square().sum(dim=(1, 2)).mean().backward()
        optimizer.step()
    learnt = sample_dags(*net(torch.eye(2)), no_noise(2, 2)).graph
    assert torch.equal(learnt, wanted)


def test_both_ways_of_making_graphs_make_the_same_ones_with_the_same_gradients():
    generator = torch.Generator().manual_seed(3)
    net, contexts, noise = DagNet(4, 5), torch.randn(40, 4, generator=generator), draw_noise(40, 5, generator)
    made, gradients = [], []
    for sample in WAYS.values():
        net.zero_grad()
        graph = sample(*net(contexts), noise)
        (graph * torch.arange(25.0).reshape(5, 5)).sum().backward()
        made.append(graph.detach())
        gradients.append([parameter.grad.clone() for parameter in net.parameters()])
    assert torch.equal(*made)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ("scores", "logits", "noise", "given", "says"),
    [
        ((2, 3, 3), (2, 3, 4), (2, 3), {}, r"edge_logits must have the shape \[B, N, N\]"),
        ((2, 3, 3), (2, 3, 3), (2, 4), {}, r"noise.edges must have the shape \[2, 3, 3\]"),
        ((2, 4, 4), (2, 3, 3), (2, 3), {}, r"order_scores must have the shape \[2, 3, 3\]"),
        ((2, 3, 3), (2, 3, 3), (2, 3), {"alive": torch.ones(2, 4, dtype=torch.bool)}, r"alive must .* \[2, 3\]"),
        ((2, 3, 3), (2, 3, 3), (2, 3), {"temperature": 0.0}, "temperature must be above 0"),
    ],
)
def test_inputs_that_do_not_agree_are_refused(scores, logits, noise, given, says):
    with pytest.raises(ValueError, match=says):
        sample_dags(torch.zeros(scores), torch.zeros(logits), no_noise(*noise), **given)


def test_a_logit_that_is_no_number_is_no_missing_edge():
    logits = torch.zeros(1, 3, 3)
    logits[0, 0, 1] = torch.nan
    with pytest.raises(ValueError, match="must be finite"):
        sample_dags(None, logits, no_noise(1, 3))


def test_levels_of_a_circle_are_refused_and_of_a_line_are_its_places():
    line = torch.diag(torch.ones(2), 1)[None]
    assert levels(line).tolist() == [[0, 1, 2]]
    with pytest.raises(ValueError, match="without circles"):
        levels(line + line.transpose(1, 2))
