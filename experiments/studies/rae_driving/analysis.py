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
SAFE = 0.05  # crashes an episode, between the two kinds of runs at the crossing: 0.01 and 0.2
CARS = 2  # of an episode, over which crashes and arrivals are counted
RATIO, FEWER_ARRIVALS = 7.0, 5.0  # Slumbers et al. 2023: seven times fewer crashes; at most so many points of arrivals


def compare_crashes(runs: pd.DataFrame, averse: list[str], others: list[str], group: str) -> pd.DataFrame:
    """Returns for each risk-averse arm how much it crashes and arrives beside the best other arm.

    That is the one that crashes least of those that arrive, at most 5 points less often than the other arm that arrives
    most: who never moves does not crash. It is chosen anew in each bootstrap resample of the seeds, so that intervals
    hold what choosing on the same seeds brings. An arm `holds` where the whole 95 % interval of its ratio is at 7 or
    above and it arrives at most 5 points less often.

    Args:
        runs: A row for each arm, seed and group of partners, with `crashes` and `arrivals` of an episode.
        averse: Names of risk-averse arms.
        others: Of the arms that they are compared with.
        group: Of partners.
    """
    arms, own = [*others, *averse], runs[runs["group"] == group]
    values = [own.pivot_table(index="seed", columns="arm", values=name)[arms] for name in ("crashes", "arrivals")]
    both = np.stack([table.to_numpy() for table in values])  # [2, S, A]
    both = both[:, ~np.isnan(both).any(axis=(0, 2))]
    drawn = np.random.default_rng(0).integers(0, both.shape[1], (RESAMPLES, both.shape[1]))
    crashes, arrivals = both.mean(axis=1)
    best = _best(crashes[None], arrivals[None], len(others))[0]
    drawn_crashes, drawn_arrivals = both[:, drawn].mean(axis=2)  # [R, A] each
    best_drawn = _best(drawn_crashes, drawn_arrivals, len(others))
    least = np.take_along_axis(drawn_crashes, best_drawn[:, None], axis=1)
    rows = []
    for place, arm in enumerate(averse, start=len(others)):
        low, high = np.nanquantile(_ratio(least[:, 0], drawn_crashes[:, place]), (0.025, 0.975), method="nearest")
        points = 100 * float(arrivals[place] - arrivals[best]) / CARS
        row = {"arm": arm, "best_other": arms[best], "crashes": crashes[place], "crashes_of_best": crashes[best]}
        row |= {"ratio": float(_ratio(crashes[best], crashes[place])), "low": low, "high": high}
        rows.append(row | {"arrival_points": points, "holds": bool(low >= RATIO and points >= -FEWER_ARRIVALS)})
    return pd.DataFrame(rows)


def _best(crashes: np.ndarray, arrivals: np.ndarray, count: int) -> np.ndarray:
    """Returns [R] which of the first `count` arms crashes least among those that arrive, for [R, A] each."""
    arrivals = arrivals[:, :count]
    arrives = arrivals >= arrivals.max(axis=1, keepdims=True) - FEWER_ARRIVALS / 100 * CARS
    return np.asarray(np.where(arrives, crashes[:, :count], np.inf).argmin(axis=1))


def _ratio(most: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Returns how many times less crashes; 1 where nobody does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((most == 0) & (least == 0), 1.0, np.asarray(most) / least)


def crashes_table(runs: pd.DataFrame, settings: DrivingStudySettings, group: str) -> list[list[str]]:
    """Returns the table of `compare_crashes`: does a risk-averse arm crash seven times less, and arrive?"""
    averse = [arm.name for arm in settings.arms() if arm.gamma > 0]
    others = [arm.name for arm in settings.arms() if arm.gamma == 0]
    table = [
        ["arm", "crashes", "best other arm", "its crashes", "ratio", "arrivals, points more", "7 times, and arrives"]
    ]
    for row in compare_crashes(runs, averse, others, group).to_dict("records"):
        ratio = f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        cells = [row["arm"], f"{row['crashes']:.4f}", row["best_other"], f"{row['crashes_of_best']:.4f}", ratio]
        table.append([*cells, f"{row['arrival_points']:+.1f}", "yes" if row["holds"] else "no"])
    return table


def describe_safe_runs(runs: pd.DataFrame) -> str:
    """Says of each arm how many runs hardly crash with their own partners: means hide that runs end in kinds."""
    own = runs[runs["group"] == "own"]
    safe = (own["crashes"] < SAFE).groupby(own["arm"], sort=False).sum()
    counts = ", ".join(f"{arm} {count}" for arm, count in safe.sort_values(ascending=False, kind="stable").items())
    return f"Runs with fewer than {SAFE} crashes an episode with their own partners: {counts}."


def tables_of(runs: pd.DataFrame, settings: DrivingStudySettings) -> str:
    """Returns the README's tables of one duel as Markdown."""
    parts = [to_markdown(summary(runs, settings)), describe_safe_runs(runs)]
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
