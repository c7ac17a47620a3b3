"""Study `qarl`: one method of adversarial training in one world, many seeds at once. See README.md beside this file."""

from __future__ import annotations

from experiments.studies.qarl.evaluation import evaluate
from experiments.studies.qarl.report import report
from experiments.studies.qarl.settings import QarlSettings
from experiments.studies.qarl.training import train
from experiments.study import Study

STUDY = Study(
    name="qarl",
    claim="trains and judges protagonists under one of QARL's methods; what they show together is qarl_robustness'",
    settings=QarlSettings,
    name_run=lambda settings: f"qarl-{settings.method}-{settings.world.split('/')[-1].removesuffix('_v0')}",
    train=train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
