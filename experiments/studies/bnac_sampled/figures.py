"""Pictures of bnac_sampled: where each seed ends, learning curves, graphs over training."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from marl.bayesian_network.drawing import draw_strip

STYLE: dict[Any, Any] = {"font.size": 8}
COLORS = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
GRID = 60  # points of a mean curve
MOMENTS = 8  # graphs of a strip


def draw_ends(last: pd.DataFrame, anchors: dict[str, dict[str, float]]) -> Figure:
    """Draws a panel for each part: the scores of all seeds, a column for each method, with their mean.

    Args:
        last: Ends of runs.
        anchors: By the first word of a part's name, scores by name that are drawn as dotted lines.
    """
    parts = list(dict.fromkeys(last["part"]))
    with mpl.rc_context(STYLE):
        widest = last.groupby("part")["method"].nunique().max()
        figure = Figure(figsize=(1.5 + 0.55 * widest, 2.6 * len(parts)), layout="constrained")
        for axes, part in zip(figure.subplots(len(parts), 1, squeeze=False)[:, 0], parts, strict=True):
            own = last[last["part"] == part]
            methods = list(dict.fromkeys(own["method"]))
            for place, method in enumerate(methods):
                scores = np.sort(own.loc[own["method"] == method, "score"])
                offsets = np.resize([-0.16, -0.08, 0, 0.08, 0.16], len(scores))
                axes.scatter(place + offsets, scores, s=9, color=COLORS[place % 10], linewidth=0)
                axes.hlines(scores.mean(), place - 0.3, place + 0.3, color=COLORS[place % 10])
            for value in anchors.get(part.split("_")[0], {}).values():
                axes.axhline(value, color="#777777", linestyle=":", linewidth=0.8)
            labels = [method.replace("_", "\n") for method in methods]
            axes.set_xticks(range(len(methods)), labels, fontsize=6)
            axes.set_ylabel(part.replace("_", " "))
            axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draws a panel for each part: the mean score over steps, with the range of all seeds."""
    parts = list(dict.fromkeys(curves["part"]))
    columns = min(2, len(parts))
    rows = -(-len(parts) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * columns, 2.8 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).reshape(-1)
        for axes in panels[len(parts) :]:
            axes.set_axis_off()
        for axes, part in zip(panels, parts, strict=False):
            own = curves[curves["part"] == part]
            grid = np.linspace(own["steps"].min(), own.groupby(["method", "seed"])["steps"].max().min(), GRID)
            for place, (method, group) in enumerate(own.groupby("method", sort=False)):
                each = [np.interp(grid, one["steps"], one["score"]) for _, one in group.groupby("seed")]
                values, color = np.stack(each), COLORS[place % 10]
                axes.fill_between(grid / 1e3, values.min(axis=0), values.max(axis=0), color=color, alpha=0.12, lw=0)
                axes.plot(grid / 1e3, values.mean(axis=0), color=color, label=str(method).replace("_", " "))
            axes.set_title(part.replace("_", " "))
            axes.set_xlabel("thousand env steps")
            axes.legend(frameon=False, fontsize=6)
            axes.spines[["top", "right"]].set_visible(False)
    return figure


def strip_of(edges: pd.DataFrame) -> Figure:
    """Draws the graphs of one run at moments spread evenly over it.

    Args:
        edges: Steps, parent, child and share.
    """
    steps = np.unique(edges["steps"])
    picked = steps[np.unique(np.linspace(0, len(steps) - 1, MOMENTS).round().astype(int))]
    size = int(edges[["parent", "child"]].to_numpy().max()) + 1
    moments = []
    for step in picked:
        shares = np.zeros((size, size))
        own = edges[edges["steps"] == step]
        shares[own["parent"], own["child"]] = own["share"]
        moments.append((f"{step / 1e3:.0f}", shares))
    return draw_strip(moments)
