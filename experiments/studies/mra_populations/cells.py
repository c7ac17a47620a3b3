"""One cell: a world, a way to learn, a seed; what it learned, and what that is worth in every population."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from experiments.processes import call_in_processes
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.mra_populations.settings import (
    ADAPTING,
    CANDIDATES,
    KEPT,
    METHODS,
    WORLDS,
    Cell,
    MraPopulationsSettings,
)
from marl.mra import RELEASED, MRAConfig
from marl.mra.adaptation import adapt_latents, adapt_networks, choose_latent, learned_modules
from marl.mra.curriculum import Stage, Team, grow
from marl.mra.export import export_team, load_team
from marl.mra.play import play_episodes
from marl.rllib import DivergedError, start_ray, stop_ray

COLUMNS = ("population", "choice", "return", "cpu_seconds")
CURVE_COLUMNS = (
    *("steps", "information", "information_ceiling", "information_bound", "game_information", "game_accuracy"),
    *("attention_entropy", "latent_entropy", "prior_entropy", "entropy", "critic_loss", "q_mean"),
)
CURVE_POINTS = 40
TRAINED = "trained.json"  # in a team's folder
EVALUATION_SEED = 1_000_000  # beyond those of training, and the same for all cells


def make_config(cell: Cell, settings: MraPopulationsSettings) -> MRAConfig:
    """Returns the config of a cell."""
    world, own = WORLDS[cell.world], dict(METHODS[cell.method])
    is_released, size = own.pop("is_released", False), own.pop("size", None)
    sizes = world.trained if size is None else (size,)
    config = MRAConfig().environment(world.env_id, env_config=world.of_many(sizes))
    config.training(**settings.training).debugging(seed=cell.seed, log_level="ERROR")
    if is_released:
        config.training(**RELEASED)
    config.training(**own)
    config.env_runners(num_envs_per_env_runner=settings.num_envs)
    return config


def check_training(settings: MraPopulationsSettings) -> None:
    """Checks what every cell is trained with.

    Raises:
        ValueError: A setting that there is not, or out of range; fewer steps than learning starts with.
    """
    for cell in settings.cells():
        least = make_config(cell, settings).mra_settings().learning_starts
        if rounds_of(cell, settings) * settings.num_envs * WORLDS[cell.world].horizon < least:
            raise ValueError(f"env_steps={cell.env_steps} end before {cell.world}-{cell.method} learns ({least} steps)")


def rounds_of(cell: Cell, settings: MraPopulationsSettings) -> int:
    """Returns the rounds of play that a cell has steps for; of a curriculum, those of each of its teams."""
    world = WORLDS[cell.world]
    teams = world.teams_grown if cell.method == "curriculum" else 1
    return cell.env_steps // (teams * settings.num_envs * world.horizon)


def run_cell(cell: Cell, folder: Path, settings: MraPopulationsSettings) -> Path:
    """Does one cell in a process of its own; returns the path of its returns."""
    start_ray(num_cpus=1, attempts=3)
    path = do_cell(cell, folder, settings)
    stop_ray()
    return path


def do_cell(cell: Cell, folder: Path, settings: MraPopulationsSettings) -> Path:
    """Trains one cell, unless it was before, and judges it; returns the path of its returns.

    What was trained is kept before it is judged, and judged as it was kept, so that a kill costs the judging alone and
    leaves no trace in returns. A training that diverged has rows without returns.
    """
    config, trained = make_config(cell, settings), cell.team_path(folder)
    try:
        if not trained.exists():
            train(cell, folder, config, settings)
    except DivergedError:  # it would again
        _write(cell.path(folder), COLUMNS, _diverged_rows(cell, settings))
        return cell.path(folder)
    started = time.process_time()
    rows = judge(load_team(trained, config), cell, config, settings)
    before = json.loads((trained / TRAINED).read_text(encoding="utf-8"))
    seconds = before["cpu_seconds"] + time.process_time() - started
    _write(cell.path(folder), COLUMNS, [row | {"cpu_seconds": seconds} for row in rows])
    return cell.path(folder)


def train(cell: Cell, folder: Path, config: MRAConfig, settings: MraPopulationsSettings) -> None:
    """Trains one cell; writes its curve, then its team: complete or absent."""
    started, path = time.process_time(), cell.team_path(folder)
    curve: list[dict[str, Any]] = []
    team = _grow(cell, config, settings) if cell.method == "curriculum" else _learn(cell, config, curve)
    if curve:
        _write(cell.curve_path(folder), CURVE_COLUMNS, curve)
    aside = path.with_name(f".{path.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    export_team(team, aside, config)
    (aside / TRAINED).write_text(json.dumps({"cpu_seconds": time.process_time() - started}) + "\n", encoding="utf-8")
    aside.rename(path)


def _learn(cell: Cell, config: MRAConfig, curve: list[dict[str, Any]]) -> Team:
    algorithm, steps = config.build_algo(), 0
    while steps < cell.env_steps:
        result = algorithm.train()
        steps = int(result["env_runners"]["num_env_steps_sampled_lifetime"])
        told = result.get("learners", {})
        if told and steps * CURVE_POINTS >= (len(curve) + 1) * cell.env_steps:
            first: dict[str, Any] = told[next(iter(learned_modules(algorithm)))]
            curve.append({"steps": steps} | {name: first[name] for name in CURVE_COLUMNS if name in first})
    team = learned_modules(algorithm)
    algorithm.stop()
    return team


def _grow(cell: Cell, config: MRAConfig, settings: MraPopulationsSettings) -> Team:
    world, tries = WORLDS[cell.world], settings.tries
    stages = [Stage(world.of_many((size,)), rounds_of(cell, settings)) for size in world.grown]
    return grow(config, stages, candidates=CANDIDATES, kept=KEPT, episodes=tries, seed=1000 * cell.seed).team


def judge(team: Team, cell: Cell, config: MRAConfig, settings: MraPopulationsSettings) -> list[dict[str, Any]]:
    """Returns a row for each population and choice of the latent, and each number of updates in the new one.

    The return is the mean over groups of that of an agent; where all are paid alike, the team's.
    """
    world, rows = WORLDS[cell.world], []
    latents = next(iter(team.values())).num_latents
    for size in settings.judged or world.judged:
        own, tried = world.of_many((size,)), EVALUATION_SEED + 1000 * cell.seed
        choices: dict[str, Any] = {"sampled": None}
        if latents > 1:
            choices["best"] = choose_latent(team, world.env_id, own, episodes=settings.tries, seed=tried).latent
            found = adapt_latents(team, world.env_id, own, after=settings.updates, episodes=settings.tries, seed=tried)
            choices |= {f"adapted_{k}": logits for k, logits in found.items()}
        for name, chosen in choices.items():
            rows.append(
                {"population": size, "choice": name, "return": _value(team, world.env_id, own, settings, chosen)}
            )
    if cell.method in ADAPTING:
        own = world.of_many((world.adapted,))
        for k in settings.updates:
            adapted = adapt_networks(config, team, own, updates=k)
            value = _value(adapted, world.env_id, own, settings, None)
            rows.append({"population": world.adapted, "choice": f"networks_{k}", "return": value})
    return rows


def _diverged_rows(cell: Cell, settings: MraPopulationsSettings) -> list[dict[str, Any]]:
    sizes = settings.judged or WORLDS[cell.world].judged
    return [{"population": size, "choice": "sampled", "cpu_seconds": time.process_time()} for size in sizes]


def _value(team: Team, env_id: str, world: dict[str, Any], settings: MraPopulationsSettings, latents: Any) -> float:
    played = play_episodes(team, env_id, world, episodes=settings.episodes, seed=EVALUATION_SEED, latents=latents)
    return float(np.mean([returns.mean() for returns in played.returns.values()]))


def _write(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_text(row.get(name)) for name in columns] for row in rows])
    write_atomically(path, text.getvalue())


def _text(value: Any) -> str:
    return "" if value is None else str(value) if isinstance(value, str | int) else f"{value:.5g}"


def run_cells(run: RunFolder, settings: MraPopulationsSettings) -> bool:
    """Runs all cells that are not done, a few at a time, each in a process of its own; returns whether all are."""
    cells = settings.cells()
    (run.path / "cells").mkdir(exist_ok=True)
    calls = [(cell, run.path, settings) for cell in cells if not cell.path(run.path).exists()]
    return call_in_processes("cells of mra_populations", run_cell, calls, total=len(cells), parallel=settings.parallel)
