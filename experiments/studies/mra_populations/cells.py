"""One cell: a world, a way to learn, a seed; what it learned, and what that is worth in every population."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from experiments.processes import call_in_processes
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.mra_populations.curve import COLUMNS as CURVE_COLUMNS
from experiments.studies.mra_populations.curve import Curve
from experiments.studies.mra_populations.settings import (
    ADAPTING,
    CANDIDATES,
    KEPT,
    METHODS,
    WORLDS,
    Cell,
    MraPopulationsSettings,
    World,
    trained_sizes,
)
from marl.mra import RELEASED, MRAConfig
from marl.mra.adaptation import adapt_latents, adapt_networks, choose_latent, learned_modules
from marl.mra.curriculum import Stage, Team, grow
from marl.mra.export import export_team, load_team
from marl.mra.play import Played, play_episodes
from marl.rllib import DivergedError, start_ray, stop_ray

COLUMNS = ("population", "choice", "return", "cpu_seconds")
LATENT_COLUMNS = ("population", "choice", "group", "latent", "share")
TRAINED = "trained.json"  # in a team's folder
EVALUATION_SEED = 1_000_000  # beyond those of training, and the same for all cells


def make_config(cell: Cell, settings: MraPopulationsSettings) -> MRAConfig:
    """Returns the config of a cell."""
    world, own = WORLDS[cell.world], dict(METHODS[cell.method])
    is_released, _ = own.pop("is_released", False), own.pop("size", None)
    sizes = world.trained if cell.method == "curriculum" else trained_sizes(cell.world, cell.method)
    config = MRAConfig().environment(world.env_id, env_config=world.to_learn(sizes))
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
    rows, latents = judge(load_team(trained, config), cell, config, settings)
    before = json.loads((trained / TRAINED).read_text(encoding="utf-8"))
    seconds = before["cpu_seconds"] + time.process_time() - started
    _write(cell.latents_path(folder), LATENT_COLUMNS, latents)
    _write(cell.path(folder), COLUMNS, [row | {"cpu_seconds": seconds} for row in rows])
    return cell.path(folder)


def train(cell: Cell, folder: Path, config: MRAConfig, settings: MraPopulationsSettings) -> None:
    """Trains one cell; writes its curve, then its team: complete or absent."""
    started, path, curve = time.process_time(), cell.team_path(folder), Curve(cell)
    team = _grow(cell, config, settings, curve) if cell.method == "curriculum" else _learn(cell, config, curve)
    _write(cell.curve_path(folder), CURVE_COLUMNS, curve.rows)
    aside = path.with_name(f".{path.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    export_team(team, aside, config)
    (aside / TRAINED).write_text(json.dumps({"cpu_seconds": time.process_time() - started}) + "\n", encoding="utf-8")
    aside.rename(path)


def _learn(cell: Cell, config: MRAConfig, curve: Curve) -> Team:
    algorithm, steps = config.build_algo(), 0
    while steps < cell.env_steps:
        result = algorithm.train()
        steps = int(result["env_runners"]["num_env_steps_sampled_lifetime"])
        curve.watch(algorithm, result, 0, steps)
    team = learned_modules(algorithm)
    algorithm.stop()
    return team


def _grow(cell: Cell, config: MRAConfig, settings: MraPopulationsSettings, curve: Curve) -> Team:
    world, tries = WORLDS[cell.world], settings.tries
    stages = [Stage(world.to_learn((size,)), rounds_of(cell, settings)) for size in world.grown]
    seed = 1000 * cell.seed
    own: dict[str, Any] = {"candidates": CANDIDATES, "kept": KEPT, "episodes": tries, "seed": seed}
    return grow(config, stages, **own, watch=curve.watch).team


def judge(
    team: Team, cell: Cell, config: MRAConfig, settings: MraPopulationsSettings
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns a row for each population and choice of the latent, and each number of updates in the new one.

    The return is the mean over groups of that of an agent; where all are paid alike, the team's. Beside them rows of
    the latents that agents had, of teams that choose.
    """
    world, rows, latents = WORLDS[cell.world], list[dict[str, Any]](), list[dict[str, Any]]()
    for size in settings.judged or world.judged:
        for choice, chosen in _choices(team, cell, size, settings).items():
            played = _play(team, world, size, settings, chosen)
            rows.append({"population": size, "choice": choice, "return": float(played.team_returns.mean())})
            latents += _latent_rows(team, played, size, choice)
    if cell.method in ADAPTING:
        rows += _adapted_rows(team, world, config, settings)
    return rows, latents


def _adapted_rows(
    team: Team, world: World, config: MRAConfig, settings: MraPopulationsSettings
) -> list[dict[str, Any]]:
    size, returns = world.adapted, dict[int, float]()
    with suppress(DivergedError):  # rows without returns
        for k, adapted in adapt_networks(config, team, world.to_learn((size,)), after=settings.updates).items():
            returns[k] = float(_play(adapted, world, size, settings, None).team_returns.mean())
    return [{"population": size, "choice": f"networks_{k}", "return": returns.get(k)} for k in settings.updates]


def _choices(team: Team, cell: Cell, size: int, settings: MraPopulationsSettings) -> dict[str, Any]:
    """Returns by name how latents are chosen in a population, as `play_episodes` takes it."""
    world, tried = WORLDS[cell.world], EVALUATION_SEED + 1000 * cell.seed
    if next(iter(team.values())).num_latents == 1:
        return {"sampled": None}
    own: dict[str, Any] = {"episodes": settings.tries, "seed": tried}
    best = choose_latent(team, world.env_id, world.of_many((size,)), **own).latent
    found = adapt_latents(team, world.env_id, world.of_many((size,)), after=settings.updates, **own)
    return {"sampled": None, "best": best} | {f"adapted_{k}": logits for k, logits in found.items()}


def _play(team: Team, world: World, size: int, settings: MraPopulationsSettings, latents: Any) -> Played:
    own = world.of_many((size,))
    return play_episodes(team, world.env_id, own, episodes=settings.episodes, seed=EVALUATION_SEED, latents=latents)


def _latent_rows(team: Team, played: Played, size: int, choice: str) -> list[dict[str, Any]]:
    return [
        {"population": size, "choice": choice, "group": group, "latent": latent, "share": float(share)}
        for group, module in team.items()
        if module.num_latents > 1
        for latent, share in enumerate(played.latent_shares(group, module.num_latents))
    ]


def _diverged_rows(cell: Cell, settings: MraPopulationsSettings) -> list[dict[str, Any]]:
    sizes = settings.judged or WORLDS[cell.world].judged
    return [{"population": size, "choice": "sampled", "cpu_seconds": time.process_time()} for size in sizes]


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
