"""Curves and final scores of all runs, gathered and drawn."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.study import open_run

CURVE_POINTS = 60  # of each run in curves.csv: enough to draw, small enough to commit
RESAMPLES = 2000
RESULTS = Path(__file__).parent / "results"


def evaluate(run: RunFolder, paths: list[Path]) -> None:
    """Gathers evaluation.csv (one row per run) and curves.csv (points of every run) from the jobs' folders."""
    scores, curves = [], []
    for path in paths:
        job, _, settings = open_run(path)
        pairs = pd.read_csv(job.evaluation_path).set_index(["first_cook", "second_cook"])
        metrics = pd.DataFrame(job.read_metrics())
        keys = {"layout": settings.layout, "seed": settings.seed}
        trained = pairs.loc[("trained", "trained")]
        scores.append(
            keys
            | {"steps": int(metrics["steps"].iloc[-1]), "seconds": round(float(metrics["seconds"].iloc[-1]))}
            | {"trained": trained["mean"], "trained_low": trained["low"], "trained_high": trained["high"]}
            | {"soups": trained["soups"], "greedy": pairs.loc[("greedy", "greedy"), "mean"]}
            | {"trained_with_greedy": pairs.loc[("trained", "greedy"), "mean"]}
            | {"trained_with_random": pairs.loc[("trained", "random"), "mean"]}
        )
        points = metrics.dropna(subset="sparse_return_mean")[["steps", "sparse_return_mean"]]
        if points.empty:
            raise RunError(f"{path} is too short: no episode ended")
        kept = np.unique(np.linspace(0, len(points) - 1, CURVE_POINTS).round().astype(int))
        curves.append(points.iloc[kept].round(2).assign(**keys))
    write_atomically(run.evaluation_path, pd.DataFrame(scores).to_csv(index=False))
    write_atomically(run.path / "curves.csv", pd.concat(curves).to_csv(index=False))


def bootstrap_over_seeds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the 95 % percentile interval of the mean over seeds.

    Args:
        values: [S, T], one row per seed.

    Returns:
        [T] low and [T] high ends.
    """
    rng = np.random.default_rng(0)
    rows = rng.integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[rows].mean(axis=1), [2.5, 97.5], axis=0)
    return low, high


def _draw_layout(axes: Axes, layout: str, curves: pd.DataFrame, scores: pd.DataFrame) -> None:
    grid = np.linspace(curves["steps"].min(), curves["steps"].max(), CURVE_POINTS)
    runs = [np.interp(grid, one["steps"], one["sparse_return_mean"]) for _, one in curves.groupby("seed")]
    values = np.stack(runs)
    low, high = bootstrap_over_seeds(values)
    axes.fill_between(grid / 1e6, low, high, color="#2f6fb5", alpha=0.25, linewidth=0)
    axes.plot(grid / 1e6, values.mean(axis=0), color="#2f6fb5")
    axes.axhline(scores["greedy"].mean(), color="#d27a26", linestyle="--", linewidth=1.2)
    axes.set_title(layout, fontsize=9)
    axes.margins(x=0)
    axes.set_ylim(0, None)


def draw_curves(curves: pd.DataFrame, scores: pd.DataFrame) -> Figure:
    """Draws one panel per layout: mean over seeds, interval, and the scripted cooks as a dashed line."""
    layouts = list(dict.fromkeys(scores["layout"]))
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        columns = min(3, len(layouts))
        rows = math.ceil(len(layouts) / columns)
        figure = Figure(figsize=(3.1 * columns, 2.5 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).flat
        for axes, layout in zip(panels, layouts, strict=False):
            _draw_layout(axes, layout, curves[curves["layout"] == layout], scores[scores["layout"] == layout])
        for axes in list(figure.axes)[len(layouts) :]:
            axes.set_visible(False)
        figure.supxlabel("million env steps", fontsize=9)
        figure.supylabel("return of an episode", fontsize=9)
    return figure


def _make_table(scores: pd.DataFrame) -> list[list[str]]:
    table = [
        ["layout", "seeds", "return, mean over seeds", "worst seed", "two scripted cooks", "steps", "minutes a run"]
    ]
    for layout, rows in scores.groupby("layout", sort=False):
        table.append(
            [
                str(layout),
                str(len(rows)),
                f"{rows['trained'].mean():.0f}",
                f"{rows['trained'].min():.0f}",
                f"{rows['greedy'].mean():.0f}",
                f"{rows['steps'].iloc[0] / 1e6:.1f} M",
                f"{rows['seconds'].mean() / 60:.1f}",
            ]
        )
    return table


def committed_table() -> str:
    """Returns the committed results as the README's Markdown table."""
    return to_markdown(_make_table(pd.read_csv(RESULTS / "evaluation.csv")))


def report(run: RunFolder) -> None:
    """Writes report.html with curves and table."""
    if not run.evaluation_path.exists():
        raise RunError(f"{run.path} has no evaluation yet: agora evaluate {run.path}")
    scores, curves = pd.read_csv(run.evaluation_path), pd.read_csv(run.path / "curves.csv")
    better = scores.groupby("layout").apply(lambda rows: rows["trained"].mean() > rows["greedy"].mean())
    lead = (
        f"Self-play PPO on {len(better)} kitchens, {scores['seed'].nunique()} seeds each: better than two scripted "
        f"cooks in {int(better.sum())}."
    )
    sections = [
        Section(
            "Learning curves",
            figure=to_svg(draw_curves(curves, scores)),
            caption="Deliveries only; mean over seeds with its 95 % bootstrap interval; dashed: two scripted cooks.",
        ),
        Section("Final scores", table=_make_table(scores), caption="Self-play of the final policies; deliveries only."),
    ]
    write_report(run.report_path, "Overcooked: the classic kitchens", lead, sections)


if __name__ == "__main__":
    print(committed_table())
