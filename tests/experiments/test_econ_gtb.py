"""The study econ_gtb: what it measures, by hand and on scripted workers; a run that is stopped and goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import econ  # noqa: F401 - registers its worlds
import games
from agents.settlers import TradingSettler
from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_gtb.analysis import marks, measure, measure_gain, spearman
from experiments.studies.econ_gtb.evaluation import (
    NOTHING_DONE,
    describe_rates,
    describe_workers,
    newest_policies,
    play,
)
from experiments.study import find_study
from games.recording import Recording

TINY = {
    **{"num_envs": 5, "fragment_steps": 50, "horizon": 100, "minibatch_size": 500, "hidden_sizes": [8]},
    **{"checkpoint_every_s": 60, "evaluation_episodes": 2, "warm_up_steps": 1000, "num_epochs": 1},
}


def test_sales_of_scripted_traders_cancel_out_and_the_worst_paid_live_of_them():
    settings = {"tax_model": "us_federal", "tax_period": 50, "horizon": 200, "autoreset": "disabled"}
    batch = games.make_batch("econ/gather_trade_build_v0", 1, seed=1, **settings)
    batch.reset()
    workers, planner = batch.groups["workers"], batch.groups["planner"]
    paid = np.zeros(4)
    assert batch.fields(0)["utilities"] == pytest.approx([NOTHING_DONE] * 4)
    for _ in range(200):
        actions = np.stack([TradingSettler().act(batch, agent) for agent in workers.agents], axis=1)
        batch.step({"workers": actions, "planner": np.zeros_like(planner.actions)})
        if planner.infos["tax_day"][0, 0]:
            paid += workers.infos["tax"][0] - workers.infos["tax"][0].mean()
    assert abs(paid).max() > 1
    table = describe_workers(batch.fields(0), paid)
    assert table["rank"].tolist() == [0, 1, 2, 3]
    assert table["payment"].tolist() == [11.3316, 13.2671, 16.4724, 22.2496]
    assert table["sales"].sum() == pytest.approx(0, abs=0.01)
    assert table["sales"].iloc[3] < 0
    assert (table["sales"].iloc[:3] >= 0).all()
    assert table["sales"].iloc[:3].sum() > 10
    assert table["houses"].iloc[3] == table["houses"].sum() > 0


def test_marks_by_hand():
    episodes = pd.DataFrame({"productivity": [2000.0, 2400], "equality": [0.5, 0.7]})
    episodes["equality_productivity"] = episodes["productivity"] * episodes["equality"]
    episodes = episodes.assign(utilitarian=[1.0, 2], inverse_income_utility=[3.0, 5], rawlsian=[-4.0, 0])
    rank, episode = [0, 1, 2, 3] * 2, [0] * 4 + [1] * 4
    workers = pd.DataFrame({"rank": rank, "episode": episode, "houses": [0, 1, 2, 9, 3, 2, 1, 0]})
    workers["coin"] = [5, 6, 7, 90, 5, 6, 7, 90]
    workers["sales"] = [3, 4, 0, -7, 3, -1, 0, -2]
    workers["utility"] = [1, 2, 3, 4, -5, 2, 3, 4]
    found = measure(episodes, workers)
    assert list(found.values()) == pytest.approx([2200, 0.6, (1000 + 1680) / 2, 1.5, 4, -2, 1, 0.5, 0.5, 0, -2])
    assert [row[3] for row in marks(found)[1:]] == ["yes", "", "", "", "", "", "yes", "no", "no", "no", "no"]
    assert marks({"rank correlation of pay and houses": 0.8})[1][3] == "yes"  # at least, not more than
    assert spearman(pd.Series([0, 1, 2, 3]), pd.Series([0, 0, 1, 2])) == pytest.approx(0.9486833)  # scipy 1.17's
    assert spearman(pd.Series([0, 1]), pd.Series([4, 4])) == 0


def test_a_run_under_saezs_formula_goes_on_with_what_the_formula_knew(tmp_path: Path, local_ray: None):
    study = find_study("econ_gtb")
    settings = study.read_settings({"tax": "saez", "total_steps": 1000, **TINY})
    run = RunFolder.create(tmp_path / "run", study.name, settings.model_dump(mode="json"))
    with pytest.raises(RunError, match="no checkpoint yet"):
        study.evaluate(run, settings)
    assert study.train(run, settings, None)
    longer = study.read_settings({"tax": "saez", "total_steps": 2000, **TINY})
    assert study.train(run, longer, None)
    rows = run.read_metrics()
    assert [row["steps"] for row in rows] == list(range(250, 2001, 250))
    assert rows[5]["labor_weight"] == pytest.approx(1 - np.exp(-1250 / 1000), abs=1e-6)
    saez = json.loads((run.latest_checkpoint() / "saez.json").read_text())
    # The latest 500 of 800 incomes: four episodes of five envs, ten tax days of four workers each.
    assert len(saez["samples"]) == 500
    assert max(saez["average_rates"]) > 0
    study.evaluate(run, longer)
    workers = pd.read_csv(run.path / "workers.csv")
    assert workers.groupby("episode")["sales"].sum().abs().max() < 0.01
    study.report(run, longer)
    assert "of 6 marks met" in run.report_path.read_text()
    study.render(run, longer)
    recording = Recording.load(run.replay_path / "episode.jsonl")
    assert len(recording.actions) == longer.horizon
    assert recording.fields()[-1]["tax_rates"].max() > 0
    assert (run.replay_path / "episode.mp4").stat().st_size > 0


@pytest.mark.learn
def test_a_planner_learns_with_workers_of_phase_1_and_then_one_worker_alone(tmp_path: Path, local_ray: None):
    study = find_study("econ_gtb")

    def run_one(name: str, **given: Any) -> RunFolder:
        settings = study.read_settings({**TINY, **given})
        run = RunFolder.create(tmp_path / name, study.name, settings.model_dump(mode="json"))
        assert study.train(run, settings, None)
        if name != "first":
            study.evaluate(run, settings)
        return run

    first = run_one("first", tax="free_market", total_steps=250)
    federal = study.read_settings({**TINY, "tax": "us_federal"})
    rates = describe_rates(play(federal, newest_policies(first))).groupby("bracket", sort=False)["rate"].mean()
    assert rates.tolist() == pytest.approx([0.1, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37], abs=1e-4)  # of 2019
    started = {"start": str(first.path), "seed": 1}
    second = run_one("second", tax="planner", total_steps=1000, annealing_share=0.5, **started)
    rows = second.read_metrics()
    assert [row["labor_weight"] for row in rows] == [1] * 4
    assert {path.name for path in (second.path / "start").iterdir()} >= {"policy.json", "weights.safetensors"}
    rates = pd.read_csv(second.path / "rates.csv")
    assert len(rates) == 10 * 7
    assert rates["rate"].max() > 0
    episodes = pd.read_csv(second.evaluation_path)
    assert (episodes["rawlsian"] <= episodes["utilitarian"]).all()
    with pytest.raises(RunError, match="needs the taxes of its start, tax=planner; got flat"):
        run_one("wrong", tax="flat", learns="one_worker", start=str(second.path), minibatch_size=100)
    alone = run_one(
        "alone", tax="planner", learns="one_worker", start=str(second.path), total_steps=250, minibatch_size=100
    )
    found = pd.read_csv(alone.evaluation_path)
    assert list(found.columns) == ["before", "after"]
    study.report(alone, study.read_settings(RunFolder.open(alone.path)[2]))
    assert "One worker that learns on" in alone.report_path.read_text()


def test_what_a_worker_gains_alone_by_hand():
    gain = measure_gain(pd.DataFrame({"before": [-10.0, -30], "after": [-9.0, -27]}))
    assert gain == pytest.approx(
        {"utility": -20, "gain": 2, "gain_low": 1, "gain_high": 3, "share": 0.1, "share_low": 0.05, "share_high": 0.15}
    )


def test_the_limit_on_a_planners_rates_rises_from_its_first_to_the_whole():
    read = find_study("econ_gtb").read_settings
    settings = read({"tax": "planner", "num_envs": 10, "horizon": 100, "total_steps": 20_000, "minibatch_size": 100})
    start, slope = settings.training_world()["tax_annealing"]
    # 20 episodes of each env, 30 % of them with a limit below 100 %.
    limits = [slope * (episodes - start) for episodes in (0, 3, 6)]
    assert limits == pytest.approx([0.1, 0.55, 1])
    assert "tax_annealing" not in settings.world_settings()
    assert "tax_annealing" not in read({"tax": "flat"}).training_world()


def test_a_minibatch_larger_than_what_is_played_is_refused():
    with pytest.raises(RunError, match="minibatch_size must be at most num_envs x fragment_steps x 4 = 200, got 500"):
        find_study("econ_gtb").read_settings(TINY | {"num_envs": 1})
    with pytest.raises(RunError, match="learns=one_worker needs start"):
        find_study("econ_gtb").read_settings({"learns": "one_worker"})
