"""How strong the adversary is to be: plain SAC, of seeds that the study does not use, under the common attack.

python -m experiments.studies.qarl_robustness.calibration --out FOLDER

trains SAC in each world without an adversary and attacks it with several forces. A force at which SAC loses 20 to 60 %
of what it has (its return above that of a protagonist that does nothing) leaves room for robustness. Writes
calibration.csv, a row for each world, force and seed; the committed one is in results/.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

import games
from agents.swingers import ConstantPusher
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.qarl.evaluation import attack, load_player, make_arena
from experiments.studies.qarl.settings import QarlSettings
from experiments.studies.qarl.training import train
from experiments.studies.qarl_robustness.tasks import TASKS
from marl.qarl.arena import PROTAGONIST
from marl.qarl.process import settle_process

FORCES = {  # N
    "cartpole": (0.125, 0.25, 0.5),
    "point_mass": (0.5, 1.0, 1.25, 1.5, 2.0, 4.0),
    "pendulum": (1.0, 1.25, 1.5, 1.625, 1.75, 2.0, 4.0),
}
RESULTS = Path(__file__).parent / "results" / "calibration.csv"
FIRST_SEED, SEEDS, ITERATIONS, BUDGET = 100, 4, 80, 20
COLUMNS = ("task", "force", "seed", "nominal", "attacked", "idle", "iterations", "budget", "settings")


def calibrate(task: str, folder: Path) -> list[list[str]]:
    """Returns a row for each force and seed of one world."""
    about = TASKS[task]
    settings = QarlSettings(
        world=about.world,
        world_settings=dict(about.settings),
        method="sac",
        seeds=SEEDS,
        first_seed=FIRST_SEED,
        iterations=ITERATIONS,
        attack_budgets=[BUDGET],
        **about.training,
    )
    path = folder / task
    run = RunFolder(path) if path.exists() else RunFolder.create(path, "qarl", settings.model_dump())
    train(run, settings, None)
    arena = make_arena(settings, settings.judged_episodes)
    size = arena_actions(settings)
    idle = arena.play(ConstantPusher((0.0,) * size)).mean()
    nominal = {seed: arena.play(load_player(run, PROTAGONIST, seed)).mean() for seed in settings.seed_numbers}
    rows = []
    for force in FORCES[task]:
        own = settings.model_copy(update={"world_settings": {**settings.world_settings, "force": force}})
        for seed, measure, value in attack(run, own):
            if measure == f"attack {BUDGET}":
                numbers = (nominal[seed], value, idle)
                found = [task, f"{force:g}", str(seed), *(f"{number:.5g}" for number in numbers)]
                rows.append([*found, str(ITERATIONS), str(BUDGET), describe_settings(task)])
    return rows


def describe_settings(task: str) -> str:
    """Returns what of a world and its training is not the default, but for the force."""
    given = {**TASKS[task].settings, **TASKS[task].training}
    return " ".join(f"{name}={value:g}" for name, value in given.items() if name != "force")


def arena_actions(settings: QarlSettings) -> int:
    """Returns how many numbers a protagonist's action has."""
    groups = games.make_batch(settings.world, **settings.world_settings).groups
    return int(groups[PROTAGONIST].actions.shape[2])


def main(
    out: Annotated[Path, typer.Option(help="folder of the runs and of calibration.csv")],
    task: Annotated[list[str] | None, typer.Option(help="of tasks.py; all of them by default")] = None,
) -> None:
    """Trains, attacks and writes calibration.csv."""
    settle_process()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name in task or TASKS:
        writer.writerows(calibrate(name, out))
        write_atomically(out / "calibration.csv", text.getvalue())


if __name__ == "__main__":
    typer.run(main)
