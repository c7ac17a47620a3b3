"""Study `rae_driving`: risk-averse PSRO between two cars, beside others. See README.md beside this file."""

from __future__ import annotations

from experiments.populations import results
from experiments.populations.training import train
from experiments.run_folder import RunFolder
from experiments.studies.rae_driving.settings import DrivingStudySettings
from experiments.study import Study

LEAD = (
    "Two cars whose interests cross, each with rewards of its own: time is gained at the risk of a crash. Crashes and "
    "arrivals are counted over both cars of an episode, so that each lies between 0 and 2."
)


def _train(run: RunFolder, settings: DrivingStudySettings, ray_address: str | None) -> bool:
    return train(run, settings, ray_address, settings.duel.replace("_", " "))


def _report(run: RunFolder, settings: DrivingStudySettings) -> None:
    results.report(run, settings, "Two cars under risk aversion", LEAD, ("arrivals", "crashes"))


STUDY = Study(
    name="rae_driving",
    claim="crashes and arrivals of two cars that PSRO drives, by meta-solver and risk aversion",
    settings=DrivingStudySettings,
    name_run=lambda settings: f"rae_driving-{settings.duel}",
    train=_train,
    evaluate=results.evaluate,
    render=None,
    report=_report,
)
