"""Trains the cells of the study: workers under random schedules, then planners with these workers."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ray.rllib.algorithms.algorithm import Algorithm
from safetensors.numpy import load_file, save_file

import games
from agents.random_schedules import RandomSchedules
from experiments.processes import call_in_processes
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.econ_one_step.settings import EPISODE_STEPS, Cell, Economy, OneStepSettings, world_config
from marl.rllib import ActorCriticModule, start_ray, stop_ray
from marl.rllib.export import export_policy
from marl.two_level import (
    PLANNER,
    WORKERS,
    Level,
    Sampling,
    decisions_of,
    falling,
    take_weights,
    two_level_config,
    weights_of,
)

FINAL_ENTROPY = 0.02  # of the workers: they go on trying hours next to the best
PLANNER_SIZES = (64, 64)  # it sees the same at the start of every episode
CURVE_EVERY = 5  # iterations from one point of a curve to the next


def _sampling(cell: Cell, settings: OneStepSettings) -> Sampling:
    return Sampling(
        num_envs=settings.num_envs,
        fragment_steps=EPISODE_STEPS,
        num_epochs=settings.num_epochs,
        minibatch_size=settings.minibatch_size,
        seed=cell.seed,
    )


def workers_phase(cell: Cell, settings: OneStepSettings) -> Algorithm:
    """Returns the algorithm of phase 1: workers learn, schedules are random."""
    steps = settings.worker_episodes * settings.num_envs * EPISODE_STEPS
    rate, entropy = settings.worker_learning_rate, settings.worker_entropy
    workers = Level(
        learning_rate=falling(rate, rate / 10, steps),
        entropy_coefficient=falling(entropy, FINAL_ENTROPY, steps),
        discount=1.0,
        gae_lambda=1.0,
        hidden_sizes=tuple(settings.hidden_sizes),
    )
    sampling = _sampling(cell, settings)
    return two_level_config(
        cell.economy.env_id, {}, workers=workers, planner=RandomSchedules, sampling=sampling
    ).build_algo()


def planner_phase(cell: Cell, settings: OneStepSettings, objective: str) -> Algorithm:
    """Returns the algorithm of phase 2: both learn, the limit on rates rises."""
    steps = settings.planner_episodes * settings.num_envs * EPISODE_STEPS
    workers = Level(
        learning_rate=settings.phase_2_learning_rate,
        entropy_coefficient=settings.phase_2_entropy,
        discount=1.0,
        gae_lambda=1.0,
        hidden_sizes=tuple(settings.hidden_sizes),
    )
    rate = settings.planner_learning_rate
    planner = Level(
        learning_rate=falling(rate, rate / 10, steps),
        entropy_coefficient=falling(settings.planner_entropy, 0.0, steps),
        discount=1.0,
        gae_lambda=1.0,
        hidden_sizes=PLANNER_SIZES,
    )
    annealing = settings.annealing_share * settings.planner_episodes
    world: dict[str, Any] = {"objective": objective}
    if annealing > 0 and settings.first_limit < 1:
        slope = (1 - settings.first_limit) / annealing
        world["tax_annealing"] = (-settings.first_limit / slope, slope)
    return two_level_config(
        cell.economy.env_id, world, workers=workers, planner=planner, sampling=_sampling(cell, settings)
    ).build_algo()


def _train(algorithm: Algorithm, iterations: int, note: Callable[[int, dict[str, Any]], dict[str, float]]) -> str:
    """Trains and returns the curve as CSV."""
    rows: list[dict[str, float]] = []
    start = time.process_time()
    for iteration in range(1, iterations + 1):
        result = algorithm.train()
        if iteration % CURVE_EVERY == 0 or iteration == iterations:
            seconds = round(time.process_time() - start, 1)
            rows.append({"episodes": iteration, "cpu_seconds": seconds, **note(iteration, result)})
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()


def planned_rates(algorithm: Algorithm, economy: Economy) -> np.ndarray:
    """Returns the planner's probabilities [B, L] of rate levels at the start of an episode."""
    batch = games.make_batch(economy.env_id, 1)
    batch.reset()
    seen, masks = batch.groups[PLANNER].observations, batch.groups[PLANNER].action_masks
    assert masks is not None
    (probabilities,) = decisions_of(algorithm, PLANNER, seen[0], masks[0], len(world_config(economy).cutoffs))
    # Choice 0 keeps the rate of before, which is level 0 in a new episode.
    probabilities[:, 1] += probabilities[:, 0]
    return probabilities[:, 1:]


def _export_workers(algorithm: Algorithm, folder: Path, economy: Economy) -> None:
    module = algorithm.get_module(WORKERS)
    assert isinstance(module, ActorCriticModule)
    export_policy(module, folder, economy.env_id, {})


@contextmanager
def _placed(place: Path) -> Iterator[Path]:
    """Gives a folder to fill that appears under its name when it is complete."""
    aside = place.with_name(f".{place.name}.partial")
    aside.mkdir(parents=True, exist_ok=True)
    yield aside
    aside.rename(place)


def run_workers(cell: Cell, settings: OneStepSettings, place: Path) -> None:
    """Phase 1: writes the workers' policy, all their weights and the curve."""

    def note(iteration: int, result: dict[str, Any]) -> dict[str, float]:
        learnt = result["learners"][WORKERS]
        return {
            "mean_utility": round(float(result["env_runners"]["mean_utility_mean"]), 4),
            "entropy": round(float(learnt["entropy"]), 4),
        }

    algorithm = workers_phase(cell, settings)
    with _placed(place) as folder:
        (folder / "curve.csv").write_text(_train(algorithm, settings.worker_episodes, note), encoding="utf-8")
        save_file(weights_of(algorithm, WORKERS), folder / "weights.safetensors")
        _export_workers(algorithm, folder, cell.economy)
    algorithm.stop()


def run_planner(cell: Cell, settings: OneStepSettings, objective: str, workers: Path, place: Path) -> None:
    """Phase 2: writes the workers' policy, the planner's probabilities and the curve."""
    algorithm = planner_phase(cell, settings, objective)
    take_weights(algorithm, WORKERS, load_file(workers / "weights.safetensors"))

    def note(iteration: int, result: dict[str, Any]) -> dict[str, float]:
        learnt = result["learners"]
        return {
            "welfare": round(float(result["env_runners"]["welfare_mean"]), 4),
            "worker_entropy": round(float(learnt[WORKERS]["entropy"]), 4),
            "planner_entropy": round(float(learnt[PLANNER]["entropy"]), 4),
        }

    with _placed(place) as folder:
        (folder / "curve.csv").write_text(_train(algorithm, settings.planner_episodes, note), encoding="utf-8")
        _export_workers(algorithm, folder, cell.economy)
        rates = planned_rates(algorithm, cell.economy)
        (folder / "planner.json").write_text(json.dumps({"probabilities": rates.round(6).tolist()}) + "\n")
    algorithm.stop()


def train_cell(cell: Cell, settings: OneStepSettings, folder: Path) -> None:
    """Trains what is not there yet of one cell, where Ray runs already."""
    path = cell.path(folder)
    if not (path / "workers").exists():
        run_workers(cell, settings, path / "workers")
    for objective in cell.economy.objectives:
        if not (path / objective).exists():
            run_planner(cell, settings, objective, path / "workers", path / objective)
    write_atomically(path / "done", "")


def train_cell_alone(cell: Cell, settings: OneStepSettings, folder: Path) -> None:
    """Trains a cell in a process of its own."""
    start_ray(num_cpus=1)
    train_cell(cell, settings, folder)
    stop_ray()


def run_cells(run: RunFolder, settings: OneStepSettings) -> bool:
    """Trains all cells that are not done, a few at a time; returns whether all are."""
    cells = settings.cells()
    missing = [cell for cell in cells if not (cell.path(run.path) / "done").exists()]
    calls = [(cell, settings, run.path) for cell in missing]
    return call_in_processes(
        "cells of econ_one_step", train_cell_alone, calls, total=len(cells), parallel=settings.parallel
    )
