"""The tuning grid of gmah_trash: equal for all, kept, and not begun anew."""

import pandas as pd
import pytest

from experiments.run_folder import RunError
from experiments.studies.gmah_trash import STUDY, tuning
from experiments.studies.gmah_trash.settings import FLAT, GMAH, POLICY_GRADIENT


def test_each_kind_of_learner_is_tuned_as_much():
    assert len({len(tried) for tried in tuning.GRID.values()}) == 1
    for kind in (GMAH, FLAT, POLICY_GRADIENT):
        assert sum(arm in kind for arm in tuning.GRID) == 1
    for arm, tried in tuning.GRID.items():
        for changes in tried.values():
            STUDY.read_settings({"arms": [arm], **changes})
    assert not set(tuning.SEEDS) & set(STUDY.read_settings({}).seeds)


def test_a_grid_is_trained_once_and_tabled(tmp_path, monkeypatch, local_ray):
    small = {"horizon": 8, "evaluations": 3, "episodes": 4}
    monkeypatch.setattr(tuning, "WORLDS", ["short"])
    monkeypatch.setattr(tuning, "GRID", {"qmix": {"as it is": small, "other": {**small, "gamma": 0.5}}})
    monkeypatch.setattr(tuning, "STEPS", 256)
    rows = tuning.tune(tmp_path)
    assert rows["tried"].tolist() == ["as it is", "as it is", "other", "other"]
    assert rows["seed"].tolist() == [100, 101, 100, 101]
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("**/metrics.csv")}
    assert len(written) == 4
    pd.testing.assert_frame_equal(tuning.tune(tmp_path), rows)
    assert {path: path.stat().st_mtime_ns for path in written} == written, "nothing was trained again"
    table = tuning.make_table(rows.assign(judged_delivered=[1.0, 2.0, 3.0, 5.0], delivered=0.5))
    assert [row[3:] for row in table[1:]] == [["1.50", "0.50", "2"], ["4.00", "0.50", "2"]]
    monkeypatch.setattr(tuning, "STEPS", 384)
    with pytest.raises(RunError, match="is of other settings"):
        tuning.tune(tmp_path)
