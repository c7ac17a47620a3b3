"""Study `psro`: a sweep of policy-space response oracles. See README.md beside this file."""

from __future__ import annotations

from experiments.studies.psro.evaluation import evaluate
from experiments.studies.psro.replay import render
from experiments.studies.psro.report import report
from experiments.studies.psro.settings import SweepSettings
from experiments.studies.psro.training import train
from experiments.study import Study

STUDY = Study(
    name="psro",
    claim="policy-space response oracles on any world: meta-solvers side by side, and how far from an equilibrium",
    settings=SweepSettings,
    name_run=lambda settings: f"psro-{settings.world.replace('/', '-')}",
    train=train,
    evaluate=evaluate,
    render=render,
    report=report,
)
