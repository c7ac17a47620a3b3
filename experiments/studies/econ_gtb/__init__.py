"""Study `econ_gtb`: workers learn to gather, trade and build under a tax. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.econ_gtb.evaluation import evaluate, render
from experiments.studies.econ_gtb.report import report
from experiments.studies.econ_gtb.settings import GtbSettings, name_run
from experiments.study import Study


def _train(run: RunFolder, settings: GtbSettings, ray_address: str | None) -> bool:
    from experiments.studies.econ_gtb.training import train  # Ray takes seconds to import; others need it not

    return train(run, settings, ray_address)


STUDY = Study(
    name="econ_gtb",
    claim="trains PPO workers of gather-trade-build under a tax that is given or learned; what runs show together is "
    "econ_gtb_taxes'",
    settings=GtbSettings,
    name_run=name_run,
    train=_train,
    evaluate=evaluate,
    render=render,
    report=report,
)
