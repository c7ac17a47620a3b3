"""Curves and late scores of all cells: gathered, drawn, tabled, and beside the first arm."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.gmah_trash.settings import FLAT, LABELS, POLICY_GRADIENT, GmahTrashSettings
from marl.robustness.statistics import interquartile_mean, probability_of_improvement

LATE = 0.2  # of the training, over which greedy evaluations are averaged
HALF = 0.5  # of the frames, in which GMAH with mixer is to be where QMIX ends
COLUMNS = ["arm", "seed", "steps", "steps_above", "delivered", "greedy_delivered", "greedy_length", "completed"]
MAIN = ("gmah_mixer", "gmah", *FLAT, *POLICY_GRADIENT)
COLOURS = ("#2f6fb5", "#6aa9d8", "#d27a26", "#e0ad6b", "#7a7a7a", "#5d8f4e", "#a3c493", "#8a57b8")


def evaluate(run: RunFolder, settings: GmahTrashSettings) -> None:
    """Writes evaluation.csv: every evaluation of every cell; `steps_above` leaves the low level's frames out.

    Raises:
        RunError: Cells have not begun.
    """
    parts = []
    for cell in settings.cells():
        rows = RunFolder(cell.path(run.path)).read_metrics()
        if not rows:
            raise RunError(f"{cell.path(run.path).name} has no rows: agora resume {run.path}")
        curve = pd.DataFrame(rows).dropna(subset=["greedy_delivered"])
        steps = curve["steps"].astype(int)
        parts.append(curve.assign(arm=cell.arm, seed=cell.seed, steps=steps, steps_above=steps - cell.low_level_steps))
    write_atomically(run.evaluation_path, pd.concat(parts)[COLUMNS].to_csv(index=False))


def late_scores(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a cell: greedy pieces delivered and episode lengths of the last fifth of its training.

    Args:
        curves: As `evaluate` writes them.
    """

    def late(cell: pd.DataFrame) -> pd.Series:
        chosen = cell[cell["steps"] >= (1 - LATE) * cell["steps"].max()]
        return chosen[["greedy_delivered", "greedy_length"]].mean()

    columns = ["steps", "greedy_delivered", "greedy_length"]
    return curves.groupby(["arm", "seed"], sort=False)[columns].apply(late).reset_index()


def make_table(curves: pd.DataFrame) -> list[list[str]]:
    """Returns rows of text: of each arm the interquartile mean over seeds, and how sure the first arm is better."""
    scores = late_scores(curves)
    arms = list(dict.fromkeys(scores["arm"]))
    by_arm = {arm: scores[scores["arm"] == arm].sort_values("seed") for arm in arms}
    table = [
        ["arm", "pieces delivered, last fifth", "95 % interval", "steps of an episode", "seeds", "first is better"]
    ]
    for arm, cells in by_arm.items():
        values = cells["greedy_delivered"].to_numpy(float)
        middle = interquartile_mean(values)
        length = interquartile_mean(cells["greedy_length"].to_numpy(float)).value
        interval = f"{middle.low:.2f} to {middle.high:.2f}" if len(values) > 1 else ""
        better = ""
        if arm != arms[0] and len(values) > 1:
            first = by_arm[arms[0]]["greedy_delivered"].to_numpy(float)
            found = probability_of_improvement(first, values)
            better = f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
        table.append([LABELS[arm], f"{middle.value:.2f}", interval, f"{length:.0f}", str(len(values)), better])
    return table


def describe_claims(curves: pd.DataFrame) -> list[str]:
    """Returns a sentence on each thing that the study asks, as far as its arms are there."""
    scores = late_scores(curves)

    def values(arm: str) -> np.ndarray:
        return scores[scores["arm"] == arm].sort_values("seed")["greedy_delivered"].to_numpy(float)

    sentences = []
    arms = set(scores["arm"])
    for rival in ("gmah", "qmix"):
        if {"gmah_mixer", rival} <= arms:
            gain = interquartile_mean(values("gmah_mixer") - values(rival))
            verdict = "more" if gain.low > 0 else "fewer" if gain.high < 0 else "not surely more or fewer"
            sentences.append(
                f"GMAH with mixer delivers {verdict} pieces than {LABELS[rival]}: a difference of {gain.value:.2f} "
                f"({gain.low:.2f} to {gain.high:.2f}) at equal frames."
            )
    if {"gmah_mixer", "qmix"} <= arms:
        reached = _frames_to(curves[curves["arm"] == "gmah_mixer"], float(values("qmix").mean()))
        share = np.mean([frames <= HALF for frames in reached])
        sentences.append(
            f"In {share:.0%} of seeds GMAH with mixer is where QMIX ends within half of the frames, all phases counted."
        )
    return sentences


def _frames_to(curves: pd.DataFrame, level: float) -> list[float]:
    """Returns of each seed the share of its frames after which an evaluation first reaches a level; infinite: never."""
    shares = []
    for _, cell in curves.groupby("seed"):
        reached = cell[cell["greedy_delivered"] >= level]["steps"]
        shares.append(float(reached.min() / cell["steps"].max()) if len(reached) else np.inf)
    return shares


def draw_curves(curves: pd.DataFrame) -> Figure:
    """Draws main arms and parts left out, once over all frames, once without those of the low level's phase."""
    arms = list(dict.fromkeys(curves["arm"]))
    rows = [[arm for arm in arms if arm in MAIN], [arm for arm in arms if arm not in MAIN or arm == "gmah_mixer"]]
    rows = [row for row in rows if row]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(8.6, 2.9 * len(rows)), layout="constrained")
        panels = figure.subplots(len(rows), 2, squeeze=False, sharey=True)
        for row, chosen in zip(panels, rows, strict=True):
            for axes, column in zip(row, ("steps", "steps_above"), strict=True):
                for colour, arm in zip(COLOURS * 2, chosen, strict=False):
                    _draw_arm(axes, curves[curves["arm"] == arm], column, LABELS[arm], colour)
            row[0].set_ylabel("pieces delivered, of 10")
            row[1].legend(frameon=False, fontsize=7)
        panels[-1][0].set_xlabel("thousand env steps, all phases")
        panels[-1][1].set_xlabel("thousand env steps, without the low level's phase")
    return figure


def _draw_arm(axes: mpl.axes.Axes, curves: pd.DataFrame, column: str, label: str, colour: str) -> None:
    curves = curves[curves[column] >= 0]
    if curves.empty:
        return
    grid = np.linspace(curves.groupby("seed")[column].min().max(), curves.groupby("seed")[column].max().min(), 50)
    lines = np.stack([np.interp(grid, one[column], one["greedy_delivered"]) for _, one in curves.groupby("seed")])
    axes.fill_between(grid / 1e3, *np.percentile(lines, (25, 75), axis=0), color=colour, alpha=0.15, linewidth=0)
    axes.plot(grid / 1e3, lines.mean(axis=0), color=colour, label=label)


def report(run: RunFolder, settings: GmahTrashSettings) -> None:
    """Writes report.html: curves, late scores, and the replay's pictures where there are some."""
    curves = pd.read_csv(run.evaluation_path)
    sections = [
        Section(
            "Pieces delivered while learning",
            text=describe_claims(curves),
            figure=to_svg(draw_curves(curves)),
            caption="Greedy episodes: mean over seeds; band: their middle half.",
        ),
        Section(
            "The last fifth",
            table=make_table(curves),
            caption="Interquartile means over seeds, bootstrap intervals; last column: the chance that a run of the "
            "first arm is better than one of this.",
        ),
    ]
    timeline, tree, video = (run.replay_path / name for name in ("timeline.svg", "tree.svg", "episode.mp4"))
    if video.exists():
        sections += [
            Section("The task tree", figure=tree.read_text(encoding="utf-8")),
            Section("Subgoals of an episode", figure=timeline.read_text(encoding="utf-8"), video=video),
        ]
    lead = (
        "GMAH-style subgoal hierarchies, re-implemented from the published description, beside flat learners at equal "
        "frames. The low level's pre-training counts."
    )
    write_report(run.report_path, "Subgoals over a mixer, on trash", lead, sections)
