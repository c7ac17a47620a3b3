"""Bayesian networks over agents: who sees whose action before it acts.

The joint policy of P agents is the product over i of pi_i(a_i | s, a_{P_i}), P_i the parents of i in a directed acyclic
graph (Chen and Zhang 2023, "Context-aware Bayesian network actor-critic methods for cooperative multi-agent
reinforcement learning"). Without edges agents act independently; a complete graph can express every joint policy.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np


@dataclass(frozen=True)
class BayesianNetwork:
    """A directed acyclic graph of agents, with the numbering of what each agent sees.

    A pair of agent i is what its parents did and what it does: the parents' actions, in the order of their numbers, and
    then its own, read as the digits of one number, pairs = configurations * A_i in all.

    Attributes:
        num_actions: A_i of each agent.
        parents: Of each agent, rising.

    Raises:
        ValueError: Parents that are no agents, an agent twice, or a circle.
    """

    num_actions: tuple[int, ...]
    parents: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        count = len(self.num_actions)
        if count < 1 or any(actions < 1 for actions in self.num_actions):
            raise ValueError(f"num_actions must be at least one number of at least 1, got {self.num_actions}")
        if len(self.parents) != count:
            raise ValueError(f"parents must be given for each of {count} agents, got {len(self.parents)}")
        for agent, own in enumerate(self.parents):
            known = all(isinstance(parent, int | np.integer) and 0 <= parent < count for parent in own)
            if not known or list(own) != sorted(set(own)):
                raise ValueError(f"parents of agent {agent} must be agents in [0, {count - 1}], rising, got {own}")
        if not nx.is_directed_acyclic_graph(self.graph()):
            circle = [edge[0] for edge in nx.find_cycle(self.graph())]
            raise ValueError(f"agents must not wait for each other in a circle, got {circle}")

    @property
    def num_agents(self) -> int:
        """P."""
        return len(self.num_actions)

    def graph(self) -> nx.DiGraph:
        """Returns the graph, with an edge from each parent to its child."""
        graph = nx.DiGraph()
        graph.add_nodes_from(range(self.num_agents))
        graph.add_edges_from((parent, child) for child, own in enumerate(self.parents) for parent in own)
        return graph

    def density(self) -> float:
        """Returns the share of the edges of a complete graph; 0 for one agent."""
        return sum(map(len, self.parents)) / max(1, self.num_agents * (self.num_agents - 1) // 2)

    @functools.cached_property
    def configurations(self) -> tuple[int, ...]:
        """Of each agent, what its parents can have done together: the product of their numbers of actions."""
        return tuple(int(np.prod([self.num_actions[j] for j in own], dtype=int)) for own in self.parents)

    @functools.cached_property
    def pairs(self) -> tuple[np.ndarray, ...]:
        """Per agent [A] the pair in each joint action, A = A_0 * ... * A_{P-1} in C order."""
        actions = np.indices(self.num_actions).reshape(self.num_agents, -1)
        numbered = []
        for agent, own in enumerate(self.parents):
            number = np.zeros(actions.shape[1], np.int64)
            for j in (*own, agent):
                number = number * self.num_actions[j] + actions[j]
            numbered.append(number)
        return tuple(numbered)

    @functools.cached_property
    def memberships(self) -> tuple[np.ndarray, ...]:
        """Per agent [A, pairs] float64, 1 where a joint action has the pair: sums over joint actions by matrices."""
        counts = zip(self.pairs, self.configurations, self.num_actions, strict=True)
        return tuple(np.eye(configurations * actions)[own] for own, configurations, actions in counts)


def from_edges(num_actions: Sequence[int], edges: Sequence[tuple[int, int]]) -> BayesianNetwork:
    """Returns a network from edges (parent, child); an edge that is given twice counts once."""
    parents: list[set[int]] = [set() for _ in num_actions]
    for parent, child in edges:
        if not 0 <= child < len(parents):
            raise ValueError(f"edges must join agents in [0, {len(parents) - 1}], got {(parent, child)}")
        parents[child].add(parent)
    return BayesianNetwork(tuple(num_actions), tuple(tuple(sorted(own)) for own in parents))


def empty(num_actions: Sequence[int]) -> BayesianNetwork:
    """Returns the network of agents that act independently."""
    return from_edges(num_actions, [])


def complete(num_actions: Sequence[int]) -> BayesianNetwork:
    """Returns the network in which each agent sees all before it: an auto-regressive policy."""
    count = len(num_actions)
    return from_edges(num_actions, [(j, i) for i in range(count) for j in range(i)])


def line(num_actions: Sequence[int]) -> BayesianNetwork:
    """Returns the network in which each agent sees the one before it."""
    return from_edges(num_actions, [(i, i + 1) for i in range(len(num_actions) - 1)])


def released_line(num_actions: Sequence[int]) -> BayesianNetwork:
    """Returns the line of the authors' release, which lacks the last edge: its last agent stands alone."""
    return from_edges(num_actions, [(i, i + 1) for i in range(len(num_actions) - 2)])
