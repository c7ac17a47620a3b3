"""Two populations against each other: the last meta-strategy of one in some seats, that of the other in the rest."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from experiments.populations.errors import as_run_errors
from experiments.run_folder import RunError
from experiments.studies.psro.settings import SweepSettings
from experiments.study import open_run
from marl.psro.match import play_episodes
from marl.psro.meta_player import meta_player
from marl.psro.psro import Psro

EPISODES = 5000  # of each seating
SEED = 20_000_019  # apart from the seeds of training


def open_population(path: Path) -> Psro:
    """Opens one run of a sweep, such as runs/psro-grid-trust_v0/runs/rae-0.

    Raises:
        RunError: It is none, no epoch of it is complete, or a file of it is missing or damaged.
    """
    sweep = path.resolve().parent.parent
    if path.resolve().parent.name != "runs" or not (sweep / "settings.json").is_file():
        raise RunError(f"{path} is not a run of a sweep: give RUN/runs/<meta-solver>-<seed>")
    _, study, settings = open_run(sweep)
    if not isinstance(settings, SweepSettings) or path.name not in settings.runs():
        raise RunError(f"{path} is not a run of {sweep}, whose study is {study.name}")
    with as_run_errors():
        run = Psro(path, settings.runs()[path.name])
    if not run.num_complete:
        raise RunError(f"no epoch of {path} is complete: agora resume {sweep}")
    return run


def cross_play(first: Path, second: Path, episodes: int = EPISODES) -> list[list[str]]:
    """Plays every seating of two populations, and returns a table with a heading.

    Args:
        first: A run of a sweep, called A.
        second: Another on the same world, called B.
        episodes: Of each seating.

    Raises:
        RunError: They are not there, or play different worlds.
    """
    runs = {"A": open_population(first), "B": open_population(second)}
    worlds = [(run.settings.world, run.settings.world_settings) for run in runs.values()]
    if worlds[0] != worlds[1]:
        raise RunError(f"{first} plays {worlds[0][0]}, {second} plays {worlds[1][0]}, or other settings of it")
    agents = list(runs["A"].seats)
    table = [["seats", *(f"{agent}: mean ± standard error" for agent in agents)]]
    world, settings = worlds[0]
    for number, seating in enumerate(product(runs, repeat=len(agents))):
        players = {
            agent: meta_player(runs[name], agent, SEED + number * len(agents) + seat)
            for seat, (agent, name) in enumerate(zip(agents, seating, strict=True))
        }
        played = play_episodes(world, players, episodes, seed=SEED + number, settings=settings)
        errors = played.returns.std(axis=0, ddof=1) / np.sqrt(episodes)
        row = [f"{mean:.4g} ± {error:.2g}" for mean, error in zip(played.returns.mean(axis=0), errors, strict=True)]
        table.append([" ".join(seating), *row])
    return table
