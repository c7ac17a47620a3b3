"""Curves and late returns of all cells: gathered, drawn, tabled."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.intervals import mean_interval
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.qmix_benchmarks.settings import BenchmarkSettings

LATE = 0.2  # of the training, over which greedy returns are averaged
ARMS = {
    "iql": ("IQL", "#7a7a7a"),
    "vdn": ("VDN", "#d27a26"),
    "qmix": ("QMIX", "#2f6fb5"),
    "mappo": ("MAPPO", "#5d8f4e"),
}
WORLDS = {
    "foraging_8x8": "foraging 8x8, 2 players, 2 foods, coop",
    "foraging_10x10": "foraging 10x10, 3 players, 3 foods",
    "spread": "simple spread, 3 agents",
    "trash": "trash",
}
COLUMNS = ["world", "arm", "seed", "steps", "return", "greedy_return", "greedy_delivered"]


def evaluate(run: RunFolder, settings: BenchmarkSettings) -> None:
    """Writes evaluation.csv: every evaluation of every cell that is done.

    Raises:
        RunError: No cell is done.
    """
    parts = []
    for cell in settings.cells():
        if cell.is_done(run.path):
            curve = pd.DataFrame(RunFolder(cell.path(run.path)).read_metrics()).dropna(subset=["greedy_return"])
            parts.append(curve.assign(world=cell.world, arm=cell.arm, seed=cell.seed, steps=curve["steps"].astype(int)))
    if not parts:
        raise RunError(f"no cell is trained to its end yet: agora resume {run.path}")
    write_atomically(run.evaluation_path, pd.concat(parts)[COLUMNS].to_csv(index=False))


def late_returns(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a cell: the mean greedy return of the last fifth of its training, and its length.

    Args:
        curves: As `evaluate` writes them.
    """

    def late(cell: pd.DataFrame) -> pd.Series:
        chosen = cell[cell["steps"] >= (1 - LATE) * cell["steps"].max()]
        return pd.Series({"late": chosen["greedy_return"].mean(), "steps": cell["steps"].max()})

    return curves.groupby(["world", "arm", "seed"], sort=False)[["steps", "greedy_return"]].apply(late).reset_index()


def make_table(curves: pd.DataFrame) -> list[list[str]]:
    """Returns rows of text: of each world and arm the late greedy return over seeds."""
    table = [["world", "learner", "greedy return, last fifth", "95 % interval", "seeds", "env steps"]]
    for (world, arm), cells in late_returns(curves).groupby(["world", "arm"], sort=False):
        values = cells["late"].to_numpy()
        low, high = mean_interval(values)
        interval = f"[{low:.3g}, {high:.3g}]" if len(values) > 1 else ""
        steps = f"{int(cells['steps'].min()):,}"
        table.append([WORLDS[str(world)], ARMS[str(arm)][0], f"{values.mean():.3g}", interval, str(len(values)), steps])
    return table


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draws a panel a world: greedy returns, mean over seeds, and all seeds as a band."""
    worlds = list(dict.fromkeys(curves["world"]))
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(3.4 * len(worlds), 2.9), layout="constrained")
        panels = figure.subplots(1, len(worlds), squeeze=False)[0]
        for axes, world in zip(panels, worlds, strict=True):
            for arm, cells in curves[curves["world"] == world].groupby("arm", sort=False):
                label, colour = ARMS[str(arm)]
                grid = np.linspace(cells["steps"].min(), cells.groupby("seed")["steps"].max().min(), 50)
                lines = [np.interp(grid, one["steps"], one["greedy_return"]) for _, one in cells.groupby("seed")]
                values = np.stack(lines)
                low, high = values.min(axis=0), values.max(axis=0)
                axes.fill_between(grid / 1e3, low, high, color=colour, alpha=0.18, linewidth=0)
                axes.plot(grid / 1e3, values.mean(axis=0), color=colour, label=label)
            axes.set_title(WORLDS[world], fontsize=9)
            axes.set_xlabel("thousand env steps")
        panels[0].set_ylabel("greedy return, all agents together")
        panels[0].legend(frameon=False)
    return figure


def report(run: RunFolder, settings: BenchmarkSettings) -> None:
    """Writes report.html: curves and late returns."""
    curves = pd.read_csv(run.evaluation_path)
    caption = "Interval: bootstrap over seeds."
    sections = [
        Section(
            "Greedy returns while learning",
            figure=to_svg(draw_curves(curves)),
            caption="Mean over seeds; band: all seeds. Returns are sums over agents.",
        ),
        Section("The last fifth", table=make_table(curves), text=_describe_missing(run, settings), caption=caption),
    ]
    lead = (
        "Independent Q-learning, VDN and QMIX with the same networks, replay, updates and exploration, and MAPPO with "
        "as many env steps."
    )
    write_report(run.report_path, "Value factorization on cooperative worlds", lead, sections)


def _describe_missing(run: RunFolder, settings: BenchmarkSettings) -> list[str]:
    cells = settings.cells()
    missing = [cell for cell in cells if not cell.is_done(run.path)]
    return [f"{len(missing)} of {len(cells)} cells are not trained to their end and left out."] if missing else []
