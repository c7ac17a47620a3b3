"""An episode as a film: recording, GIF and MP4, slow on tax days."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from econ.gather_trade_build import GatherTradeBuildConfig
from econ.gather_trade_build.draw import draw
from games.recording import Recording

FRAMES = 200  # between tax days, of an episode
TAX_DAY_FRAMES = 10  # for which the picture of a tax day stands
FPS = 10


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


def save_film(recording: Recording, folder: Path) -> None:
    """Writes episode.jsonl, .gif and .mp4 into a folder, which is made if it is not there."""
    folder.mkdir(exist_ok=True)
    recording.save(folder / "episode.jsonl")
    recording.save_gif(folder / "episode.gif", fps=FPS, frames=frames(recording))
    recording.save_mp4(folder / "episode.mp4", fps=FPS, frames=frames(recording))
