"""One cell: all seeds of a number of agents and a graph, by exact gradients, side by side in one stack."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from experiments.interruption import StopRequest
from experiments.progress import TrainingProgress
from experiments.run_folder import RunFolder, read_csv, write_atomically
from experiments.studies.bnac_coordination.settings import BnacCoordinationSettings
from games.bits import bits_game
from marl import bayesian_network
from marl.bayesian_network import ascend, blind_nash_gaps, draw_logits, nash_gaps, price_of_anarchy, team_game

COLUMNS = ("agents", "graph", "seed", "iteration", "anarchy", "gap", "blind_gap")


def released_scale(agents: int) -> float:
    """Returns what the release's J is over ours: its 2^n states weigh 1 / n each, ours 1 together."""
    return float(2**agents / agents)


def run_cell(agents: int, graph: str, settings: BnacCoordinationSettings) -> list[list[Any]]:
    """Returns a row for each seed and recorded iteration, with the columns of `COLUMNS`; gaps in the release's scaling.

    A seed draws its logits from a generator of its own, whatever the others.
    """
    team = team_game(bits_game(agents, flip=settings.flip), settings.discount)
    network = getattr(bayesian_network, graph)(team.num_actions)
    seeds, scale = range(1, settings.seeds + 1), released_scale(agents)
    logits = draw_logits(team, network, [np.random.default_rng([agents, seed]) for seed in seeds])
    rows, done = [], 0
    for iteration in sorted(settings.recorded):
        logits = ascend(team, network, logits, settings.step_size * scale, iteration - done)
        done = iteration
        shares = price_of_anarchy(team, network, logits)
        gaps = scale * nash_gaps(team, network, logits).max(axis=1)
        blind = scale * blind_nash_gaps(team, network, logits).max(axis=1)
        for seed, *numbers in zip(seeds, shares, gaps, blind, strict=True):
            rows.append([agents, graph, seed, iteration, *(f"{number:.5f}" for number in numbers)])
    return rows


def cells_path(run: RunFolder) -> Path:
    """Returns the file with a row for each cell, seed and recorded iteration."""
    return run.path / "exact.csv"


def run_cells(run: RunFolder, settings: BnacCoordinationSettings) -> bool:
    """Runs the cells that are not in exact.csv yet; returns whether all are there then."""
    path, cells = cells_path(run), settings.cells()
    rows = [list(row.values()) for row in read_csv(path, set(COLUMNS))] if path.exists() else []
    done = {(int(row[0]), row[1]) for row in rows}
    progress = TrainingProgress("cells", len(cells), len(done), Console(), unit="cells")
    with StopRequest() as stop, progress:
        for cell in cells:
            if cell in done:
                continue
            rows += run_cell(*cell, settings)
            _write(path, rows)
            done.add(cell)
            progress.update(len(done), {})
            if stop.is_made:
                break
    return len(done) == len(cells)


def _write(path: Path, rows: list[list[Any]]) -> None:
    """Writes all rows at once, so that a cell is there as a whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    write_atomically(path, text.getvalue())
