"""Figures of one run of PSRO: payoffs, meta-strategies, the risk of policies, best responses."""

from __future__ import annotations

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from marl.psro.psro import Psro

BLUE = "#2f6fb5"
MOST_LABELS = 14  # policies up to which cells are written into the heatmap
MOST_NODES = 64  # joint policies up to which the whole response graph is drawn
DARK = 0.6  # share of the largest payoff from which on a cell's text is white
NORMAL_95 = 1.96  # standard errors of a 95 % interval of a mean of many episodes


def draw_run(run: Psro) -> Figure:
    """Draws one run, with a panel for each of: payoffs, meta-strategies, risk and return, response graph.

    Payoffs and best responses are drawn for two agents, meta-strategies for the first two.
    """
    payoffs = run.payoffs(run.epochs[-1])
    of_two = len(payoffs) == 2
    figure = Figure(figsize=(9.2, 10.6 if of_two else 3.6), layout="constrained")
    panels = figure.subplots(3 if of_two else 1, 2 if of_two else 3, squeeze=False)
    mixtures, risk = (panels[1], panels[2, 0]) if of_two else (panels[0, :2], panels[0, 2])
    if of_two:
        for agent, axes in enumerate(panels[0]):
            _draw_payoffs(axes, run, payoffs, agent)
        _draw_graph(panels[2, 1], run, payoffs)
    for agent, axes in enumerate(mixtures[: len(payoffs)]):
        _draw_mixture(axes, run, agent)
    _draw_risk(risk, run, payoffs)
    return figure


def _draw_payoffs(axes: Axes, run: Psro, payoffs: np.ndarray, agent: int) -> None:
    own = payoffs[agent]
    limit = max(1e-9, float(np.abs(own).max()))
    image = axes.imshow(own, cmap="RdBu", vmin=-limit, vmax=limit)
    axes.figure.colorbar(image, ax=axes, fraction=0.05)
    first, second = list(run.seats)
    is_simulated = run.settings.payoffs == "simulated"
    axes.set_title(f"payoff of {list(run.seats)[agent]}" + (", 95 % interval" if is_simulated else ""), fontsize=9)
    _whole_ticks(axes)
    axes.set_xlabel(f"policy of {second}")
    axes.set_ylabel(f"policy of {first}")
    rows, columns = own.shape
    if max(rows, columns) > MOST_LABELS:
        return
    errors = run.table.standard_errors()[agent][:rows, :columns] if is_simulated else np.zeros_like(own)
    for row, column in np.ndindex(rows, columns):
        half = NORMAL_95 * errors[row, column]
        text = f"{own[row, column]:.3g}" + (f"\n±{half:.2g}" if half else "")
        color = "white" if abs(own[row, column]) > DARK * limit else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=5.5, color=color)


def _draw_mixture(axes: Axes, run: Psro, agent: int) -> None:
    size = run.epochs[-1].sizes[agent]
    shares = np.zeros((size, len(run.epochs)))
    for record in run.epochs:
        assert record.meta is not None
        shares[: record.sizes[agent], record.number] = record.meta.profile[agent]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, origin="lower", aspect="auto")
    axes.figure.colorbar(image, ax=axes, fraction=0.05)
    axes.set_title(f"meta-strategy of {list(run.seats)[agent]}", fontsize=9)
    _whole_ticks(axes)
    axes.set_xlabel("epoch")
    axes.set_ylabel("policy")


def _whole_ticks(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))


def _draw_risk(axes: Axes, run: Psro, payoffs: np.ndarray) -> None:
    """Mean against the standard deviation over the others' draws, of every policy of the first player."""
    last = run.epochs[-1]
    assert last.meta is not None
    others = [np.array(own) for own in last.meta.profile[1:]]
    chances = np.prod(np.meshgrid(*others, indexing="ij"), axis=0).ravel()
    worths = payoffs[0].reshape(payoffs.shape[1], -1)
    means = worths @ chances
    spreads = np.sqrt(np.maximum(0, (worths - means[:, None]) ** 2 @ chances))
    sizes = 12 + 160 * np.array(last.meta.profile[0])
    axes.scatter(spreads, means, s=sizes, color=BLUE, alpha=0.6, linewidth=0)
    for number, (x, y) in enumerate(zip(spreads, means, strict=True)):
        axes.annotate(str(number), (x, y), fontsize=6, xytext=(3, 3), textcoords="offset points")
    axes.set_title(f"policies of {next(iter(run.seats))} against the last meta-strategy", fontsize=9)
    axes.set_xlabel("standard deviation over the others' draws")
    axes.set_ylabel("mean payoff")


def response_graph(payoffs: np.ndarray) -> nx.DiGraph:
    """Returns the best responses between joint policies of two players: an edge to where somebody gains most alone."""
    graph: nx.DiGraph = nx.DiGraph()
    sizes = payoffs.shape[1:]
    graph.add_nodes_from(np.ndindex(*sizes))
    for row, column in np.ndindex(*sizes):
        better = int(payoffs[0][:, column].argmax()), int(payoffs[1][row].argmax())
        if payoffs[0][better[0], column] > payoffs[0][row, column]:
            graph.add_edge((row, column), (better[0], column))
        if payoffs[1][row, better[1]] > payoffs[1][row, column]:
            graph.add_edge((row, column), (row, better[1]))
    return graph


def _draw_graph(axes: Axes, run: Psro, payoffs: np.ndarray) -> None:
    """All joint policies, as in the heatmap, with those blue that nobody leaves; only these where there are many."""
    graph = response_graph(payoffs)
    parts = nx.condensation(graph)
    sinks = [parts.nodes[part]["members"] for part in parts if parts.out_degree(part) == 0]
    final = {node for members in sinks for node in members}
    shown = graph if len(graph) <= MOST_NODES else graph.subgraph(sorted(final)[:MOST_NODES])
    nx.draw_networkx(
        shown,
        {(row, column): (column, -row) for row, column in shown},
        ax=axes,
        labels={node: f"{node[0]},{node[1]}" for node in shown},
        node_size=200,
        node_color=["#8fb4df" if node in final else "#eeeeee" for node in shown],
        edge_color="#8899aa",
        font_size=6,
        arrowsize=7,
        connectionstyle="arc3,rad=0.2",
    )
    count = f"{len(sinks)} sink" + ("" if len(sinks) == 1 else "s")
    axes.set_title(f"best responses ({count}, blue)", fontsize=9)
    axes.set_axis_off()
