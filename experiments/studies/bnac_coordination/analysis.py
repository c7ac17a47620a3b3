"""Tables and the figure of bnac_coordination, of a run and of the committed results.

`python -m experiments.studies.bnac_coordination.analysis` prints the README's tables and draws results/exact.svg.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.intervals import mean_interval, paired_gain
from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.bnac_coordination.exact import cells_path
from experiments.studies.bnac_coordination.settings import BnacCoordinationSettings

RESULTS = Path(__file__).parent / "results"
RESAMPLES = 5000
NEAR = 0.99  # of the optimum
COLORS = {"empty": "#777777", "released_line": "#9dbfe0", "line": "#2f6fb5", "complete": "#d27a26"}


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each number of agents, graph and iteration: what seeds have in common and how they differ."""
    groups = rows.groupby(["agents", "graph", "iteration"], sort=False)
    table = groups["anarchy"].agg(mean="mean", sd="std", least="min")
    table["near"] = groups["anarchy"].apply(lambda shares: (shares > NEAR).mean())
    return table.join(groups[["gap", "blind_gap"]].mean()).reset_index()


def compare(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns for each number of agents and graph how much more than independent agents it reaches at the end.

    The difference is paired by seed, with a 95 % percentile bootstrap interval over seeds.
    """
    last = rows[rows["iteration"] == rows["iteration"].max()]
    differences = []
    for (agents, graph), own in last.groupby(["agents", "graph"], sort=False):
        base = last[(last["agents"] == agents) & (last["graph"] == "empty")].set_index("seed")["anarchy"]
        if graph == "empty" or base.empty:
            continue
        gain = paired_gain(own.set_index("seed")["anarchy"], base, RESAMPLES)
        del gain["pairs"]  # the same seeds everywhere
        differences.append({"agents": agents, "graph": graph, **gain})
    return pd.DataFrame(differences)


def evaluate(run: RunFolder, settings: BnacCoordinationSettings) -> None:
    """Writes evaluation.csv, a row for each number of agents, graph and recorded iteration, and comparison.csv.

    Raises:
        RunError: Cells are missing.
    """
    rows = pd.read_csv(cells_path(run))
    found = len(rows[["agents", "graph"]].drop_duplicates())
    if found < len(settings.cells()):
        raise RunError(f"{found} of {len(settings.cells())} cells are done: agora resume {run.path}")
    write_atomically(run.path / "comparison.csv", compare(rows).to_csv(index=False, float_format="%.4f"))
    write_atomically(run.evaluation_path, summarize(rows).to_csv(index=False, float_format="%.4f"))


def draw_shares(rows: pd.DataFrame) -> Figure:
    """Draws J / J* over iterations, a panel for each number of agents; below, all seeds at the end."""
    sizes = list(dict.fromkeys(rows["agents"]))
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(3.3 * len(sizes), 5.2), layout="constrained")
        panels = figure.subplots(2, len(sizes), squeeze=False)
        for column, agents in enumerate(sizes):
            own = rows[rows["agents"] == agents]
            _draw_means(panels[0][column], own)
            _draw_seeds(panels[1][column], own[own["iteration"] == own["iteration"].max()])
            panels[0][column].set_title(f"{agents} agents")
        panels[0][0].set_ylabel("J / J*, mean over seeds")
        panels[1][0].set_ylabel("J / J* at the end, each seed")
        panels[0][-1].legend(frameon=False, fontsize=7)
    return figure


def _draw_means(axes: mpl.axes.Axes, rows: pd.DataFrame) -> None:
    for graph, own in rows.groupby("graph", sort=False):
        table = own.pivot(index="iteration", columns="seed", values="anarchy")
        low, high = np.array([mean_interval(line, RESAMPLES) for line in table.to_numpy()]).T
        color = COLORS[str(graph)]
        axes.fill_between(table.index, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(table.index, table.mean(axis=1), color=color, marker=".", label=str(graph).replace("_", " "))
    axes.set_xlabel("iterations")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_seeds(axes: mpl.axes.Axes, rows: pd.DataFrame) -> None:
    graphs = list(dict.fromkeys(rows["graph"]))
    for place, graph in enumerate(graphs):
        shares = np.sort(rows.loc[rows["graph"] == graph, "anarchy"])
        offsets = np.resize([-0.16, -0.08, 0, 0.08, 0.16], len(shares))
        axes.scatter(place + offsets, shares, s=6, color=COLORS[graph], linewidth=0)
        axes.hlines(shares.mean(), place - 0.3, place + 0.3, color=COLORS[graph])
    axes.set_xticks(range(len(graphs)), [graph.replace("_", "\n") for graph in graphs])
    axes.spines[["top", "right"]].set_visible(False)


def shares_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the table of J / J* at each recorded iteration, with what the fact of the last one is made of."""
    summary = summarize(rows)
    iterations = sorted(summary["iteration"].unique())
    table = [["agents", "graph", *map(str, iterations), "sd", "least", f"share above {NEAR}", "gap", "blind gap"]]
    for (agents, graph), own in summary.groupby(["agents", "graph"], sort=False):
        last = own[own["iteration"] == iterations[-1]].iloc[0]
        means = [f"{mean:.3f}" for mean in own.sort_values("iteration")["mean"]]
        ends = [f"{last[name]:.3f}" for name in ("sd", "least")]
        gaps = [f"{last[name]:.3f}" for name in ("gap", "blind_gap")]
        table.append([str(agents), str(graph).replace("_", " "), *means, *ends, f"{last['near']:.2f}", *gaps])
    return table


def differences_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the table of differences from independent agents."""
    table = [["agents", "graph", "J / J* more than empty", "95 % interval", "seeds that gain"]]
    for _, row in compare(rows).iterrows():
        interval = f"[{row['low']:+.3f}, {row['high']:+.3f}]"
        graph = str(row["graph"]).replace("_", " ")
        table.append([str(row["agents"]), graph, f"{row['difference']:+.3f}", interval, f"{row['better']:.0%}"])
    return table


def report(run: RunFolder, settings: BnacCoordinationSettings) -> None:
    """Writes report.html."""
    rows = pd.read_csv(cells_path(run))
    lead = (
        "Exact policy gradients of softmax Bayesian-network policies in the n-bit coordination game, after the tabular "
        "experiment of the release of Chen and Zhang 2023. Gaps in the release's scaling."
    )
    sections = [
        Section(
            "Share of the optimum",
            figure=to_svg(draw_shares(rows)),
            caption="Bands: 95 % bootstrap intervals of the mean over seeds.",
        ),
        Section("Means over seeds", table=shares_table(rows), caption="The last columns are of the last iteration."),
        Section("Against independent agents", table=differences_table(rows), caption="Paired by seed."),
    ]
    write_report(run.report_path, "Bayesian-network policies in the coordination game", lead, sections)


def main() -> None:
    """Prints the tables of the committed results and draws their figure."""
    rows = pd.read_csv(RESULTS / "exact.csv")
    (RESULTS / "exact.svg").write_text(to_svg(draw_shares(rows)) + "\n", encoding="utf-8")
    print(to_markdown(shares_table(rows)))
    print()
    print(to_markdown(differences_table(rows)))


if __name__ == "__main__":
    main()
