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
from marl.qarl.replay_learner import SeedDivergedError
from marl.robustness.arena import Arena
from marl.robustness.force import SCALES, play_floors, sweep_force
from marl.robustness.grid import evaluate_grid
from marl.robustness.worst_case import search_cma_es

JUDGING_SEED = 10_000  # of starts; no run is trained from it
PROBED = (0.0, 0.001, 0.01, 0.05)  # temperatures that policies are told, where they were shown one
COLUMNS = ("seed", "measure", "value")
Row = tuple[int, str, float]


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
    rows = list[Row]()
    cells = list[Row]()
    for seed in settings.seed_numbers:
        rows += _judge(run, settings, seed)
        found = evaluate_grid(
            make_arena(settings, settings.cell_episodes), load_player(run, PROTAGONIST, seed), settings.axes()
        )
        rows += [(seed, f"grid {name}", getattr(found, name)) for name in ("mean", "worst_tenth", "worst_cell")]
        cells += [(seed, str(number), value) for number, value in enumerate(found.cells.ravel())]
        rows.append((seed, "worst body", _search_body(run, settings, seed)))
    rows += attack(run, settings)
    _write(grid_path(run), ("seed", "cell", "value"), cells)
    _write(run.evaluation_path, COLUMNS, rows)


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows((seed, name, f"{value:.6g}") for seed, name, value in rows)
    write_atomically(path, text.getvalue())


def _judge(run: RunFolder, settings: QarlSettings, seed: int) -> list[Row]:
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


def _search_body(run: RunFolder, settings: QarlSettings, seed: int) -> float:
    """Returns what a protagonist is worth in the worst body that CMA-ES finds between the grid's ends."""
    arena, player = make_arena(settings, settings.cell_episodes), load_player(run, PROTAGONIST, seed)
    found = search_cma_es(
        arena, player, settings.axes(), generations=settings.generations, population=settings.population, seed=seed
    )
    return found.fresh_return


def attack(run: RunFolder, settings: QarlSettings) -> list[Row]:
    """Trains the common attack's adversaries, exports each seed's worst, and returns what protagonists keep.

    The worst of a seed is the one with the lowest mean return in `CommonAttack.judge`, of all restarts and of all
    budgets so far. Measures are "attack B", the mean return against the worst after B iterations, and "attack B, force
    S", against the last worst with S times the force; both from the starts that all measures have in common, which
    chose nobody, so that the numbers are not too low by the choice.

    Raises:
        RunError: An adversary has diverged.
    """
    learners = open_trainer(run, settings).students[PROTAGONIST].learners
    frozen = FrozenProtagonists(learners.judged_actor(), TOLD[METHODS[settings.method].context])
    given, rows = settings.attack_settings(), list[Row]()
    attackers = CommonAttack(settings.world, settings.world_settings, frozen, given, settings.seed_numbers)
    lowest = np.full(settings.seeds, np.inf)
    with TrainingProgress("attack", given.iterations, 0, Console(), unit="iterations") as progress:
        for iteration in range(1, given.iterations + 1):
            returns = _iterate(run, attackers)
            progress.update(iteration, {"return": f"{returns.mean():.1f}"})
            if iteration in settings.attack_budgets:
                lowest = _export_worst(run, settings, attackers, lowest)
                for seed in settings.seed_numbers:
                    rows += _play_attacker(run, settings, seed, f"attack {iteration}", (1.0,))
    for seed in settings.seed_numbers:
        rows += _play_attacker(run, settings, seed, f"attack {given.iterations}, force", SCALES)
    return rows


def _iterate(run: RunFolder, attackers: CommonAttack) -> np.ndarray:
    try:
        return attackers.iterate()
    except SeedDivergedError as error:
        raise RunError(f"{run.path}: {error}") from None


def _export_worst(run: RunFolder, settings: QarlSettings, attackers: CommonAttack, lowest: np.ndarray) -> np.ndarray:
    """Writes each seed's worst adversary where it is worse than the one before; returns the lowest means [S] so far."""
    means = attackers.judge().mean(axis=2)
    for index, seed in enumerate(settings.seed_numbers):
        if means[index].min() < lowest[index]:
            folder = attacker_path(run, seed)
            folder.mkdir(parents=True, exist_ok=True)
            worst = index * settings.restarts + int(means[index].argmin())
            export_actor(attackers.student.learners, worst, folder, settings.world, settings.world_settings)
    return np.minimum(lowest, means.min(axis=1))


def _play_attacker(
    run: RunFolder, settings: QarlSettings, seed: int, name: str, scales: tuple[float, ...]
) -> list[Row]:
    """Returns what a seed's protagonist gets from the common starts, against its worst adversary so far."""
    arena = make_arena(settings, settings.judged_episodes)
    player, attacker = load_player(run, PROTAGONIST, seed), TrainedPlayer(attacker_path(run, seed), is_greedy=True)
    means = sweep_force(arena, player, attacker, scales).means
    names = [name] if scales == (1.0,) else [f"{name} {scale:g}" for scale in scales]
    return [(seed, own, float(mean)) for own, mean in zip(names, means, strict=True)]


def read_measures(run: RunFolder) -> dict[str, dict[int, float]]:
    """Returns evaluation.csv: by measure, by seed.

    Raises:
        RunError: It is missing or damaged.
    """
    found: dict[str, dict[int, float]] = {}
    for row in read_csv(run.evaluation_path, set(COLUMNS)):
        found.setdefault(row["measure"], {})[int(row["seed"])] = float(row["value"])
    return found
