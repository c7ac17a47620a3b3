"""Study `read_overcooked`: any language model as the planner of ReAd's kitchens. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.read_overcooked.analysis import evaluate, report
from experiments.studies.read_overcooked.settings import ReadOvercookedSettings
from experiments.study import Study


def _train(run: RunFolder, settings: ReadOvercookedSettings, ray_address: str | None) -> bool:
    from experiments.studies.read_overcooked.playing import play_all  # takes seconds to import; others need it not

    return play_all(run, settings)


STUDY = Study(
    name="read_overcooked",
    claim="any language model behind a chat-completions server plans for two cooks, with and without a critic",
    settings=ReadOvercookedSettings,
    name_run=lambda settings: f"read_overcooked-{settings.planner}",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
