"""Study `overcooked`: two cooks learn to cook together. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.overcooked.evaluation import evaluate, render
from experiments.studies.overcooked.report import report
from experiments.studies.overcooked.settings import OvercookedSettings, name_run
from experiments.study import Study


def _train(run: RunFolder, settings: OvercookedSettings, ray_address: str | None) -> bool:
    from experiments.studies.overcooked.training import train  # Ray takes seconds to import; others need it not

    return train(run, settings, ray_address)


STUDY = Study(
    name="overcooked",
    claim="PPO self-play learns to cook together, better than two scripted cooks",
    settings=OvercookedSettings,
    name_run=name_run,
    train=_train,
    evaluate=evaluate,
    render=render,
    report=report,
)
