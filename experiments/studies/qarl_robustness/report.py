"""Tables and figures of all runs together."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder
from experiments.studies.qarl.report import STYLE, draw_grid, read_cells
from experiments.studies.qarl_robustness.analysis import ALL, judged_by
from experiments.studies.qarl_robustness.curricula import curriculum_table, warn_unfinished
from experiments.studies.qarl_robustness.defences import certificate_table, pool_table
from experiments.studies.qarl_robustness.settings import RobustnessSettings, run_path
from experiments.studies.qarl_robustness.verdicts import TABLES, describe
from marl.robustness.force import SCALES
from marl.robustness.statistics import LEVEL, least_p_value

POOLED = "Mean returns: Exp3 over the arms' protagonists of a seed while their attackers take turns; each fixed choice."
FOLLOWED = (
    "Medians over seeds (least to largest). Returns are means over both phases of an iteration; schedules are those of "
    "temperatures, or of what stands for shares of force. RARL's adversary learns its temperature."
)
BOUNDED = (
    "Lower bounds (95 %) of the probability that a smoothed protagonist reaches the task's certified return, whatever "
    "shifts of that length in all its observations are shown; means over seeds, at the best of three deviations."
)
COLOURS = ("#2f6fb5", "#777777", "#d27a26", "#3b8a4b", "#a2436f", "#8a6d3b", "#bbbbbb", "#9dbfe0", "#e0b89d")


def _read(run: RunFolder, name: str) -> pd.DataFrame:
    path = run.evaluation_path if name == "evaluation" else run.path / f"{name}.csv"
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}; agora evaluate {run.path}") from None


def result_table(comparisons: pd.DataFrame, task: str, budget: str) -> list[list[str]]:
    """Returns a row for each measure and arm: interquartile mean, its interval, and the first arm beside it."""
    own = comparisons[(comparisons["task"] == task) & (comparisons["budget"] == budget)]
    first, digits = own["arm"].iloc[0], 3 if task == ALL else 1
    rows = [["measure", "arm", "interquartile mean", "95 % interval", f"P({first} better)", "p (Holm)", f"{first} is"]]
    for _, found in own.iterrows():
        low, middle, high = (f"{found[name]:.{digits}f}" for name in ("low", "iqm", "high"))
        row = [found["measure"], found["arm"], middle, f"{low} to {high}"]
        is_compared = isinstance(found.get("verdict"), str)
        beside = (
            [f"{found['improvement']:.2f}", f"{found['p_value']:.2g}", found["verdict"]] if is_compared else [""] * 3
        )
        rows.append([*row, *beside])
    return rows


def draw_measures(comparisons: pd.DataFrame, task: str) -> Figure:
    """Draws a panel for each measure: arms from top to bottom, interquartile mean and 95 % interval."""
    own = comparisons[comparisons["task"] == task].drop_duplicates(["arm", "measure"])
    names, arms = list(dict.fromkeys(own["measure"])), list(dict.fromkeys(own["arm"]))[::-1]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 0.25 * len(arms) + 0.9), layout="constrained")
        for axes, name in zip(figure.subplots(1, len(names), sharey=True), names, strict=True):
            rows = own[own["measure"] == name].set_index("arm").loc[arms]
            errors = np.array([rows["iqm"] - rows["low"], rows["high"] - rows["iqm"]])
            axes.errorbar(rows["iqm"], range(len(arms)), xerr=errors, fmt="o", color=COLOURS[0], markersize=3.5)
            axes.set_yticks(range(len(arms)), arms)
            axes.set_title(name.replace("_", " "), fontsize=9)
            axes.grid(axis="x", linewidth=0.4, alpha=0.6)
    return figure


def draw_forces(measures: pd.DataFrame, task: str, budget: int) -> Figure:
    """Draws returns over the force of each protagonist's worst attacker, means over seeds."""
    own = measures[measures["task"] == task]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        axes = figure.subplots()
        for colour, (arm, rows) in zip(COLOURS, own.groupby("arm", sort=False), strict=False):
            means = rows.groupby("measure")["value"].mean()
            axes.plot(SCALES, [means[f"attack {budget}, force {scale:g}"] for scale in SCALES], color=colour, label=arm)
        axes.set_xlabel("force, in units of the training's")
        axes.set_ylabel("mean return")
        axes.legend(fontsize=7, frameon=False)
    return figure


def draw_learning(learning: pd.DataFrame, task: str) -> Figure:
    """Draws returns while protagonists learn and the temperatures of their adversaries, means over seeds."""
    own = learning[learning["task"] == task]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3), layout="constrained")
        returns, heat = figure.subplots(1, 2)
        for colour, (arm, rows) in zip(COLOURS, own.groupby("arm", sort=False), strict=False):
            returns.plot(rows["steps"] / 1000, rows["return"], color=colour, linewidth=1, label=arm)
            if (rows["adversary_temperature"] > 0).any():
                heat.plot(rows["steps"] / 1000, rows["adversary_temperature"], color=colour, linewidth=1)
        heat.set_yscale("log")
        returns.set_ylabel("return in training")
        heat.set_ylabel("adversary's temperature")
        for axes in (returns, heat):
            axes.set_xlabel("thousand env steps of a seed")
        returns.legend(fontsize=7, frameon=False)
    return figure


def draw_grids(run: RunFolder, settings: RobustnessSettings, task: str) -> list[tuple[str, Figure]]:
    """Returns a heatmap of mean returns over bodies for each arm."""
    figures = []
    for arm in settings.arms():
        own = settings.run_settings(task, arm)
        shape = [len(axis.values) for axis in own.axes()]
        cells = read_cells(RunFolder(run_path(run, task, arm)), own).mean(axis=0).reshape(shape)
        figures.append((arm.name, draw_grid(cells, own.axes())))
    return figures


def _verdict_section(verdicts: pd.DataFrame, curricula: pd.DataFrame, settings: RobustnessSettings) -> Section:
    text = list[str]()
    for task in dict.fromkeys(verdicts["task"]):
        text.append(f"{task}: {' '.join([*describe(verdicts, task), *warn_unfinished(curricula, task)])}")
    rule = (
        f"Reproduces: better than every rival. Reversed: worse than at least one. Inconclusive: anything else. By "
        f"{verdicts['measure'].iloc[0]}, at the level of {LEVEL:g} after Holm; the rule was settled before the run."
    )
    return Section("Verdicts", text=[*text, *settings.doubts()], caption=rule)


def _result_sections(comparisons: pd.DataFrame, settings: RobustnessSettings, task: str) -> list[Section]:
    """Returns the tables of one world, or of all together, and a figure of both."""
    sections = []
    pairs = settings.seeds * (len(settings.tasks) if task == ALL else 1)
    scores = (
        "Returns on the worlds' scales (doing nothing 0, plain SAC 1), seeds drawn within worlds. "
        if task == ALL
        else ""
    )
    for budget, (_, *rivals) in settings.tables().items():
        least = least_p_value(pairs, len(rivals))
        caption = f"{scores}{pairs} pairs and {len(rivals)} rivals: no p-value after Holm can be below {least:.2g}."
        table = result_table(comparisons, task, budget)
        sections.append(Section(f"{task}: {TABLES[budget]}", table=table, caption=caption))
    return [*sections, Section(f"{task}: measures", figure=to_svg(draw_measures(comparisons, task)))]


def report(run: RunFolder, settings: RobustnessSettings) -> None:
    """Writes report.html."""
    comparisons, measures, learning = (_read(run, name) for name in ("evaluation", "measures", "learning"))
    pools, certificates = (_read(run, name) for name in ("pools", "certificates"))
    first, budget = settings.arms()[0].name, int(judged_by(settings)[0].split()[1])
    verdicts, curricula = _read(run, "verdicts"), _read(run, "curricula")
    sections = [_verdict_section(verdicts, curricula, settings)]
    for task in dict.fromkeys(comparisons["task"]):
        sections += _result_sections(comparisons, settings, task)
    for task in settings.tasks:
        sections += [
            Section(f"{task}: attackers of other forces", figure=to_svg(draw_forces(measures, task, budget))),
            Section(f"{task}: how far schedules came", table=curriculum_table(curricula, task), caption=FOLLOWED),
            Section(f"{task}: learning and curriculum", figure=to_svg(draw_learning(learning, task))),
            Section(f"{task}: a pool at test time", table=pool_table(pools, task), caption=POOLED),
            Section(f"{task}: attacks on observations", table=certificate_table(certificates, task), caption=BOUNDED),
        ]
        sections += [
            Section(f"{task}: bodies, {arm}", figure=to_svg(own)) for arm, own in draw_grids(run, settings, task)
        ]
    shown = [["setting", "value"], *([key, str(value)] for key, value in settings.model_dump().items())]
    lead = f"{first} beside others, {settings.seeds} seeds each: how much of their return protagonists keep."
    write_report(
        run.report_path, "Robustness under bounded rationality", lead, [*sections, Section("Settings", table=shown)]
    )
