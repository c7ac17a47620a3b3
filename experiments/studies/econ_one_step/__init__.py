"""Study `econ_one_step`: workers and planner of the one-step economy learn together. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.econ_one_step.evaluation import evaluate
from experiments.studies.econ_one_step.report import report
from experiments.studies.econ_one_step.settings import OneStepSettings
from experiments.study import Study


def _train(run: RunFolder, settings: OneStepSettings, ray_address: str | None) -> bool:
    from experiments.studies.econ_one_step.cells import run_cells  # Ray takes seconds to import; others need it not

    return run_cells(run, settings)


STUDY = Study(
    name="econ_one_step",
    claim="in the one-step economy workers learn to forgo less than 1 % of utility on average, and 14 of 15 planners "
    "that learn with them reach 99 % of the best welfare found",
    settings=OneStepSettings,
    name_run=lambda settings: "econ_one_step",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
