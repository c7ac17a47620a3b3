"""Study `bnac_coordination`: Bayesian-network policies in the coordination game. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.bnac_coordination.analysis import evaluate, report
from experiments.studies.bnac_coordination.exact import run_cells
from experiments.studies.bnac_coordination.settings import BnacCoordinationSettings
from experiments.study import Study


def _train(run: RunFolder, settings: BnacCoordinationSettings, ray_address: str | None) -> bool:
    return run_cells(run, settings)


STUDY = Study(
    name="bnac_coordination",
    claim="with exact gradients, agents that see each other's actions end closer to the optimum than independent ones",
    settings=BnacCoordinationSettings,
    name_run=lambda settings: "bnac_coordination",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
