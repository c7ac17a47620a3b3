"""Workers and planners of the one-step economy learn, five seeds (45 minutes on one core)."""

import pandas as pd
import pytest

from experiments.run_folder import RunFolder
from experiments.studies.econ_one_step.analysis import RIVALS, is_near
from experiments.study import find_study


@pytest.mark.learn
@pytest.mark.timeout(4 * 3600)
def test_workers_learn_to_answer_taxes_and_planners_to_set_them(tmp_path):
    study = find_study("econ_one_step")
    settings = study.settings()
    run = RunFolder.create(tmp_path / "one_step", study.name, settings.model_dump(mode="json"))
    assert study.train(run, settings, None)
    study.evaluate(run, settings)
    regrets = pd.read_csv(run.path / "regrets.csv")
    assert (regrets.groupby("economy")["regret"].mean() < 0.01).all(), regrets
    # Of single schedules and seeds, 2.7 % at most are committed.
    assert (regrets.groupby("economy")["regret"].max() < 0.04).all(), regrets
    # One seed in five may fail, as one of fifteen did in the committed results.
    scores = pd.read_csv(run.evaluation_path)
    middle = scores.groupby(["economy", "objective"])[["share_of_best", "welfare", *RIVALS]].median()
    assert len(middle) == 3
    assert (middle["share_of_best"] >= 0.99).all(), scores
    assert (middle["welfare"] > middle[RIVALS].max(axis=1)).all(), scores
    # All should be; 40 of 60 were (README). Of 21 levels drawn at random at most 5 are near.
    near = is_near(pd.read_csv(run.path / "rates.csv"))
    assert near.mean() > 0.5, f"{near.sum()} of {len(near)}"
