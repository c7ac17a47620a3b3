"""What is said of a world, by a rule that was settled before the study's main run.

The claim is that the first method (QARL) is more robust than each of its rivals. It is judged by the first measure, the
return under the common attack of the larger budget, in each table by itself:

    reversed      worse than at least one rival
    reproduces    better than every rival
    inconclusive  anything else

"Better" and "worse" are those of `marl.robustness.statistics.Comparison`: the interval of the probability of
improvement leaves 1/2 out, and Holm's p-value over the table's rivals is at most 0.05. A world's verdict is that of
the table of equal protagonist samples, as the original's experiments are; the table of equal samples in all stands
beside it.
"""

from __future__ import annotations

import pandas as pd

TABLES = {"protagonist": "equal samples of the protagonists", "total": "equal samples in all"}


def judge_worlds(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each world and table: the verdict, and which rivals (with ", " between) it rests on.

    Args:
        comparisons: Of `analysis.compare_arms`; the first measure is what is judged by.
    """
    if "verdict" not in comparisons:  # a single seed, or a single arm
        comparisons = comparisons.assign(verdict=None)
    judged = comparisons[comparisons["measure"] == comparisons["measure"].iloc[0]]
    rows = []
    for (task, budget), own in judged.groupby(["task", "budget"], sort=False):
        rivals = own.iloc[1:]
        named = {word: list(rivals["arm"][rivals["verdict"] == word]) for word in ("better", "worse")}
        named["inconclusive"] = [arm for arm in rivals["arm"] if arm not in named["better"] + named["worse"]]
        row = {"task": task, "budget": budget, "measure": own["measure"].iloc[0], "arm": own["arm"].iloc[0]}
        rows.append(row | {"verdict": _judge(named)} | {word: ", ".join(arms) for word, arms in named.items()})
    return pd.DataFrame(rows)


def _judge(rivals: dict[str, list[str]]) -> str:
    if rivals["worse"]:
        return "reversed"
    return "reproduces" if rivals["better"] and not rivals["inconclusive"] else "inconclusive"


def describe(verdicts: pd.DataFrame, task: str) -> list[str]:
    """Returns a sentence for each table of a world."""
    named, lines = verdicts[verdicts["task"] == task].astype(object), list[str]()
    for row in named.where(named.notna(), "").itertuples():
        parts = [f"{word} than {names}" for word, names in (("better", row.better), ("worse", row.worse)) if names]
        parts += [f"undecided beside {row.inconclusive}"] if row.inconclusive else []
        found = "; ".join(parts or ["compared with nobody"])
        lines.append(
            f"{str(row.verdict).capitalize()} at {TABLES[row.budget]}: by {row.measure}, {row.arm} is {found}."
        )
    return lines
