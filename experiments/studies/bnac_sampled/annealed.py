"""What taking edges away does: scores and densities before, during and after it, and with all edges removed."""

from __future__ import annotations

import pandas as pd

from experiments.intervals import mean_interval
from marl.bn_actor_critic.annealing import PRESSES_FROM, THINS_FROM

PHASES = ("before", "during", "after")


def phases(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each run that anneals and each phase: score, density, and score without edges.

    Before: the last evaluation before edges begin to go. During: the one nearest to the middle of the schedule's fall.
    After: the last of the run.

    Args:
        curves: With a wanted density where a run anneals.
    """
    rows = []
    for (part, method, seed), own in curves[curves["wanted_density"].notna()].groupby(["part", "method", "seed"]):
        share = own["steps"] / own["steps"].max()
        picked = {
            "before": share.where(share <= THINS_FROM, -1).idxmax(),
            "during": (share - (THINS_FROM + PRESSES_FROM) / 2).abs().idxmin(),
            "after": share.idxmax(),
        }
        for phase, index in picked.items():
            row = own.loc[index]
            numbers = {name: row[name] for name in ("steps", "score", "density", "score_without_edges")}
            rows.append({"part": part, "method": method, "seed": seed, "phase": phase, **numbers})
    return pd.DataFrame(rows)


def annealing_table(annealed: pd.DataFrame) -> list[list[str]]:
    """Returns the table of phases, means over seeds with 95 % bootstrap intervals."""
    table = [["world", "learned by", "phase", "score, 95 %", "density", "without edges, 95 %"]]
    for (part, method, phase), own in annealed.groupby(["part", "method", "phase"], sort=False):
        low, high = mean_interval(own["score"].to_numpy())
        least, most = mean_interval(own["score_without_edges"].to_numpy())
        table.append(
            [
                str(part),
                str(method).replace("_", " "),
                str(phase),
                f"{own['score'].mean():.3f} [{low:.3f}, {high:.3f}]",
                f"{own['density'].mean():.2f}",
                f"{own['score_without_edges'].mean():.3f} [{least:.3f}, {most:.3f}]",
            ]
        )
    return table
