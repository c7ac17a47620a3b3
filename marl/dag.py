"""Random directed acyclic graphs of agents, differentiable, for whole batches at once.

A graph is an order of the agents and edges that go along it (differentiable DAG sampling: Charpentier, Kibler and
Guennemann 2022, as Chen and Zhang 2023 use it), so no graph has a circle, by construction:

    G = U * (P^T M P),  M strictly upper triangular ones

    symbol  variable      shape
    -       order_scores  [B, N, N], position by agent: the larger, the likelier the agent stands there
    -       edge_logits   [B, N, N], parent by child
    P       places        [B, N, N], 1 where a position is an agent's; a permutation matrix
    U       edges         [B, N, N], 1 where there is an edge if the order allows it
    G       graph         [B, N, N], 1 where j (row) is a parent of i (column)

Forward, P is the best assignment of agents to positions under scores with Gumbel noise, U is 1 where a logit with
logistic noise is positive. Backward, both have the gradients of their soft forms (straight-through): Sinkhorn's
doubly stochastic matrix and the sigmoid. Noise is drawn apart from its use: with the same noise a graph comes out
again, so that an update can differentiate through the graphs that were played.

Differences from the release: a logistic number stands for the difference of two Gumbel numbers, the same distribution;
nothing but the assignment is done graph by graph; soft forms are not computed where no gradient is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn


@dataclass(frozen=True, eq=False)
class DagNoise:
    """What chance adds to the scores and logits of B graphs of N agents.

    Attributes:
        order: [B, N, N], of a standard Gumbel distribution.
        edges: [B, N, N], of a standard logistic distribution.
    """

    order: torch.Tensor
    edges: torch.Tensor


@dataclass(frozen=True, eq=False)
class SampledDags:
    """B graphs of N agents.

    Attributes:
        graph: [B, N, N] 0 or 1 with straight-through gradients, 1 where the row's agent is a parent of the column's.
        order: [B, N] int64, which agent acts first, second, ...: parents before their children.
    """

    graph: torch.Tensor
    order: torch.Tensor


def draw_noise(batch: int, num_agents: int, generator: torch.Generator | None = None) -> DagNoise:
    """Returns noise for `batch` graphs, from the generator (None: torch's own)."""
    shape = (batch, num_agents, num_agents)
    tiny = torch.finfo(torch.float32).tiny  # keeps the logarithms finite
    order = -torch.log(-torch.log(torch.rand(shape, generator=generator).clamp(tiny, 1 - 1e-7)) + tiny)
    share = torch.rand(shape, generator=generator).clamp(1e-7, 1 - 1e-7)
    return DagNoise(order, torch.logit(share))


def no_noise(batch: int, num_agents: int) -> DagNoise:
    """Returns noise of zeros, with which graphs are the likeliest ones and repeat."""
    zeros = torch.zeros(batch, num_agents, num_agents)
    return DagNoise(zeros, zeros)


class _Sinkhorn(torch.autograd.Function):
    """Sinkhorn's normalisation without logarithms in its loop, and its own gradient: a third of autograd's time.

    The first rows and columns are scaled in logarithms. After that no sum is below 1/N^2, since none was above N, so
    plain division cannot fail. The batch is the last dimension inside, along which sums over agents are fast.
    """

    @staticmethod
    def forward(ctx, scores: torch.Tensor, iterations: int) -> torch.Tensor:
        rows = torch.log_softmax(scores.permute(1, 2, 0).contiguous(), dim=1)
        steps = [rows.exp(), torch.softmax(rows, dim=0)]
        for _ in range(iterations - 1):
            for dim in (1, 0):
                steps.append(steps[-1] / steps[-1].sum(dim=dim, keepdim=True))
        ctx.save_for_backward(*steps)
        return steps[-1].permute(2, 0, 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """With s' = s - logsumexp(s), the gradient of s is that of s' minus exp(s') times its sum."""
        steps = ctx.saved_tensors
        gradient = gradient.permute(1, 2, 0) * steps[-1]
        for number in reversed(range(len(steps))):
            sums = gradient.sum(dim=1 - number % 2, keepdim=True)
            gradient = torch.addcmul(gradient, steps[number], sums, value=-1)
        return gradient.permute(2, 0, 1), None


def sinkhorn(scores: torch.Tensor, iterations: int = 20) -> torch.Tensor:
    """Returns [B, N, N] exp(scores) after rows and columns were scaled to sum to 1, `iterations` (1 or more) times."""
    return _Sinkhorn.apply(scores, iterations)


def assign(scores: np.ndarray) -> np.ndarray:
    """Returns [B, N] int64: for each row the column that it gets in the assignment with the largest sum of scores.

    One call of SciPy's solver after the other: a Hungarian method that takes all steps for a whole batch in NumPy was
    up to seven times slower, from 3 to 10 agents.

    Args:
        scores: [B, N, N], finite.

    Raises:
        ValueError: Not of that shape, or not finite.
    """
    if scores.ndim != 3 or scores.shape[1] != scores.shape[2]:
        raise ValueError(f"scores must have the shape [B, N, N], got {list(scores.shape)}")
    if not np.isfinite(scores).all():
        raise ValueError(f"scores must be finite, got {scores[~np.isfinite(scores)][0]}")
    columns = np.empty(scores.shape[:2], np.int64)
    for row, each in zip(columns, scores, strict=True):
        row[:] = linear_sum_assignment(each, maximize=True)[1]
    return columns


def sample_dags(
    order_scores: torch.Tensor | None,
    edge_logits: torch.Tensor,
    noise: DagNoise,
    *,
    alive: torch.Tensor | None = None,
    temperature: float = 1.0,
    iterations: int = 20,
) -> SampledDags:
    """Returns graphs made from scores, logits and noise; the same three make the same graphs.

    Args:
        order_scores: [B, N, N], position by agent. None: agents act in the order of their numbers.
        edge_logits: [B, N, N], parent by child.
        noise: As large.
        alive: [B, N] bool; agents that are out are nobody's parent and nobody's child. None: all are in.
        temperature: Of both soft forms, which only gradients see; above 0.
        iterations: Of Sinkhorn's normalisation.

    Raises:
        ValueError: Shapes that do not agree, numbers that are not finite, or no temperature.
    """
    _check_inputs(order_scores, edge_logits, noise, alive)
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    if order_scores is None:
        order = torch.arange(edge_logits.shape[1], device=edge_logits.device).expand(edge_logits.shape[:2])
        places = nn.functional.one_hot(order, order.shape[1]).to(edge_logits.dtype)
    else:
        order, places = _sample_order(nn.functional.logsigmoid(order_scores) + noise.order, temperature, iterations)
    noisy_logits = edge_logits + noise.edges
    edges = (noisy_logits > 0).to(noisy_logits.dtype)
    if noisy_logits.requires_grad:
        edges = _straight_through(edges, torch.sigmoid(noisy_logits / temperature))
    before = torch.ones(order.shape[1], order.shape[1], device=edges.device).triu(1)
    graph = edges * (places.transpose(-1, -2) @ before @ places)
    if alive is not None:
        graph = graph * (alive[:, :, None] & alive[:, None, :])
    return SampledDags(graph, order)


def _check_inputs(
    order_scores: torch.Tensor | None, edge_logits: torch.Tensor, noise: DagNoise, alive: torch.Tensor | None
) -> None:
    """Scores of orders are not looked at for numbers here: `assign` does."""
    shape = edge_logits.shape
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"edge_logits must have the shape [B, N, N], got {list(shape)}")
    wanted = {"noise.edges": (noise.edges, shape), "alive": (alive, shape[:2])}
    if order_scores is not None:
        wanted |= {"order_scores": (order_scores, shape), "noise.order": (noise.order, shape)}
    for name, (given, own) in wanted.items():
        if given is not None and given.shape != own:
            raise ValueError(f"{name} must have the shape {list(own)} of edge_logits, got {list(given.shape)}")
    # A logit that is no number would be an edge that is never there, and nothing would say so.
    if not torch.isfinite(edge_logits + noise.edges).all():
        raise ValueError("edge_logits and noise.edges must be finite")


def _sample_order(noisy: torch.Tensor, temperature: float, iterations: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the order [B, N] of noisy scores [B, N, N], and their permutation matrices."""
    order = torch.as_tensor(assign(noisy.detach().double().cpu().numpy()), device=noisy.device)
    places = nn.functional.one_hot(order, order.shape[1]).to(noisy.dtype)
    if noisy.requires_grad:
        places = _straight_through(places, sinkhorn(noisy / temperature, iterations))
    return order, places


def _straight_through(hard: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    """Returns the hard values, exactly, with the gradient of the soft ones."""
    return hard + (soft - soft.detach())


def density(graph: torch.Tensor, alive: torch.Tensor | None = None) -> torch.Tensor:
    """Returns the share of edges that complete graphs of the agents that are in would have; 0 without a pair.

    Args:
        graph: [B, N, N].
        alive: [B, N] bool; None: all are in.
    """
    counts = torch.full(graph.shape[:1], graph.shape[1]) if alive is None else alive.sum(dim=1)
    return graph.sum() / (counts * (counts - 1) / 2).sum().clamp(min=1)


def levels(graph: torch.Tensor) -> torch.Tensor:
    """Returns [B, N] int64 how many agents act before each on its longest way from one without parents.

    Agents of a level see nothing of each other, so that they can choose in one pass.

    Args:
        graph: [B, N, N] 0 or 1, without circles.

    Raises:
        ValueError: There is a circle.
    """
    found = torch.zeros(graph.shape[:2], dtype=graph.dtype, device=graph.device)
    for _ in range(graph.shape[1]):
        longer = (graph * (found + 1)[:, :, None]).amax(dim=1)
        if torch.equal(longer, found):
            return found.to(torch.int64)
        found = longer
    if graph.shape[1]:
        raise ValueError("graph must be without circles, and an agent waits for itself")
    return found.to(torch.int64)


class DagNet(nn.Module):
    """Scores of orders and logits of edges from a context: the state, or all observations side by side.

    Args:
        context_size: D, numbers in a context.
        num_agents: N.
        hidden_size: Of the one hidden layer of both nets; 64 in the release.
    """

    def __init__(self, context_size: int, num_agents: int, hidden_size: int = 64) -> None:
        super().__init__()
        self._num_agents = num_agents
        self.order_net, self.edge_net = (
            nn.Sequential(nn.Linear(context_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, num_agents**2))
            for _ in range(2)
        )

    def forward(self, contexts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns order scores and edge logits, [B, N, N] each, of contexts [B, D]."""
        shape = (len(contexts), self._num_agents, self._num_agents)
        return self.order_net(contexts).reshape(shape), self.edge_net(contexts).reshape(shape)
