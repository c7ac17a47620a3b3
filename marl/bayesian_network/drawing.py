"""Learnt graphs of agents over training: how often an edge is there, what that makes of the agents, and a picture.

A share is how often an edge was drawn, [N, N] with the parent's row and the child's column, as `edge_<parent>_<child>`
among the numbers of a `BayesianTeamLearner`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = (0.18, 0.44, 0.71)
FAINT = 0.02  # shares below it are not drawn


def share_graph(shares: np.ndarray) -> nx.DiGraph:
    """Returns a graph with an edge (parent, child) for each share above 0, which is its `share`.

    Args:
        shares: [N, N] in [0, 1]. Both ways between two agents may have one, as the order changes with the context.

    Raises:
        ValueError: Not square, or no shares.
    """
    if shares.ndim != 2 or shares.shape[0] != shares.shape[1] or not len(shares):
        raise ValueError(f"shares must have the shape [N, N], N at least 1, got {list(shares.shape)}")
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("shares must be in [0, 1]")
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(shares)))
    parents, children = np.nonzero(shares)
    for parent, child in zip(parents.tolist(), children.tolist(), strict=True):
        graph.add_edge(parent, child, share=float(shares[parent, child]))
    return graph


def describe_shares(shares: np.ndarray) -> dict[str, Any]:
    """Returns what a matrix of shares [N, N] says.

    Returns:
        density: Mean number of edges over that of a complete graph.
        leader: The agent that is a parent most often.
        lead: How much more often it is a parent than a child, in edges.
        order_sureness: Mean over pairs of |share one way - share the other way| / their sum, over pairs with an edge:
            1 where all edges between two agents go one way, 0 where both ways are as frequent.
    """
    graph = share_graph(shares)
    count = len(shares)
    out, into = (
        np.array([degree for _, degree in view(weight="share")]) for view in (graph.out_degree, graph.in_degree)
    )
    rows, columns = np.triu_indices(count, 1)
    both = shares[rows, columns] + shares[columns, rows]
    apart = np.abs(shares[rows, columns] - shares[columns, rows])
    sure = apart[both > 0] / both[both > 0]
    leader = int(np.argmax(out - into))
    return {
        "density": float(shares.sum() / max(1, count * (count - 1) / 2)),
        "leader": leader,
        "lead": float((out - into)[leader]),
        "order_sureness": float(sure.mean()) if len(sure) else 0.0,
    }


def _panels(
    moments: Sequence[tuple[str, np.ndarray]], columns: int, size: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """Returns a figure with a panel of this size, in inches, for each moment, and the panels.

    Raises:
        ValueError: Nothing to draw.
    """
    if not moments:
        raise ValueError("moments must be at least one graph")
    rows, width = -(-len(moments) // columns), min(len(moments), columns)
    figure = Figure(figsize=(size[0] * width, size[1] * rows), layout="constrained")
    panels = figure.subplots(rows, width, squeeze=False).ravel()
    for axes in panels[len(moments) :]:
        axes.set_axis_off()
    return figure, list(panels[: len(moments)])


def draw_strip(moments: Sequence[tuple[str, np.ndarray]], columns: int = 8) -> Figure:
    """Draws graphs side by side, agents on a circle, the darker an edge the more often it is there.

    Args:
        moments: A label and shares [N, N] each, in the order of training.
        columns: Graphs in a row of the picture.

    Raises:
        ValueError: Nothing to draw.
    """
    with mpl.rc_context({"font.size": 8}):
        figure, panels = _panels(moments, columns, (1.35, 1.55))
        for axes, (label, shares) in zip(panels, moments, strict=True):
            axes.set_axis_off()
            _draw_graph(axes, shares)
            axes.set_title(label, fontsize=7, pad=2)
    return figure


def draw_matrices(moments: Sequence[tuple[str, np.ndarray]], columns: int = 4) -> Figure:
    """Draws shares as matrices side by side, parents by children: for graphs of so many agents that arrows hide them.

    Args:
        moments: A label and shares [N, N] each, in the order of training.
        columns: Matrices in a row of the picture.

    Raises:
        ValueError: Nothing to draw.
    """
    with mpl.rc_context({"font.size": 7}):
        figure, panels = _panels(moments, columns, (1.9, 1.9))
        for axes, (label, shares) in zip(panels, moments, strict=True):
            image = axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
            axes.set_title(label, fontsize=7, pad=2)
            axes.set_xticks(range(0, len(shares), 3))
            axes.set_yticks(range(0, len(shares), 3))
        for axes in panels[::columns]:
            axes.set_ylabel("parent")
        for axes in panels[-columns:]:
            axes.set_xlabel("child")
        figure.colorbar(image, ax=panels, shrink=0.7, label="share")
    return figure


def _draw_graph(axes: Any, shares: np.ndarray) -> None:
    graph = share_graph(np.where(shares < FAINT, 0, shares))
    places = nx.circular_layout(graph)
    nx.draw_networkx_nodes(
        graph, places, ax=axes, node_size=90, node_color="#e8edf3", edgecolors="#2f6fb5", linewidths=0.8
    )
    nx.draw_networkx_labels(graph, places, ax=axes, font_size=6)
    for parent, child, share in graph.edges(data="share"):
        nx.draw_networkx_edges(
            graph,
            places,
            edgelist=[(parent, child)],
            ax=axes,
            edge_color=[(*INK, share)],
            arrowsize=6,
            width=1.1,
            node_size=90,
            connectionstyle="arc3,rad=0.12",
        )
    axes.margins(0.18)
