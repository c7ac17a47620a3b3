"""Tables of the study, of a run and of the committed results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.markdown import to_markdown
from experiments.studies.econ_one_step.evaluation import MUST_BEAT
from experiments.studies.econ_one_step.exact import REFERENCES

RESULTS = REFERENCES.parent
TITLES = {"inverse_income_utility": "inverse-income utility", "equality_productivity": "equality x productivity"}
RIVALS = [name.replace(" ", "_") for name in MUST_BEAT]
NEAR = 0.10 + 1e-9  # a rate that is this far from the best is near it
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def interval(values: pd.Series) -> str:
    """Returns mean and half of the 95 % interval of Student's t over seeds."""
    n = len(values)
    half = T_95[n] * values.std() / np.sqrt(n) if n in T_95 else float("nan")
    return f"{values.mean():.2f} ± {half:.2f}" if n in T_95 else f"{values.mean():.2f}"


def is_near(rates: pd.DataFrame) -> pd.Series:
    """Returns, for each row in whose bracket workers earn, whether the rate is within 0.10 of the best."""
    populated = rates[rates["workers"] > 0]
    return (populated["rate"] - populated["best_rate"]).abs() <= NEAR


def planner_table(scores: pd.DataFrame, rates: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each economy and objective: welfare of what planners learned, and what they had to beat."""
    heads = ["economy", "objective", "seeds", "learned", "median", "worst", "with its own workers", "best found"]
    table = [[*heads, *MUST_BEAT, "reach 99 % of best", "beat all three", "populated brackets within 0.10"]]
    for (economy, objective), rows in scores.groupby(["economy", "objective"], sort=False):
        near = is_near(rates[(rates["economy"] == economy) & (rates["objective"] == objective)])
        beaten = rows["welfare"] > rows[RIVALS].max(axis=1)
        row = [str(economy), TITLES[str(objective)], str(len(rows)), interval(rows["welfare"])]
        row += [f"{rows['welfare'].median():.2f}", f"{rows['welfare'].min():.2f}"]
        row += [interval(rows["welfare_with_trained_workers"])]
        row += [f"{rows[name].iloc[0]:.2f}" for name in ("best_found", *RIVALS)]
        row += [str(int((rows["share_of_best"] >= 0.99).sum())), str(int(beaten.sum())), f"{near.sum()} of {len(near)}"]
        table.append(row)
    return table


def regret_table(regrets: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each economy: regret by kind of schedule, in per cent of utility, means over seeds."""
    table = [["economy", "seeds", *MUST_BEAT, "20 random", "worst of the 20", "all 23", "all 23, worst seed"]]
    table[0].append("different hours under US federal, learned / best")
    for economy, rows in regrets.groupby("economy", sort=False):
        by_name = rows.groupby("schedule")["regret"].mean()
        random = by_name[by_name.index.str.startswith("random")]
        numbers = [by_name[name] for name in MUST_BEAT]
        numbers += [random.mean(), random.max(), by_name.mean(), rows.groupby("seed")["regret"].mean().max()]
        federal = rows[rows["schedule"] == "US federal"]
        pooled = f"{federal['different_hours'].mean():.0f} / {federal['different_best_hours'].iloc[0]}"
        table.append([str(economy), str(rows["seed"].nunique()), *(f"{number:.2%}" for number in numbers), pooled])
    return table


def committed_table() -> str:
    """Returns the committed results as the README's Markdown tables."""
    scores, rates, regrets = (pd.read_csv(RESULTS / f"{name}.csv") for name in ("evaluation", "rates", "regrets"))
    return to_markdown(regret_table(regrets)) + "\n\n" + to_markdown(planner_table(scores, rates))


if __name__ == "__main__":
    print(committed_table())
