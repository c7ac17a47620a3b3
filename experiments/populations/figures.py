"""Figures of arms: what they get and risk, what happens to them, and who gets what beside whom."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.populations.settings import Arm

BLUE, ORANGE, GREY = "#2f6fb5", "#d27a26", "#777777"
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def _pick(intervals: pd.DataFrame, group: str, measure: str) -> pd.DataFrame:
    rows = intervals[(intervals["group"] == group) & (intervals["measure"] == measure)]
    return rows.set_index("arm")[["mean", "low", "high"]]


def _errors(rows: pd.DataFrame) -> np.ndarray:
    return np.array([rows["mean"] - rows["low"], rows["high"] - rows["mean"]])


def draw_frontier(intervals: pd.DataFrame, arms: list[Arm], group: str, x: str, y: str) -> Figure:
    """Draws one measure over another: a point for each arm with its 95 % intervals; risk-averse ones are joined.

    Args:
        intervals: Rows of `arm_intervals`.
        arms: In the order of the table.
        group: Of partners.
        x: Measure along.
        y: Measure up.
    """
    across, up = _pick(intervals, group, x), _pick(intervals, group, y)
    averse = [arm.name for arm in sorted(arms, key=lambda arm: arm.gamma) if arm.meta_solver == "rae"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.errorbar(across["mean"], up["mean"], _errors(up), _errors(across), fmt="none", ecolor=GREY, elinewidth=0.8)
        axes.plot(across.loc[averse, "mean"], up.loc[averse, "mean"], "-o", color=BLUE, markersize=4, linewidth=1)
        others = [arm.name for arm in arms if arm.name not in averse]
        axes.plot(across.loc[others, "mean"], up.loc[others, "mean"], "s", color=ORANGE, markersize=4)
        for name in across.index:
            place = (across.loc[name, "mean"], up.loc[name, "mean"])
            axes.annotate(str(name), place, (4, 3), textcoords="offset points", fontsize=7)
        axes.set_xlabel(x.replace("_", " "))
        axes.set_ylabel(y.replace("_", " "))
    return figure


def draw_measures(intervals: pd.DataFrame, arms: list[Arm], group: str, measures: list[str]) -> Figure:
    """Draws a panel for each measure: arms from top to bottom, mean over seeds and 95 % interval."""
    names = [arm.name for arm in arms][::-1]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 0.24 * len(names) + 0.9), layout="constrained")
        for axes, measure in zip(figure.subplots(1, len(measures), sharey=True), measures, strict=True):
            rows = _pick(intervals, group, measure).loc[names]
            axes.errorbar(rows["mean"], range(len(names)), xerr=_errors(rows), fmt="o", color=BLUE, markersize=3.5)
            axes.set_yticks(range(len(names)), names)
            axes.set_title(measure.replace("_", " "), fontsize=9)
            axes.grid(axis="x", linewidth=0.4, alpha=0.6)
    return figure


def draw_pairs(pairs: pd.DataFrame, arms: list[Arm]) -> Figure:
    """Draws what each arm (row) gets on average beside each partner (column)."""
    table = pairs.pivot_table(index="arm", columns=["group", "partner"], values="mean", aggfunc="mean")
    names = [arm.name for arm in arms]
    columns = [("own", ""), *(("trained", name) for name in names)]
    columns += [key for key in table.columns if key[0] == "strangers"]
    own = pairs[pairs["group"] == "own"].groupby("arm")["mean"].mean()
    grid = np.array(
        [[own[name] if key[0] == "own" else table.loc[name, key] for key in columns] for name in names], float
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 0.28 * len(names) + 1.4), layout="constrained")
        axes: Axes = figure.subplots()
        picture = axes.imshow(grid, aspect="auto", cmap="viridis")
        axes.set_xticks(range(len(columns)), ["own run", *(key[1] for key in columns[1:])], rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.axvline(0.5, color="white")
        axes.axvline(len(names) + 0.5, color="white")
        figure.colorbar(picture, label="mean return of the row")
    return figure
