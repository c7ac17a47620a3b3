"""Study `qarl_robustness`: is QARL more robust than its rivals, judged alike? See README.md beside this file."""

from __future__ import annotations

from rich.console import Console

from experiments.run_folder import RunFolder
from experiments.studies.qarl_robustness.analysis import evaluate
from experiments.studies.qarl_robustness.report import report
from experiments.studies.qarl_robustness.settings import RobustnessSettings, make_jobs
from experiments.study import Study
from experiments.sweep import run_jobs


def _train(run: RunFolder, settings: RobustnessSettings, ray_address: str | None) -> bool:
    for line in settings.doubts():
        Console(stderr=True).print(line)
    return run_jobs("QARL and rivals", make_jobs(run, settings), settings.parallel, ray_address)


STUDY = Study(
    name="qarl_robustness",
    claim="measures how robust QARL's protagonists are beside those of five rivals; not claimed yet",
    settings=RobustnessSettings,
    name_run=lambda settings: "qarl_robustness",
    train=_train,
    evaluate=evaluate,
    render=None,
    report=report,
    takes_cluster=False,
)
