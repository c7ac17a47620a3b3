"""Figures of a sweep of PSRO: distance to equilibrium, and what its runs risk for what."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLORS = ("#2f6fb5", "#d27a26", "#3b8a4b", "#a2436f", "#6d5fb0", "#8a7a2f", "#4b8f9a", "#777777")
LEAST_DRAWN = 1e-6  # of a NashConv


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


def draw_frontier(rows: pd.DataFrame) -> Figure:
    """Draws what the last meta-strategies get on average over how much that varies with the others' draws.

    Args:
        rows: Of evaluation.csv. A small point is an agent of a run, a large one a meta-solver's mean.
    """
    figure = Figure(figsize=(6.2, 3.2), layout="constrained")
    axes = figure.subplots()
    agents = [name.removeprefix("mean_") for name in rows.columns if name.startswith("mean_")]
    solvers = rows["run"].str.rsplit("-", n=1).str[0]
    for color, (solver, own) in zip(_cycle(solvers.nunique()), rows.groupby(solvers, sort=False), strict=True):
        spreads, means = (own[[f"{kind}_{agent}" for agent in agents]].astype(float) for kind in ("sd", "mean"))
        axes.plot(spreads.to_numpy().ravel(), means.to_numpy().ravel(), ".", color=color, alpha=0.4, markersize=4)
        axes.plot(spreads.to_numpy().mean(), means.to_numpy().mean(), "o", color=color, label=solver)
    axes.set_xlabel("standard deviation over the others' draws")
    axes.set_ylabel("mean payoff")
    axes.legend(frameon=False, fontsize=8)
    return figure


def _cycle(count: int) -> list[str]:
    return [COLORS[number % len(COLORS)] for number in range(count)]
