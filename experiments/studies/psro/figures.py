"""Figures of PSRO: distance to equilibrium, payoffs, meta-strategies, responses, risk and return."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from marl.psro.psro import Psro

COLORS = ("#2f6fb5", "#d27a26", "#3b8a4b", "#a2436f", "#6d5fb0", "#8a7a2f", "#4b8f9a", "#777777")
MOST_LABELS = 14  # policies up to which cells are written into the heatmap
LEAST_DRAWN = 1e-6  # of a NashConv
MOST_NODES = 40  # joint policies of a response graph


def draw_distance(curves: pd.DataFrame) -> Figure:
    """Draws the NashConv over epochs: a line for each meta-solver, the median over seeds, and a dot for each run."""
    figure = Figure(figsize=(6.2, 3.2), layout="constrained")
    axes = figure.subplots()
    exact = curves["nash_conv"].notna().any()
    column = "nash_conv" if exact else "lower_bound"
    for color, (solver, rows) in zip(
        _cycle(curves["solver"].nunique()), curves.groupby("solver", sort=False), strict=True
    ):
        known = rows.dropna(subset=column).assign(**{column: lambda each: each[column].clip(lower=LEAST_DRAWN)})
        middle = known.groupby("epoch")[column].median()
        axes.plot(middle.index, middle, color=color, label=solver)
        axes.plot(known["epoch"], known[column], ".", color=color, alpha=0.4, markersize=4)
    axes.set_xlabel("epoch")
    axes.set_ylabel("NashConv" if exact else "NashConv, lower bound")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=8)
    return figure


def draw_run(run: Psro) -> Figure:
    """Draws one run with a panel for each of: payoffs, meta-strategies, risk and return, response graph.

    The payoff heatmap and the response graph are for two players.
    """
    figure = Figure(figsize=(9.2, 7.4), layout="constrained")
    (heat, mix), (risk, graph) = figure.subplots(2, 2)
    payoffs = run.payoffs(run.epochs[-1])
    if len(payoffs) == 2:
        _draw_payoffs(heat, run, payoffs)
        _draw_graph(graph, run, payoffs)
    else:
        heat.set_visible(False)
        graph.set_visible(False)
    _draw_mixture(mix, run)
    _draw_risk(risk, run, payoffs)
    return figure


def _cycle(count: int) -> list[str]:
    return [COLORS[number % len(COLORS)] for number in range(count)]


def _draw_payoffs(axes: Axes, run: Psro, payoffs: np.ndarray) -> None:
    limit = max(1e-9, float(np.abs(payoffs[0]).max()))
    axes.imshow(payoffs[0], cmap="RdBu", vmin=-limit, vmax=limit)
    first, second = list(run.seats)
    axes.set_title(f"payoff of {first} ± standard error", fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"policy of {second}")
    axes.set_ylabel(f"policy of {first}")
    rows, columns = payoffs[0].shape
    if max(rows, columns) > MOST_LABELS:
        return
    errors = np.zeros((rows, columns))
    if run.settings.payoffs == "simulated":
        errors = run.table.standard_errors()[0][:rows, :columns]
    for row in range(rows):
        for column in range(columns):
            text = f"{payoffs[0][row, column]:.2g}" + (f"\n±{errors[row, column]:.1g}" if errors[row, column] else "")
            axes.text(column, row, text, ha="center", va="center", fontsize=5.5)


def _draw_mixture(axes: Axes, run: Psro) -> None:
    size = run.epochs[-1].sizes[0]
    shares = np.zeros((size, len(run.epochs)))
    for record in run.epochs:
        assert record.meta is not None
        shares[: record.sizes[0], record.number] = record.meta.profile[0]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, origin="lower", aspect="auto")
    axes.figure.colorbar(image, ax=axes, fraction=0.05)
    axes.set_title(f"meta-strategy of {next(iter(run.seats))}", fontsize=9)
    axes.set_xlabel("epoch")
    axes.set_ylabel("policy")


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
    axes.scatter(spreads, means, s=sizes, color=COLORS[0], alpha=0.6, linewidth=0)
    for number, (x, y) in enumerate(zip(spreads, means, strict=True)):
        axes.annotate(str(number), (x, y), fontsize=6, xytext=(3, 3), textcoords="offset points")
    axes.set_title("risk and return against the last meta-strategy", fontsize=9)
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
    graph = response_graph(payoffs)
    parts = nx.condensation(graph)
    sinks = [part for part in parts if parts.out_degree(part) == 0]
    shown = [node for part in sinks for node in parts.nodes[part]["members"]]
    shown = sorted(shown)[:MOST_NODES]
    places = nx.circular_layout(graph.subgraph(shown))
    nx.draw_networkx(
        graph.subgraph(shown),
        places,
        ax=axes,
        labels={node: f"{node[0]},{node[1]}" for node in shown},
        node_size=260,
        node_color="#dfe8f3",
        edge_color="#8899aa",
        font_size=6,
        arrowsize=8,
    )
    count = f"{len(sinks)} sink" + ("" if len(sinks) == 1 else "s")
    axes.set_title(f"best responses that nobody leaves ({count})", fontsize=9)
    axes.set_axis_off()
