"""The study econ_gtb_taxes: which runs wait for which, and what it makes of theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_gtb_taxes import make_jobs
from experiments.studies.econ_gtb_taxes.analysis import interval, make_tables, outcome_table
from experiments.study import find_study
from experiments.sweep import Job, _next_ready

STUDY = find_study("econ_gtb_taxes")


def test_each_run_waits_for_the_one_that_it_begins_with(tmp_path: Path):
    settings = STUDY.read_settings({"taxes": ["free_market", "planner"], "seeds": [4, 5], "phase_1_steps": 1_000_000})
    jobs = make_jobs(RunFolder(tmp_path), settings)
    assert [job.path.name for job in jobs] == [
        *("phase1-seed4", "free_market-seed4", "planner-seed4", "phase1-seed5", "free_market-seed5", "planner-seed5"),
        *("free_market-seed4-alone", "planner-seed4-alone", "free_market-seed5-alone", "planner-seed5-alone"),
    ]
    assert all(job.settings.get("start") == (str(job.needs[0]) if job.needs else None) for job in jobs)
    assert [job.total_steps for job in (jobs[0], jobs[1], jobs[-1])] == [1_000_000, 4_000_000, 500_000]
    gtb = find_study("econ_gtb")
    assert {gtb.read_settings(job.settings).learns for job in jobs} == {"all", "one_worker"}
    together, alone = (gtb.read_settings(job.settings) for job in (jobs[1], jobs[-1]))
    assert alone.learning_rate == pytest.approx(together.learning_rate * together.final_share), "as phase 2 ends"
    assert alone.entropy_coefficient == pytest.approx(together.entropy_coefficient * together.final_share)
    started: list[Job] = []
    while (job := _next_ready(jobs, started)) is not None:
        jobs.remove(job)
        started.append(job)
    assert [job.path.name for job in started] == ["phase1-seed4", "phase1-seed5"]
    job = _next_ready(jobs, started[1:])
    assert job is not None
    assert job.path.name == "free_market-seed4"


def write_run(path: Path, rows: int, **tables: pd.DataFrame) -> None:
    run = RunFolder.create(path, "econ_gtb", {"total_steps": 2000})
    for steps in range(1000, 1000 * rows + 1, 1000):
        run.append_metrics(
            {"steps": steps, "seconds": 7.0, "productivity": 50.0, "equality": 0.5, "mean_utility": float(steps)}
        )
    for name, table in tables.items():
        (path / f"{name}.csv").write_text(table.to_csv(index=False))
    (path / "checkpoints" / f"{2000:012d}").mkdir(parents=True)
    (path / "report.html").write_text("")


def played(productivity: float) -> dict[str, pd.DataFrame]:
    episodes = pd.DataFrame({"productivity": [productivity - 100, productivity + 100], "equality": [0.4, 0.6]})
    episodes["equality_productivity"] = episodes["productivity"] * episodes["equality"]
    episodes = episodes.assign(utilitarian=10.0, inverse_income_utility=5.0, rawlsian=1.0)
    workers = pd.DataFrame({"rank": [0, 1, 2, 3] * 2, "episode": [0] * 4 + [1] * 4, "payment": [11.0, 13, 16, 22] * 2})
    workers = workers.assign(houses=workers["rank"], coin=workers["payment"], sales=1.0, labor=5.0, utility=2.0)
    rates = pd.DataFrame({"period": [0, 1, 0, 1], "bracket": [0, 0, 9.7, 9.7], "rate": [0.1, 0.3, 0.5, 0.5]})
    return {"evaluation": episodes, "workers": workers, "rates": rates}


def test_complete_runs_are_gathered_and_the_others_left_out(tmp_path: Path):
    given: dict[str, Any] = {"taxes": ["free_market", "planner"], "phase_1_steps": 2000, "phase_2_steps": 2000}
    settings = STUDY.read_settings({**given, "seeds": [0, 1], "gain_share": 0.5})
    run = RunFolder.create(tmp_path / "run", STUDY.name, settings.model_dump(mode="json"))
    with pytest.raises(RunError, match="no run of phase 2 is complete yet"):
        STUDY.evaluate(run, settings)
    jobs = run.path / "jobs"
    for seed in (0, 1):
        write_run(jobs / f"phase1-seed{seed}", 2)
        write_run(jobs / f"free_market-seed{seed}", 2, **played(2200.0 - 200 * seed))
    gain = pd.DataFrame({"before": [10.0, 30], "after": [11.0, 33]})
    write_run(jobs / "free_market-seed0-alone", 1, evaluation=gain)
    STUDY.evaluate(run, settings)
    scores = pd.read_csv(run.evaluation_path)
    assert scores["seed"].tolist() == [0, 1]
    assert scores["phase_2_steps"].tolist() == [2000, 2000]
    assert scores["share"].tolist() == pytest.approx([0.1, np.nan], nan_ok=True)
    STUDY.report(run, settings)
    names = ("evaluation", "episodes", "ranks", "rates", "curves")
    outcome, welfare, marks, rates = make_tables({name: pd.read_csv(run.path / f"{name}.csv") for name in names})
    assert outcome[1][:2] == ["free market", "2"]
    assert outcome[1][2] == "0.0"
    assert outcome[1][3].startswith("2100 (")
    assert outcome[1][6] == "3285, 0.39, 1278"
    assert welfare[1] == ["free market", "10.0 (10.0 to 10.0)", "5.0 (5.0 to 5.0)", "1.0 (1.0 to 1.0)"]
    assert marks[1] == ["productivity", ">= 2100.00", "2100.00 (1 of 2)"]
    assert marks[-1][1:] == ["<= 10%", "10%, +2.0 (1 of 1)"]
    assert rates[1] == ["free market", "0.20", "0.50"]
    assert json.loads((run.path / "settings.json").read_text())["study"] == "econ_gtb_taxes"


def test_the_interval_of_one_seed_is_that_of_its_episodes_and_of_equal_seeds_a_point():
    assert interval([np.full(5, 3.0), np.full(9, 3.0)]) == (3, 3)
    low, high = interval([np.array([0.0, 1] * 50)])
    # Half a wide: 1.96 standard errors of 0.05.
    assert (low, high) == (pytest.approx(0.402, abs=0.02), pytest.approx(0.598, abs=0.02))
    wide = interval([np.zeros(4), np.ones(4)])
    assert wide == (0, 1)


def test_taxes_that_the_paper_has_not_stand_without_its_numbers():
    episodes = pd.DataFrame({"tax": ["flat"] * 2, "seed": [0, 0], "productivity": [1.0, 3], "equality": [0.5, 0.5]})
    scores = pd.DataFrame({"tax": ["flat"] * 2, "phase_1_steps": [8e6, 8e6], "phase_2_steps": [5e6, 5e6]})
    row = outcome_table(episodes.assign(equality_productivity=1.0), scores)[1]
    assert (row[1], row[2], row[6]) == ("1", "13.0", "")


def test_mistakes_are_said():
    with pytest.raises(RunError, match="overrides must not set 'start'"):
        STUDY.read_settings({"overrides": {"start": "x"}})
    with pytest.raises(RunError, match="taxes must not name one twice"):
        STUDY.read_settings({"taxes": ["flat", "flat"]})
