"""Tables of bnac_sampled: ends of all runs, basins, annealing, and what they cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from experiments.intervals import mean_interval
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, read_csv, write_atomically
from experiments.studies.bnac_sampled.annealed import annealing_table, phases
from experiments.studies.bnac_sampled.cells import COLUMNS, EDGE_COLUMNS
from experiments.studies.bnac_sampled.figures import MOST_CIRCLE, draw_curves, draw_densities, draw_ends, strip_of
from experiments.studies.bnac_sampled.gains import gains, gains_table
from experiments.studies.bnac_sampled.graphs import describe_graphs, graphs_table
from experiments.studies.bnac_sampled.settings import BnacSampledSettings, Cell

GOOD = 0.9  # J / J* above which a run of the coordination game is in the good basin (fact sheet 4.1)
# Return on Aloha that no fixed set of senders has by chance: the best five have 6.21 with a deviation of 0.478 an
# episode, which is 0.048 of the mean of 100, so 6.5 is six of those above it, and 6.3 was less than two.
COORDINATED = 6.5

MEANS = (
    *("score_with_noise", "score_without_edges", "density", "packets", "collisions"),
    "cpu_seconds",
)


def read_cells(run: RunFolder, settings: BnacSampledSettings) -> pd.DataFrame:
    """Returns the curves of all cells, one below the other.

    Raises:
        RunError: Cells are missing.
    """
    cells = settings.cells()
    missing = [cell for cell in cells if not cell.path(run.path).exists()]
    if missing:
        raise RunError(f"{len(missing)} of {len(cells)} cells are not done: agora resume {run.path}")
    return pd.concat([_read_cell(cell, cell.path(run.path), COLUMNS) for cell in cells], ignore_index=True)


def _read_cell(cell: Cell, path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Returns a cell's file as numbers, with what cell it is."""
    rows = read_csv(path, set(columns))
    try:
        table = pd.DataFrame({name: [float(row[name] or "nan") for row in rows] for name in columns})
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from None
    if table.empty or table[["steps", columns[-1]]].isna().to_numpy().any():
        raise RunError(f"{path} is damaged: it has no rows, or rows without numbers; delete it, and agora resume")
    counts = {name: "int64" for name in ("steps", "parent", "child") if name in columns}
    return table.astype(counts).assign(part=cell.part, method=cell.method, seed=cell.seed)


def read_edges(run: RunFolder, settings: BnacSampledSettings) -> pd.DataFrame:
    """Returns the shares of edges of all cells that have a graph; no rows where none has."""
    keyed = [
        _read_cell(cell, cell.edges_path(run.path), EDGE_COLUMNS)
        for cell in settings.cells()
        if cell.edges_path(run.path).exists()
    ]
    return pd.concat(keyed, ignore_index=True) if keyed else pd.DataFrame(columns=["part", "method", "seed"])


def ends(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns the last row of every run."""
    last = curves.groupby(["part", "method", "seed"], sort=False)["steps"].idxmax()
    return curves.loc[last].reset_index(drop=True)


def threshold(part: str) -> float | None:
    """Returns the score above which a run counts as coordinated; None: there is no such score."""
    if part.startswith("bits"):
        return GOOD
    return COORDINATED if part.startswith("aloha") else None


def gains_of(last: pd.DataFrame) -> pd.DataFrame:
    """Returns what each way to learn gains over its base (`gains`)."""
    return gains(last, {str(part): threshold(str(part)) for part in last["part"].unique()})


def summarize(last: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each part and method: the ends' distribution over seeds, and how many are coordinated.

    Intervals: 95 % bootstrap of the mean, and Wilson's of the share.
    """
    rows = []
    for (part, method), own in last.groupby(["part", "method"], sort=False):
        scores = own["score"].to_numpy()
        low, high = mean_interval(scores)
        row = {"part": part, "method": method, "seeds": len(scores), "mean": scores.mean(), "low": low, "high": high}
        row |= {"least": scores.min(), "median": np.median(scores), "most": scores.max()}
        row |= {name: own[name].mean() for name in MEANS}
        limit = threshold(str(part))
        if limit is not None:
            count = int((scores > limit).sum())
            share = stats.binomtest(count, len(scores)).proportion_ci(method="wilson")
            row |= {"coordinated": count, "share_low": share.low, "share_high": share.high}
        rows.append(row)
    return pd.DataFrame(rows)


def ends_table(summary: pd.DataFrame) -> list[list[str]]:
    """Returns the table of how runs end."""
    table = [
        *[["world", "learned by", "seeds", "mean score, 95 %", "least / median / most", "with noise", "without edges"]],
    ]
    table[0] += ["density", "packets", "collisions", "coordinated, 95 %", "CPU-min a run"]
    for row in summary.to_dict("records"):
        share = ""
        if not np.isnan(row.get("coordinated", np.nan)):
            share = f"{row['coordinated']:.0f} of {row['seeds']} [{row['share_low']:.2f}, {row['share_high']:.2f}]"
        table.append(
            [
                row["part"],
                row["method"].replace("_", " "),
                str(row["seeds"]),
                f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                f"{row['least']:.3f} / {row['median']:.3f} / {row['most']:.3f}",
                _number(row["score_with_noise"], 3),
                f"{row['score_without_edges']:.3f}",
                *(_number(row[name], digits) for name, digits in (("density", 2), ("packets", 1), ("collisions", 2))),
                share,
                f"{row['cpu_seconds'] / 60:.1f}",
            ]
        )
    return table


def _number(value: float, digits: int) -> str:
    """Returns a number, or nothing where there is none."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def evaluate(run: RunFolder, settings: BnacSampledSettings) -> None:
    """Writes curves.csv, evaluation.csv (a row for each run's end), and tables of them.

    summary.csv has a row for each way to learn, comparison.csv its differences to its base, annealing.csv a row for
    each phase, edges.csv the shares of edges.

    Raises:
        RunError: Cells are missing.
    """
    curves, edges = read_cells(run, settings), read_edges(run, settings)
    last = ends(curves)
    for name, table in (
        ("curves.csv", curves),
        ("edges.csv", edges),
        ("annealing.csv", phases(curves)),
        ("comparison.csv", gains_of(last)),
        ("summary.csv", summarize(last)),
    ):
        write_atomically(run.path / name, table.to_csv(index=False, float_format="%.5g"))
    write_atomically(run.evaluation_path, last.to_csv(index=False, float_format="%.5g"))


def report(run: RunFolder, settings: BnacSampledSettings) -> None:
    """Writes report.html."""
    curves, edges = pd.read_csv(run.path / "curves.csv"), pd.read_csv(run.path / "edges.csv")
    last = ends(curves)
    hours = last["cpu_seconds"].sum() / 3600
    lead = (
        f"{len(last)} runs, {hours:.1f} CPU-hours. Scores: J / J* of the coordination game, exact and with the graph "
        "without noise; otherwise the mean return of episodes with the likeliest actions, in foraging the mean over "
        "the players, 0.5 at most. With noise: with graphs as they are drawn in training."
    )
    sections = [
        Section("How runs end", table=ends_table(summarize(last)), caption=_explain()),
        Section("Each seed", figure=to_svg(draw_ends(last)), caption="Lines: means; dotted: anchors."),
        Section("Learning curves", figure=to_svg(draw_curves(curves)), caption="Mean over seeds; band: all seeds."),
    ]
    found = gains_of(last)
    if len(found):
        caption = "Paired by seed, with bootstrap intervals: each way to learn against the one it was made from."
        sections.append(Section("What each change does", table=gains_table(found), caption=caption))
    annealed = phases(curves)
    if len(annealed):
        caption = "Before edges are taken away, in the midst of it, at the end, and with all edges removed then."
        sections.append(Section("Annealing", table=annealing_table(annealed), caption=caption))
        densities = draw_densities(curves[curves["wanted_density"].notna()])
        sections.append(Section("Densities", figure=to_svg(densities), caption="Dashed: the density that is wanted."))
    sections += _graph_sections(edges)
    write_report(run.report_path, "Policies over graphs of agents, from samples", lead, sections)


def _graph_sections(edges: pd.DataFrame) -> list[Section]:
    """Returns the table of graphs at the end, and a picture of graphs over training for each part and method."""
    if edges.empty:
        return []
    caption = "Of the last update of each run. Sureness: 1 where all edges between two agents go one way, 0 where both."
    sections = [Section("Graphs at the end", table=graphs_table(describe_graphs(edges)), caption=caption)]
    for (part, method), own in edges.groupby(["part", "method"], sort=False):
        is_small = own["parent"].max() < MOST_CIRCLE
        whose = f"Seed {own['seed'].min()}" if is_small else f"Mean over {own['seed'].nunique()} seeds"
        caption = f"{whose}, by thousands of env steps; the darker, the more often."
        title = f"Graphs of {method.replace('_', ' ')} on {part}"
        sections.append(Section(title, figure=to_svg(strip_of(own)), caption=caption))
    return sections


def _explain() -> str:
    return (
        f"Coordinated: J / J* above {GOOD}, or a return on Aloha above {COORDINATED}, which no fixed set of senders "
        "has by chance; with Wilson's interval."
    )
