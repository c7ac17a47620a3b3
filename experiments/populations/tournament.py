"""Everybody against everybody: the last meta-strategy of every run beside those of the others, and beside strangers.

    group        partners of arm a, seed s                                   what it says
    "own"        the other seat of the same run                              the convention that it settled on
    "trained"    every arm, of the next seed                                 how it fares with who learned elsewhere
    "strangers"  scripted players that no population began with              how it fares with who never learned

Each pair plays both seatings, equally often, and each partner of a group as often as the others. Returns are the arm's
own; events are those of the whole episode.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from agents.protocol import Player
from experiments.interruption import StopRequest
from experiments.populations.settings import Arm, PopulationSettings
from experiments.populations.training import num_complete, open_psro, run_path
from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder, write_atomically
from marl.psro.match import Episodes, play_episodes
from marl.psro.meta_player import meta_player
from marl.psro.psro import Psro
from marl.psro.workers import Workers

GROUPS = ("own", "trained", "strangers")
WORST = 0.05  # share of episodes that the worst ones are
SEED = 30_000_001  # apart from the seeds of training


def worst_mean(returns: np.ndarray) -> float:
    """Returns the mean of the worst 5 % of returns (the conditional value at risk), of at least one."""
    count = max(1, round(WORST * len(returns)))
    return float(np.partition(returns, count - 1)[:count].mean())


def variance_between(returns: Sequence[np.ndarray]) -> float:
    """Returns the variance of mean returns over partners, less what sampling adds to it; at least 0.

    Args:
        returns: Of the episodes with each partner; one alone has no variance.
    """
    count = len(returns)
    noise = np.mean([own.var(ddof=1) / len(own) for own in returns]) * (count - 1) / count
    return float(max(0.0, np.var([own.mean() for own in returns]) - noise))


def _partners(
    run: RunFolder, settings: PopulationSettings, arm: Arm, seed: int
) -> Iterator[tuple[str, str, Psro | None]]:
    yield "own", arm.name, open_psro(run, settings, arm, seed)
    for other in settings.arms():
        yield "trained", other.name, open_psro(run, settings, other, (seed + 1) % settings.seeds)
    for name in settings.scene().strangers:
        yield "strangers", name, None


def _play_pair(
    settings: PopulationSettings, me: Psro, partner: Psro | None, stranger: str, episodes: int, words: list[int]
) -> tuple[np.ndarray, Episodes]:
    """Returns my returns over both seatings, so many episodes of each, and the episodes."""
    scene, agents = settings.scene(), list(me.seats)
    returns, parts = [], []
    for seat, agent in enumerate(agents):
        seeds = [int(word) for word in np.random.SeedSequence([*words, seat]).generate_state(3)]
        other = agents[1 - seat]
        player: Player = (
            scene.strangers[stranger](seeds[0]) if partner is None else meta_player(partner, other, seeds[0])
        )
        players = {agent: meta_player(me, agent, seeds[1]), other: player}
        played = play_episodes(scene.world, players, episodes, seed=seeds[2], settings=scene.settings)
        returns.append(played.returns[:, seat])
        parts.append(played)
    statistics = {name: np.concatenate([part.statistics[name] for part in parts]) for name in parts[0].statistics}
    lengths = np.concatenate([part.lengths for part in parts])
    return np.concatenate(returns), Episodes(np.zeros(0), lengths, statistics)


def play_all(run: RunFolder, settings: PopulationSettings, arm: Arm, seed: int, place: Path) -> None:
    """Plays one run against all its partners and writes a row for each of them, and one for each group of them."""
    me, scene = open_psro(run, settings, arm, seed), settings.scene()
    rows: list[dict[str, Any]] = []
    pooled: dict[str, list[tuple[np.ndarray, Episodes]]] = {group: [] for group in GROUPS}
    partners = list(_partners(run, settings, arm, seed))
    sizes = Counter(group for group, _, _ in partners)
    for number, (group, name, partner) in enumerate(partners):
        episodes = math.ceil(settings.group_episodes / sizes[group] / len(me.seats))
        returns, played = _play_pair(settings, me, partner, name, episodes, [SEED, seed, number])
        pooled[group].append((returns, played))
        rows.append({"partner": name} | _row(group, [(returns, played)], scene.events))
    rows += [{"partner": "all"} | _row(group, parts, scene.events) for group, parts in pooled.items()]
    table = pd.DataFrame(rows)
    table.insert(0, "seed", seed)
    table.insert(0, "arm", arm.name)
    write_atomically(place, table.to_csv(index=False))


def _row(group: str, parts: list[tuple[np.ndarray, Episodes]], events: tuple[str, ...]) -> dict[str, Any]:
    """Returns mean, variance between partners, total variance, worst outcomes and events of some pairs."""
    returns = np.concatenate([returns for returns, _ in parts])
    numbers: dict[str, float] = {
        "mean": returns.mean(),
        "variance_between": variance_between([own for own, _ in parts]),
        "variance": returns.var(ddof=1),
        "worst": worst_mean(returns),
        "length": np.concatenate([played.lengths for _, played in parts]).mean(),
    }
    numbers |= {name: np.concatenate([played.statistics[name] for _, played in parts]).mean() for name in events}
    return {"group": group, "episodes": len(returns)} | {key: round(float(value), 5) for key, value in numbers.items()}


def hold_tournament(run: RunFolder, settings: PopulationSettings) -> pd.DataFrame:
    """Plays what has not been played yet; returns all rows, and writes them to evaluation.csv.

    Raises:
        RunError: A run is not complete; or Ctrl-C, and what was played is kept.
    """
    from marl.rllib.session import start_ray

    waiting = [
        run_path(run, arm, seed)
        for arm in settings.arms()
        for seed in range(settings.seeds)
        if num_complete(run, arm, seed) <= settings.epochs
    ]
    if waiting:
        raise RunError(f"{waiting[0]} is not complete: agora resume {run.path}")
    folder = run.path / "tournament"
    folder.mkdir(exist_ok=True)
    cells = [(arm, seed) for arm in settings.arms() for seed in range(settings.seeds)]
    places = [folder / f"{arm.name}-{seed}.csv" for arm, seed in cells]
    missing = [(cell, place) for cell, place in zip(cells, places, strict=True) if not place.exists()]
    if missing:
        start_ray(num_cpus=settings.parallel)
    tasks = [partial(play_all, run, settings, arm, seed, place) for (arm, seed), place in missing]
    done = len(cells) - len(missing)
    with StopRequest() as stop, TrainingProgress("tournament", len(cells), done, Console(), unit="runs") as progress:
        for _ in Workers(settings.parallel).run(tasks):
            done += 1
            progress.update(done, {})
            if stop.is_made:
                raise RunError(f"stopped; go on with: agora evaluate {run.path}")
    table = pd.concat([pd.read_csv(place) for place in places])
    write_atomically(run.path / "tournament.csv", table.to_csv(index=False))
    return table
