"""Study `bnac_sampled`: policies over graphs of agents, learned from samples. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.bnac_sampled.analysis import evaluate, report
from experiments.studies.bnac_sampled.cells import run_cells
from experiments.studies.bnac_sampled.settings import BnacSampledSettings
from experiments.study import Study


def _train(run: RunFolder, settings: BnacSampledSettings, ray_address: str | None) -> bool:
    return run_cells(run, settings)


STUDY = Study(
    name="bnac_sampled",
    claim="measures what a graph of agents adds to MAPPO, and what is left without its edges; not claimed yet",
    settings=BnacSampledSettings,
    name_run=lambda settings: "bnac_sampled",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
