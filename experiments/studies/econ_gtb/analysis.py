"""The marks that trained workers are measured by, and what one of them gains by learning on alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.intervals import mean_interval
from experiments.studies.econ_gtb.evaluation import NOTHING_DONE

LARGEST_GAIN = 0.1  # of a worker's utility, by learning on alone
RANDOM_COIN, LONE_COIN = 420, 1513  # of random workers and of a script without trade, measured on ai-economist 1.7.1

# What every measure has to reach.
MARKS = {
    "productivity": max(5 * RANDOM_COIN, LONE_COIN),
    "best paid has most coin (share of episodes)": 0.9,
    "best paid has most houses (share of episodes)": 0.9,
    "both worst paid earn on the market (share of episodes)": 0.9,
    "rank correlation of pay and houses": 0.8,
    "least mean utility of a rank": NOTHING_DONE,
}


def spearman(ranks: pd.Series, values: pd.Series) -> float:
    """Returns Spearman's rank correlation, ties at their mean rank; 0 where all values are equal."""
    a, b = ranks.rank(), values.rank()
    return float(a.corr(b)) if b.nunique() > 1 else 0.0


def measure_gain(utilities: pd.DataFrame) -> dict[str, float]:
    """Returns what a worker gains by learning on alone, in utility and as a share of what it had.

    Args:
        utilities: Columns before and after, a row for each episode.
    """
    gains, before = (utilities["after"] - utilities["before"]).to_numpy(), float(utilities["before"].mean())
    low, high = mean_interval(gains)
    size = abs(before)
    return {
        "utility": before,
        "gain": float(gains.mean()),
        "gain_low": low,
        "gain_high": high,
        "share": float(gains.mean()) / size,
        "share_low": low / size,
        "share_high": high / size,
    }


def measure(episodes: pd.DataFrame, workers: pd.DataFrame) -> dict[str, float]:
    """Returns what the marks are about.

    Args:
        episodes: Rows of evaluation.csv.
        workers: Rows of workers.csv.
    """
    by_episode = workers.groupby("episode")
    best = workers[workers["rank"] == workers["rank"].max()].set_index("episode")
    is_first = [(best[name] == by_episode[name].max()).mean() for name in ("coin", "houses")]
    correlations = [spearman(rows["rank"], rows["houses"]) for _, rows in by_episode]
    sellers = workers[workers["rank"] < 2].groupby("episode")["sales"].min() > 0
    return {
        "productivity": float(episodes["productivity"].mean()),
        "equality": float(episodes["equality"].mean()),
        "equality x productivity": float(episodes["equality_productivity"].mean()),
        "mean utility": float(episodes["utilitarian"].mean()),
        "utility weighted by inverse income": float(episodes["inverse_income_utility"].mean()),
        "least utility": float(episodes["rawlsian"].mean()),
        "best paid has most coin (share of episodes)": float(is_first[0]),
        "best paid has most houses (share of episodes)": float(is_first[1]),
        "both worst paid earn on the market (share of episodes)": float(sellers.mean()),
        "rank correlation of pay and houses": float(np.mean(correlations)),
        "least mean utility of a rank": float(workers.groupby("rank")["utility"].mean().min()),
    }


def marks(found: dict[str, float]) -> list[list[str]]:
    """Returns a table: measure, found, mark, whether it is met."""
    rows = [["measure", "found", "mark", "met"]]
    for name, value in found.items():
        mark = MARKS.get(name)
        is_met = "" if mark is None else ("yes" if value >= mark else "no")
        rows.append([name, f"{value:.2f}", "" if mark is None else f"{mark:.2f}", is_met])
    return rows
