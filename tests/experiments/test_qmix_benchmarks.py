"""The study qmix_benchmarks: small cells, a stop in the midst of one, and its scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from stop_after import StopAfter

from experiments.progress import TrainingProgress
from experiments.run_folder import RunError, RunFolder
from experiments.studies.qmix_benchmarks import STUDY
from experiments.studies.qmix_benchmarks.analysis import late_returns, make_table
from experiments.studies.qmix_benchmarks.settings import IDS, NUM_ENVS, SHARED, TRAINING
from experiments.studies.qmix_benchmarks.training import make_config, open_cell, train
from games.spec import spec

# Three rounds of 16 episodes of 25 steps.
SMALL = {"worlds": ["spread"], "arms": ["vdn"], "seeds": [3], "scale": 0.0006, "evaluations": 3, "episodes": 4}


def test_a_cell_that_was_stopped_ends_as_one_that_was_not(tmp_path, local_ray):
    settings = STUDY.read_settings(SMALL)
    whole, stopped = (RunFolder.create(tmp_path / name, STUDY.name, SMALL) for name in ("whole", "stopped"))
    assert train(whole, settings)
    (cell,) = settings.cells()
    with TrainingProgress("test", cell.steps, 0, Console()) as progress:
        assert not open_cell(cell, stopped.path, settings).train(StopAfter(), progress, 0)
    assert RunFolder(cell.path(stopped.path)).trained_steps() == 2 * NUM_ENVS * 25
    assert train(stopped, settings)
    for run in (whole, stopped):
        STUDY.evaluate(run, settings)
        STUDY.report(run, settings)
        assert run.report_path.exists()
    assert whole.evaluation_path.read_text() == stopped.evaluation_path.read_text()
    assert len(pd.read_csv(whole.evaluation_path)) == 3
    assert train(whole, settings), "nothing is left to do"


def test_a_run_without_rows_says_how_to_go_on(tmp_path):
    run = RunFolder.create(tmp_path / "run", STUDY.name, SMALL)
    with pytest.raises(RunError, match="no cell is trained to its end yet: agora resume"):
        STUDY.evaluate(run, STUDY.read_settings(SMALL))


def test_learners_of_values_differ_in_nothing_but_the_mixer():
    settings = STUDY.read_settings({"seeds": [0], "worlds": list(IDS)})
    for world in IDS:
        found = [
            vars(make_config(cell, settings).factorization_settings())
            for cell in settings.cells()
            if cell.world == world and cell.arm != "mappo"
        ]
        assert [own.pop("mixer") for own in found] == ["none", "vdn", "qmix"]
        assert found[0] == found[1] == found[2]


def test_mappo_has_as_many_steps_as_the_others_and_all_agents_in_its_critic():
    settings = STUDY.read_settings({"seeds": [0], "worlds": ["spread"]})
    qmix, mappo = (next(cell for cell in settings.cells() if cell.arm == arm) for arm in ("qmix", "mappo"))
    assert mappo.steps == qmix.steps
    config = make_config(mappo, settings)
    assert config.team_settings().critic == "central"
    assert config.evaluation_interval == make_config(qmix, settings).evaluation_interval
    assert config.rollout_fragment_length == spec(IDS["spread"]).properties.horizon


def test_the_replay_holds_about_five_thousand_episodes():
    for world, own in TRAINING.items():
        episodes = own["capacity"] / (spec(IDS[world]).properties.horizon + 1)
        assert 3_500 < episodes <= 5_000
        assert SHARED["episodes_per_update"] < episodes


def test_scores_are_means_over_the_last_fifth():
    steps = np.arange(1, 11) * 100
    curves = pd.concat(
        pd.DataFrame({"world": "spread", "arm": "qmix", "seed": seed, "steps": steps, "greedy_return": steps * scale})
        for seed, scale in ((0, 1.0), (1, 2.0))
    )
    assert late_returns(curves)["late"].tolist() == [900, 1800]  # of 800, 900 and 1,000
    assert make_table(curves)[1] == ["simple spread, 3 agents", "QMIX", "1.35e+03", "[900, 1.8e+03]", "2", "1,000"]
