"""What latents add, and what one network for all populations costs: differences of scores, paired by seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from experiments.intervals import paired_gain
from experiments.studies.mra_populations.settings import METHODS, trained_sizes
from marl.robustness.statistics import sign_flip_test

SUBJECT = "mra"
ALL_NEW = "all new"  # the mean over populations that neither of two was trained in
COLUMNS = (
    *("world", "method", "choice", "against", "against_choice", "population"),
    *("difference", "low", "high", "better", "pairs", "p_value"),
)

Arm = tuple[str, str]  # a way to learn, and a choice of the latent


def gains(scores: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each two arms that are compared and each population, and one for all that are new to both.

    Columns: `difference` of scores with a 95 % bootstrap interval over pairs of seeds, the share of seeds that gain
    (`better`), and `p_value` of the sign-flip test, exact: with five pairs it is 0.06 at least.

    Args:
        scores: With columns world, method, choice, population, seed and score; those that diverged have no score.
    """
    rows = []
    for world, own in scores.groupby("world", sort=False):
        by_arm = {
            arm: rows_of.pivot(index="seed", columns="population", values="score")
            for arm, rows_of in own.groupby(["method", "choice"], sort=False)
        }
        for first, second in compared(list(by_arm)):
            for population, one, other in _paired(str(world), first, second, by_arm):
                pair = (one - other).dropna()
                key = (world, *first, *second, population)
                p_value = sign_flip_test(pair.to_numpy(), np.zeros(len(pair)))
                rows.append(dict(zip(COLUMNS, key, strict=False)) | paired_gain(one, other) | {"p_value": p_value})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def compared(arms: list[Any]) -> list[tuple[Arm, Arm]]:
    """Returns which arms are held against which: mra against every other, and its choices against its samples."""
    sampled = (SUBJECT, "sampled")
    pairs = [(sampled, (method, choice)) for method, choice in arms if choice == "sampled" and method != SUBJECT]
    pairs += [((SUBJECT, choice), sampled) for method, choice in arms if method == SUBJECT and _adapts_latents(choice)]
    adapted = [choice for method, choice in arms if method == SUBJECT and choice.startswith("networks")]
    pairs += [((SUBJECT, choice), ("no_latent", choice)) for choice in adapted]
    return [(first, second) for first, second in pairs if first in arms and second in arms]


def _adapts_latents(choice: str) -> bool:
    return choice == "best" or choice.startswith("adapted")


def _paired(world: str, first: Arm, second: Arm, by_arm: Any) -> list[tuple[str, pd.Series, pd.Series]]:
    """Returns populations with scores by seed of both, a specialist's own alone; and the means over all new ones."""
    one, other = by_arm[first], by_arm[second]
    size = METHODS[second[0]].get("size")
    sizes = [n for n in one.columns if n in other.columns and size in (None, n)]
    found = [(str(n), one[n], other[n]) for n in sizes]
    known = {*trained_sizes(world, first[0]), *trained_sizes(world, second[0])}
    new = [n for n in sizes if n not in known]
    if len(new) > 1:
        found.append((ALL_NEW, one[new].mean(axis=1, skipna=False), other[new].mean(axis=1, skipna=False)))
    return [(name, x, y) for name, x, y in found if not (x - y).dropna().empty]


def gains_table(found: pd.DataFrame, world: str) -> list[list[str]]:
    """Returns the table of a world: a row for each two arms, a column for each population and one for all new ones."""
    own = found[found["world"] == world].astype({"population": str})
    names = [name for name in dict.fromkeys(own["population"]) if name != ALL_NEW]
    columns = [*sorted(names, key=int), *([ALL_NEW] if ALL_NEW in set(own["population"]) else [])]
    table = [["", "against", "seeds", *columns, *(["p"] if ALL_NEW in columns else [])]]
    for key, rows in own.groupby(["method", "choice", "against", "against_choice"], sort=False):
        method, choice, against, other = (str(name).replace("_", " ") for name in key)
        by_size = rows.set_index("population").to_dict("index")
        cells = [_cell(by_size[name]) if name in by_size else "" for name in columns]
        p_value = [f"{by_size[ALL_NEW]['p_value']:.2f}" if ALL_NEW in by_size else ""] if ALL_NEW in columns else []
        table.append([f"{method}, {choice}", f"{against}, {other}", str(rows["pairs"].max()), *cells, *p_value])
    return table


def _cell(row: dict[str, float]) -> str:
    return f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"
