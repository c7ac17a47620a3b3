"""Tables, figure and transcripts of read_planning, of a run and of the committed results.

`python -m experiments.studies.read_planning.analysis` prints the README's tables and draws results/success.svg.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import games
from agents.planners.prompts import system_message
from experiments.intervals import mean_interval
from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.read_planning.settings import HARD, TASKS, TITLES, WITHOUT_CRITIC, ReadPlanningSettings
from games.wording import wording

RESULTS = Path(__file__).parent / "results"
NO_RESET = -1
GAIN, COST = 0.15, 1.5  # what ReAd-J has to gain in success, and may cost in queries
COLORS = {"none": "#bbbbbb", "validity": "#777777", "read_j": "#2f6fb5", "validity_s": "#a8d5bf", "read_s": "#3a9d6e"}
COLORS |= {"coin": "#c9a227", "shuffled": "#b5482f"}


@dataclass(frozen=True)
class Published:
    """Success / queries / steps of GPT-4 (Zhang et al. 2024, v2, table 4; recipe3's ReAd-S: table 1), ten runs each.

    Empty: cut off in the translation of the paper that was read, or not run there.
    """

    central: str
    read_j: str
    roco: str
    read_s: str


PUBLISHED = {
    "y1_g1": Published("0.4 / 15.3 / 11.2", "1 / 5.9 / 5.0", "0.9 / 14.4 / 6.2", "1 / 10.4 / 5.0"),
    "y1_g2": Published("1 / 7.8 / 7.8", "1 / 7.6 / 7.0", "1 / 24.2 / 8.9", "1 / 14.4 / 7.0"),
    "y2_g2": Published("0.8 / 12.7 / 12.7", "1 / 13.0 / 9.0", "1 / 29.1 / 10.6", "1 / 19.9 / 9.4"),
    "y2_g3": Published("0.2 / 14.6 / 14.6", "1 / 16.4 / 11.7", "0.7 / 36.7 / 13.5", "0.9 / 26.8 / 12.2"),
    "y3_g3": Published("0 / 15 / 15", "0.8 / 16.4 / 13.4", "0.6 / 41.8 / 14.7", "0.8 / 31.4 / 14.0"),
    "recipe1": Published("1 / 6.2 / 4", "1 / 4.3 / 4.0", "1 / 13.2 / 4.7", "1 / 10.5 / 4.2"),
    "recipe2": Published("1 / 8.2 / 6", "", "0.9 / 28.9 / 9.1", "1 / 14.5 /"),
    "recipe3": Published("1 / 10.2 / 8", "", "0.8 / 33.7 / 11.5", "1 / 22.1 / 8.9"),
    "recipe4": Published("0.4 / 80.5 / 14.2", "", "0.5 / 43.1 / 13.1", ""),
    "sort1": Published("1 / 1 / 1", "", "1 / 3.3 / 1.1", ""),
    "sort2": Published("1 / 16.9 / 2.6", "", "1 / 13.5 / 3.4", ""),
    "sort3": Published("1 / 8.3 / 2.3", "", "1 / 18.6 / 4.9", ""),
    "sort4": Published("1 / 37.2 / 7.1", "", "1 / 24.8 / 6.4", ""),
    "sort5": Published("0.6 / 128.4 / 11.0", "", "1 / 38.5 / 7.4", ""),
    "cramped_room": Published("0 / 20.0-20.8 / 20", "0.4 / 23.9 / 18.9", "", ""),
    "forced_coordination": Published("0 / 25.0-26.9 / 25", "0.3 / 27.2 / 24.8", "", ""),
}
# The same of the silent reset of recipe3, by the step after which it comes: RoCo, ReAd-S.
PUBLISHED_RESETS = {
    NO_RESET: ("0.8 / 33.7 / 11.5", "1 / 22.1 / 8.9"),
    1: ("0.7 / 46.3 / 13.9", "1 / 39.7 / 10.4"),
    2: ("0.5 / 61.2 / 14.2", "1 / 44.9 / 12.5"),
    3: ("0 / 74.8 / 15", "1 / 49.1 / 13.4"),
}
MEANS = ["steps", "queries", "prompt_tokens", "completion_tokens", "low_scores", "not_valid", "no_plans"]


def read_cells(run: RunFolder, settings: ReadPlanningSettings) -> list[dict[str, Any]]:
    """Returns what the cells left.

    Raises:
        RunError: Cells are missing.
    """
    cells = settings.cells()
    paths = [run.path / "cells" / f"{task}-{seed}.json" for task, seed in cells]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    if len(found) < len(cells):
        raise RunError(f"{len(found)} of {len(cells)} cells are done: agora resume {run.path}")
    return found


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each task and method: means, and the 95 % bootstrap interval of success over episodes.

    An episode's success is its mean over critics, so that critics are not counted as episodes.
    """
    table, played = [], rows[rows["reset_after"] == NO_RESET]
    pairs = played.groupby(["task", "method"])
    wanted = [(task, method) for task in dict.fromkeys(played["task"]) for method in TITLES]
    for task, method in (pair for pair in wanted if pair in pairs.groups):
        own = pairs.get_group((task, method))
        done = own.groupby("episode")["is_done"].mean().to_numpy()
        low, high = mean_interval(done)
        means = own[MEANS].mean()
        spread = own.groupby("critic")["is_done"].mean()
        row = {"task": task, "method": method, "episodes": len(done), "critics": own["critic"].nunique()}
        row |= {"success": done.mean(), "low": low, "high": high, "worst_critic": spread.min(), **means}
        table.append(row)
    return pd.DataFrame(table)


def compare(rows: pd.DataFrame, method: str = "read_j", base: str = "validity") -> pd.DataFrame:
    """Returns for each task how much more often a method succeeds than another, paired by episode, and at what cost."""
    table, played = [], rows[rows["reset_after"] == NO_RESET]
    for task, own in played.groupby("task", sort=False):
        pair = [own[own["method"] == name].groupby("episode")[["is_done", "queries"]].mean() for name in (method, base)]
        if any(part.empty for part in pair):
            continue
        gained = (pair[0]["is_done"] - pair[1]["is_done"]).to_numpy()
        low, high = mean_interval(gained)
        ratio = pair[0]["queries"].mean() / pair[1]["queries"].mean()
        passed = gained.mean() >= GAIN and low > 0 and ratio <= COST
        row = {"task": task, "base": pair[1]["is_done"].mean(), "gained": gained.mean(), "low": low, "high": high}
        table.append({**row, "queries": ratio, "passed": passed})
    return pd.DataFrame(table)


def evaluate(run: RunFolder, settings: ReadPlanningSettings) -> None:
    """Writes episodes.csv (raw), critics.csv, comparison.csv and evaluation.csv, a row for each task and method.

    Raises:
        RunError: Cells are missing.
    """
    cells = read_cells(run, settings)
    rows = pd.DataFrame([row for cell in cells for row in cell["rows"]])
    critics = pd.DataFrame([cell["facts"] for cell in cells if "rows" in cell["facts"]])
    write_atomically(run.path / "episodes.csv", rows.to_csv(index=False))
    write_atomically(run.path / "critics.csv", critics.to_csv(index=False, float_format="%.4f"))
    write_atomically(run.path / "comparison.csv", compare(rows).to_csv(index=False, float_format="%.4f"))
    write_atomically(run.evaluation_path, summarize(rows).to_csv(index=False, float_format="%.4f"))


def draw_success(rows: pd.DataFrame) -> Figure:
    """Draws success by task and method, with intervals over episodes."""
    summary = summarize(rows)
    tasks = list(dict.fromkeys(summary["task"]))
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(max(4.0, 1.1 * len(tasks)), 3.2), layout="constrained")
        axes = figure.subplots()
        for place, (method, color) in enumerate(COLORS.items()):
            own = summary[summary["method"] == method].set_index("task").reindex(tasks)
            at = np.arange(len(tasks)) + 0.13 * (place - len(COLORS) / 2 + 0.5)
            spread = [own["success"] - own["low"], own["high"] - own["success"]]
            axes.errorbar(at, own["success"], spread, fmt="o", ms=3.5, lw=1, color=color, label=TITLES[method])
        axes.set_xticks(range(len(tasks)), tasks, rotation=20)
        axes.set_ylabel("share of episodes done")
        axes.set_ylim(-0.03, 1.03)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(*axes.get_legend_handles_labels(), frameon=False, ncols=4, fontsize=7, loc="outside upper center")
    return figure


def methods_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the table of all methods."""
    table = [["task", "method", "success", "95 % interval", "worst critic", "steps", "queries"]]
    table[0] += ["low score, not valid, no plan", "tokens read, written"]
    for _, row in summarize(rows).iterrows():
        refused = ", ".join(f"{row[name]:.1f}" for name in ("low_scores", "not_valid", "no_plans"))
        tokens = f"{row['prompt_tokens']:.0f}, {row['completion_tokens']:.0f}"
        interval = f"[{row['low']:.2f}, {row['high']:.2f}]" if row["episodes"] > 1 else "one episode"
        numbers = [f"{row['success']:.2f}", interval, f"{row['worst_critic']:.2f}"]
        numbers += [f"{row['steps']:.1f}", f"{row['queries']:.1f}", refused, tokens]
        table.append([row["task"], TITLES[row["method"]], *numbers])
    return table


def differences_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the table of ReAd-J beside checks of validity alone, with GPT-4's published numbers."""
    table = [["task", "validity only", "ReAd-J more", "95 % interval", "queries, times", "holds"]]
    table[0] += ["published, GPT-4: Central-Plan", "published, GPT-4: ReAd-J"]
    for _, row in compare(rows).iterrows():
        interval = f"[{row['low']:+.2f}, {row['high']:+.2f}]"
        holds = _holds(row) if row["task"] in HARD else "not asked"
        cells = [row["task"], f"{row['base']:.2f}", f"{row['gained']:+.2f}", interval, f"{row['queries']:.2f}", holds]
        published = PUBLISHED[row["task"]]
        table.append([*cells, published.central, published.read_j])
    return table


def _holds(row: pd.Series) -> str:
    if row["base"] > 1 - GAIN:
        return "no room"
    return "yes" if row["passed"] else "no"


def sequential_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the table of ReAd-S beside checks of validity alone, robot by robot too."""
    table = [["task", "validity only, robot by robot", "ReAd-S more", "95 % interval", "queries, times"]]
    table[0] += ["published, GPT-4: RoCo", "published, GPT-4: ReAd-S"]
    for _, row in compare(rows, "read_s", "validity_s").iterrows():
        interval = f"[{row['low']:+.2f}, {row['high']:+.2f}]"
        cells = [row["task"], f"{row['base']:.2f}", f"{row['gained']:+.2f}", interval, f"{row['queries']:.2f}"]
        table.append([*cells, PUBLISHED[row["task"]].roco, PUBLISHED[row["task"]].read_s])
    return table


def resets_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the table of the silent reset on recipe3, with 95 % bootstrap intervals over episodes."""
    own = rows[(rows["task"] == "recipe3") & rows["method"].isin(["validity", "read_j", "read_s"])]
    table = [["reset after step", "method", "success", "95 % interval", "ReAd-J more, paired", "steps", "queries"]]
    table[0].append("published, GPT-4")
    for after, some in own.groupby("reset_after", sort=True):
        name = "never" if after == NO_RESET else str(after)
        roco, read_s = PUBLISHED_RESETS.get(int(str(after)), ("", ""))
        published = {"validity": f"RoCo {roco}" if roco else "", "read_s": f"ReAd-S {read_s}" if read_s else ""}
        by_method = {str(m): each.groupby("episode")["is_done"].mean() for m, each in some.groupby("method")}
        for method, done in by_method.items():
            low, high = mean_interval(done.to_numpy())
            more = _more(done, by_method["validity"]) if method == "read_j" and "validity" in by_method else ""
            means = some[some["method"] == method][["steps", "queries"]].mean()
            cells = [name, TITLES[method], f"{done.mean():.2f}", f"[{low:.2f}, {high:.2f}]", more]
            cells += [f"{means['steps']:.1f}", f"{means['queries']:.1f}", published.get(method, "")]
            table.append(cells)
    return table


def _more(done: pd.Series, base: pd.Series) -> str:
    """Returns how much more often episodes are done, with its interval."""
    gained = (done - base).to_numpy()
    low, high = mean_interval(gained)
    return f"{gained.mean():+.2f} [{low:+.2f}, {high:+.2f}]"


def critics_table(critics: pd.DataFrame) -> list[list[str]]:
    """Returns the table of critics, means by task."""
    table = [["task", "critics", "steps fitted to", "queries of them", "CPU seconds", "rank correlation", "wait gap"]]
    for task, own in critics.groupby("task", sort=False):
        means = own.drop(columns=["task", "critic"]).mean()
        exact = [means.get(name, float("nan")) for name in ("rank_correlation", "wait_gap")]
        numbers = [f"{means[name]:.0f}" for name in ("rows", "experience_queries", "seconds")]
        shown = ["" if np.isnan(number) else f"{number:.2f}" for number in exact]
        table.append([str(task), str(len(own)), *numbers, *shown])
    return table


def transcripts_of(cells: list[dict[str, Any]], first_critic: int = 1) -> list[Section]:
    """Returns sections of each task: what every conversation begins with, and each method's first episode.

    Args:
        cells: With "facts", of which "task" and "critic" are read, and "transcripts", rows by method.
        first_critic: Whose episodes are shown, beside those of methods without one.
    """
    shown, sections = [cell for cell in cells if cell["facts"]["critic"] in (WITHOUT_CRITIC, first_critic)], []
    for task in dict.fromkeys(cell["facts"]["task"] for cell in shown):
        said = {m: rows for cell in shown if cell["facts"]["task"] == task for m, rows in cell["transcripts"].items()}
        if any(said.values()):
            sections.append(_opening_of(task))
        sections += [_transcript_of(task, method, said[method]) for method in TITLES if said.get(method)]
    return sections


def _opening_of(task: str) -> Section:
    config = games.spec(TASKS[task].id).config(**TASKS[task].config)
    caption = (
        "Behind it stand the steps before, as many as the method keeps, each with its last question and answer; then "
        "the question of the step; then its refused answers, each with what was told, the last four of them."
    )
    table = [["system message"], [system_message(wording(config)).content]]
    return Section(f"Every conversation of {task} begins with", table=table, is_prose=True, caption=caption)


def _transcript_of(task: str, method: str, said: list[dict[str, Any]]) -> Section:
    table = [["sent: state and question", "reply", "score", "bar", "outcome", "told"]]
    for each in said:
        numbers = ["" if each[name] is None else f"{each[name]:.2f}" for name in ("score", "bar")]
        table.append([each["question"], each["reply"], *numbers, each["verdict"], each["reasons"]])
    return Section(f"Transcript: {task}, {TITLES[method]}, episode 0", table=table, is_prose=True)


def report(run: RunFolder, settings: ReadPlanningSettings) -> None:
    """Writes report.html."""
    cells = read_cells(run, settings)
    rows = pd.read_csv(run.path / "episodes.csv")
    planner = "a script that slips" if settings.planner == "script" else "the stand-in language model"
    lead = (
        f"The planner is {planner}, the same for all methods. ReAd-J and ReAd-S refuse plans whose advantage a critic "
        "scores low (Zhang et al. 2024)."
    )
    sections = [
        Section("Success", figure=to_svg(draw_success(rows)), caption="95 % bootstrap intervals over episodes."),
        Section("ReAd-J beside checks of validity", table=differences_table(rows), caption="Paired by episode."),
        Section("ReAd-S beside checks of validity, both robot by robot", table=sequential_table(rows)),
        Section("All methods", table=methods_table(rows)),
    ]
    if (rows["reset_after"] != NO_RESET).any():
        sections.append(Section("Silent resets on recipe3", table=resets_table(rows)))
    critics = pd.read_csv(run.path / "critics.csv")
    sections += [Section("Critics", table=critics_table(critics)), *transcripts_of(cells)]
    write_report(run.report_path, "Advantage feedback for planners", lead, sections)


def tables_of(rows: pd.DataFrame, critics: pd.DataFrame) -> dict[str, list[list[str]]]:
    """Returns the tables of a scripted planner's results by name."""
    return {
        "differences": differences_table(rows),
        "sequential": sequential_table(rows),
        "methods": methods_table(rows),
        "resets": resets_table(rows),
        "critics": critics_table(critics),
    }


def committed_tables() -> dict[str, list[list[str]]]:
    """Returns the README's tables of the committed results, by name."""
    rows, critics = (pd.read_csv(RESULTS / name) for name in ("episodes.csv.gz", "critics.csv"))
    said = pd.read_csv(RESULTS / "stand_in_episodes.csv.gz")
    of_stand_in = {"stand_in_differences": differences_table(said), "stand_in_methods": methods_table(said)}
    of_stand_in["stand_in_critics"] = critics_table(pd.read_csv(RESULTS / "stand_in_critics.csv"))
    return {**tables_of(rows, critics), **of_stand_in}


def main() -> None:
    """Prints the tables of the committed results and draws their figure."""
    rows = pd.read_csv(RESULTS / "episodes.csv.gz")
    (RESULTS / "success.svg").write_text(to_svg(draw_success(rows)) + "\n", encoding="utf-8")
    for name, table in committed_tables().items():
        print(f"<!-- {name} -->\n{to_markdown(table)}\n<!-- /{name} -->\n")


if __name__ == "__main__":
    main()
