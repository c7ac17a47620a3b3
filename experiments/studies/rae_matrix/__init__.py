"""Study `rae_matrix`: risk-averse equilibria of random games. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.rae_matrix.analysis import evaluate, report
from experiments.studies.rae_matrix.play import solve_games
from experiments.studies.rae_matrix.settings import RaeMatrixSettings
from experiments.study import Study


def _train(run: RunFolder, settings: RaeMatrixSettings, ray_address: str | None) -> bool:
    return solve_games(run, settings)


STUDY = Study(
    name="rae_matrix",
    claim="risk-averse equilibria have less variance than Nash in random general-sum games, and are Nash in zero-sum",
    settings=RaeMatrixSettings,
    name_run=lambda settings: "rae_matrix",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
