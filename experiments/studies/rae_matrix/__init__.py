"""Study `rae_matrix`: risk-averse equilibria of random games. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunError, RunFolder
from experiments.studies.rae_matrix.analysis import evaluate, report
from experiments.studies.rae_matrix.play import solve_games
from experiments.studies.rae_matrix.settings import RaeMatrixSettings
from experiments.study import Study


def _train(run: RunFolder, settings: RaeMatrixSettings, ray_address: str | None) -> bool:
    if ray_address not in (None, "local"):
        raise RunError("rae_matrix solves its games in processes of this machine; it takes no --ray-address")
    return solve_games(run, settings)


STUDY = Study(
    name="rae_matrix",
    claim="random games solved for risk-averse equilibria, Nash equilibria and their neighbours, side by side",
    settings=RaeMatrixSettings,
    name_run=lambda settings: "rae_matrix",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
)
