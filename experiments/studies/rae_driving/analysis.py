"""Crashes of risk-averse arms beside the best other arm, and the README's tables of committed results.

`python -m experiments.studies.rae_driving.analysis` prints the tables of each folder of results/ and draws frontier.svg
there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.markdown import to_markdown
from experiments.populations.arm_intervals import arm_intervals
from experiments.populations.figures import draw_frontier
from experiments.populations.results import RETURNS, TITLES, summary
from experiments.report import to_svg
from experiments.studies.rae_driving.settings import DrivingStudySettings

RESULTS = Path(__file__).parent / "results"  # a folder for each duel that was run
RESAMPLES = 5000
CARS = 2  # of an episode, over which crashes and arrivals are counted
RATIO, FEWER_ARRIVALS = 7.0, 5.0  # Slumbers et al. 2023: seven times fewer crashes; at most so many points of arrivals


def compare_crashes(runs: pd.DataFrame, averse: list[str], others: list[str], group: str) -> pd.DataFrame:
    """Returns for each risk-averse arm how much it crashes and arrives beside the other arm that crashes least.

    Ratios are of means over seeds, with 95 % bootstrap intervals over seeds, paired where both arms have them.

    Args:
        runs: A row for each arm, seed and group of partners, with `crashes` and `arrivals` of an episode.
        averse: Names of risk-averse arms.
        others: Of the arms that they are compared with.
        group: Of partners.
    """
    own = runs[runs["group"] == group]
    crashes, arrivals = (own.pivot_table(index="seed", columns="arm", values=name) for name in ("crashes", "arrivals"))
    best = str(crashes[others].mean().idxmin())
    rows = []
    for arm in averse:
        both = crashes[[best, arm]].dropna().to_numpy()
        drawn = both[np.random.default_rng(0).integers(0, len(both), (RESAMPLES, len(both)))].mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = both[:, 0].mean() / both[:, 1].mean()
            low, high = np.nanquantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975), method="nearest")
        points = 100 * float((arrivals[arm] - arrivals[best]).mean()) / CARS
        row = {"arm": arm, "best_other": best, "crashes": both[:, 1].mean(), "crashes_of_best": both[:, 0].mean()}
        row |= {"ratio": ratio, "low": low, "high": high, "arrival_points": points}
        rows.append(row | {"holds": bool(ratio >= RATIO and points >= -FEWER_ARRIVALS)})
    return pd.DataFrame(rows)


def crashes_table(runs: pd.DataFrame, settings: DrivingStudySettings, group: str) -> list[list[str]]:
    """Returns the table of `compare_crashes`: does a risk-averse arm crash seven times less, and arrive?"""
    averse = [arm.name for arm in settings.arms() if arm.meta_solver == "rae"]
    others = [arm.name for arm in settings.arms() if arm.meta_solver != "rae"]
    table = [
        ["arm", "crashes", "best other arm", "its crashes", "ratio", "arrivals, points more", "7 times, and arrives"]
    ]
    for row in compare_crashes(runs, averse, others, group).to_dict("records"):
        ratio = f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        cells = [row["arm"], f"{row['crashes']:.4f}", row["best_other"], f"{row['crashes_of_best']:.4f}", ratio]
        table.append([*cells, f"{row['arrival_points']:+.1f}", "yes" if row["holds"] else "no"])
    return table


def tables_of(runs: pd.DataFrame, settings: DrivingStudySettings) -> str:
    """Returns the README's tables of one duel as Markdown."""
    parts = [to_markdown(summary(runs, settings))]
    parts += [f"{TITLES[group]}:\n\n{to_markdown(crashes_table(runs, settings, group))}" for group in TITLES]
    return "\n\n".join(parts)


def main() -> None:
    """Prints the tables of the committed results and draws their figures."""
    for folder in sorted(path.parent for path in RESULTS.glob("*/runs.csv")):
        runs, settings = pd.read_csv(folder / "runs.csv"), DrivingStudySettings.model_validate({"duel": folder.name})
        intervals = arm_intervals(runs, [*RETURNS, "crashes", "arrivals"])
        figure = draw_frontier(intervals, settings.arms(), "own", "arrivals", "crashes")
        (folder / "frontier.svg").write_text(to_svg(figure) + "\n", encoding="utf-8")
        print(f"<!-- {folder.name} -->\n{tables_of(runs, settings)}\n<!-- /{folder.name} -->\n")


if __name__ == "__main__":
    main()
