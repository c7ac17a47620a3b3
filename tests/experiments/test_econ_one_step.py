"""The study econ_one_step: its ground truth against published numbers, its measures by hand, its committed results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import games
from agents.rational_worker import RationalWorker, SchedulePlanner, best_hours
from econ.taxation import flat, free_market, us_federal
from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_one_step import evaluation
from experiments.studies.econ_one_step.analysis import RESULTS, RIVALS, is_near
from experiments.studies.econ_one_step.causes import NoisyEconomy, failed_schedule
from experiments.studies.econ_one_step.cells import train_cell
from experiments.studies.econ_one_step.exact import ExactEconomy, best_schedule, populated_brackets, saez_schedule
from experiments.studies.econ_one_step.settings import ECONOMIES, world_config
from experiments.study import find_study

A, B = (world_config(ECONOMIES[name]) for name in "AB")
UTILITY, PRODUCT = "inverse_income_utility", "equality_productivity"


# Measured on ai-economist 1.7.1 with exact best responses, for all three schedules and what is best for a planner.
@pytest.mark.parametrize(
    ("config", "objective", "free", "federal", "saez"),
    [(A, UTILITY, 61.071, 64.062, 64.747), (B, UTILITY, 40.015, 44.484, 43.947), (B, PRODUCT, 72.865, 64.752, 63.066)],
)
def test_welfare_of_known_schedules_is_the_packages(config, objective, free, federal, saez):
    exact = ExactEconomy(config)
    assert exact.welfare_of(free_market(), objective) == pytest.approx(free, abs=1e-3)
    assert exact.welfare_of(us_federal(), objective) == pytest.approx(federal, abs=1e-3)
    # The damped iteration of the package's formula does not say where it stops.
    assert exact.welfare_of(saez_schedule(config), objective) == pytest.approx(saez, abs=0.02)


def test_committed_references_are_at_least_the_best_that_was_found_before():
    references = evaluation.read_references()
    for economy, objective, best in (("A", UTILITY, 65.335), ("B", UTILITY, 46.083), ("B", PRODUCT, 74.0195)):
        row = references.loc[(economy, f"best found, {objective}")]
        assert row[objective] >= best
        config = world_config(ECONOMIES[economy])
        schedule = config.schedule([row[f"rate_{cutoff:g}"] for cutoff in config.cutoffs])
        assert ExactEconomy(config).welfare_of(schedule, objective) == pytest.approx(row[objective], abs=1e-4)
        workers = [row[f"workers_{cutoff:g}"] for cutoff in config.cutoffs]
        assert populated_brackets(config, schedule).tolist() == workers


@pytest.mark.parametrize("objective", [UTILITY, PRODUCT])
def test_exact_welfare_is_what_rational_workers_make_of_the_world(objective):
    schedule = B.schedule([0.5, 0.1, 0.25, 0.4, 0.3, 0.2, 0.0])
    batch = games.make_batch("econ/one_step_elastic_v0", 1, objective=objective, tax_model="planner_rates")
    batch.reset()
    for _ in range(2):
        worker, planner = RationalWorker(), SchedulePlanner(schedule)
        hours = np.stack([worker.act(batch, agent) for agent in batch.groups["workers"].agents], axis=1)
        batch.step({"workers": hours, "planner": planner.act(batch, "planner_0")[:, None]})
    found = batch.episode_statistics["welfare"][0]
    assert ExactEconomy(B).welfare_of(schedule, objective) == pytest.approx(found, rel=1e-6)


def test_coordinate_ascent_stops_where_no_single_change_helps():
    config = games.spec("econ/one_step_v0").config(num_workers=10, rate_step=0.25)
    schedule, exact = best_schedule(config, UTILITY, num_starts=2), ExactEconomy(config)
    best = exact.welfare_of(schedule, UTILITY)
    assert best > exact.welfare_of(free_market(), UTILITY)
    for b in range(len(config.cutoffs)):
        for rate in config.rate_levels:
            rates = schedule.rates.copy()
            rates[b] = rate
            assert exact.welfare_of(config.schedule(rates), UTILITY) <= best + 1e-9


def test_regret_is_zero_at_the_best_and_worked_out_by_hand_elsewhere():
    config = games.spec("econ/one_step_elastic_v0").config(num_workers=2, skills=(1.2, 2.4), labor_cost=0.012)
    schedules = [free_market(), flat(0.5)]
    best = np.stack([best_hours(config, schedule) for schedule in schedules])
    assert best.tolist() == [[50, 100], [25, 50]]
    assert evaluation.regret_shares(config, schedules, best).tolist() == [0, 0]
    # Utility s (1 - t) h - 0.012 h^2. Free market: 30 and 120 at best; ten hours less cost 0.012 * 100 = 1.2 each.
    # Half of it taxed: 7.5 and 30 at best, and a lump sum of (15 + 60) / 2 = 37.5 for each: 56.25 in the mean.
    found = evaluation.regret_shares(config, schedules, best - 10)
    assert found == pytest.approx([1.2 / 75, 1.2 / 56.25])


def test_a_short_run_is_trained_evaluated_and_reported(tmp_path: Path, local_ray: None):
    study = find_study("econ_one_step")
    sizes = {"num_envs": 4, "worker_episodes": 3, "planner_episodes": 3, "hidden_sizes": [8], "minibatch_size": 400}
    settings = study.read_settings({"economies": ["A"], "seeds": [0], **sizes})
    run = RunFolder.create(tmp_path / "run", study.name, settings.model_dump(mode="json"))
    with pytest.raises(RunError, match="not trained to the end"):
        study.evaluate(run, settings)
    train_cell(*settings.cells(), settings, run.path)
    assert study.train(run, settings, None)  # nothing is left to do
    study.evaluate(run, settings)
    study.report(run, settings)
    scores = pd.read_csv(run.evaluation_path)
    assert scores[["economy", "objective", "seed"]].to_numpy().tolist() == [["A", UTILITY, 0]]
    assert (scores[[*RIVALS, "best_found"]].to_numpy() == [[61.0715, 64.0617, 64.7482, 65.3355]]).all()
    regrets = pd.read_csv(run.path / "regrets.csv")
    assert len(regrets) == 23
    assert (regrets["regret"] > 0.01).all()  # they have learned nothing yet
    assert "<svg" in run.report_path.read_text()


def test_committed_results_are_what_the_readme_says():
    scores, regrets, rates = (pd.read_csv(RESULTS / f"{name}.csv") for name in ("evaluation", "regrets", "rates"))
    assert (scores.groupby(["economy", "objective"])["seed"].nunique() == 5).all()
    failed = (scores["share_of_best"] < 0.99) | (scores["welfare"] <= scores[RIVALS].max(axis=1))
    assert scores[failed][["economy", "seed"]].to_numpy().tolist() == [["A", 2]]
    assert scores[failed]["welfare_with_trained_workers"].item() == pytest.approx(64.50, abs=0.005)
    assert (regrets.groupby(["economy", "seed"])["regret"].mean() < 0.01).all()
    is_random = regrets["schedule"].str.startswith("random")
    assert (regrets[~is_random]["regret"] < 0.009).all()
    assert regrets[is_random].groupby(["economy", "seed"])["regret"].mean().max() == pytest.approx(0.0105, abs=5e-5)
    near = is_near(rates)
    assert (near.sum(), len(near)) == (40, 60)


def test_the_planner_that_failed_takes_all_where_some_workers_can_do_without():
    failed, exact = failed_schedule(), ExactEconomy(A)
    assert exact.welfare_of(failed, UTILITY) == pytest.approx(59.33, abs=0.005)
    assert best_hours(A, failed)[:6].tolist() == [10, 10, 10, 10, 10, 54]
    assert failed.rates[1] == 1
    milder = A.schedule(np.where(np.arange(7) == 1, 0.9, failed.rates))
    assert exact.welfare_of(milder, UTILITY) == pytest.approx(65.02, abs=0.005)


def test_workers_who_hardly_draw_are_exact_ones():
    schedule = B.schedule([0.5, 0.1, 0.25, 0.4, 0.3, 0.2, 0.0])
    exact = ExactEconomy(B).welfare_of(schedule, UTILITY)
    assert NoisyEconomy(B, 1e-4).welfare_of(schedule, UTILITY) == pytest.approx(exact, abs=1e-3)
    assert NoisyEconomy(B, 2.0).welfare_of(schedule, UTILITY) < exact - 0.5
