"""One cell: all seeds of a game, a way to learn and a number of latents, by exact gradients, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.mra_equilibria.settings import METHODS, Game, Method, MraEquilibriaSettings
from marl.mra.exact import SetSettings, exploitabilities, learn, uniform_exploitability
from marl.mra.symmetric_games import GAMES

KEYS = ["game", "method", "latents"]


def run_cell(game_name: Game, method: Method, latents: int, settings: MraEquilibriaSettings) -> list[dict[str, Any]]:
    """Returns a row for each number of players and seed."""
    game, seeds = GAMES[game_name], range(1, settings.seeds + 1)
    own = SetSettings(num_latents=latents, iterations=settings.iterations, **METHODS[method])
    sets, rows = learn(game, settings.trained, own, seeds), []
    for players in settings.judged:
        found = exploitabilities(game, sets, players, settings.updates)
        found["at_random"] = [uniform_exploitability(game, players)] * len(seeds)
        key = {"game": game_name, "method": method, "latents": latents, "players": players}
        rows += [
            key | {"seed": seed} | dict(zip(found, numbers, strict=True))
            for seed, *numbers in zip(seeds, *found.values(), strict=True)
        ]
    return rows


def rows_path(run: RunFolder) -> Path:
    """Returns the file with a row for each cell, number of players and seed."""
    return run.path / "exploitability.csv"


def run_cells(run: RunFolder, settings: MraEquilibriaSettings) -> bool:
    """Runs the cells that are not in exploitability.csv yet; returns whether all are there then."""
    path, cells = rows_path(run), settings.cells()
    rows = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=KEYS)
    done = set(rows[KEYS].itertuples(index=False, name=None))
    progress = TrainingProgress("cells", len(cells), len(done), Console(), unit="cells")
    with StopRequest() as stop, progress:
        for cell in cells:
            if cell in done:
                continue
            found = pd.DataFrame(run_cell(*cell, settings))
            rows = pd.concat([rows, found]) if done else found
            write_atomically(path, rows.to_csv(index=False, float_format="%.6f"))
            done.add(cell)
            progress.update(len(done), {})
            if stop.is_made:
                break
    return len(done) == len(cells)
