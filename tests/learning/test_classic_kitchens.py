"""All five classic kitchens are learnt, three seeds each (half an hour to an hour on two cores)."""

import pandas as pd
import pytest

from experiments.run_folder import RunFolder
from experiments.study import find_study

# Least return of any seed: well below what was measured (experiments/studies/overcooked_layouts/results), and more than
# the five soups that a pair must agree on to be called cooking together.
LEAST_RETURN = 100


@pytest.mark.learn
@pytest.mark.timeout(4 * 3600)
def test_every_classic_kitchen_is_learnt(tmp_path):
    study = find_study("overcooked_layouts")
    settings = study.settings()
    run = RunFolder.create(tmp_path / "layouts", study.name, settings.model_dump(mode="json"))
    assert study.train(run, settings, None)
    study.evaluate(run, settings)
    scores = pd.read_csv(run.evaluation_path)
    assert len(scores) == 15
    assert scores.groupby("layout")["trained"].min().min() >= LEAST_RETURN, scores
    cramped = scores[scores["layout"] == "cramped_room"]
    assert (cramped["trained"] > cramped["greedy"]).all(), cramped
