"""The results that are committed: a folder of results/ for each grid, its tables for the README, and its pictures.

```
python -m experiments.studies.bnac_sampled.results                  # tables of results/*, and their pictures
python -m experiments.studies.bnac_sampled.results RUN              # tables of a run folder
python -m experiments.studies.bnac_sampled.results RUN penalty      # keeps it as results/penalty, and prints its tables
```
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiments.markdown import to_markdown
from experiments.report import to_svg
from experiments.run_folder import write_atomically
from experiments.studies.bnac_sampled.analysis import ends, ends_table, gains_of, summarize
from experiments.studies.bnac_sampled.annealed import annealing_table, phases
from experiments.studies.bnac_sampled.figures import draw_curves, draw_ends, strip_of
from experiments.studies.bnac_sampled.gains import gains_table
from experiments.studies.bnac_sampled.graphs import describe_graphs, graphs_table
from experiments.studies.bnac_sampled.settings import METHODS, PARTS

RESULTS = Path(__file__).parent / "results"


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns rows by part, way to learn and seed, in the order of the settings."""
    order = {name: place for place, name in enumerate([*PARTS, *METHODS])}
    return rows.sort_values(
        ["part", "method", "seed"], key=lambda own: own.map(order) if own.name != "seed" else own, kind="stable"
    )


def tables_of(folder: Path) -> str:
    """Returns the tables of a run folder that is evaluated, or of a folder of results, as Markdown."""
    curves = _in_order(pd.read_csv(folder / "curves.csv"))
    last, annealed = ends(curves), phases(curves)
    tables = [ends_table(summarize(last)), gains_table(gains_of(last))]
    if len(annealed):
        tables.append(annealing_table(_in_order(annealed)))
    graphs = _graphs(folder)
    if len(graphs):
        tables.append(graphs_table(_in_order(graphs)))
    return "\n\n".join(to_markdown(table) for table in tables if len(table) > 1)


def _graphs(folder: Path) -> pd.DataFrame:
    """Returns what graphs look like at the end: as it was kept, or from the edges of a run; empty without graphs."""
    kept, edges = folder / "graphs.csv", folder / "edges.csv"
    if kept.is_file():
        return pd.read_csv(kept)
    return describe_graphs(pd.read_csv(edges)) if edges.is_file() else pd.DataFrame()


def keep(run: Path, name: str) -> Path:
    """Keeps the curves and graphs of a run folder that is evaluated as results/<name>; returns that folder."""
    folder, edges = RESULTS / name, pd.read_csv(run / "edges.csv")
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("settings.json", "curves.csv"):
        write_atomically(folder / file, (run / file).read_text(encoding="utf-8"))
    if len(edges):
        write_atomically(folder / "graphs.csv", describe_graphs(edges).to_csv(index=False, float_format="%.4g"))
    for (part, method), own in edges.groupby(["part", "method"], sort=False):
        _draw(strip_of(own), folder / f"graphs-{part}-{method}.svg")
    return folder


def draw(folder: Path) -> None:
    """Draws learning curves and ends of a folder of results."""
    curves = _in_order(pd.read_csv(folder / "curves.csv"))
    _draw(draw_curves(curves), folder / "curves.svg")
    _draw(draw_ends(ends(curves)), folder / "ends.svg")


def _draw(figure: Figure, path: Path) -> None:
    write_atomically(path, to_svg(figure) + "\n")


def main() -> None:
    """Prints tables, see above."""
    if len(sys.argv) > 3:
        sys.exit("usage: python -m experiments.studies.bnac_sampled.results [RUN [NAME]]")
    if len(sys.argv) == 1:
        folders = sorted(path.parent for path in RESULTS.glob("*/curves.csv"))
    else:
        run = Path(sys.argv[1])
        if not (run / "curves.csv").is_file():
            sys.exit(f"{run} has no curves.csv: no run of bnac_sampled, or not evaluated (agora evaluate {run})")
        folders = [keep(run, sys.argv[2])] if len(sys.argv) == 3 else [run]
    for folder in folders:
        if folder.parent == RESULTS:
            draw(folder)
        print(f"<!-- {folder.name} -->\n{tables_of(folder)}\n<!-- /{folder.name} -->\n")


if __name__ == "__main__":
    main()
