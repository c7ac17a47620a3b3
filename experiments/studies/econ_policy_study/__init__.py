"""Study `econ_policy_study`: what tax policies do to an economy. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.econ_policy_study.analysis import evaluate
from experiments.studies.econ_policy_study.replay import render
from experiments.studies.econ_policy_study.report import report
from experiments.studies.econ_policy_study.settings import PolicyStudySettings, name_run
from experiments.study import Study


def _train(run: RunFolder, settings: PolicyStudySettings, ray_address: str | None) -> bool:
    from experiments.studies.econ_policy_study.grid import run_grid  # Ray takes seconds to import; others need it not

    return run_grid(run, settings, ray_address)


STUDY = Study(
    name="econ_policy_study",
    claim="what tax policies do to an economy: any policies, workers and maps side by side, and what-ifs for trained "
    "workers",
    settings=PolicyStudySettings,
    name_run=name_run,
    train=_train,
    evaluate=evaluate,
    render=render,
    report=report,
)
