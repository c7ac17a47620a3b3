"""What all runs came to: evaluation.csv, episodes.csv, ranks.csv, rates.csv and curves.csv, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.econ_gtb.analysis import LARGEST_GAIN, MARKS, measure, measure_gain
from experiments.studies.econ_gtb.evaluation import WELFARES
from experiments.study import open_run

Cell = tuple[str, int]
"""A tax and a seed."""

RESULTS = Path(__file__).parent / "results"
CURVE_POINTS = 40  # of each run in curves.csv
RESAMPLES = 2000
TITLES = {
    "free_market": "free market",
    "us_federal": "US federal",
    "saez": "Saez",
    "flat": "flat, 30 %",
    "planner": "learned planner",
}
COLORS = {"free_market": "#7a7a7a", "us_federal": "#2f6fb5", "saez": "#3b9a5a", "flat": "#9a6fb5", "planner": "#d27a26"}
# Productivity, equality and their product (Zheng et al. 2020, as the package's tutorial shows them).
PAPER = {
    "free_market": (3285, 0.39, 1278),
    "us_federal": (2656, 0.48, 1261),
    "saez": (2759, 0.52, 1435),
    "planner": (2907, 0.57, 1664),
}
STYLE: Any = {"font.size": 9}


def evaluate(
    run: RunFolder, runs: Mapping[Cell, Path], phase_1: Mapping[int, Path], alone: Mapping[Cell, Path]
) -> None:
    """Gathers the tables from run folders.

    Args:
        run: Where the tables go.
        runs: Of phase 2, the complete ones.
        phase_1: By seed.
        alone: Runs in which one worker learned alone, as far as they are complete.
    """
    rows, episodes, ranks, rates, curves = [], [], [], [], []
    for (tax, seed), path in runs.items():
        job, _, _ = open_run(path)
        keys: dict[str, Any] = {"tax": tax, "seed": seed}
        played, workers = pd.read_csv(job.evaluation_path), pd.read_csv(path / "workers.csv")
        first, second = (RunFolder(each).read_metrics()[-1] for each in (phase_1[seed], path))
        steps = {"phase_1_steps": int(first["steps"]), "phase_2_steps": int(second["steps"])}
        steps |= {"seconds": round(first["seconds"] + second["seconds"])}
        gain = measure_gain(pd.read_csv(alone[tax, seed] / "evaluation.csv")) if (tax, seed) in alone else {}
        rows.append(keys | steps | {name: round(value, 4) for name, value in (measure(played, workers) | gain).items()})
        episodes.append(played.assign(**keys))
        means = workers.groupby("rank")[["payment", "houses", "coin", "sales", "labor", "utility"]].mean().round(3)
        ranks.append(means.reset_index().assign(**keys))
        found = pd.read_csv(path / "rates.csv").groupby("bracket", sort=False)["rate"].mean().round(4)
        rates.append(found.reset_index().assign(**keys))
        curves += [_curve(RunFolder(phase_1[seed]), keys, 1), _curve(job, keys, 2)]
    tables = {"episodes.csv": episodes, "ranks.csv": ranks, "rates.csv": rates, "curves.csv": curves}
    for name, parts in tables.items():
        write_atomically(run.path / name, pd.concat(parts).to_csv(index=False))
    write_atomically(run.evaluation_path, pd.DataFrame(rows).to_csv(index=False))


def _curve(run: RunFolder, keys: dict[str, Any], phase: int) -> pd.DataFrame:
    points = pd.DataFrame(run.read_metrics()).dropna()[["steps", "productivity", "equality", "mean_utility"]]
    if points.empty:
        raise RunError(f"{run.path} is too short: no episode ended")
    kept = np.unique(np.linspace(0, len(points) - 1, CURVE_POINTS).round().astype(int))
    return points.iloc[kept].round(3).assign(phase=phase, **keys)


def interval(values: list[np.ndarray]) -> tuple[float, float]:
    """Returns the 95 % bootstrap interval of a mean over seeds: seeds are drawn, then episodes of each.

    Args:
        values: Of the episodes of each seed.
    """
    rng = np.random.default_rng(0)
    means = [
        np.mean(
            [rng.choice(values[seed], len(values[seed])).mean() for seed in rng.integers(len(values), size=len(values))]
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _with_interval(rows: pd.DataFrame, name: str, form: str) -> str:
    by_seed = [each[name].to_numpy() for _, each in rows.groupby("seed")]
    low, high = interval(by_seed)
    return f"{np.mean([each.mean() for each in by_seed]):{form}} ({low:{form}} to {high:{form}})"


def outcome_table(episodes: pd.DataFrame, scores: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each tax: what came of how many env steps, beside the paper's."""
    heads = ["tax", "seeds", "million env steps", "productivity", "equality", "equality x productivity"]
    table = [[*heads, "paper: productivity, equality, product", "product of each seed"]]
    for tax, rows in episodes.groupby("tax", sort=False):
        steps = scores.loc[scores["tax"] == tax, ["phase_1_steps", "phase_2_steps"]].sum(axis=1).mean() / 1e6
        row = [
            TITLES[str(tax)],
            str(rows["seed"].nunique()),
            f"{steps:.1f}",
            _with_interval(rows, "productivity", ".0f"),
        ]
        row += [_with_interval(rows, "equality", ".3f"), _with_interval(rows, "equality_productivity", ".0f")]
        paper = PAPER.get(str(tax))
        by_seed = [f"{each:.0f}" for each in rows.groupby("seed")["equality_productivity"].mean()]
        table.append([*row, f"{paper[0]}, {paper[1]:.2f}, {paper[2]}" if paper else "", ", ".join(by_seed)])
    return table


def welfare_table(episodes: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each tax: welfare in utility."""
    table = [["tax", "mean utility", "utility weighted by inverse income", "least utility"]]
    for tax, rows in episodes.groupby("tax", sort=False):
        table.append([TITLES[str(tax)], *(_with_interval(rows, name, ".1f") for name in WELFARES)])
    return table


def marks_table(scores: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each mark: its mean over the seeds of each tax, and how many seeds meet it."""
    taxes = list(dict.fromkeys(scores["tax"]))
    table = [["measure", "mark", *(TITLES[tax] for tax in taxes)]]
    for name, mark in MARKS.items():
        by_tax = [scores.loc[scores["tax"] == tax, name] for tax in taxes]
        cells = [f"{values.mean():.2f} ({(values >= mark).sum()} of {len(values)})" for values in by_tax]
        table.append([name, f">= {mark:.2f}", *cells])
    if "share" not in scores:
        return table
    cells = []
    for tax in taxes:
        rows = scores[scores["tax"] == tax].dropna(subset="share")
        met = f"({(rows['share'] <= LARGEST_GAIN).sum()} of {len(rows)})"
        cells.append(f"{rows['share'].mean():.0%}, {rows['gain'].mean():+.1f} {met}" if len(rows) else "")
    name = "gain of one worker that learns on alone: share of its utility, utility"
    return [*table, [name, f"<= {LARGEST_GAIN:.0%}", *cells]]


def rates_table(rates: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each tax: its mean rate in each bracket, over periods and seeds."""
    brackets = list(dict.fromkeys(rates["bracket"]))
    table = [["tax", *(f"from {bracket:g}" for bracket in brackets)]]
    for tax, rows in rates.groupby("tax", sort=False):
        means = rows.groupby("bracket")["rate"].mean()
        table.append([TITLES[str(tax)], *(f"{means[bracket]:.2f}" for bracket in brackets)])
    return table


def draw_ranks(ranks: pd.DataFrame) -> Figure:
    """Draws who does what: means by rank of pay, a line for each tax, a point for each seed."""
    names = {"houses": "houses", "coin": "coin", "sales": "coin from the market", "utility": "utility"}
    pays = ranks.groupby("rank")["payment"].mean()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 2.6), layout="constrained")
        for axes, (name, title) in zip(figure.subplots(1, len(names)), names.items(), strict=True):
            for tax, rows in ranks.groupby("tax", sort=False):
                axes.plot(rows["rank"], rows[name], "o", color=COLORS[str(tax)], markersize=2.5, alpha=0.5)
                axes.plot(
                    rows.groupby("rank")[name].mean(), color=COLORS[str(tax)], label=TITLES[str(tax)], linewidth=1.4
                )
            axes.axhline(0, color="#cccccc", linewidth=0.8, zorder=0)
            axes.set_xticks(pays.index, [f"{pay:.1f}" for pay in pays])
            axes.set_title(title, fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[0].legend(fontsize=6.5, frameon=False)
        figure.supxlabel("coin that a house pays the worker", fontsize=9)
    return figure


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draws productivity and equality over both phases, a line for each run."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 2.6), layout="constrained")
        for axes, name in zip(figure.subplots(1, 3), ("productivity", "equality", "mean_utility"), strict=True):
            for (tax, _), rows in curves.groupby(["tax", "seed"], sort=False):
                before = rows.loc[rows["phase"] == 1, "steps"].max()
                for phase, part in rows.groupby("phase"):
                    steps = (part["steps"] + (before if phase == 2 else 0)) / 1e6
                    color = COLORS[str(tax)] if phase == 2 else "#bbbbbb"
                    axes.plot(steps, part[name], color=color, linewidth=0.9)
            axes.set_title(name.replace("_", " "), fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
            axes.margins(x=0)
        figure.supxlabel("million env steps", fontsize=9)
    return figure


def _read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    names = ("evaluation", "episodes", "ranks", "rates", "curves")
    return {name: pd.read_csv(folder / f"{name}.csv") for name in names}


def make_tables(found: dict[str, pd.DataFrame]) -> list[list[list[str]]]:
    """Returns the tables of the README."""
    return [
        outcome_table(found["episodes"], found["evaluation"]),
        welfare_table(found["episodes"]),
        marks_table(found["evaluation"]),
        rates_table(found["rates"]),
    ]


def committed_table() -> str:
    """Returns the committed results as the README's Markdown tables."""
    return "\n\n".join(map(to_markdown, make_tables(_read_tables(RESULTS))))


def report(run: RunFolder) -> None:
    """Writes report.html with figures and tables."""
    if not run.evaluation_path.exists():
        raise RunError(f"{run.path} has no evaluation yet: agora evaluate {run.path}")
    found = _read_tables(run.path)
    scores = found["evaluation"]
    outcome, welfares, reached, rates = make_tables(found)
    steps = (scores["phase_1_steps"] + scores["phase_2_steps"]).max() / 1e6
    lead = f"{scores['tax'].nunique()} taxes, {scores['seed'].nunique()} seeds, {steps:.1f} million env steps each."
    note = "Means over seeds with 95 % bootstrap intervals (seeds, then episodes of each)."
    sections = [
        Section("What came of it", table=outcome, caption=note),
        Section("Welfare", table=welfares, caption=note),
        Section("Marks", table=reached, caption="Means over seeds; in brackets, how many seeds meet the mark."),
        Section("Who does what", figure=to_svg(draw_ranks(found["ranks"])), caption="Points: seeds. Lines: means."),
        Section("Rates", table=rates, caption="Income in coin of a tax period from which a rate holds."),
        Section("Training", figure=to_svg(draw_curves(found["curves"])), caption="Grey: phase 1, without taxes."),
    ]
    write_report(run.report_path, "Gather-trade-build under five taxes", lead, sections)


if __name__ == "__main__":
    (RESULTS / "ranks.svg").write_text(to_svg(draw_ranks(_read_tables(RESULTS)["ranks"])) + "\n", encoding="utf-8")
    print(committed_table())
