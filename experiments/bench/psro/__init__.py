"""PSRO: simulated payoffs of pairs of tables, ours in batches and OpenSpiel's psro_v2 in turns.

Both play exact best responses of a few epochs against each other; an episode goes from its first card to its payoff,
and reading the policies from their files is part of ours. One thread and CPU time; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stdout
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyspiel
from open_spiel.python.algorithms.psro_v2 import best_response_oracle, psro_v2

from experiments.bench import Measure, Work, cpu_seconds
from experiments.bench.worlds.rounds import size_round
from marl.psro.psro import Psro
from marl.psro.settings import PsroSettings

GAMES = ("kuhn_poker", "leduc_poker")
UNIT = "episodes / CPU-s"
EPOCHS = 3
EPISODES = 65_536  # of a cell, in one of our simulations: what the aim is for
FEW = PsroSettings.model_fields["episodes"].default  # of a cell unless one says otherwise; opening files weighs more
ROUND = 50  # of a cell, in one of theirs
AIM = 100.0


def run(measure: Measure) -> None:
    """Measures both, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        for game in GAMES:
            run = _epochs(Path(folder) / game, game)
            works = {
                f"{game}, ours": _ours(run, EPISODES),
                f"{game}, ours, {FEW:,} episodes a cell": _ours(run, FEW),
                f"{game}, psro_v2": _theirs(game),
            }
            ours, ours_of_few, theirs = measure.rates(UNIT, works)
            measure.compare(f"{game}: ours / psro_v2", ours, theirs, AIM)
            measure.compare(f"{game}: ours, {FEW:,} episodes a cell / psro_v2", ours_of_few, theirs)


def _epochs(folder: Path, game: str) -> Psro:
    settings: dict[str, Any] = {"world": f"cards/{game}_v0", "oracle": "exact", "payoffs": "exact"}
    run = Psro(folder, PsroSettings(**settings))
    for _ in range(EPOCHS):
        run.step()
    return run


def _ours(run: Psro, episodes: int) -> tuple[float, Work]:
    """Returns how many episodes a round has, and the round: a run's own simulation of all its cells."""
    cells = [(row + 1, column + 1) for row, column in np.ndindex(EPOCHS, EPOCHS)]

    def play(rounds: int) -> float:
        return cpu_seconds(
            lambda: [run.arena.play(cell, episodes, (each,)) for each in range(rounds) for cell in cells]
        )

    rounds = size_round(play)
    return rounds * len(cells) * episodes, partial(play, rounds)


def _theirs(game: str) -> tuple[float, Work]:
    loaded = pyspiel.load_game(game)
    with redirect_stdout(io.StringIO()):  # it says how it was set up
        solver = psro_v2.PSROSolver(
            loaded,
            best_response_oracle.BestResponseOracle(game=loaded),
            sims_per_entry=1,
            training_strategy_selector="probabilistic",
            meta_strategy_method="uniform",
            sample_from_marginals=True,
        )
        for _ in range(EPOCHS):
            solver.iteration()
    pairs = list(product(*(policies[1:] for policies in solver.get_policies())))

    def play(rounds: int) -> float:
        return cpu_seconds(lambda: [solver.sample_episodes(list(pair), ROUND) for _ in range(rounds) for pair in pairs])

    rounds = size_round(play)
    return rounds * len(pairs) * ROUND, partial(play, rounds)
