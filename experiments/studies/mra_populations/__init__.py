"""Study `mra_populations`: one network for populations of any size, and what its latents add. See README.md beside."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.mra_populations.analysis import evaluate, report
from experiments.studies.mra_populations.settings import MraPopulationsSettings
from experiments.study import Study


def _train(run: RunFolder, settings: MraPopulationsSettings, ray_address: str | None) -> bool:
    from experiments.studies.mra_populations.cells import run_cells  # Ray takes seconds to import; others need it not

    return run_cells(run, settings)


STUDY = Study(
    name="mra_populations",
    claim="measures how policies trained in some numbers of agents do in others, with and without latents; "
    "not claimed yet",
    settings=MraPopulationsSettings,
    name_run=lambda settings: "mra_populations",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
