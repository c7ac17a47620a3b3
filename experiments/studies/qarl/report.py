"""What a run of the study shows: learning, the schedule, and how the protagonists stand up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import games
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunFolder, read_csv
from experiments.studies.qarl.evaluation import grid_path, read_measures
from experiments.studies.qarl.settings import QarlSettings
from marl.robustness.grid import Axis, own_values
from marl.robustness.statistics import interquartile_mean

BLUE, ORANGE = "#2f6fb5", "#d27a26"
BODIES = "Mean over seeds, nobody pushes. The ring is the world's own body."
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw_learning(rows: list[dict[str, float]], seeds: range) -> Figure:
    """Draws each seed's return while the protagonist learned, and the adversaries' temperatures."""
    steps = [row["steps"] / 1000 for row in rows]
    shown = {"return": "protagonist's return"}
    if any(row["adversary_temperature"] > 0 for row in rows):
        shown["temperature"] = "adversary's temperature"
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.5 * len(shown), 2.8), layout="constrained")
        panels = figure.subplots(1, len(shown), squeeze=False)[0]
        for axes, (name, title) in zip(panels, shown.items(), strict=True):
            for seed in seeds:
                axes.plot(steps, [row[f"{name}_{seed}"] for row in rows], color=BLUE, linewidth=0.6, alpha=0.5)
            axes.set_xlabel("thousand env steps of a seed")
            axes.set_ylabel(title)
        panels[0].plot(steps, [row["return"] for row in rows], color=ORANGE, linewidth=1.6)
        for heat in panels[1:]:
            heat.set_yscale("log")
    return figure


def draw_grids(cells: Mapping[str, np.ndarray], axes_of_grid: tuple[Axis, ...], own: tuple[float, ...]) -> Figure:
    """Draws mean returns over bodies, a panel for each name, all in the same colours.

    Args:
        cells: By name, [first axis, second axis].
        axes_of_grid: Both.
        own: Where the world's own body is, which is marked.
    """
    lowest, highest = (end([end(own_cells) for own_cells in map(np.ravel, cells.values())]) for end in (min, max))
    columns = min(len(cells), 4)
    rows = -(-len(cells) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(0.8 + 2.4 * columns, 0.5 + 2.3 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in panels.flat[len(cells) :]:
            axes.remove()
        for axes, (name, values) in zip(panels.flat, cells.items(), strict=False):
            picture = axes.imshow(values, origin="lower", cmap="viridis", vmin=lowest, vmax=highest)
            places = [
                float(np.interp(number, axis.values, range(len(axis.values))))
                for axis, number in zip(axes_of_grid, own, strict=True)
            ]
            axes.plot(places[1], places[0], marker="o", markersize=6, markerfacecolor="none", color="white")
            axes.set_title(name, fontsize=9)
        for put_ticks, axis in ((axes.set_yticks, axes_of_grid[0]), (axes.set_xticks, axes_of_grid[1])):
            shown = range(0, len(axis.values), 5)
            put_ticks(list(shown), [f"{axis.values[place]:.3g}" for place in shown])
        figure.supylabel(axes_of_grid[0].title or axes_of_grid[0].label, fontsize=9)
        figure.supxlabel(axes_of_grid[1].title or axes_of_grid[1].label, fontsize=9)
        figure.colorbar(picture, ax=panels, label="mean return")
    return figure


def read_cells(run: RunFolder, settings: QarlSettings) -> np.ndarray:
    """Returns grid.csv: [seeds, cells].

    Raises:
        RunError: It is missing or damaged.
    """
    rows = read_csv(grid_path(run), {"seed", "cell", "value"})
    return np.array([float(row["value"]) for row in rows]).reshape(settings.seeds, -1)


def report(run: RunFolder, settings: QarlSettings) -> None:
    """Writes report.html."""
    table = [["measure", "interquartile mean over seeds", "95 % interval", "worst seed"]]
    for name, by_seed in read_measures(run).items():
        values = np.array(list(by_seed.values()))
        found = interquartile_mean(values)
        table.append([name, f"{found.value:.1f}", f"{found.low:.1f} to {found.high:.1f}", f"{values.min():.1f}"])
    axes = settings.axes()
    cells = read_cells(run, settings).mean(axis=0).reshape([len(axis.values) for axis in axes])
    own = own_values(games.spec(settings.world).config(**settings.world_settings), axes)
    sections = [
        Section("How the protagonists stand up", table=table, caption="Intervals: bootstrap over seeds."),
        Section("Learning", figure=to_svg(draw_learning(run.read_metrics(), settings.seed_numbers))),
        Section("Other bodies", figure=to_svg(draw_grids({settings.method: cells}, axes, own)), caption=BODIES),
        Section("Settings", table=[["setting", "value"], *([k, str(v)] for k, v in settings.model_dump().items())]),
    ]
    lead = f"{settings.seeds} protagonists trained by {settings.method} in {settings.world}, then judged alike."
    write_report(run.report_path, f"{settings.method} in {settings.world}", lead, sections)
