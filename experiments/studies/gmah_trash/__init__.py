"""Study `gmah_trash`: subgoals over a mixer beside flat learners. See README.md beside this file."""

from __future__ import annotations

from experiments.run_folder import RunFolder
from experiments.studies.gmah_trash.analysis import evaluate, report
from experiments.studies.gmah_trash.settings import GmahTrashSettings
from experiments.study import Study


def _train(run: RunFolder, settings: GmahTrashSettings, ray_address: str | None) -> bool:
    from experiments.studies.gmah_trash.training import train  # Ray takes seconds to import; others need it not

    return train(run, settings)


def _render(run: RunFolder, settings: GmahTrashSettings) -> None:
    from experiments.studies.gmah_trash.replay import render

    render(run, settings)


STUDY = Study(
    name="gmah_trash",
    claim="GMAH-style subgoals with and without a mixer, and flat learners, at equal frames on trash",
    settings=GmahTrashSettings,
    name_run=lambda settings: "gmah_trash",
    train=_train,
    evaluate=evaluate,
    render=_render,
    report=report,
    takes_cluster=False,
)
