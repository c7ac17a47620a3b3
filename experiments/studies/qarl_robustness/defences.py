"""Help for a trained protagonist at test time: a pool to choose from (Exp3), noise on what it sees (smoothing)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Console

from agents.trained import TrainedPlayer
from experiments.progress import TrainingProgress
from experiments.run_folder import RunFolder
from experiments.studies.qarl.evaluation import attacker_path, load_player, make_arena
from experiments.studies.qarl_robustness.settings import RobustnessSettings, run_path
from experiments.studies.qarl_robustness.tasks import TASKS
from marl.qarl.arena import PROTAGONIST
from marl.robustness.cross_play import cross_play
from marl.robustness.exp3 import play_pool, switch_periodically, switch_randomly
from marl.robustness.smoothing import certify_policy

SIGMAS = (0.05, 0.1, 0.2)  # of the noise on each number that a protagonist sees
BUDGETS = (0.0, 0.05, 0.1, 0.2)  # lengths of an attack on all that is seen in an episode
CONFIDENCE = 1 - 0.05 / len(SIGMAS)  # of each, so that the best may be chosen
SWITCHES = 8  # of the attacker, in the rounds of a pool
Row = dict[str, object]


def play_defences(run: RunFolder, settings: RobustnessSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns what pools got, a row for each world, seed and schedule of attackers, and what smoothing guarantees.

    A pool has the arms' protagonists of one seed, its attackers are theirs. Exp3 learns from returns scaled to the
    least and the largest of the pool's table. Certificates are of the tasks' returns, a row for each world, arm, seed,
    deviation of the noise and budget of the attack.
    """
    pools, certificates = list[Row](), list[Row]()
    total = len(settings.tasks) * settings.seeds
    with TrainingProgress("pools and noise", total, 0, Console(), unit="seeds") as progress:
        for task in settings.tasks:
            for seed in range(settings.seeds):
                pools += _play_pools(run, settings, task, seed)
                certificates += _certify(run, settings, task, seed)
                progress.update(len(pools) // 2, {})
    return pd.DataFrame(pools), pd.DataFrame(certificates)


def _play_pools(run: RunFolder, settings: RobustnessSettings, task: str, seed: int) -> list[Row]:
    arms, rounds = settings.arms(), settings.rounds
    folders = {arm.name: RunFolder(run_path(run, task, arm)) for arm in arms}
    arena = make_arena(settings.run_settings(task, arms[0]), rounds)
    protagonists = {name: load_player(own, PROTAGONIST, seed) for name, own in folders.items()}
    attackers = {name: TrainedPlayer(attacker_path(own, seed), is_greedy=True) for name, own in folders.items()}
    table = cross_play(arena, protagonists, attackers).returns
    scale = (float(table.min()), float(table.max()) + 1e-9)
    schedules = {
        "in turn": switch_periodically(rounds, len(arms), max(1, rounds // SWITCHES)),
        "at random": switch_randomly(rounds, len(arms), SWITCHES / rounds, seed),
    }
    rows = []
    for name, order in schedules.items():
        found = play_pool(table, order, scale, seed=seed)
        alone = found.possible.mean(axis=0)
        row = {"task": task, "seed": seed, "attackers": name, "exp3": found.returns.mean(), "uniform": alone.mean()}
        rows.append(row | {"best fixed": alone.max(), "worst fixed": alone.min(), arms[0].name: alone[0]})
    return rows


def _certify(run: RunFolder, settings: RobustnessSettings, task: str, seed: int) -> list[Row]:
    rows = list[Row]()
    for arm in settings.arms():
        own = settings.run_settings(task, arm)
        player = load_player(RunFolder(run_path(run, task, arm)), PROTAGONIST, seed)
        for sigma in SIGMAS:
            arena = make_arena(own, settings.rounds)
            found = certify_policy(
                arena, player, TASKS[task].certified, sigma, BUDGETS, confidence=CONFIDENCE, seed=seed
            )
            row = {"task": task, "arm": arm.name, "seed": seed, "sigma": sigma}
            rows += [
                {**row, "budget": budget, "guarantee": guarantee}
                for budget, guarantee in zip(BUDGETS, found.guarantees, strict=True)
            ]
    return rows


def pool_table(pools: pd.DataFrame, task: str) -> list[list[str]]:
    """Returns mean returns over seeds, a row for each schedule of attackers."""
    own = pools[pools["task"] == task]
    numbers = [name for name in own.columns if name not in ("task", "seed", "attackers")]
    means = own.groupby("attackers", sort=False)[numbers].mean()
    return [
        ["attackers change", *numbers],
        *([str(name), *(f"{x:.1f}" for x in row)] for name, row in means.iterrows()),
    ]


def certificate_table(certificates: pd.DataFrame, task: str) -> list[list[str]]:
    """Returns what is guaranteed at the best of the deviations, means over seeds, a row for each arm."""
    own = certificates[certificates["task"] == task]
    means = own.groupby(["arm", "budget", "sigma"], sort=False)["guarantee"].mean()
    best = means.groupby(["arm", "budget"], sort=False).max().unstack()
    heading = ["arm", *(f"attack of {budget:g}" for budget in best.columns)]
    return [
        heading,
        *([str(arm), *(f"{share:.2f}" for share in row)] for arm, row in zip(best.index, np.array(best), strict=True)),
    ]
