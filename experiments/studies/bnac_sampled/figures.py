"""Pictures of bnac_sampled: where each seed ends, learning curves, densities, graphs over training."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.studies.bnac_sampled.settings import base_of
from marl.bayesian_network.drawing import draw_matrices, draw_strip

STYLE: dict[Any, Any] = {"font.size": 8}
COLORS = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
GRID = 60  # points of a mean curve
MOMENTS = 8  # graphs of a strip
MOST_ARMS = 8  # of a panel
MOST_CIRCLE = 5  # agents up to which a graph is drawn with arrows; beyond it is a matrix
GAP = 0.055  # of a panel's height between two names of anchors

# What a score is held against, by part or by the first word of its name (games/bits, games/aloha).
ANCHORS = {
    "bits_3": {"trap": 0.774, "optimum": 1.0},
    "bits_5": {"trap": 0.699, "optimum": 1.0},
    "aloha": {"never send": 0.0, "static": 6.21, "queue": 9.24, "turns": 9.55, "central": 9.70},
}


def anchors_of(part: str) -> dict[str, float]:
    """Returns the anchors of a part by name; none where none are known."""
    return ANCHORS.get(part, ANCHORS.get(part.split("_")[0], {}))


def score_name(part: str) -> str:
    """Returns what a score is, for an axis."""
    if part.startswith("bits"):
        return "J / J*"
    return "return, mean over players" if part.startswith("foraging") else "return"


def panels_of(methods: list[str]) -> list[list[str]]:
    """Returns which ways to learn share a panel, `MOST_ARMS` at most; several panels begin with what they come from."""
    if len(methods) <= MOST_ARMS:
        return [methods]
    groups: dict[str, list[str]] = {}
    for method in methods:
        base = base_of(method)
        groups.setdefault(base if base in methods else "", []).append(method)
    alone = [method for method in groups.pop("", []) if method not in groups]
    panels = [alone[k : k + MOST_ARMS] for k in range(0, len(alone), MOST_ARMS)]
    for base, own in groups.items():
        panels += [[base, *own[k : k + MOST_ARMS - 1]] for k in range(0, len(own), MOST_ARMS - 1)]
    return panels


def _panels(rows: pd.DataFrame) -> list[tuple[str, str, list[str]]]:
    """Returns a part, a title and ways to learn for each panel."""
    found = []
    for part, own in rows.groupby("part", sort=False):
        groups = panels_of(list(dict.fromkeys(own["method"])))
        for number, methods in enumerate(groups, 1):
            title = str(part).replace("_", " ")
            found.append((str(part), f"{title} ({number} of {len(groups)})" if len(groups) > 1 else title, methods))
    return found


def _draw_anchors(axes: Any, part: str) -> None:
    """Draws the anchors with their names on the right, which keep apart from each other."""
    anchors = sorted(anchors_of(part).items(), key=lambda pair: pair[1])
    if not anchors:
        return
    low, high = axes.get_ylim()
    if part.startswith("bits"):  # a panel of runs that all end well must not look like one of noise
        low, high = min(low, 0.6), max(high, 1.0)
    low, high = min(low, anchors[0][1]), max(high, anchors[-1][1] + 0.03 * (high - low))
    axes.set_ylim(low, high)
    place = -np.inf
    for name, value in anchors:
        axes.axhline(value, color="#777777", linestyle=":", linewidth=0.8)
        place = max((value - low) / (high - low), place + GAP)
        text = f"{name} {value:g}"
        axes.text(1.01, place, text, transform=axes.transAxes, fontsize=6, color="#555555", va="center")


def draw_ends(last: pd.DataFrame) -> Figure:
    """Draws the scores of all seeds, a column for each method, with their mean.

    Args:
        last: Ends of runs.
    """
    panels = _panels(last)
    with mpl.rc_context(STYLE):
        widest = max(len(methods) for _, _, methods in panels)
        figure = Figure(figsize=(2.2 + 0.7 * widest, 2.6 * len(panels)), layout="constrained")
        for axes, panel in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
            part, title, methods = panel
            own = last[last["part"] == part]
            for place, method in enumerate(methods):
                scores = np.sort(own.loc[own["method"] == method, "score"])
                offsets = np.resize([-0.16, -0.08, 0, 0.08, 0.16], len(scores))
                axes.scatter(place + offsets, scores, s=9, color=COLORS[place], linewidth=0)
                axes.hlines(scores.mean(), place - 0.3, place + 0.3, color=COLORS[place])
            axes.set_xticks(range(len(methods)), [method.replace("_", "\n") for method in methods], fontsize=6)
            _finish(axes, part, title, score_name(part))
    return figure


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draws the mean score over steps, with the range of all seeds."""
    panels = _panels(curves)
    with mpl.rc_context(STYLE):
        figure, places = _grid(len(panels))
        for axes, (part, title, methods) in zip(places, panels, strict=True):
            own = curves[curves["part"] == part]
            for place, method in enumerate(methods):
                _draw_mean(axes, own[own["method"] == method], "score", COLORS[place], method.replace("_", " "))
            axes.set_xlabel("thousand env steps")
            axes.legend(frameon=False, fontsize=6)
            _finish(axes, part, title, score_name(part))
    return figure


def draw_densities(curves: pd.DataFrame) -> Figure:
    """Draws the density of runs that anneal beside the one that is wanted, a panel for each part.

    Args:
        curves: Of these runs, with a wanted density.
    """
    parts = list(dict.fromkeys(curves["part"]))
    with mpl.rc_context(STYLE):
        figure, places = _grid(len(parts))
        for axes, part in zip(places, parts, strict=True):
            for place, (method, own) in enumerate(curves[curves["part"] == part].groupby("method", sort=False)):
                color, name = COLORS[place % len(COLORS)], str(method).replace("_", " ")
                _draw_mean(axes, own, "density", color, name)
                wanted = own.groupby("steps")["wanted_density"].mean()
                axes.plot(wanted.index / 1e3, wanted, color="#333333", linestyle="--", lw=0.9, label="wanted")
            axes.set_ylim(-0.03, 1.03)
            axes.set_xlabel("thousand env steps")
            axes.legend(frameon=False, fontsize=6)
            _finish(axes, "", part.replace("_", " "), "density of edges")
    return figure


def _grid(count: int) -> tuple[Figure, list[Any]]:
    columns = min(2, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.6 * columns, 2.8 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).reshape(-1))
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def _draw_mean(axes: Any, runs: pd.DataFrame, column: str, color: Any, label: str) -> None:
    grid = np.linspace(runs["steps"].min(), runs.groupby("seed")["steps"].max().min(), GRID)
    values = np.stack([np.interp(grid, one["steps"], one[column]) for _, one in runs.groupby("seed")])
    axes.fill_between(grid / 1e3, values.min(axis=0), values.max(axis=0), color=color, alpha=0.12, lw=0)
    axes.plot(grid / 1e3, values.mean(axis=0), color=color, label=label)


def _finish(axes: Any, part: str, title: str, name: str) -> None:
    _draw_anchors(axes, part)
    axes.set_title(title)
    axes.set_ylabel(name)
    axes.spines[["top", "right"]].set_visible(False)


def shares_at(edges: pd.DataFrame, step: int) -> np.ndarray:
    """Returns [N, N] the shares of edges at a step, parent by child, mean over seeds.

    Args:
        edges: Steps, parent, child and share, of one seed or several.
        step: One of these steps.
    """
    size = int(edges[["parent", "child"]].to_numpy().max()) + 1
    means = edges[edges["steps"] == step].groupby(["parent", "child"])["share"].mean()
    shares = np.zeros((size, size))
    for (parent, child), share in means.items():
        shares[parent, child] = share
    return shares


def strip_of(edges: pd.DataFrame) -> Figure:
    """Draws graphs at moments spread evenly over training: of few agents the first seed's, of many the mean of all.

    Args:
        edges: Seed, steps, parent, child and share.
    """
    is_small = int(edges[["parent", "child"]].to_numpy().max()) < MOST_CIRCLE
    own = edges[edges["seed"] == edges["seed"].min()] if is_small else edges
    steps = np.unique(own["steps"])
    picked = steps[np.unique(np.linspace(0, len(steps) - 1, MOMENTS).round().astype(int))]
    moments = [(f"{step / 1e3:.0f}", shares_at(own, step)) for step in picked]
    return draw_strip(moments) if is_small else draw_matrices(moments)
