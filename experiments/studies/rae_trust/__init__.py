"""Study `rae_trust`: risk-averse PSRO in the trust dilemma, beside others. See README.md beside this file."""

from __future__ import annotations

from experiments.populations import results
from experiments.populations.training import train
from experiments.run_folder import RunFolder
from experiments.studies.rae_trust.settings import TrustStudySettings
from experiments.study import Study

LEAD = (
    "Two agents may catch a stag together or eat plants alone; alone with the stag one is mauled. Populations begin "
    "with a scripted hunter and a scripted gatherer, so that either convention is within reach of every arm."
)


def _train(run: RunFolder, settings: TrustStudySettings, ray_address: str | None) -> bool:
    return train(run, settings, ray_address, "trust dilemma")


def _report(run: RunFolder, settings: TrustStudySettings) -> None:
    results.report(run, settings, "The trust dilemma under risk aversion", LEAD, ("maulings", "mean"))


STUDY = Study(
    name="rae_trust",
    claim="which convention PSRO settles on in a stag hunt on a grid, by meta-solver and risk aversion",
    settings=TrustStudySettings,
    name_run=lambda settings: f"rae_trust-{settings.world.removeprefix('grid/')}",
    train=_train,
    evaluate=results.evaluate,
    render=None,
    report=_report,
)
