"""Scores over populations: ways to learn, specialists beside them, and choices of latents."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.studies.mra_populations.diagnostics import STYLE, WORDS, colors_of
from experiments.studies.mra_populations.settings import trained_sizes

WIDTH = 0.7  # of a population's place, over which intervals stand side by side
CHOICE_COLORS = (
    *("#2f6fb5", "#d27a26", "#3b9a5a", "#9a6fb5", "#a03c3c"),
    *("#777777", "#c9a227", "#5fa8a8", "#d48fb0", "#111111"),
)


def draw_scores(summary: pd.DataFrame, world: str) -> Figure:
    """Draws the score of each way to learn over populations, and beside it those of specialists and of `mra`.

    Latents are as they are sampled; marks are large where the way to learn was trained.
    """
    own = summary[(summary["world"] == world) & (summary["choice"] == "sampled")]
    is_specialist = own["method"].str.startswith("specialist")
    colors, sizes = colors_of(own["method"]), sorted(own["population"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, rows in zip(
            panels, (own[~is_specialist], own[is_specialist | (own["method"] == "mra")]), strict=True
        ):
            arms = list(rows.groupby("method", sort=False))
            for aside, (method, of_arm) in zip(_asides(len(arms)), arms, strict=True):
                trained = trained_sizes(world, str(method))
                _draw_line(axes, of_arm, sizes, aside, trained, color=colors[str(method)], label=str(method))
            _finish(axes, sizes, world)
            if arms:
                axes.legend(frameon=False, fontsize=6)
    return figure


def draw_choices(summary: pd.DataFrame, world: str) -> Figure:
    """Draws the scores of `mra` by each choice of the latent, and of adapted networks with and without latents."""
    own = summary[(summary["world"] == world) & (summary["method"].isin(("mra", "no_latent")))]
    arms, sizes = list(own.groupby(["method", "choice"], sort=False)), sorted(own["population"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        axes = figure.subplots()
        for place, (aside, ((method, choice), rows)) in enumerate(zip(_asides(len(arms)), arms, strict=True)):
            color = CHOICE_COLORS[place % len(CHOICE_COLORS)]
            _draw_line(axes, rows, sizes, aside, (), color=color, label=f"{method}, {choice}")
        _finish(axes, sizes, world)
        figure.legend(loc="outside right center", frameon=False, fontsize=6)
    return figure


def _asides(count: int) -> np.ndarray:
    asides: np.ndarray = WIDTH * ((np.arange(count) + 0.5) / count - 0.5)
    return asides


def _draw_line(
    axes: Axes, rows: pd.DataFrame, sizes: list[int], aside: float, trained: Collection[int], *, color: str, label: str
) -> None:
    rows = rows.sort_values("population")
    places = rows["population"].map(sizes.index) + aside
    errors = np.array([rows["iqm"] - rows["low"], rows["high"] - rows["iqm"]]).clip(min=0)
    style: dict[str, Any] = {"color": color, "linewidth": 1, "markersize": 2.5}
    axes.errorbar(places, rows["iqm"], yerr=errors, fmt="o-", label=label.translate(WORDS), **style)
    is_own = rows["population"].isin(trained)
    axes.plot(places[is_own], rows["iqm"][is_own], "o", color=color, markersize=5)


def _finish(axes: Axes, sizes: list[int], world: str) -> None:
    for edge in (0, 1):
        axes.axhline(edge, color="#777777", linestyle=":", linewidth=0.8)
    axes.set_xticks(range(len(sizes)), [str(n) for n in sizes])
    axes.set_xlabel("agents" if world == "resources" else "collectors")
    axes.set_ylabel("0: random, 1: scripted")
    axes.spines[["top", "right"]].set_visible(False)
