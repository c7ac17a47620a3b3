"""Curves and late returns of all cells, gathered, compared and drawn."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.runner_agreement.settings import BATCHED, BATCHED_STOCK_ROWS, STOCK, AgreementSettings

RESULTS = Path(__file__).parent / "results"
GRID = 24  # points of a drawn curve
LATE = 0.25  # of the training, over which the late return is averaged
RESAMPLES = 5000
COLOURS = {STOCK: "#d27a26", BATCHED: "#2f6fb5", BATCHED_STOCK_ROWS: "#5c9e4a"}
NAMES = {
    "ppo": "PPO",
    "appo": "APPO",
    "impala": "IMPALA",
    "dqn": "DQN, uniform replay",
    "dqn_prioritized": "DQN, prioritized replay",
    "sac": "SAC",
}
LABELS = {
    STOCK: "RLlib's runner",
    BATCHED: "batched runner",
    BATCHED_STOCK_ROWS: "batched runner, RLlib's bootstrap rows",
}


def late_return(curve: pd.DataFrame) -> float:
    """Returns the mean return of the episodes that ended in the last quarter of the training."""
    late = curve[curve["steps"] > (1 - LATE) * curve["steps"].max()]
    return float(np.average(late["return"], weights=late["episodes"]))


def evaluate(run: RunFolder, settings: AgreementSettings) -> None:
    """Writes curves.csv (all cells) and evaluation.csv (late return of every cell).

    Raises:
        RunError: Cells are missing.
    """
    cells = settings.cells()
    missing = [cell for cell in cells if not cell.path(run.path).exists()]
    if missing:
        raise RunError(f"{len(missing)} of {len(cells)} cells are not done: agora resume {run.path}")
    curves, scores = [], []
    for cell in cells:
        keys = {"algorithm": cell.algorithm, "runner": cell.runner, "seed": cell.seed}
        curve = pd.read_csv(cell.path(run.path))
        curves.append(curve.assign(**keys))
        scores.append({**keys, "steps": int(curve["steps"].max()), "late_return": round(late_return(curve), 3)})
    write_atomically(run.evaluation_path, pd.DataFrame(scores).to_csv(index=False))
    write_atomically(run.path / "curves.csv", pd.concat(curves).to_csv(index=False))


def compare(scores: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per algorithm and runner that is not RLlib's: means, and their difference with an interval.

    The interval holds 95 % of the differences of means over seeds drawn again, on both sides apart (bootstrap).

    Args:
        scores: algorithm, runner, seed, late_return.
    """
    rows = []
    for (algorithm, runner), ours in scores.groupby(["algorithm", "runner"], sort=False):
        if runner == STOCK:
            continue
        stock = scores[(scores["algorithm"] == algorithm) & (scores["runner"] == STOCK)]["late_return"].to_numpy()
        batched = ours["late_return"].to_numpy()
        interval = stats.bootstrap(
            (batched, stock),
            lambda first, second, axis: first.mean(axis=axis) - second.mean(axis=axis),
            n_resamples=RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        rows.append(
            {
                "algorithm": algorithm,
                "runner": runner,
                "seeds": len(batched),
                "rllib": stock.mean(),
                "rllib_std": stock.std(ddof=1),
                "batched": batched.mean(),
                "batched_std": batched.std(ddof=1),
                "difference": batched.mean() - stock.mean(),
                "low": interval.low,
                "high": interval.high,
            }
        )
    return pd.DataFrame(rows)


def _draw_algorithm(axes: Axes, algorithm: str, curves: pd.DataFrame) -> None:
    for runner, group in curves.groupby("runner", sort=False):
        grid = np.linspace(group["steps"].min(), group.groupby("seed")["steps"].max().min(), GRID)
        values = np.stack([np.interp(grid, one["steps"], one["return"]) for _, one in group.groupby("seed")])
        colour = COLOURS[str(runner)]
        axes.fill_between(grid / 1e3, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        axes.plot(grid / 1e3, values.mean(axis=0), color=colour, label=LABELS[str(runner)])
    axes.set_title(NAMES[algorithm], fontsize=9)
    axes.margins(x=0)


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draws a panel per algorithm: mean over seeds, and the range of all seeds."""
    algorithms = list(dict.fromkeys(curves["algorithm"]))
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(2.9 * len(algorithms), 2.9), layout="constrained")
        panels = figure.subplots(1, len(algorithms), squeeze=False)[0]
        for axes, algorithm in zip(panels, algorithms, strict=True):
            _draw_algorithm(axes, algorithm, curves[curves["algorithm"] == algorithm])
        panels[0].set_ylabel("return of an episode")
        figure.supxlabel("thousand env steps", fontsize=9)
        handles: dict[str, Artist] = {}
        for axes in panels:
            handles.update(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=3, frameon=False)
    return figure


def make_table(compared: pd.DataFrame) -> list[list[str]]:
    """Returns the comparison as rows of text."""
    table = [["algorithm", "RLlib's runner", "batched runner", "difference, 95 % interval", "seeds"]]
    for row in compared.to_dict("records"):
        name = NAMES[row["algorithm"]] + (", RLlib's bootstrap rows" if row["runner"] == BATCHED_STOCK_ROWS else "")
        table.append(
            [
                name,
                f"{row['rllib']:.2f} (sd {row['rllib_std']:.2f})",
                f"{row['batched']:.2f} (sd {row['batched_std']:.2f})",
                f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]",
                str(row["seeds"]),
            ]
        )
    return table


def committed_table() -> str:
    """Returns the committed results as the README's Markdown table."""
    return to_markdown(make_table(compare(pd.read_csv(RESULTS / "evaluation.csv"))))


def report(run: RunFolder, settings: AgreementSettings) -> None:
    """Writes report.html: curves and comparison."""
    write_summary(run.path, run.report_path)


def write_summary(folder: Path, path: Path) -> None:
    """Writes the report of a folder with evaluation.csv and curves.csv."""
    compared = compare(pd.read_csv(folder / "evaluation.csv"))
    contains_zero = (compared["low"] <= 0) & (compared["high"] >= 0)
    lead = (
        f"In {int(contains_zero.sum())} of {len(compared)} comparisons the 95 % interval of the difference between the "
        "two runners' late returns contains 0."
    )
    sections = [
        Section(
            "Learning curves",
            figure=to_svg(draw_curves(pd.read_csv(folder / "curves.csv"))),
            caption="Mean over seeds; band: all seeds. Same world, network, batch, epochs and settings on both sides.",
        ),
        Section(
            "Returns of the last quarter of the training",
            table=make_table(compared),
            caption="Interval: bootstrap over the seeds of both sides.",
        ),
    ]
    write_report(path, "Stock algorithms on either runner", lead, sections)


if __name__ == "__main__":
    print(committed_table())
