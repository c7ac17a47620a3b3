"""The replay: one episode of the grid as recording, GIF and MP4."""

from __future__ import annotations

import tempfile
from pathlib import Path

from econ.gather_trade_build.film import save_film
from experiments.run_folder import RunFolder
from experiments.studies.econ_policy_study.cells import Estimates, make_company, prepare
from experiments.studies.econ_policy_study.grid import make_job
from experiments.studies.econ_policy_study.settings import ENV_ID, Cell, PolicyStudySettings
from games.recording import record


def shown_cell(settings: PolicyStudySettings) -> Cell:
    """Returns the cell that is shown: the first one with taxes, or the first of all; adapted workers if there are."""
    cells = settings.cells()
    taxed = [cell for cell in cells if cell.policy.tax.get("tax_model") != "free_market"] or cells
    return next((cell for cell in taxed if cell.adapted), taxed[0])


def render(run: RunFolder, settings: PolicyStudySettings) -> None:
    """Writes replay/episode.jsonl, .gif and .mp4."""
    cell = shown_cell(settings)
    job = make_job(run, settings, cell)
    with tempfile.TemporaryDirectory() as folder:
        company = make_company(job, Path(folder))
        prepare(job, company, Estimates(company.planner))
        recording = record(ENV_ID, company.act, seed=job.seed, **settings.world_settings(cell.policy, cell.layout))
    save_film(recording, run.replay_path)
