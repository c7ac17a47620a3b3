"""What such a study writes: tables of a run, and its report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.populations.arm_intervals import arm_intervals, shown
from experiments.populations.figures import draw_frontier, draw_measures, draw_pairs
from experiments.populations.settings import PopulationSettings
from experiments.populations.tournament import GROUPS, hold_tournament
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically

RETURNS = ["mean", "variance_between", "variance", "worst"]
TITLES = {
    "own": "With the other seat of the same run",
    "trained": "With populations of all arms, of another seed",
    "strangers": "With scripted strangers",
}


def evaluate(run: RunFolder, settings: PopulationSettings) -> None:
    """Holds the tournament and writes runs.csv, pairs.csv and evaluation.csv.

    runs.csv has a row for each arm, seed and group of partners; pairs.csv one for each arm and partner, means over
    seeds; evaluation.csv one for each arm: mean over seeds and its 95 % bootstrap interval.
    """
    table = hold_tournament(run, settings)
    runs = table[table["partner"] == "all"].drop(columns="partner")
    pairs = table[table["partner"] != "all"].groupby(["arm", "group", "partner"], sort=False).mean(numeric_only=True)
    write_atomically(run.path / "runs.csv", runs.to_csv(index=False))
    write_atomically(run.path / "pairs.csv", pairs.drop(columns="seed").round(5).reset_index().to_csv(index=False))
    rows = summary(runs, settings)
    write_atomically(run.evaluation_path, pd.DataFrame(rows[1:], columns=rows[0]).to_csv(index=False))


def summary(runs: pd.DataFrame, settings: PopulationSettings) -> list[list[str]]:
    """Returns a row for each arm: events in its own run, returns with trained partners and with strangers."""
    events = list(settings.scene().events)
    intervals = arm_intervals(runs, [*RETURNS, *events])
    columns = [("own", name) for name in ("mean", *events)]
    columns += [(group, name) for group in ("trained", "strangers") for name in ("mean", "variance_between", "worst")]
    heading = ["arm", "seeds", *(f"{group}: {name.replace('_', ' ')}" for group, name in columns)]
    rows = [heading]
    for arm in settings.arms():
        seeds = str(runs[runs["arm"] == arm.name]["seed"].nunique())
        rows.append([arm.name, seeds, *(shown(intervals, arm.name, group, name) for group, name in columns)])
    return rows


def read_tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns runs.csv and pairs.csv of a run, or of committed results.

    Raises:
        RunError: One is missing or damaged.
    """
    try:
        return pd.read_csv(folder / "runs.csv"), pd.read_csv(folder / "pairs.csv")
    except (OSError, ValueError) as error:
        raise RunError(f"a table of {folder} cannot be read: {error}; agora evaluate {folder}") from None


def report(run: RunFolder, settings: PopulationSettings, title: str, lead: str, frontier: tuple[str, str]) -> None:
    """Writes report.html.

    Args:
        run: Evaluated.
        settings: Of it.
        title: Of the page.
        lead: One paragraph on what is compared.
        frontier: Two measures that are traded against one another, along and up.
    """
    runs, pairs = read_tables(run.path)
    events, arms = list(settings.scene().events), settings.arms()
    intervals = arm_intervals(runs, [*RETURNS, *events, "length"])
    table = summary(runs, settings)
    caption = "Mean over seeds, 95 % bootstrap interval over seeds. worst: mean of the worst 5 % of episodes."
    sections = [Section("Arms", table=table, caption=caption)]
    for group in GROUPS:
        figure = draw_measures(intervals, arms, group, ["mean", "worst", *events])
        sections.append(Section(TITLES[group], figure=to_svg(figure), caption=caption))
    sections.append(
        Section(
            "What is traded for what",
            figure=to_svg(draw_frontier(intervals, arms, "own", *frontier)),
            caption="Own runs. Blue, joined: risk-averse arms by gamma. Orange: the others.",
        )
    )
    sections.append(Section("Who gets what beside whom", figure=to_svg(draw_pairs(pairs, arms))))
    sections.append(
        Section("Settings", table=[["setting", "value"], *([k, str(v)] for k, v in settings.model_dump().items())])
    )
    write_report(run.report_path, title, lead, sections)
