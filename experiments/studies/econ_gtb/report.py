"""Report of a run: the marks, who does what, how it came about; or what one worker gained alone."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_gtb.analysis import LARGEST_GAIN, marks, measure, measure_gain
from experiments.studies.econ_gtb.settings import GtbSettings

BLUE, ORANGE = "#2f6fb5", "#d27a26"
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


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


def draw_rates(rates: pd.DataFrame) -> Figure:
    """Draws the mean rate of each bracket: a thin line for each period, a thick one for their mean."""
    names = list(dict.fromkeys(rates["bracket"].astype(str)))
    table = rates.assign(bracket=rates["bracket"].astype(str)).pivot(index="period", columns="bracket", values="rate")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5, 2.2), layout="constrained")
        axes = figure.subplots()
        axes.plot(names, table[names].to_numpy().T, color=BLUE, linewidth=0.6, alpha=0.5)
        axes.plot(names, table[names].mean(), color=ORANGE, linewidth=1.8)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("income from which a rate holds, coin in a tax period", fontsize=9)
    return figure


def _settings_section(settings: GtbSettings) -> Section:
    return Section("Settings", table=[["setting", "value"], *([k, str(v)] for k, v in settings.model_dump().items())])


def report(run: RunFolder, settings: GtbSettings) -> None:
    """Writes report.html.

    Raises:
        RunError: The run has not been evaluated.
    """
    if not run.evaluation_path.exists():
        raise RunError(f"{run.path} has no evaluation yet: agora evaluate {run.path}")
    curves = Section("Training", figure=to_svg(draw_curves(pd.DataFrame(run.read_metrics()))))
    done = f"{run.trained_steps()} of {settings.total_steps} env steps"
    found = pd.read_csv(run.evaluation_path)
    if settings.learns == "one_worker":
        gain = measure_gain(found)
        lead = (
            f"{done}. One worker that learns on beside the others gains {gain['gain']:.2f} utility "
            f"({gain['gain_low']:.2f} to {gain['gain_high']:.2f}), {gain['share']:.1%} of its {gain['utility']:.2f}; "
            f"the mark is {LARGEST_GAIN:.0%}."
        )
        write_report(
            run.report_path, f"One worker alone under {settings.tax}", lead, [curves, _settings_section(settings)]
        )
        return
    workers, rates = pd.read_csv(run.path / "workers.csv"), pd.read_csv(run.path / "rates.csv")
    table = marks(measure(found, workers))
    met, asked = (sum(row[3] in words for row in table[1:]) for words in (("yes",), ("yes", "no")))
    sections = [
        Section("Marks", table=table, caption=f"{len(found)} episodes; workers draw their actions."),
        Section("Who does what", figure=to_svg(draw_ranks(workers)), caption="Points: episodes. Lines: means."),
        Section("Rates", figure=to_svg(draw_rates(rates)), caption="Thin: tax periods. Thick: their mean."),
        curves,
        _settings_section(settings),
    ]
    lead = f"{done}; {met} of {asked} marks met."
    write_report(run.report_path, f"Gather-trade-build under {settings.tax}", lead, sections)
