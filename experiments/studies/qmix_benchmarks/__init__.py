"""Study `qmix_benchmarks`: IQL, VDN and QMIX on cooperative worlds. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.qmix_benchmarks.analysis import evaluate, report
from experiments.studies.qmix_benchmarks.settings import BenchmarkSettings
from experiments.study import Study


def _train(run: RunFolder, settings: BenchmarkSettings, ray_address: str | None) -> bool:
    from experiments.studies.qmix_benchmarks.training import train  # Ray takes seconds to import; others need it not

    return train(run, settings)


STUDY = Study(
    name="qmix_benchmarks",
    claim="QMIX, VDN, independent Q-learning and MAPPO compared at equal budgets on foraging and simple spread",
    settings=BenchmarkSettings,
    name_run=lambda settings: "qmix_benchmarks",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
