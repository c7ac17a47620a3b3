"""Task trees: the subgoals of a world, what has to be done before each, and what an agent sees of them.

A subgoal is a function of one agent's observation alone, so that playing, learning, hindsight and drawing read it off
the same arrays. [...] any leading shape, D numbers in an observation, G subgoals, F numbers of a subgoal's features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import matplotlib as mpl
import networkx as nx
import torch
from matplotlib.figure import Figure

from games.config import WorldConfig
from games.names import unknown_name

COLOURS = ("#8fb8de", "#e6b07a", "#93c08b", "#c3a6d8")


class TaskTree(ABC):
    """Subgoals of one world.

    Attributes:
        graph: An edge leads from a subgoal to one for which it has to be done before, as declared; the nodes, in their
            order, are the subgoals. `layer` of a node is how far from the beginning it is drawn, `kind` its colour.
        num_features: F.
        most_steps: The largest `distance` there is.
        idle: What an agent does for which no subgoal is admissible, by its place among them.
    """

    graph: nx.DiGraph
    num_features: int
    most_steps: float
    idle: int

    @property
    def names(self) -> tuple[str, ...]:
        """The subgoals."""
        return tuple(self.graph.nodes)

    def __len__(self) -> int:
        return len(self.graph)

    @abstractmethod
    def admissible(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., G] bool: whether the preconditions of a subgoal hold, for observations [..., D]."""

    def choices(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., G] bool: the admissible subgoals, of observations [..., D]; `idle` alone where none is."""
        admissible = self.admissible(observations)
        admissible[..., self.idle] |= ~admissible.any(dim=-1)
        return admissible

    @abstractmethod
    def achievements(self, observations_t: torch.Tensor, observations_tp1: torch.Tensor) -> torch.Tensor:
        """Returns [..., G] bool: whether the observer completed a subgoal in the step between two observations."""

    def features(
        self, observations: torch.Tensor, subgoals: torch.Tensor, around: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Returns [..., F], what an agent on its way to subgoals [...] has to know, each number about 1 at most.

        Args:
            observations: [..., D].
            subgoals: [...].
            around: What `around` says of the observations, where it is known.
        """
        return torch.cat(
            [self.aim(observations, subgoals), self.around(observations) if around is None else around], -1
        )

    @abstractmethod
    def aim(self, observations: torch.Tensor, subgoals: torch.Tensor) -> torch.Tensor:
        """Returns the first of the features: those that depend on the subgoal."""

    @abstractmethod
    def around(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns the others."""

    @abstractmethod
    def distances(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [..., G], about how many steps are left to every subgoal, for observations [..., D]."""

    def distance(self, observations: torch.Tensor, subgoals: torch.Tensor) -> torch.Tensor:
        """Returns [...], about how many steps are left to subgoals [...]."""
        return self.distances(observations).gather(-1, subgoals.unsqueeze(-1)).squeeze(-1)

    @abstractmethod
    def oracle(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [E, P], what a script would have P agents do next, for observations [E, P, D]."""


TREES: dict[str, Callable[[WorldConfig], TaskTree]] = {}
"""By world, what makes its task tree."""


def find_tree(config: WorldConfig) -> TaskTree:
    """Returns the task tree of a world.

    Raises:
        UnknownNameError: Nobody has declared one; `marl.gmah.TREES[world] = ...` does.
    """
    if config.world not in TREES:
        raise unknown_name("world with a task tree", config.world, TREES)
    return TREES[config.world](config)


def kind_colours(tree: TaskTree) -> dict[str, str]:
    """Returns the colour of each kind of subgoal, in pictures of the tree and of who follows what."""
    kinds = dict.fromkeys(kind for _, kind in tree.graph.nodes.data("kind"))
    return {kind: COLOURS[i % len(COLOURS)] for i, kind in enumerate(kinds)}


def draw_tree(tree: TaskTree) -> Figure:
    """Draws subgoals from left to right, with arrows from what comes before to what comes after."""
    graph, places, colours = tree.graph, _places(tree.graph), kind_colours(tree)
    num_layers = len({x for x, _ in places.values()})
    tall = 1 + max(y for _, y in places.values())
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(1.2 + 1.9 * num_layers, 0.8 + 0.34 * tall), layout="constrained")
        axes = figure.subplots()
        axes.set_axis_off()
        axes.invert_yaxis()
        nx.draw_networkx_edges(graph, places, ax=axes, edge_color="#7a7a7a", arrowsize=7, node_size=900, width=0.8)
        nx.draw_networkx_nodes(graph, places, ax=axes, node_size=1, node_color="white")
        for name, (x, y) in places.items():
            colour = colours[graph.nodes[name]["kind"]]
            box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "#555555", "linewidth": 0.6}
            axes.text(x, y, name, ha="center", va="center", bbox=box)
        axes.margins(0.15)
    return figure


def _places(graph: nx.DiGraph) -> dict[str, tuple[float, float]]:
    """Returns where subgoals stand: a layer is a column, the largest in its order, others beside neighbours."""
    layers = dict(graph.nodes(data="layer"))
    members = {layer: [name for name in graph if layers[name] == layer] for layer in sorted(set(layers.values()))}
    largest = max(members.values(), key=len)
    rows = {name: float(row) for row, name in enumerate(largest)}
    for names in members.values():
        for row, name in enumerate(names):
            tied = [rows[other] for other in (*graph.predecessors(name), *graph.successors(name)) if other in largest]
            rows.setdefault(name, sum(tied) / len(tied) if tied else float(row))
    return {name: (float(layers[name]), rows[name]) for name in graph}
