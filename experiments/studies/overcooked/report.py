"""The report of one Overcooked run."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder
from experiments.studies.overcooked.evaluation import read_evaluation
from experiments.studies.overcooked.settings import OvercookedSettings

NORMAL_95 = 1.96  # standard errors on both sides of a mean that hold 95 %


def draw_learning_curve(rows: list[dict[str, float]], greedy: float) -> Figure:
    """Draws the return over the steps with a 95 % interval of each point's mean, and the scripted cooks' line."""
    rows = [row for row in rows if not math.isnan(row["sparse_return_mean"])]
    steps, mean, std, episodes = (
        np.array([row[name] for row in rows])
        for name in ("steps", "sparse_return_mean", "sparse_return_std", "episodes")
    )
    half = NORMAL_95 * std / np.sqrt(np.maximum(episodes, 1))
    with mpl.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7.5, 3.6))
        axes = figure.add_subplot()
        axes.fill_between(steps / 1e6, mean - half, mean + half, color="#2f6fb5", alpha=0.25, linewidth=0)
        axes.plot(steps / 1e6, mean, color="#2f6fb5", label="trained cooks, self-play")
        axes.axhline(greedy, color="#d27a26", linestyle="--", linewidth=1.2, label="two scripted cooks")
        axes.set(xlabel="million env steps", ylabel="return of an episode (deliveries only)", ylim=(0, None))
        axes.margins(x=0)
        axes.legend(loc="lower right", frameon=False)
    return figure


def find_score(rows: list[dict[str, str]], first: str, second: str) -> float:
    """Returns the mean return of a pair."""
    return next(float(row["mean"]) for row in rows if (row["first_cook"], row["second_cook"]) == (first, second))


def _make_table(rows: list[dict[str, str]]) -> list[list[str]]:
    table = [["first cook and second cook", "return", "95 % interval", "soups", "episodes"]]
    for row in rows:
        mean, low, high, soups = (f"{float(row[name]):.1f}" for name in ("mean", "low", "high", "soups"))
        pair = f"{row['first_cook']} and {row['second_cook']}"
        table.append([pair, mean, f"{low} to {high}", soups, row["episodes"]])
    return table


def report(run: RunFolder, settings: OvercookedSettings) -> None:
    """Writes report.html: learning curve, table of pairs, replay, settings."""
    metrics, pairs = run.read_metrics(), read_evaluation(run)
    if not metrics:
        raise RunError(f"{run.path} has no metrics yet")
    trained, greedy = find_score(pairs, "trained", "trained"), find_score(pairs, "greedy", "greedy")
    minutes = metrics[-1]["seconds"] / 60
    verdict = "better than" if trained > greedy else "no better than"
    lead = (
        f"After {metrics[-1]['steps'] / 1e6:.2f} million steps ({minutes:.1f} minutes, seed {settings.seed}) two "
        f"trained cooks earn {trained:.0f} in an episode, {verdict} two scripted ones ({greedy:.0f})."
    )
    video = run.replay_path / "episode.mp4"
    sections = [
        Section(
            "Learning curve",
            figure=to_svg(draw_learning_curve(metrics, greedy)),
            caption="Mean over the episodes of an iteration, without shaped rewards; band: 95 % interval of that mean.",
        ),
        Section(
            "Who plays with whom",
            table=_make_table(pairs),
            caption="Deliveries only. 'greedy' is a scripted planner, 'random' acts uniformly. Interval: bootstrap.",
        ),
        Section(
            "One episode",
            text=[] if video.exists() else [f"No replay yet: agora render {run.path.name}"],
            video=video if video.exists() else None,
            caption="Self-play of the trained policy, at 8 steps a second.",
        ),
        Section("Settings", table=[["setting", "value"], *([k, str(v)] for k, v in settings.model_dump().items())]),
    ]
    write_report(run.report_path, f"Overcooked: {settings.kitchen_name}", lead, sections)
