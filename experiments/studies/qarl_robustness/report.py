"""Tables and figures of all runs together."""

from __future__ import annotations

import pandas as pd

from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder
from experiments.studies.qarl.report import BODIES
from experiments.studies.qarl_robustness.analysis import ALL, judged_by
from experiments.studies.qarl_robustness.curricula import curriculum_table, warn_unfinished
from experiments.studies.qarl_robustness.defences import certificate_table, pool_table
from experiments.studies.qarl_robustness.figures import (
    draw_bodies,
    draw_cross_play,
    draw_forces,
    draw_learning,
    draw_measures,
)
from experiments.studies.qarl_robustness.settings import RobustnessSettings
from experiments.studies.qarl_robustness.verdicts import TABLES, describe
from marl.robustness.statistics import LEVEL, interquartile_mean, least_p_value

POOLED = "Mean returns: Exp3 over the arms' protagonists of a seed while their attackers take turns; each fixed choice."
FOLLOWED = (
    "Medians over seeds (least to largest). Returns are means over both phases of an iteration; schedules are those of "
    "temperatures, or of what stands for shares of force. RARL's adversary learns its temperature."
)
MEASURED = (
    "Interquartile means over seeds. Random and constant pushes are floors that no learning went into; the attack of "
    "the smaller budget shows whether it has reached a plateau; told T: another temperature in the protagonist's ear."
)
BANDS = "Interquartile means over seeds with 95 % intervals. Broken lines: trained twice as long."
CROSSED = (
    "Mean returns over seeds: each arm's protagonists (rows) against each arm's adversaries and against the worst "
    "attackers of each arm's protagonists (columns)."
)
LEARNED = (
    "Means over seeds, bands from quartile to quartile. Returns of arms with an adversary are those while it pushes, "
    "and cannot be held against those of arms that nobody pushes. Env steps are those of both phases."
)
BOUNDED = (
    "Lower bounds (95 %) of the probability that a smoothed protagonist reaches the task's certified return, whatever "
    "shifts of that length in all its observations are shown; means over seeds, at the best of three deviations."
)


def _read(run: RunFolder, name: str) -> pd.DataFrame:
    path = run.evaluation_path if name == "evaluation" else run.path / f"{name}.csv"
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}; agora evaluate {run.path}") from None


def result_table(comparisons: pd.DataFrame, task: str, budget: str) -> list[list[str]]:
    """Returns a row for each measure and arm: interquartile mean, its interval, and the first arm beside it."""
    own = comparisons[(comparisons["task"] == task) & (comparisons["budget"] == budget)]
    first, digits = own["arm"].iloc[0], 3 if task == ALL else 1
    rows = [["measure", "arm", "interquartile mean", "95 % interval", f"P({first} better)", "p (Holm)", f"{first} is"]]
    for _, found in own.iterrows():
        low, middle, high = (f"{found[name]:.{digits}f}" for name in ("low", "iqm", "high"))
        row = [found["measure"], found["arm"], middle, f"{low} to {high}"]
        is_compared = isinstance(found.get("verdict"), str)
        beside = (
            [f"{found['improvement']:.2f}", f"{found['p_value']:.2g}", found["verdict"]] if is_compared else [""] * 3
        )
        rows.append([*row, *beside])
    return rows


def measure_table(measures: pd.DataFrame, task: str) -> list[list[str]]:
    """Returns a row for each measure but the force sweep, a column for each arm."""
    own = measures[(measures["task"] == task) & ~measures["measure"].str.contains(", force ")]
    arms, rows = list(dict.fromkeys(own["arm"])), list[list[str]]()
    for name, found in own.groupby("measure", sort=False):
        by_arm = {arm: values["value"].to_numpy() for arm, values in found.groupby("arm")}
        rows.append(
            [str(name), *(f"{interquartile_mean(by_arm[arm]).value:.1f}" if arm in by_arm else "" for arm in arms)]
        )
    return [["measure", *arms], *rows]


def _verdict_section(verdicts: pd.DataFrame, curricula: pd.DataFrame, settings: RobustnessSettings) -> Section:
    text = list[str]()
    for task in dict.fromkeys(verdicts["task"]):
        text.append(f"{task}: {' '.join([*describe(verdicts, task), *warn_unfinished(curricula, task)])}")
    rule = (
        f"Reproduces: better than every rival. Reversed: worse than at least one. Inconclusive: anything else. By "
        f"{verdicts['measure'].iloc[0]}, at the level of {LEVEL:g} after Holm; the rule was settled before the run."
    )
    return Section("Verdicts", text=[*text, *settings.doubts()], caption=rule)


def _result_sections(comparisons: pd.DataFrame, settings: RobustnessSettings, task: str) -> list[Section]:
    """Returns the tables of one world, or of all together, and a figure of both."""
    sections = []
    pairs = settings.seeds * (len(settings.tasks) if task == ALL else 1)
    scores = (
        "Returns on the worlds' scales (doing nothing 0, plain SAC 1), seeds drawn within worlds. "
        if task == ALL
        else ""
    )
    for budget, (_, *rivals) in settings.tables().items():
        least = least_p_value(pairs, len(rivals))
        caption = f"{scores}{pairs} pairs and {len(rivals)} rivals: no p-value after Holm can be below {least:.2g}."
        table = result_table(comparisons, task, budget)
        sections.append(Section(f"{task}: {TABLES[budget]}", table=table, caption=caption))
    return [*sections, Section(f"{task}: measures", figure=to_svg(draw_measures(comparisons, task)))]


def report(run: RunFolder, settings: RobustnessSettings) -> None:
    """Writes report.html."""
    comparisons, measures, learning = (_read(run, name) for name in ("evaluation", "measures", "learning"))
    pools, certificates, pairs = (_read(run, name) for name in ("pools", "certificates", "cross_play"))
    first, budget = settings.arms()[0].name, int(judged_by(settings)[0].split()[1])
    verdicts, curricula = _read(run, "verdicts"), _read(run, "curricula")
    sections = [_verdict_section(verdicts, curricula, settings)]
    for task in dict.fromkeys(comparisons["task"]):
        sections += _result_sections(comparisons, settings, task)
    for task in settings.tasks:
        sections += [
            Section(f"{task}: all measures", table=measure_table(measures, task), caption=MEASURED),
            Section(
                f"{task}: attackers of other forces", figure=to_svg(draw_forces(measures, task, budget)), caption=BANDS
            ),
            Section(
                f"{task}: everybody against everybody", figure=to_svg(draw_cross_play(pairs, task)), caption=CROSSED
            ),
            Section(f"{task}: how far schedules came", table=curriculum_table(curricula, task), caption=FOLLOWED),
            Section(f"{task}: learning and curriculum", figure=to_svg(draw_learning(learning, task)), caption=LEARNED),
            Section(f"{task}: a pool at test time", table=pool_table(pools, task), caption=POOLED),
            Section(f"{task}: attacks on observations", table=certificate_table(certificates, task), caption=BOUNDED),
        ]
        sections.append(Section(f"{task}: bodies", figure=to_svg(draw_bodies(run, settings, task)), caption=BODIES))
    shown = [["setting", "value"], *([key, str(value)] for key, value in settings.model_dump().items())]
    lead = f"{first} beside others, {settings.seeds} seeds each: how much of their return protagonists keep."
    write_report(
        run.report_path, "Robustness under bounded rationality", lead, [*sections, Section("Settings", table=shown)]
    )
