"""Two ways to a batch of graphs of agents, for `agora bench graphs`: all at once, and one graph object a sample.

The way of one object a sample is that of the release of BN-MAPPO, with NetworkX for its igraph: Sinkhorn's matrix in
any case, SciPy's assignment and a graph that is sorted for each sample. Both ways end with who acts when.
"""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from marl.dag import DagNet, DagNoise, draw_noise, levels, sample_dags, sinkhorn

CONTEXT = 10  # numbers


def batched(scores: torch.Tensor, logits: torch.Tensor, noise: DagNoise) -> torch.Tensor:
    """Returns graphs [B, N, N] by `marl/dag.py`, after finding the levels in which agents act."""
    dags = sample_dags(scores, logits, noise)
    levels(dags.graph.detach())
    return dags.graph


def one_by_one(scores: torch.Tensor, logits: torch.Tensor, noise: DagNoise) -> torch.Tensor:
    """Returns the same graphs, after building and sorting a NetworkX graph for each."""
    noisy = nn.functional.logsigmoid(scores) + noise.order
    soft = sinkhorn(noisy)
    places = torch.zeros_like(soft)
    for place, each in zip(places, noisy.detach().double().numpy(), strict=True):
        rows, columns = linear_sum_assignment(each, maximize=True)
        place[rows, columns] = 1
    places = places + (soft - soft.detach())
    gates = torch.sigmoid(logits + noise.edges)
    edges = ((logits + noise.edges) > 0).to(gates.dtype) + (gates - gates.detach())
    before = torch.ones(scores.shape[1:]).triu(1)
    graph = edges * (places.transpose(-1, -2) @ before @ places)
    for each in graph.detach().numpy():
        list(nx.topological_sort(nx.from_numpy_array(each, create_using=nx.DiGraph)))
    return graph


WAYS = {"batched": batched, "an object a sample": one_by_one}


def make_pass(way: str, agents: int, batch: int, *, has_gradient: bool) -> Callable[[], None]:
    """Returns what makes graphs from contexts, by one of `WAYS`, again and again.

    Args:
        way: Which.
        agents: N.
        batch: Graphs of a pass.
        has_gradient: Whether a backward pass through the graphs follows.
    """
    sample, generator = WAYS[way], torch.Generator().manual_seed(0)
    net, contexts = DagNet(CONTEXT, agents), torch.randn(batch, CONTEXT, generator=generator)
    noise = draw_noise(batch, agents, generator)

    def make() -> None:
        with torch.set_grad_enabled(has_gradient):
            scores, logits = net(contexts)
            graph = sample(scores, logits, noise)
        if has_gradient:
            graph.sum().backward()

    return make
