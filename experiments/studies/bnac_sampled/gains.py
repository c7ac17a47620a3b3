"""What each way to learn gains over the one that it was made from, paired by seed."""

from __future__ import annotations

import pandas as pd

from experiments.intervals import paired_gain
from experiments.studies.bnac_sampled.settings import base_of

COLUMNS = ("part", "method", "base", "pairs", "difference", "low", "high", "better")
SHARE_COLUMNS = ("share_difference", "share_low", "share_high")


def gains(last: pd.DataFrame, limits: dict[str, float | None]) -> pd.DataFrame:
    """Returns a row for each part and way to learn whose base has a seed in common with it.

    Columns: `difference` of scores with a 95 % bootstrap interval over pairs of seeds, the share of seeds that gain
    (`better`), and the same difference of the share of coordinated runs, where there is such a thing.

    Args:
        last: Ends of runs: part, method, seed, score.
        limits: By part, the score above which a run is coordinated; None: there is none.
    """
    rows = []
    for (part, method), own in last.groupby(["part", "method"], sort=False):
        of_base = last[(last["part"] == part) & (last["method"] == base_of(str(method)))]
        scores, before = own.set_index("seed")["score"], of_base.set_index("seed")["score"]
        if not len(scores.index.intersection(before.index)):
            continue
        row = {"part": part, "method": method, "base": base_of(str(method)), **paired_gain(scores, before)}
        limit = limits[str(part)]
        if limit is not None:
            shares = paired_gain((scores > limit).astype(float), (before > limit).astype(float))
            row |= {f"share_{name}": shares[name] for name in ("difference", "low", "high")}
        rows.append(row)
    return pd.DataFrame(rows, columns=[*COLUMNS, *SHARE_COLUMNS])


def gains_table(found: pd.DataFrame) -> list[list[str]]:
    """Returns the table of differences."""
    table = [
        ["world", "learned by", "against", "seeds", "score more, 95 %", "seeds that gain", "coordinated more, 95 %"]
    ]
    for row in found.to_dict("records"):
        share = ""
        if not pd.isna(row["share_difference"]):
            share = f"{row['share_difference']:+.2f} [{row['share_low']:+.2f}, {row['share_high']:+.2f}]"
        table.append(
            [
                row["part"],
                row["method"].replace("_", " "),
                row["base"].replace("_", " "),
                str(row["pairs"]),
                f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]",
                f"{row['better']:.0%}",
                share,
            ]
        )
    return table
