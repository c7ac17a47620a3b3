"""All runs together: measures, everybody against everybody, and one method beside the others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from rich.console import Console

from agents.trained import TrainedPlayer
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.qarl.evaluation import attacker_path, load_player, make_arena, read_measures
from experiments.studies.qarl_robustness.curricula import read_curricula
from experiments.studies.qarl_robustness.defences import play_defences
from experiments.studies.qarl_robustness.settings import RobustnessSettings, make_jobs, run_path
from experiments.studies.qarl_robustness.tasks import TASKS
from experiments.studies.qarl_robustness.verdicts import judge_worlds
from marl.qarl.arena import ADVERSARY, PROTAGONIST
from marl.qarl.methods import METHODS
from marl.qarl.process import settle_process
from marl.robustness.cross_play import cross_play
from marl.robustness.statistics import compare, interquartile_mean

CROSS_PLAYED = "worst of all adversaries"
ALL = "all"  # worlds taken together


def judged_by(settings: RobustnessSettings) -> tuple[str, ...]:
    """Returns the measures that methods are compared by; the first is what the study's statement is about."""
    budget = max(settings.run_settings(settings.tasks[0], settings.arms()[0]).attack_budgets)
    return (f"attack {budget}", "grid mean", "grid worst_tenth", "nominal", CROSS_PLAYED)


def evaluate(run: RunFolder, settings: RobustnessSettings) -> None:
    """Writes the CSVs of README.md's table; evaluation.csv, the comparisons, last.

    Raises:
        RunError: Runs are missing.
    """
    settle_process()
    missing = [job.path.name for job in make_jobs(run, settings) if not job.is_complete]
    if missing:
        raise RunError(f"{len(missing)} runs are not complete ({missing[0]}, ...): agora resume {run.path}")
    pairs = pd.concat([_cross_play(run, settings, task) for task in settings.tasks], ignore_index=True)
    measures = pd.concat([_measures(run, settings), _worst_pairs(pairs)], ignore_index=True)
    _write(run, "measures", measures)
    _write(run, "cross_play", pairs.groupby(["task", "arm", "adversary"], sort=False)["value"].mean().reset_index())
    _write(run, "learning", _learning(run, settings))
    _write(run, "curricula", read_curricula(run, settings))
    for name, table in zip(("pools", "certificates"), play_defences(run, settings), strict=True):
        _write(run, name, table)
    comparisons = compare_arms(measures, settings)
    _write(run, "verdicts", judge_worlds(comparisons))
    write_atomically(run.evaluation_path, comparisons.to_csv(index=False, float_format="%.4g"))


def _write(run: RunFolder, name: str, table: pd.DataFrame) -> None:
    write_atomically(run.path / f"{name}.csv", table.to_csv(index=False, float_format="%.5g"))


def _measures(run: RunFolder, settings: RobustnessSettings) -> pd.DataFrame:
    rows = [
        {"task": task, "arm": arm.name, "seed": seed, "measure": measure, "value": value}
        for task in settings.tasks
        for arm in settings.arms()
        for measure, by_seed in read_measures(RunFolder(run_path(run, task, arm))).items()
        for seed, value in by_seed.items()
    ]
    return pd.DataFrame(rows)


def _learning(run: RunFolder, settings: RobustnessSettings) -> pd.DataFrame:
    """Returns returns and temperatures over time, at fifty points of each run: means and quartiles over seeds."""
    parts = []
    for task in settings.tasks:
        for arm in settings.arms():
            rows = pd.DataFrame(RunFolder(run_path(run, task, arm)).read_metrics())
            rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, 50).round().astype(int))]
            named = rows[["steps", "return", "context", "share"]].assign(temperature=rows["adversary_temperature"])
            for name in ("return", "temperature"):
                by_seed = rows[[f"{name}_{seed}" for seed in range(settings.seeds)]]
                named[f"{name}_low"], named[f"{name}_high"] = by_seed.quantile([0.25, 0.75], axis=1).to_numpy()
            parts.append(named.assign(task=task, arm=arm.name))
    return pd.concat(parts, ignore_index=True)


def _cross_play(run: RunFolder, settings: RobustnessSettings, task: str) -> pd.DataFrame:
    """Returns a row for each protagonist and adversary: those trained with it, and each one's worst attacker."""
    arena = make_arena(settings.run_settings(task, settings.arms()[0]), settings.cross_play_episodes)
    adversaries: dict[tuple[str, int], TrainedPlayer] = {}
    seeds = range(settings.seeds)
    for arm in settings.arms():
        own = RunFolder(run_path(run, task, arm))
        for seed in seeds:
            adversaries[f"attacker of {arm.name}", seed] = TrainedPlayer(attacker_path(own, seed), is_greedy=True)
            if METHODS[arm.method].has_adversary:
                adversaries[arm.name, seed] = load_player(own, ADVERSARY, seed)
    rows, names = list[dict[str, object]](), {str(key): player for key, player in adversaries.items()}
    total = len(settings.arms()) * settings.seeds
    with TrainingProgress(f"cross-play, {task}", total, 0, Console(), unit="protagonists") as progress:
        for arm in settings.arms():
            for seed in seeds:
                player = load_player(RunFolder(run_path(run, task, arm)), PROTAGONIST, seed)
                found = cross_play(arena, {"own": player}, names).means[0]
                rows += [
                    {"task": task, "arm": arm.name, "seed": seed, "adversary": name, "of": other, "value": value}
                    for (name, other), value in zip(adversaries, found, strict=True)
                ]
                progress.update(len(rows) // len(adversaries), {})
    return pd.DataFrame(rows)


def _worst_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Returns what each protagonist keeps against whoever hurts it most."""
    worst = pairs.groupby(["task", "arm", "seed"], sort=False)["value"].min().reset_index()
    return worst.assign(measure=CROSS_PLAYED)[["task", "arm", "seed", "measure", "value"]]


def _scores(measures: pd.DataFrame, settings: RobustnessSettings, task: str, arm: str, measure: str) -> np.ndarray:
    """Returns [R, T] scores: returns of one world as they are, those of all worlds on the worlds' scales."""
    own = measures[(measures["arm"] == arm) & (measures["measure"] == measure)]
    by_task = own.pivot(index="seed", columns="task", values="value").sort_index()
    if task != ALL:
        return by_task[[task]].to_numpy(float)
    low, high = np.array([TASKS[name].scale for name in settings.tasks]).T
    scaled: np.ndarray = (by_task[settings.tasks].to_numpy(float) - low) / (high - low)
    return scaled


def compare_arms(measures: pd.DataFrame, settings: RobustnessSettings) -> pd.DataFrame:
    """Returns a row for each world, table, measure and arm: interquartile mean, and the table's first arm beside it.

    `task` is "all" where the worlds are taken together. `budget` names the table (`RobustnessSettings.tables`).
    `improvement` is the probability that a seed of the first arm is better than the same seed of this one, with its
    interval; `p_value` is Holm's over this table's arms; `verdict` is the first arm's.
    """
    rows = list[dict[str, object]]()
    for task in [*settings.tasks, *([ALL] if len(settings.tasks) > 1 else [])]:
        for budget, arms in settings.tables().items():
            for measure in judged_by(settings):
                scores = {arm.name: _scores(measures, settings, task, arm.name, measure) for arm in arms}
                key = {"task": task, "budget": budget, "measure": measure}
                rows += [{**key, **row} for row in _compare(scores)]
    return pd.DataFrame(rows)


def _compare(scores: Mapping[str, np.ndarray]) -> list[dict[str, object]]:
    """Returns a row for each arm of one table, measure and world."""
    subject, *others = scores
    found = compare(scores[subject], {name: scores[name] for name in others}) if len(scores[subject]) > 1 else {}
    rows = list[dict[str, object]]()
    for name, own in scores.items():
        middle = interquartile_mean(own)
        row: dict[str, object] = {"arm": name, "seeds": len(own)}
        row |= {"iqm": middle.value, "low": middle.low, "high": middle.high}
        if name in found:
            beside = found[name]
            row |= {"improvement": beside.improvement.value, "improvement_low": beside.improvement.low}
            row |= {"improvement_high": beside.improvement.high, "p_value": beside.p_value, "verdict": beside.verdict}
        rows.append(row)
    return rows
