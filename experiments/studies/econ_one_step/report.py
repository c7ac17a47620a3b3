"""Report of a run: its tables and figures."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_one_step.analysis import RIVALS, TITLES, planner_table, regret_table
from experiments.studies.econ_one_step.evaluation import MUST_BEAT, read_references
from experiments.studies.econ_one_step.settings import OneStepSettings

LEARNED, BEST, MUTED = "#2f6fb5", "#d27a26", "#9aa0a6"
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def _panels(scores: pd.DataFrame) -> list[tuple[str, str]]:
    return list(dict.fromkeys(zip(scores["economy"], scores["objective"], strict=True)))


def draw_rates(rates: pd.DataFrame) -> Figure:
    """Draws learned and best rates by bracket; brackets without workers are pale."""
    panels = _panels(rates)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.3 * len(panels), 2.6), layout="constrained")
        for axes, (economy, objective) in zip(
            np.ravel(figure.subplots(1, len(panels), sharey=True)), panels, strict=True
        ):
            rows = rates[(rates["economy"] == economy) & (rates["objective"] == objective)]
            _draw_brackets(axes, rows)
            axes.set_title(f"{economy}: {TITLES[objective]}", fontsize=9)
        figure.supxlabel("bracket from, coin", fontsize=9)
        figure.supylabel("marginal rate", fontsize=9)
    return figure


def _draw_brackets(axes: Axes, rows: pd.DataFrame) -> None:
    one = rows[rows["seed"] == rows["seed"].iloc[0]]
    places = np.arange(len(one))
    for place, workers in zip(places, one["workers"], strict=True):
        if not workers:
            axes.axvspan(place - 0.5, place + 0.5, color="#efece4", linewidth=0)
    for _, seed_rows in rows.groupby("seed"):
        jitter = (seed_rows["seed"].iloc[0] - rows["seed"].mean()) * 0.1
        axes.plot(places + jitter, seed_rows["rate"], "o", color=LEARNED, markersize=3.5, alpha=0.8)
    axes.hlines(one["best_rate"], places - 0.4, places + 0.4, color=BEST, linewidth=1.6)
    axes.set_xticks(places, [str(name) for name in one["bracket"]], fontsize=7, rotation=30)
    axes.set_xlim(-0.5, len(one) - 0.5)
    axes.set_ylim(-0.03, 1.03)


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draws welfare in phase 2, a line for each seed, with the schedules to beat."""
    panels, references = _panels(curves), read_references()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.3 * len(panels), 2.6), layout="constrained")
        for axes, (economy, objective) in zip(np.ravel(figure.subplots(1, len(panels))), panels, strict=True):
            rows = curves[(curves["economy"] == economy) & (curves["objective"] == objective)]
            for _, line in rows.groupby("seed"):
                axes.plot(line["episodes"], line["welfare"], color=LEARNED, linewidth=0.9, alpha=0.8)
            axes.axhline(references.loc[(economy, f"best found, {objective}"), objective], color=BEST, linewidth=1.2)
            for name, dashes in zip(MUST_BEAT, ((1, 1), (3, 2), (6, 2)), strict=True):
                value = references.loc[(economy, name), objective]
                axes.axhline(value, color=MUTED, linewidth=1, dashes=dashes, label=f"{name} {value:.1f}")
            axes.set_title(f"{economy}: {TITLES[objective]}", fontsize=9)
            axes.legend(fontsize=6.5, frameon=False, loc="lower right")
            axes.margins(x=0)
        figure.supxlabel("episodes of each env", fontsize=9)
        figure.supylabel("welfare of training episodes", fontsize=9)
    return figure


def draw_regrets(regrets: pd.DataFrame) -> Figure:
    """Draws regret under every schedule, a point for each seed, with the mark of 1 %."""
    economies = list(dict.fromkeys(regrets["economy"]))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6 * len(economies), 2.6), layout="constrained")
        for axes, economy in zip(np.ravel(figure.subplots(1, len(economies), sharey=True)), economies, strict=True):
            rows = regrets[regrets["economy"] == economy]
            names = list(dict.fromkeys(rows["schedule"]))
            places = rows["schedule"].map(names.index)
            axes.plot(places, 100 * rows["regret"], "o", color=LEARNED, markersize=3, alpha=0.7)
            axes.axhline(1, color=BEST, linewidth=1.2)
            axes.set_xticks(
                range(len(names)), [name.removeprefix("random ") for name in names], fontsize=6, rotation=90
            )
            axes.set_title(f"economy {economy}", fontsize=9)
            axes.set_ylim(0, 1.05 * 100 * regrets["regret"].max())
        figure.supylabel("regret, % of utility", fontsize=9)
    return figure


def report(run: RunFolder, settings: OneStepSettings) -> None:
    """Writes report.html.

    Raises:
        RunError: The run has not been evaluated.
    """
    if not run.evaluation_path.exists():
        raise RunError(f"{run.path} has no evaluation yet: agora evaluate {run.path}")
    names = ("evaluation.csv", "regrets.csv", "rates.csv", "curves.csv")
    scores, regrets, rates, curves = (pd.read_csv(run.path / name) for name in names)
    beaten = scores["welfare"] > scores[RIVALS].max(axis=1)
    lead = (
        f"{int((scores['share_of_best'] >= 0.99).sum())} of {len(scores)} planners reach 99 % of the best welfare "
        f"found, and {int(beaten.sum())} beat the free market, US federal taxes and Saez's formula."
    )
    sections = [
        Section(
            "Planners",
            table=planner_table(scores, rates),
            caption="Welfare of the planner's most likely schedule with exact best responses; mean over seeds and its "
            "95 % interval, median and worst. Populated: brackets in which workers earn under the best schedule.",
        ),
        Section(
            "Schedules",
            figure=to_svg(draw_rates(rates)),
            caption="Points: seeds; lines: best found. Pale: nobody there.",
        ),
        Section("Phase 2", figure=to_svg(draw_curves(curves)), caption="Orange: best found; grey: schedules to beat."),
        Section(
            "Workers",
            table=regret_table(regrets),
            figure=to_svg(draw_regrets(regrets)),
            caption="After phase 1: utility forgone by the most likely hours, over the utility of the best hours.",
        ),
        Section("Settings", table=[["setting", "value"], *([k, str(v)] for k, v in settings.model_dump().items())]),
    ]
    write_report(run.report_path, "The one-step economy: workers and planner learn", lead, sections)
