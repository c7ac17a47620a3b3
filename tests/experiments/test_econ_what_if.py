"""What-ifs of econ_policy_study: trained workers, as they are and re-adapted, in Ray tasks whose process dies."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import load_file

from experiments.run_folder import RunFolder
from experiments.studies.econ_policy_study import grid
from experiments.studies.econ_policy_study.tables import TABLES, read_table
from experiments.study import find_study

TINY = {
    **{"num_envs": 2, "fragment_steps": 50, "horizon": 100, "minibatch_size": 200, "hidden_sizes": [4]},
    **{"total_steps": 100, "evaluation_episodes": 1, "num_epochs": 1},
}


def train_workers(path: Path) -> None:
    study = find_study("econ_gtb")
    settings = study.read_settings({"tax": "saez"} | TINY)
    assert study.train(RunFolder.create(path, study.name, settings.model_dump(mode="json")), settings, None)


def test_a_what_if_with_and_without_readaptation_survives_a_worker_that_dies(tmp_path, monkeypatch):
    train_workers(tmp_path / "mine")
    (tmp_path / "rates.csv").write_text("schedule,0,10,20,30,40,50,60\nsteep,0,0.2,0.4,0.6,0.8,0.9,1\n")
    study = find_study("econ_policy_study")
    given = {"schedule": str(tmp_path / "rates.csv"), "workers": str(tmp_path / "mine"), "seeds": 0, "episodes": 2}
    settings = study.read_settings(given | {"readapt_steps": 400, "readapt_envs": 2, "parallel": 1})
    assert [policy.name for policy in settings.grid_policies()] == ["saez", "steep"]
    cells = settings.cells()
    assert [cell.adapted for cell in cells] == [False, True, False, True]

    died, play = tmp_path / "died", grid.play_cell

    def play_and_die_once(job):
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return play(job)

    monkeypatch.setattr(grid, "play_cell", play_and_die_once)
    run = RunFolder.create(tmp_path / "run", study.name, settings.model_dump(mode="json"))
    assert grid.run_grid(run, settings, None)
    assert died.exists()

    names = [cell.file_name for cell in cells]
    found = {name: read_table(run, name, names) for name in TABLES}
    assert found["episodes"].groupby(["policy", "adapted"]).size().tolist() == [2, 2, 2, 2]
    steep = found["rates"][found["rates"]["policy"] == "steep"]
    assert steep.groupby("cutoff")["rate"].agg(["min", "max"]).to_numpy().tolist() == [
        [rate, rate] for rate in (0, 0.2, 0.4, 0.6, 0.8, 0.9, 1)
    ]
    # Saez's formula goes on with what it saw in training; re-adapted, with 4 incomes of each of two envs on 20 tax days
    # more, of which the last ones come when the next period begins.
    known = len(json.loads((run.path / "players" / "workers" / "mine" / "saez.json").read_text())["samples"])
    assert known > 0
    as_trained, adapted = found["estimates"].groupby("adapted")["samples"].min()
    assert as_trained == known
    assert 18 * 8 <= adapted - known <= 20 * 8
    own, other = run.path / "players" / "workers" / "mine", grid.adapted_path(run, cells[3])
    before, after = (load_file(path / "policy.safetensors") for path in (own, other))
    assert before.keys() == after.keys()
    assert any("value" in name for name in load_file(own / "weights.safetensors"))  # which goes on too
    assert all((before[name] != after[name]).any() for name in before)
    # Two updates at this learning rate move no weight by more than a few thousandths.
    assert max(np.abs(before[name] - after[name]).max() for name in before) < 0.02

    # What died and was done again is what would have been without.
    monkeypatch.setattr(grid, "play_cell", play)
    alone = RunFolder.create(tmp_path / "alone", study.name, settings.model_dump(mode="json"))
    quiet = settings.model_copy(update={"parallel": 0, "readapt_steps": 0})
    torch.set_num_threads(1)
    assert grid.run_grid(alone, quiet, None)
    unadapted = [name for name in names if not name.endswith("-adapted")]
    for name in TABLES:
        pd.testing.assert_frame_equal(read_table(run, name, unadapted), read_table(alone, name, unadapted))
    study.report(run, settings)
    assert "mine re-adapted" in run.report_path.read_text()
