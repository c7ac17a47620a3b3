"""Study `runner_agreement`: stock algorithms on either runner. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.runner_agreement.analysis import evaluate, report
from experiments.studies.runner_agreement.settings import AgreementSettings
from experiments.study import Study


def _train(run: RunFolder, settings: AgreementSettings, ray_address: str | None) -> bool:
    from experiments.studies.runner_agreement.cells import run_cells  # Ray takes seconds to import; others need it not

    return run_cells(run, settings)


STUDY = Study(
    name="runner_agreement",
    claim="RLlib's PPO, IMPALA, DQN and SAC learn alike on the batched runner and on RLlib's own; "
    "APPO and prioritized DQN more",
    settings=AgreementSettings,
    name_run=lambda settings: "runner_agreement",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
