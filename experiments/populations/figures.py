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
NAME_GAP = 0.055  # of a panel's height between two names
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
    points = _pick(intervals, group, x).join(_pick(intervals, group, y).add_suffix("_up"))
    averse = [arm.name for arm in sorted(arms, key=lambda arm: arm.gamma) if arm.meta_solver == "rae"]
    near = _crowd(points)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.4 if near else 5.2, 3.6), layout="constrained")
        panels = figure.subplots(1, 2 if near else 1, squeeze=False)[0]
        for axes in panels:
            _draw_points(axes, points, averse)
            axes.set_xlabel(x.replace("_", " "))
            axes.set_ylabel(y.replace("_", " "))
        _name_points(panels[0], points.drop(index=near))
        if near:
            _zoom(panels[1], points.loc[near])
            _name_points(panels[1], points.loc[near])
            panels[1].set_title(f"the {len(near)} that are close together", fontsize=9)
    return figure


def _crowd(points: pd.DataFrame) -> list[Any]:
    """Returns the arms within a tenth of both ranges around the medians, if they are most and not all of them."""
    is_near = np.ones(len(points), bool)
    for name in ("mean", "mean_up"):
        values = points[name]
        is_near &= ((values - values.median()).abs() <= 0.1 * (values.max() - values.min())).to_numpy()
    return list(points.index[is_near]) if len(points) / 2 < is_near.sum() < len(points) else []


def _draw_points(axes: Axes, points: pd.DataFrame, averse: list[str]) -> None:
    across = points[["mean", "low", "high"]]
    up = points[["mean_up", "low_up", "high_up"]].set_axis(across.columns, axis=1)
    axes.errorbar(across["mean"], up["mean"], _errors(up), _errors(across), fmt="none", ecolor=GREY, elinewidth=0.6)
    axes.plot(across.loc[averse, "mean"], up.loc[averse, "mean"], "-o", color=BLUE, markersize=4, linewidth=1)
    others = points.index.difference(averse)
    axes.plot(across.loc[others, "mean"], up.loc[others, "mean"], "s", color=ORANGE, markersize=4)


def _zoom(axes: Axes, points: pd.DataFrame) -> None:
    for name, limit in (("", axes.set_xlim), ("_up", axes.set_ylim)):
        low, high = points[f"low{name}"].min(), points[f"high{name}"].max()
        limit(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _name_points(axes: Axes, points: pd.DataFrame) -> None:
    """Writes names to the right of a panel, apart from each other, each with a line to its point."""
    low, high = axes.get_ylim()
    ordered = points.sort_values(["mean_up", "mean"])
    places = _spread(((ordered["mean_up"] - low) / (high - low)).to_numpy())
    for (name, row), place in zip(ordered.iterrows(), places, strict=True):
        axes.annotate(
            str(name),
            (row["mean"], row["mean_up"]),
            (1.04, place),
            textcoords="axes fraction",
            fontsize=7,
            va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2},
        )


def _spread(places: np.ndarray) -> np.ndarray:
    """Returns rising places moved apart by `NAME_GAP`, up first, and back down from 1 where that leads beyond it."""
    steps = NAME_GAP * np.arange(len(places))
    risen = np.maximum.accumulate(places - steps) + steps
    return np.minimum(risen, 1 - steps[::-1])


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
