"""Report of a run: the marks, who does what, and how it came about."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_gtb.analysis import marks, measure
from experiments.studies.econ_gtb.settings import GtbSettings

BLUE, ORANGE = "#2f6fb5", "#d27a26"
STYLE: Any = {"svg.fonttype": "path", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw_ranks(workers: pd.DataFrame) -> Figure:
    """Draws houses, coin, sales and utility by rank of pay: a point for each episode, a line at the mean."""
    names = {"houses": "houses", "coin": "coin", "sales": "coin from the market", "utility": "utility"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.4), layout="constrained")
        for axes, (name, title) in zip(figure.subplots(1, len(names)), names.items(), strict=True):
            axes.plot(workers["rank"], workers[name], "o", color=BLUE, markersize=3, alpha=0.4)
            means = workers.groupby("rank")[name].mean()
            axes.hlines(means, means.index - 0.3, means.index + 0.3, color=ORANGE, linewidth=1.6)
            axes.set_xticks(means.index, [f"{pay:.0f}" for pay in workers.groupby("rank")["payment"].mean()])
            axes.set_title(title, fontsize=9)
        figure.supxlabel("coin that a house pays the worker", fontsize=9)
    return figure


def draw_curves(metrics: pd.DataFrame) -> Figure:
    """Draws productivity, equality and utility over the env steps."""
    rows = metrics.dropna()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.2), layout="constrained")
        names = ("productivity", "equality", "mean_utility")
        for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
            axes.plot(rows["steps"] / 1e6, rows[name], color=BLUE, linewidth=1)
            axes.set_title(name.replace("_", " "), fontsize=9)
            axes.margins(x=0.01)
        figure.supxlabel("million env steps", fontsize=9)
    return figure


def report(run: RunFolder, settings: GtbSettings) -> None:
    """Writes report.html.

    Raises:
        RunError: The run has not been evaluated.
    """
    if not run.evaluation_path.exists():
        raise RunError(f"{run.path} has no evaluation yet: agora evaluate {run.path}")
    episodes, workers = pd.read_csv(run.evaluation_path), pd.read_csv(run.path / "workers.csv")
    table = marks(measure(episodes, workers))
    met, asked = (sum(row[3] in words for row in table[1:]) for words in (("yes",), ("yes", "no")))
    sections = [
        Section("Marks", table=table, caption=f"{len(episodes)} episodes; workers draw their actions."),
        Section("Who does what", figure=to_svg(draw_ranks(workers)), caption="Points: episodes. Lines: means."),
        Section("Training", figure=to_svg(draw_curves(pd.DataFrame(run.read_metrics())))),
        Section("Settings", table=[["setting", "value"], *([k, str(v)] for k, v in settings.model_dump().items())]),
    ]
    lead = f"{run.trained_steps()} of {settings.total_steps} env steps; {met} of {asked} marks met."
    write_report(run.report_path, f"Gather-trade-build under {settings.tax}", lead, sections)
