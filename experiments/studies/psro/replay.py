"""Replays of a sweep: its meta-strategies, or any policies of one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agents.protocol import Player
from experiments.run_folder import RunError, RunFolder
from experiments.studies.psro.cross_play import open_population
from experiments.studies.psro.settings import SweepSettings
from experiments.studies.psro.training import open_runs
from games.recording import record
from marl.psro.meta_player import meta_player

SEED = 0  # of the replay
FRAMES_PER_S = 4


def render(run: RunFolder, settings: SweepSettings) -> None:
    """Records an episode between the last meta-strategies of the first run, as recording, GIF and MP4.

    Raises:
        RunError: No epoch of it is complete, or a file of it is missing or damaged.
    """
    first = next(iter(open_runs(run, settings).values()))
    if not first.num_complete:
        raise RunError(f"no epoch of {first.folder} is complete: agora resume {run.path}")
    players = {agent: meta_player(first, agent, SEED + seat) for seat, agent in enumerate(first.seats)}
    _save(players, settings.world, settings.world_settings, run.replay_path)


def render_policies(path: Path, numbers: list[int]) -> Path:
    """Records an episode between chosen policies of one run.

    Args:
        path: A run of a sweep, such as runs/psro-grid-trust_v0/runs/rae-0.
        numbers: Of a policy for each agent, as the report's table of the population has them.

    Returns:
        The folder with recording, GIF and MP4.

    Raises:
        RunError: There is no such run or policy.
    """
    run = open_population(path)
    if len(numbers) != len(run.seats):
        raise RunError(f"--policies takes a number for each of {', '.join(run.seats)}, got {len(numbers)}")
    players = {}
    for seat, ((agent, player), number) in enumerate(zip(run.seats.items(), numbers, strict=True)):
        size = run.population.sizes[run.population.players.index(player)]
        if not 0 <= number < size:
            raise RunError(f"{agent} has the policies 0 to {size - 1}, got {number}")
        players[agent] = run.population.make_player(player, number, SEED + seat)
    place = path / "replays" / "-".join(map(str, numbers))
    _save(players, run.settings.world, run.settings.world_settings, place)
    return place


def _save(players: Mapping[str, Player], world: str, settings: Mapping[str, Any], place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    recording = record(
        world,
        lambda batch: {
            name: np.stack([players[agent].act(batch, agent)[0] for agent in group.agents])[None]
            for name, group in batch.groups.items()
        },
        seed=SEED,
        **settings,
    )
    recording.save(place / "episode.jsonl")
    try:
        recording.save_gif(place / "episode.gif", fps=FRAMES_PER_S)
        recording.save_mp4(place / "episode.mp4", fps=FRAMES_PER_S)
    except ValueError:  # a world that cannot be drawn
        return
