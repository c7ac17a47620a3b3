"""Study `mra_equilibria`: how exploitable MRA's policy sets are, exactly. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.mra_equilibria.analysis import evaluate, report
from experiments.studies.mra_equilibria.cells import run_cells
from experiments.studies.mra_equilibria.settings import MraEquilibriaSettings
from experiments.study import Study


def _train(run: RunFolder, settings: MraEquilibriaSettings, ray_address: str | None) -> bool:
    return run_cells(run, settings)


STUDY = Study(
    name="mra_equilibria",
    claim="with a latent for each game of the training, MRA's policy set has an equilibrium of each; of new ones, none",
    settings=MraEquilibriaSettings,
    name_run=lambda settings: "mra_equilibria",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
