"""The same tuning effort for each kind of learner: five settings, two seeds that the study does not use.

```
python -m experiments.studies.gmah_trash.tuning RUNS     # trains what is missing below RUNS, keeps results/tuning.csv
python -m experiments.studies.gmah_trash.tuning          # the table of results/tuning.csv
```
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.markdown import to_markdown
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.gmah_trash import STUDY
from experiments.studies.gmah_trash.analysis import late_scores
from experiments.studies.gmah_trash.settings import LABELS, WORLDS

RESULTS = Path(__file__).parent / "results" / "tuning.csv"
SEEDS = [100, 101]  # of no cell of the study
STEPS = 300_000

_VALUES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "half the rate": {"lr": 5e-4},
    "discount 0.97": {"gamma": 0.97},
    "random actions for longer": {"epsilon_share": 0.5, "epsilon": 0.1},
    "twice the updates": {"frames_per_update": 40},
}
_POLICY: dict[str, dict[str, Any]] = {
    "as it is": {},
    "half the rate": {"policy_lr": 3.5e-4},
    "discount 0.97": {"gamma": 0.97},
    "a third of the entropy": {"entropy": 0.003},
    "a tenth of the entropy": {"entropy": 0.001},
}
# By arm, what is tried; the arms of a kind share what is found.
GRID = {"gmah_mixer": _VALUES, "qmix": _VALUES, "mappo": _POLICY}


def tune(folder: Path) -> pd.DataFrame:
    """Trains the grid, and returns one row a run: world, arm, what was tried, seed, and late scores.

    Args:
        folder: Of the runs; those that are there go on, or are done.

    Raises:
        RunError: A run was stopped.
    """
    rows = []
    for world in WORLDS:
        for arm, tried in GRID.items():
            for number, (name, changes) in enumerate(tried.items()):
                told = {"world": world, "arms": [arm], "seeds": SEEDS, "steps": STEPS, **changes}
                run = _open(folder / f"{world}-{arm}-{number}", told)
                settings = STUDY.read_settings(told)
                with run.lock():
                    if not STUDY.train(run, settings, None):
                        raise RunError(f"{run.path} was stopped; the same command goes on")
                    STUDY.evaluate(run, settings)
                rows.append(late_scores(pd.read_csv(run.evaluation_path)).assign(world=world, tried=name))
    return pd.concat(rows)[["world", "arm", "tried", "seed", "judged_delivered", "delivered"]]


def _open(path: Path, told: dict[str, Any]) -> RunFolder:
    if not (path / "settings.json").is_file():
        return RunFolder.create(path, STUDY.name, told)
    run, _, own = RunFolder.open(path)
    if own != told:
        raise RunError(f"{path} is of other settings: choose another folder")
    return run


def make_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns rows of text: of each world, arm and setting the mean over seeds, in evaluations and while learning."""
    table = [["world", "arm", "tried", "pieces delivered, last fifth", "while learning", "seeds"]]
    for (world, arm, name), own in rows.groupby(["world", "arm", "tried"], sort=False):
        scores = [f"{own[column].mean():.2f}" for column in ("judged_delivered", "delivered")]
        table.append([str(world), LABELS[str(arm)], str(name), *scores, str(len(own))])
    return table


def main() -> None:
    """Trains and keeps the grid where a folder is given, and prints its table."""
    if len(sys.argv) > 1:
        rows = tune(Path(sys.argv[1]))
        RESULTS.parent.mkdir(exist_ok=True)
        write_atomically(RESULTS, rows.round(4).to_csv(index=False))
    print(to_markdown(make_table(pd.read_csv(RESULTS))))


if __name__ == "__main__":
    try:
        main()
    except RunError as error:
        sys.exit(str(error))
