"""What a run of the study shows: learning, the schedule, and how the protagonists stand up."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunFolder, read_csv
from experiments.studies.qarl.evaluation import grid_path, read_measures
from experiments.studies.qarl.settings import QarlSettings
from marl.robustness.grid import Axis
from marl.robustness.statistics import interquartile_mean

BLUE, ORANGE = "#2f6fb5", "#d27a26"
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw_learning(rows: list[dict[str, float]], seeds: range) -> Figure:
    """Draws each seed's return while the protagonist learned, and the adversaries' temperatures."""
    steps = [row["steps"] / 1000 for row in rows]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.8), layout="constrained")
        returns, heat = figure.subplots(1, 2)
        for axes, name in ((returns, "return"), (heat, "temperature")):
            for seed in seeds:
                axes.plot(steps, [row[f"{name}_{seed}"] for row in rows], color=BLUE, linewidth=0.6, alpha=0.5)
            axes.set_xlabel("thousand env steps of a seed")
        returns.plot(steps, [row["return"] for row in rows], color=ORANGE, linewidth=1.6)
        returns.set_ylabel("protagonist's return")
        heat.set_ylabel("adversary's temperature")
        if any(row["adversary_temperature"] > 0 for row in rows):
            heat.set_yscale("log")
    return figure


def draw_grid(cells: np.ndarray, axes_of_grid: tuple[Axis, ...]) -> Figure:
    """Draws mean returns [first axis, second axis] over bodies."""
    first, second = axes_of_grid
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.6), layout="constrained")
        axes = figure.subplots()
        picture = axes.imshow(cells, origin="lower", cmap="viridis")
        for ticks, labels, axis in (
            (axes.set_xticks, axes.set_xlabel, second),
            (axes.set_yticks, axes.set_ylabel, first),
        ):
            shown = range(0, len(axis.values), 5)
            ticks(list(shown), [f"{axis.values[place]:.3g}" for place in shown])
            labels(axis.label)
        figure.colorbar(picture, label="mean return")
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
    sections = [
        Section("How the protagonists stand up", table=table, caption="Intervals: bootstrap over seeds."),
        Section("Learning", figure=to_svg(draw_learning(run.read_metrics(), settings.seed_numbers))),
        Section("Other bodies", figure=to_svg(draw_grid(cells, axes)), caption="Mean over seeds, nobody pushes."),
        Section("Settings", table=[["setting", "value"], *([k, str(v)] for k, v in settings.model_dump().items())]),
    ]
    lead = f"{settings.seeds} protagonists trained by {settings.method} in {settings.world}, then judged alike."
    write_report(run.report_path, f"{settings.method} in {settings.world}", lead, sections)
