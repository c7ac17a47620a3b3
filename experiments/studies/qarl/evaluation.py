"""Protagonists judged: by themselves, in other bodies, under pushes that nobody or somebody thought about."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rich.console import Console

from agents.trained import TrainedPlayer
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder, read_csv, write_atomically
from experiments.studies.qarl.settings import QarlSettings
from experiments.studies.qarl.training import TOLD, open_trainer, policy_path
from marl.qarl.arena import ADVERSARY, PROTAGONIST
from marl.qarl.attack import CommonAttack, FrozenProtagonists
from marl.qarl.export import export_actor
from marl.qarl.methods import METHODS
from marl.qarl.process import settle_process
from marl.robustness.arena import Arena
from marl.robustness.force import SCALES, play_floors, sweep_force
from marl.robustness.grid import evaluate_grid

JUDGING_SEED = 10_000  # of starts; no run is trained from it
PROBED = (0.0, 0.001, 0.01, 0.05)  # temperatures that policies are told, where they were shown one
COLUMNS = ("seed", "measure", "value")


def make_arena(settings: QarlSettings, episodes: int) -> Arena:
    """Returns where everybody is judged, from the same starts."""
    return Arena(settings.world, settings.world_settings, episodes, JUDGING_SEED)


def grid_path(run: RunFolder) -> Path:
    """Returns the file with the mean return of each seed in each cell."""
    return run.path / "grid.csv"


def attacker_path(run: RunFolder, seed: int) -> Path:
    """Returns the folder of the adversary that hurt a seed's protagonist most."""
    return run.path / "policies" / f"seed-{seed}" / "attacker"


def load_player(run: RunFolder, role: str, seed: int) -> TrainedPlayer:
    """Returns a policy, on its means."""
    return TrainedPlayer(policy_path(run, role, seed), is_greedy=True)


def evaluate(run: RunFolder, settings: QarlSettings) -> None:
    """Writes evaluation.csv (a row for each seed and measure) and grid.csv.

    Raises:
        RunError: Training is not complete.
    """
    settle_process()
    if run.trained_steps() < settings.total_steps:
        raise RunError(f"training is not complete: agora resume {run.path}")
    rows = list[tuple[int, str, float]]()
    cells = list[tuple[int, str, float]]()
    for seed in settings.seed_numbers:
        rows += _judge(run, settings, seed)
        found = evaluate_grid(
            make_arena(settings, settings.cell_episodes), load_player(run, PROTAGONIST, seed), settings.axes()
        )
        rows += [(seed, f"grid {name}", getattr(found, name)) for name in ("mean", "worst_tenth", "worst_cell")]
        cells += [(seed, str(number), value) for number, value in enumerate(found.cells.ravel())]
    rows += attack(run, settings)
    _write(grid_path(run), ("seed", "cell", "value"), cells)
    _write(run.evaluation_path, COLUMNS, rows)


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[int, str, float]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows((seed, name, f"{value:.6g}") for seed, name, value in rows)
    write_atomically(path, text.getvalue())


def _judge(run: RunFolder, settings: QarlSettings, seed: int) -> list[tuple[int, str, float]]:
    arena, player = make_arena(settings, settings.judged_episodes), load_player(run, PROTAGONIST, seed)
    floors = play_floors(arena, player, seed)
    means = dict(zip(floors.names, floors.returns.mean(axis=1), strict=True))
    found = {"nominal": means["none"], "random pushes": means["random"]}
    found["constant pushes"] = min(value for name, value in means.items() if name.startswith("constant"))
    if METHODS[settings.method].has_adversary:
        sweep = sweep_force(arena, player, load_player(run, ADVERSARY, seed))
        found |= {f"own adversary {scale:g}": mean for scale, mean in zip(SCALES, sweep.means, strict=True)}
    if METHODS[settings.method].gives_temperature:
        for told in PROBED:
            other = TrainedPlayer(policy_path(run, PROTAGONIST, seed), is_greedy=True, context=told)
            found[f"nominal, told {told:g}"] = arena.play(other).mean()
    return [(seed, name, float(value)) for name, value in found.items()]


def attack(run: RunFolder, settings: QarlSettings) -> list[tuple[int, str, float]]:
    """Trains the common attack's adversaries, exports each seed's worst, and returns what protagonists keep.

    Measures are "attack B", the mean return against the worst restart after B iterations, and "attack B, force S",
    against that adversary with S times the force.
    """
    learners = open_trainer(run, settings).students[PROTAGONIST].learners
    frozen = FrozenProtagonists(learners.judged_actor(), TOLD[METHODS[settings.method].context])
    given = settings.attack_settings()
    attackers = CommonAttack(settings.world, settings.world_settings, frozen, given, settings.seed_numbers)
    rows = list[tuple[int, str, float]]()
    means = np.empty(0)
    with TrainingProgress("attack", given.iterations, 0, Console(), unit="iterations") as progress:
        for iteration in range(1, given.iterations + 1):
            returns = attackers.iterate()
            progress.update(iteration, {"return": f"{returns.mean():.1f}"})
            if iteration in settings.attack_budgets:
                means = attackers.judge().mean(axis=2)
                rows += [
                    (seed, f"attack {iteration}", own.min())
                    for seed, own in zip(settings.seed_numbers, means, strict=True)
                ]
    for index, seed in enumerate(settings.seed_numbers):
        folder = attacker_path(run, seed)
        folder.mkdir(parents=True, exist_ok=True)
        worst = index * given.restarts + int(means[index].argmin())
        export_actor(attackers.student.learners, worst, folder, settings.world, settings.world_settings)
        sweep = sweep_force(
            make_arena(settings, settings.judged_episodes),
            load_player(run, PROTAGONIST, seed),
            TrainedPlayer(folder, is_greedy=True),
        )
        rows += [
            (seed, f"attack {given.iterations}, force {scale:g}", float(mean))
            for scale, mean in zip(SCALES, sweep.means, strict=True)
        ]
    return rows


def read_measures(run: RunFolder) -> dict[str, dict[int, float]]:
    """Returns evaluation.csv: by measure, by seed.

    Raises:
        RunError: It is missing or damaged.
    """
    found: dict[str, dict[int, float]] = {}
    for row in read_csv(run.evaluation_path, set(COLUMNS)):
        found.setdefault(row["measure"], {})[int(row["seed"])] = float(row["value"])
    return found
