"""How far each run's schedule came, and when its protagonist was as good as the schedule asks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.run_folder import RunFolder
from experiments.studies.qarl.settings import QarlSettings
from experiments.studies.qarl_robustness.settings import RobustnessSettings, run_path
from marl.qarl.methods import METHODS

SLACK = 1.01  # of the last temperature: a schedule that is as cold as this is finished


def read_curricula(run: RunFolder, settings: RobustnessSettings) -> pd.DataFrame:
    """Returns a row for each world, arm and seed.

    Columns:
        met_at: First iteration whose mean discounted return, over both phases, reached the threshold; none: never.
        scheduled: Mean temperature of the schedule after the last iteration; none without one.
        temperature: Of the adversary in the last iteration; none without one.
        is_finished: Whether the schedule came to its end; none without one.
    """
    rows = list[dict[str, object]]()
    for task in settings.tasks:
        for arm in settings.arms():
            own = settings.run_settings(task, arm)
            metrics = pd.DataFrame(RunFolder(run_path(run, task, arm)).read_metrics())
            rows += [{"task": task, "arm": arm.name, **follow_seed(metrics, own, seed)} for seed in own.seed_numbers]
    return pd.DataFrame(rows)


def follow_seed(metrics: pd.DataFrame, settings: QarlSettings, seed: int) -> dict[str, object]:
    """Returns one seed's row of `read_curricula`, from the rows of its run's metrics.csv."""
    plan = METHODS[settings.method]
    is_met = (metrics[f"discounted_{seed}"] >= settings.threshold).to_numpy()
    row: dict[str, object] = {"seed": seed, "met_at": np.nan, "scheduled": np.nan, "temperature": np.nan}
    row |= {"threshold": settings.threshold, "is_finished": None}
    if is_met.any():
        row["met_at"] = float(metrics["iteration"].iloc[int(is_met.argmax())])
    if plan.has_adversary:
        row["temperature"] = metrics[f"temperature_{seed}"].iloc[-1]
    if plan.follows_schedule:
        scheduled = metrics[f"scheduled_{seed}"].iloc[-1]
        row |= {"scheduled": scheduled, "is_finished": bool(scheduled <= SLACK * settings.cold)}
    return row


def curriculum_table(curricula: pd.DataFrame, task: str) -> list[list[str]]:
    """Returns a row for each arm: medians over seeds, with the least and the largest."""
    own = curricula[curricula["task"] == task]
    threshold = own["threshold"].iloc[0]
    heading = ["arm", f"discounted return of {threshold:g} first met at iteration", "never met", "schedule ends at"]
    rows = [[*heading, "adversary's temperature at the end", "schedule not finished"]]
    for arm, found in own.groupby("arm", sort=False):
        met, ends, heat = (found[name].dropna() for name in ("met_at", "scheduled", "temperature"))
        never = str(len(found) - len(met)) if len(met) < len(found) else ""
        unfinished = str(count_unfinished(found)) if len(ends) else ""
        rows.append([str(arm), _spread(met, ".0f"), never, _spread(ends, ".3g"), _spread(heat, ".2g"), unfinished])
    return rows


def _spread(values: pd.Series, form: str) -> str:
    if values.empty:
        return ""
    return f"{values.median():{form}} ({values.min():{form}} to {values.max():{form}})"


def count_unfinished(curricula: pd.DataFrame) -> int:
    """Returns how many schedules did not come to their end."""
    return int((curricula["is_finished"].astype(str) == "False").sum())


def warn_unfinished(curricula: pd.DataFrame, task: str) -> list[str]:
    """Returns a sentence for each arm of a world whose schedule was not finished in some seeds."""
    lines = []
    for arm, found in curricula[curricula["task"] == task].groupby("arm", sort=False):
        count = count_unfinished(found)
        if count:
            lines.append(
                f"Curriculum not finished: {arm}, in {count} of {len(found)} seeds, whose protagonists are judged "
                "as if told an end (temperature 0, or all of the force) that they were not trained for."
            )
    return lines
