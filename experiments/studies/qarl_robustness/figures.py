"""Figures of all runs together. An arm has the colour of its method, whoever is beside it."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import games
from experiments.run_folder import RunFolder
from experiments.studies.qarl.report import STYLE, draw_grids, read_cells
from experiments.studies.qarl_robustness.settings import DOUBLED, RobustnessSettings, run_path
from marl.qarl.methods import METHODS
from marl.robustness.force import SCALES
from marl.robustness.grid import own_values
from marl.robustness.statistics import interquartile_mean

# The dark half of matplotlib's palette of twenty first, for the methods that the paper compares come first.
COLOURS = {
    name: mpl.colormaps["tab20"].colors[place]  # type: ignore[attr-defined]
    for name, place in zip(METHODS, (*range(0, 20, 2), *range(1, 20, 2)), strict=False)
}


def style_of(arm: str) -> dict[str, Any]:
    """Returns colour and line of an arm; those that were trained twice as long are broken."""
    return {"color": COLOURS[arm.removesuffix(DOUBLED)], "linestyle": "--" if arm.endswith(DOUBLED) else "-"}


def draw_measures(comparisons: pd.DataFrame, task: str) -> Figure:
    """Draws a panel for each measure: arms from top to bottom, interquartile mean and 95 % interval."""
    own = comparisons[comparisons["task"] == task].drop_duplicates(["arm", "measure"])
    names, arms = list(dict.fromkeys(own["measure"])), list(dict.fromkeys(own["arm"]))[::-1]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 0.25 * len(arms) + 0.9), layout="constrained")
        for axes, name in zip(figure.subplots(1, len(names), sharey=True), names, strict=True):
            rows = own[own["measure"] == name].set_index("arm")
            for place, arm in enumerate(arms):
                found = rows.loc[arm]
                errors = [[found["iqm"] - found["low"]], [found["high"] - found["iqm"]]]
                colour = style_of(arm)["color"]
                axes.errorbar(found["iqm"], place, xerr=errors, fmt="o", color=colour, markersize=3.5)
            axes.set_yticks(range(len(arms)), arms)
            axes.set_title(name.replace("_", " "), fontsize=8)
            axes.grid(axis="x", linewidth=0.4, alpha=0.6)
    return figure


def draw_forces(measures: pd.DataFrame, task: str, budget: int) -> Figure:
    """Draws returns over the force of each protagonist's worst attacker: interquartile means, 95 % intervals."""
    own = measures[measures["task"] == task]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.subplots()
        for arm, rows in own.groupby("arm", sort=False):
            by_name = {name: found["value"].to_numpy() for name, found in rows.groupby("measure")}
            middles = [interquartile_mean(by_name[f"attack {budget}, force {scale:g}"]) for scale in SCALES]
            style = style_of(str(arm))
            axes.plot(SCALES, [middle.value for middle in middles], label=arm, **style)
            ends = [middle.low for middle in middles], [middle.high for middle in middles]
            axes.fill_between(SCALES, *ends, color=style["color"], alpha=0.12, linewidth=0)
        axes.set_xlabel("force, in units of the training's")
        axes.set_ylabel("return")
        _put_legend(figure)
    return figure


def _put_legend(figure: Figure) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7, frameon=False)


def draw_learning(learning: pd.DataFrame, task: str) -> Figure:
    """Draws returns while protagonists learn, and the temperatures of adversaries where there are any."""
    own = learning[learning["task"] == task]
    shown = {"return": "return in training"}
    if (own["temperature"] > 0).any():
        shown["temperature"] = "adversary's temperature"
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.2 + 4.2 * len(shown), 3), layout="constrained")
        panels = figure.subplots(1, len(shown), squeeze=False)[0]
        for axes, (name, title) in zip(panels, shown.items(), strict=True):
            for arm, rows in own.groupby("arm", sort=False):
                if name == "return" or (rows[name] > 0).any():
                    steps, style = rows["steps"] / 1000, style_of(str(arm))
                    axes.plot(steps, rows[name], linewidth=1, label=arm, **style)
                    ends = rows[f"{name}_low"], rows[f"{name}_high"]
                    axes.fill_between(steps, *ends, color=style["color"], alpha=0.12, linewidth=0)
            axes.set_ylabel(title)
            axes.set_xlabel("thousand env steps of a seed")
        for heat in panels[1:]:
            heat.set_yscale("log")
        _put_legend(figure)
    return figure


def draw_cross_play(pairs: pd.DataFrame, task: str) -> Figure:
    """Draws mean returns of protagonists (rows) against adversaries and attackers (columns)."""
    own = pairs[pairs["task"] == task]
    arms, others = list(dict.fromkeys(own["arm"])), sorted(dict.fromkeys(own["adversary"]), key=_is_attacker)
    table = own.pivot(index="arm", columns="adversary", values="value").loc[arms, others].to_numpy()
    middle = (table.min() + table.max()) / 2
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.8 + 0.55 * len(others), 1.8 + 0.32 * len(arms)), layout="constrained")
        axes = figure.subplots()
        picture = axes.imshow(table, cmap="viridis", aspect="auto")
        for (row, column), value in np.ndenumerate(table):
            colour = "white" if value < middle else "black"
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=7, color=colour)
        axes.set_xticks(range(len(others)), others, rotation=40, ha="right", fontsize=7)
        axes.set_yticks(range(len(arms)), arms)
        axes.set_xlabel("adversary")
        axes.set_ylabel("protagonist")
        figure.colorbar(picture, label="mean return")
    return figure


def _is_attacker(name: str) -> bool:
    return name.startswith("attacker of ")


def draw_bodies(run: RunFolder, settings: RobustnessSettings, task: str) -> Figure:
    """Draws mean returns over bodies, a panel for each arm, all in the same colours."""
    cells = {}
    for arm in settings.arms():
        own = settings.run_settings(task, arm)
        shape = [len(axis.values) for axis in own.axes()]
        cells[arm.name] = read_cells(RunFolder(run_path(run, task, arm)), own).mean(axis=0).reshape(shape)
    config = games.spec(own.world).config(**own.world_settings)
    return draw_grids(cells, own.axes(), own_values(config, own.axes()))
