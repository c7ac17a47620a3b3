"""Curves and late scores of all cells: gathered, drawn, tabled, and beside the first arm."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.intervals import paired_gain
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.gmah_trash.settings import (
    ENDS,
    FLAT,
    INDEPENDENT,
    LABELS,
    LOW_LEVEL,
    POLICY_GRADIENT,
    WORLD,
    GmahTrashSettings,
)
from games.spec import spec
from marl.robustness.statistics import interquartile_mean, probability_of_improvement

LATE = 0.2  # of the training, over which evaluations are averaged
HALF = 0.5  # of the frames, in which GMAH with mixer is to be where QMIX ends
SMOOTH = 3  # evaluations that have to be at a level together, on average: one may be lucky
COLUMNS = ["arm", "seed", "steps", "steps_above", "delivered", "judged_delivered", "judged_length", *ENDS, "length"]
POINTS = 20  # of a curve
MAIN = ("gmah_mixer", "gmah", *FLAT, *POLICY_GRADIENT)
COLOURS = {
    "gmah_mixer": "#1f5fa8",
    "gmah": "#63b0dd",
    "qmix": "#d2691e",
    "vdn": "#e3ad5b",
    "iql": "#6d6d6d",
    "mappo": "#3f7d3a",
    "ippo": "#9cc48d",
    "fixed_1": "#7a3b9b",
    "fixed_4": "#a86cc4",
    "fixed_8": "#cba3dd",
    "fixed_16": "#b03060",
    "not_adaptive": "#d2691e",
    "no_autoencoder": "#e3ad5b",
    "oracle": "#1a1a1a",
    "random": "#8a8a8a",
}


def evaluate(run: RunFolder, settings: GmahTrashSettings) -> None:
    """Writes evaluation.csv: every evaluation of every cell that is done; `steps_above` leaves low-level frames out.

    Raises:
        RunError: No cell is done.
    """
    parts = []
    for cell in settings.cells():
        if cell.is_done(run.path):
            curve = pd.DataFrame(RunFolder(cell.path(run.path)).read_metrics()).dropna(subset=["judged_delivered"])
            steps = curve["steps"].astype(int)
            above = steps - cell.low_level_steps
            parts.append(curve.assign(arm=cell.arm, seed=cell.seed, steps=steps, steps_above=above))
    if not parts:
        raise RunError(f"no cell is trained to its end yet: agora resume {run.path}")
    write_atomically(run.evaluation_path, pd.concat(parts)[COLUMNS].to_csv(index=False))


def late_scores(curves: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a cell: pieces delivered in evaluations and while learning, and lengths, all in its last fifth.

    Args:
        curves: As `evaluate` writes them.
    """

    def late(cell: pd.DataFrame) -> pd.Series:
        chosen = cell[cell["steps"] >= (1 - LATE) * cell["steps"].max()]
        return chosen[scores].mean()

    scores = ["judged_delivered", "judged_length", "delivered"]
    columns = ["steps", *scores]
    return curves.groupby(["arm", "seed"], sort=False)[columns].apply(late).reset_index()


def make_table(curves: pd.DataFrame) -> list[list[str]]:
    """Returns rows of text: of each arm the interquartile mean over seeds, and how sure the first arm is better."""
    scores = late_scores(curves)
    arms = list(dict.fromkeys(scores["arm"]))
    by_arm = {arm: scores[scores["arm"] == arm].sort_values("seed") for arm in arms}
    names = ["arm", "pieces delivered, last fifth", "95 % interval", "while learning", "steps of an episode"]
    table = [[*names, "seeds", "first is better"]]
    for arm, cells in by_arm.items():
        values = cells["judged_delivered"].to_numpy(float)
        middle = interquartile_mean(values)
        length, learning = (
            interquartile_mean(cells[name].to_numpy(float)).value for name in ("judged_length", "delivered")
        )
        interval = f"{middle.low:.2f} to {middle.high:.2f}" if len(values) > 1 else ""
        better = ""
        if arm != arms[0] and len(values) > 1:
            first = by_arm[arms[0]]["judged_delivered"].to_numpy(float)
            found = probability_of_improvement(first, values)
            better = f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
        row = [LABELS[arm], f"{middle.value:.2f}", interval, f"{learning:.2f}", f"{length:.0f}"]
        table.append([*row, str(len(values)), better])
    return table


def make_ends_table(curves: pd.DataFrame) -> list[list[str]]:
    """Returns rows of text: of each arm with subgoals how they ended, in the last fifth, while exploring."""
    table = [["arm", *ENDS, "steps of a subgoal"]]
    for arm, cells in curves.groupby("arm", sort=False):
        late = cells[cells["steps"] >= (1 - LATE) * cells["steps"].max()]
        if late["completed"].notna().any():
            shares = late[list(ENDS)].mean()
            table.append([LABELS[str(arm)], *(f"{share:.1%}" for share in shares), f"{late['length'].mean():.1f}"])
    return table


def describe_claims(curves: pd.DataFrame) -> list[str]:
    """Returns a sentence on each thing that the study asks, as far as its arms are there; arms are paired by seed."""
    scores = late_scores(curves).pivot(index="seed", columns="arm", values="judged_delivered")
    sentences = [
        _describe_gain(scores, rival) for rival in ("gmah", "qmix") if {"gmah_mixer", rival} <= set(scores.columns)
    ]
    if {"gmah_mixer", "qmix"} <= set(scores.columns):
        sentences.append(_describe_half(curves, float(scores["qmix"].mean())))
    return sentences


def _describe_gain(scores: pd.DataFrame, rival: str) -> str:
    if scores[["gmah_mixer", rival]].dropna().empty:
        return f"GMAH with mixer and {LABELS[rival]} have no seed in common yet."
    gain = paired_gain(scores["gmah_mixer"], scores[rival])
    if gain["pairs"] < 2:
        return (
            f"In one seed, which says little, GMAH with mixer delivers {gain['difference']:+.2f} pieces beside "
            f"{LABELS[rival]}, at equal frames."
        )
    verdict = "more" if gain["low"] > 0 else "fewer" if gain["high"] < 0 else "not surely more or fewer"
    return (
        f"GMAH with mixer delivers {verdict} pieces than {LABELS[rival]}: a difference of {gain['difference']:.2f} "
        f"({gain['low']:.2f} to {gain['high']:.2f}) at equal frames, more in {gain['better']:.0%} of "
        f"{gain['pairs']} seeds."
    )


def _describe_half(curves: pd.DataFrame, level: float) -> str:
    """Says how often GMAH with mixer is early where QMIX ends, which is a question only if QMIX delivers something."""
    if level <= 0:
        return "QMIX delivers nothing, so that it is no question how soon GMAH with mixer delivers as much."
    share = np.mean([frames <= HALF for frames in _frames_to(curves[curves["arm"] == "gmah_mixer"], level)])
    return (
        f"In {share:.0%} of seeds GMAH with mixer is where QMIX ends, in {SMOOTH} evaluations together, within half of "
        "the frames, all phases counted."
    )


def _frames_to(curves: pd.DataFrame, level: float) -> list[float]:
    """Returns of each seed the share of its frames after which evaluations in a row reach a level; infinite: never."""
    shares = []
    for _, cell in curves.groupby("seed"):
        reached = cell[cell["judged_delivered"].rolling(SMOOTH).mean() >= level]["steps"]
        shares.append(float(reached.min() / cell["steps"].max()) if len(reached) else np.inf)
    return shares


def draw_curves(curves: pd.DataFrame, pieces: int) -> Figure:
    """Draws main arms and parts left out, once over all frames, once without those of the low level's phase.

    Args:
        curves: As `evaluate` writes them.
        pieces: Of the world.
    """
    arms = list(dict.fromkeys(curves["arm"]))
    rows = [[arm for arm in arms if arm in MAIN], [arm for arm in arms if arm not in MAIN or arm == "gmah_mixer"]]
    rows = [row for row in rows if row]
    end = curves["steps"].max()
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(10, 2.9 * len(rows)), layout="constrained")
        panels = figure.subplots(len(rows), 2, squeeze=False, sharey=True)
        for row, chosen in zip(panels, rows, strict=True):
            for axes, column in zip(row, ("steps", "steps_above"), strict=True):
                for arm in chosen:
                    _draw_arm(axes, curves[curves["arm"] == arm], column, LABELS[arm], COLOURS[arm])
                before = 0 if column == "steps" else LOW_LEVEL
                for begins in (LOW_LEVEL, LOW_LEVEL + INDEPENDENT):
                    axes.axvline((begins - before) * end / 1e3, color="#b0b0b0", linewidth=0.6, zorder=0)
            row[0].set_ylabel(f"pieces delivered, of {pieces}")
            row[1].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
        panels[-1][0].set_xlabel("thousand env steps, all phases")
        panels[-1][1].set_xlabel("thousand env steps, without the low level's phase")
    return figure


def _draw_arm(axes: mpl.axes.Axes, curves: pd.DataFrame, column: str, label: str, colour: str) -> None:
    curves = curves[curves[column] >= 0]
    if curves.empty:
        return
    grid = np.linspace(curves.groupby("seed")[column].min().max(), curves.groupby("seed")[column].max().min(), POINTS)
    lines = np.stack([np.interp(grid, one[column], one["judged_delivered"]) for _, one in curves.groupby("seed")])
    middle = [interquartile_mean(values) for values in lines.T]
    axes.fill_between(
        grid / 1e3, [each.low for each in middle], [each.high for each in middle], color=colour, alpha=0.15, linewidth=0
    )
    axes.plot(grid / 1e3, [each.value for each in middle], color=colour, label=label)


def report(run: RunFolder, settings: GmahTrashSettings) -> None:
    """Writes report.html: curves, late scores, and the replay's pictures where there are some."""
    curves = pd.read_csv(run.evaluation_path)
    pieces = spec(WORLD).config(**settings.world_settings()).num_pieces  # type: ignore[attr-defined]
    sections = [
        Section(
            "Pieces delivered while learning",
            text=[*describe_claims(curves), *_describe_missing(run, settings)],
            figure=to_svg(draw_curves(curves, pieces)),
            caption="Episodes of evaluations: interquartile mean over seeds, and its bootstrap interval. Thin lines: "
            "where the high level begins to learn, and where joint learning does, in arms with subgoals.",
        ),
        Section(
            "The last fifth",
            table=make_table(curves),
            caption="Interquartile means over seeds, bootstrap intervals; last column: the chance that a run of the "
            "first arm is better than one of this.",
        ),
    ]
    ends = make_ends_table(curves)
    if len(ends) > 1:
        caption = "Of subgoals that ended before their episode, in the last fifth, while exploring."
        sections.append(Section("How subgoals ended", table=ends, caption=caption))
    timeline, tree, video = (run.replay_path / name for name in ("timeline.svg", "tree.svg", "episode.mp4"))
    if video.exists():
        sections += [
            Section("The task tree", figure=tree.read_text(encoding="utf-8")),
            Section(
                "Subgoals of an episode",
                figure=timeline.read_text(encoding="utf-8"),
                video=video,
                caption=(run.replay_path / "who.txt").read_text(encoding="utf-8"),
            ),
        ]
    lead = (
        "GMAH-style subgoal hierarchies, re-implemented from the published description, beside flat learners at equal "
        "frames. The low level's pre-training counts."
    )
    write_report(run.report_path, "Subgoals over a mixer, on trash", lead, sections)


def _describe_missing(run: RunFolder, settings: GmahTrashSettings) -> list[str]:
    cells = settings.cells()
    missing = [cell.name for cell in cells if not cell.is_done(run.path)]
    return [f"{len(missing)} of {len(cells)} cells are not trained to their end and left out."] if missing else []
