"""Study `read_planning`: what a critic's advantages are worth to a planner. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.read_planning.analysis import evaluate, report
from experiments.studies.read_planning.settings import ReadPlanningSettings
from experiments.study import Study


def _train(run: RunFolder, settings: ReadPlanningSettings, ray_address: str | None) -> bool:
    from experiments.studies.read_planning.cells import run_cells  # takes seconds to import; others need it not

    return run_cells(run, settings)


STUDY = Study(
    name="read_planning",
    claim="a critic's advantages help a planner whose plans are only checked for validity",
    settings=ReadPlanningSettings,
    name_run=lambda settings: f"read_planning-{settings.planner}",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
