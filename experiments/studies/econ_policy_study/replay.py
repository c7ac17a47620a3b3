"""The replay: one episode of the grid as recording, GIF and MP4, slow on tax days."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from econ.gather_trade_build import GatherTradeBuildConfig
from econ.gather_trade_build.draw import draw
from experiments.run_folder import RunFolder
from experiments.studies.econ_policy_study.cells import Estimates, make_company, prepare
from experiments.studies.econ_policy_study.grid import make_job
from experiments.studies.econ_policy_study.settings import ENV_ID, Cell, PolicyStudySettings
from games.recording import Recording, record

FRAMES = 200  # between tax days, of an episode
TAX_DAY_FRAMES = 10  # for which the picture of a tax day stands
FPS = 10


def shown_cell(settings: PolicyStudySettings) -> Cell:
    """Returns the cell that is shown: the first one with taxes, or the first of all; adapted workers if there are."""
    cells = settings.cells()
    taxed = [cell for cell in cells if cell.policy.tax.get("tax_model") != "free_market"] or cells
    return next((cell for cell in taxed if cell.adapted), taxed[0])


def frames(recording: Recording) -> Iterator[np.ndarray]:
    """Draws an episode: every few steps what happened since the last picture, and tax days for a second.

    Yields:
        [H, W, 3] uint8, all of one size.
    """
    states = recording.fields()
    horizon = len(recording.actions)
    every = max(1, horizon // FRAMES)
    config = GatherTradeBuildConfig.from_settings(recording.settings)
    shown = {*range(0, horizon + 1, every), *range(0, horizon + 1, config.tax_period), horizon}
    yield draw(states[0], config)
    for before, step in pairwise(sorted(shown)):
        frame = draw(states[step], config, since=states[before:step])
        is_tax_day = step % config.tax_period == 0
        yield from [frame] * (TAX_DAY_FRAMES if is_tax_day else 1)


def render(run: RunFolder, settings: PolicyStudySettings) -> None:
    """Writes replay/episode.jsonl, .gif and .mp4."""
    cell = shown_cell(settings)
    job = make_job(run, settings, cell)
    run.replay_path.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        company = make_company(job, Path(folder))
        prepare(job, company, Estimates(company.planner))
        recording = record(ENV_ID, company.act, seed=job.seed, **settings.world_settings(cell.policy, cell.layout))
    recording.save(run.replay_path / "episode.jsonl")
    recording.save_gif(run.replay_path / "episode.gif", fps=FPS, frames=frames(recording))
    recording.save_mp4(run.replay_path / "episode.mp4", fps=FPS, frames=frames(recording))
