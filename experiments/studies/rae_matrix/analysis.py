"""Every method beside Nash on the same games: differences with intervals, tables and figures.

`python -m experiments.studies.rae_matrix.analysis` prints the README's table and draws results/differences.svg.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.intervals import mean_interval
from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.rae_matrix.play import METHODS, games_path
from experiments.studies.rae_matrix.settings import RaeMatrixSettings

RESULTS = Path(__file__).parent / "results"
RESAMPLES = 5000
ROUNDING = 1e-9  # differences below it are none
NUMBERS = {"mean": ".3f", "variance": ".4f", "worst": ".3f"}  # and how many digits a table has
BASE = "nash with trembles"  # as far from sure as RAE, so that it differs in gamma alone
DRAWN = {
    "nash": "#bbbbbb",
    "rae 0.5": "#9dbfe0",
    "rae 2": "#2f6fb5",
    "rae 10": "#173d66",
    "quantal 10": "#d27a26",
    "trembling hand": "#3b8a4b",
    "maximin": "#a2436f",
    "uniform": "#777777",
}


def compare(games: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each kind, size and method.

    A difference is the mean over games that both the method and Nash solved, with a 95 % percentile bootstrap interval
    over games.

    Args:
        games: Rows of `play.solve_game`.
    """
    rows = []
    for (kind, actions), group in games.groupby(["kind", "actions"], sort=False):
        base = group[group["method"] == BASE].set_index("seed")
        for method in METHODS:
            own = group[group["method"] == method].set_index("seed")
            both = own.index[(own["solved"] == 1) & (base.loc[own.index, "solved"] == 1)]
            row = {"kind": kind, "actions": actions, "method": method, "games": len(own), "solved": own["solved"].sum()}
            for number in NUMBERS:
                row[number] = own.loc[own["solved"] == 1, number].mean()
                difference = (own.loc[both, number] - base.loc[both, number]).to_numpy()
                row[f"{number}_difference"] = difference.mean() if len(difference) else np.nan
                row[f"{number}_low"], row[f"{number}_high"] = _interval(difference)
            rows.append(row)
    return pd.DataFrame(rows)


def _interval(differences: np.ndarray) -> tuple[float, float]:
    return mean_interval(differences, RESAMPLES) if len(differences) > 1 else (np.nan, np.nan)


def evaluate(run: RunFolder, settings: RaeMatrixSettings) -> None:
    """Writes comparison.csv, a row for each kind, size and method with all intervals, and its gist, evaluation.csv.

    Raises:
        RunError: Games are missing.
    """
    games = pd.read_csv(games_path(run))
    solved = len(games) // len(METHODS)
    if solved < len(settings.games()):
        raise RunError(f"{solved} of {len(settings.games())} games are solved: agora resume {run.path}")
    rows = compare(games)
    write_atomically(_comparison_path(run), rows.to_csv(index=False, float_format="%.6f"))
    gist = rows[["kind", "actions", "method", "solved", *(f"{number}_difference" for number in NUMBERS)]]
    gist = gist.rename(columns=lambda name: name.replace("_difference", ""))
    write_atomically(run.evaluation_path, gist.to_csv(index=False, float_format="%+.3f"))


def _comparison_path(run: RunFolder) -> Path:
    return run.path / "comparison.csv"


def draw_differences(rows: pd.DataFrame) -> Figure:
    """Draws what changes from Nash with trembles, by actions: a column for each kind of game, a row for each number."""
    kinds = list(dict.fromkeys(rows["kind"]))
    with mpl.rc_context(
        {
            "font.size": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        figure = Figure(figsize=(3.1 * len(kinds), 6.4), layout="constrained")
        panels = figure.subplots(len(NUMBERS), len(kinds), squeeze=False, sharex=True)
        for column, kind in enumerate(kinds):
            panels[0][column].set_title(kind.replace("_", "-"))
            panels[-1][column].set_xlabel("actions of each player")
            for line, number in enumerate(NUMBERS):
                axes = panels[line][column]
                axes.axhline(0, color="#bbbbbb", linewidth=0.8)
                for method, color in DRAWN.items():
                    own = rows[(rows["kind"] == kind) & (rows["method"] == method)]
                    axes.fill_between(
                        own["actions"], own[f"{number}_low"], own[f"{number}_high"], color=color, alpha=0.2, linewidth=0
                    )
                    axes.plot(own["actions"], own[f"{number}_difference"], color=color, marker=".", label=method)
                axes.set_xscale("log")
                sizes = sorted(rows["actions"].unique())
                axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
                axes.minorticks_off()
                low, high = axes.get_ylim()
                if high - low < ROUNDING:
                    axes.set_ylim(-0.01, 0.01)
        for line, label in enumerate(("mean", "variance", "mean of the worst 5 %")):
            panels[line][0].set_ylabel(f"{label}, less base's")
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def make_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the report's table: differences from the base, Nash with trembles, at each size, with intervals."""
    table = [["games", "actions", "method", "solved", *(f"{number}, less base's" for number in NUMBERS)]]
    for _, row in rows.iterrows():
        cells = [
            f"{{:+{digits}}} [{{:+{digits}}}, {{:+{digits}}}]".format(*_without_negative_zeros(row, number))
            for number, digits in NUMBERS.items()
        ]
        if row["method"] == BASE:
            cells = [f"({row[number]:{digits}})" for number, digits in NUMBERS.items()]
        kind = str(row["kind"]).replace("_", "-")
        table.append([kind, str(row["actions"]), row["method"], f"{row['solved']} of {row['games']}", *cells])
    return table


def _without_negative_zeros(row: pd.Series, number: str) -> list[float]:
    return [round(row[f"{number}_{part}"], 9) + 0.0 for part in ("difference", "low", "high")]


def committed_table() -> str:
    """Returns what the committed games say of risk aversion, and of all methods with 20 actions, as Markdown."""
    rows = compare(pd.read_csv(RESULTS / "games.csv"))
    return to_markdown(make_table(rows[rows["method"].isin([BASE, "rae 2", "rae 10"]) | (rows["actions"] == 20)]))


def report(run: RunFolder, settings: RaeMatrixSettings) -> None:
    """Writes report.html."""
    rows = pd.read_csv(_comparison_path(run))
    lead = (
        "Random games of two players, solved for Nash equilibria and for risk-averse ones (after Slumbers et al. 2023, "
        "by our own specification), and by their neighbours. Payoffs have a spread of 1; numbers are of the average "
        "player."
    )
    sections = [
        Section(
            "What changes from Nash with trembles",
            figure=to_svg(draw_differences(rows)),
            caption="Mean over the games that both solved; bands: 95 % bootstrap intervals over games.",
        ),
        Section(
            "All numbers",
            table=make_table(rows),
            caption="The base is nash with trembles, whose own numbers stand in parentheses.",
        ),
    ]
    write_report(run.report_path, "Risk-averse equilibria of random games", lead, sections)


if __name__ == "__main__":
    (RESULTS / "differences.svg").write_text(
        to_svg(draw_differences(compare(pd.read_csv(RESULTS / "games.csv")))) + "\n", encoding="utf-8"
    )
    print(committed_table())
