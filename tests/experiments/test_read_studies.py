"""The studies read_planning and read_overcooked: small runs, a run that was stopped, and a real server."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from agents.planners.endpoint import EndpointPlanner
from experiments.markdown import to_markdown
from experiments.run_folder import RunError, RunFolder
from experiments.studies.read_overcooked import analysis as kitchens
from experiments.studies.read_overcooked.playing import play_all
from experiments.studies.read_overcooked.settings import ReadOvercookedSettings
from experiments.studies.read_planning import analysis
from experiments.studies.read_planning.cells import cell_path, run_cell
from experiments.studies.read_planning.settings import HARD, TASKS, TITLES, ReadPlanningSettings
from experiments.study import find_study
from marl.read.methods import METHODS

sys.path.insert(0, str(Path(__file__).parents[1] / "agents" / "planners"))
from chat_server import completion, serve

ANSWER = "EXECUTE\nNAME Agent0 ACTION {}\nNAME Agent1 ACTION {}"
SMALL = {"tasks": ["recipe1"], "episodes": 2, "critics": 1, "experience": 20, "critic_steps": 40}


def rows_of(successes, method, task="y3_g3", queries=10, critic=0):
    return [
        {"task": task, "method": method, "critic": critic, "episode": number, "reset_after": -1, "is_done": done}
        | dict.fromkeys(("steps", "prompt_tokens", "completion_tokens", "low_scores", "not_valid"), 15)
        | {"queries": queries}
        for number, done in enumerate(successes)
    ]


def test_differences_are_paired_by_episode_and_critics_are_no_episodes():
    """By hand: two critics do (1, 1, 0, 1) and (1, 0, 0, 1), without one (0, 0, 0, 1): +1, +0.5, 0, 0, mean 0.375."""
    rows = rows_of([0, 0, 0, 1], "validity")
    rows += rows_of([1, 1, 0, 1], "read_j", queries=12, critic=1) + rows_of(
        [1, 0, 0, 1], "read_j", queries=14, critic=2
    )
    (row,) = analysis.compare(pd.DataFrame(rows)).to_dict("records")
    assert row["gained"] == pytest.approx(0.375)
    assert row["queries"] == pytest.approx(1.3)
    assert 0 <= row["low"] <= 0.375 <= row["high"] <= 1
    summary = analysis.summarize(pd.DataFrame(rows)).set_index("method")
    assert summary.loc["read_j", "success"] == pytest.approx(0.625)
    assert summary.loc["read_j", ["episodes", "critics"]].tolist() == [4, 2]
    assert summary.loc["read_j", "worst_critic"] == pytest.approx(0.5)


def test_the_readme_has_the_tables_of_the_committed_results():
    text = (analysis.RESULTS.parent / "README.md").read_text(encoding="utf-8")
    for name, table in analysis.committed_tables().items():
        found = text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]
        assert found == to_markdown(table), "paste `python -m experiments.studies.read_planning.analysis`"


def test_all_fourteen_levels_and_both_kitchens_are_tasks():
    """Fact sheet gmah_read.md, section 4.4."""
    assert len(TASKS) == 16
    assert set(HARD) <= set(TASKS)
    assert {name: method.title for name, method in METHODS.items()} == TITLES


def test_a_small_run_has_raw_results_figures_and_transcripts_and_goes_on_after_a_stop(tmp_path):
    settings = ReadPlanningSettings(**SMALL)
    run = RunFolder.create(tmp_path / "run", "read_planning", settings.model_dump(mode="json"))
    run_cell(str(run.path), settings.model_dump(mode="json"), "recipe1", 0)
    with pytest.raises(RunError, match="1 of 2 cells are done: agora resume"):
        analysis.evaluate(run, settings)
    run_cell(str(run.path), settings.model_dump(mode="json"), "recipe1", 1)
    analysis.evaluate(run, settings)
    analysis.report(run, settings)
    rows = pd.read_csv(run.path / "episodes.csv")
    assert set(rows["method"]) == set(METHODS)
    assert len(rows) == 10 * 2 + 2, "the critic alone draws nothing, so it plays one episode"
    assert (rows.loc[rows["method"] == "none", "queries"] == rows.loc[rows["method"] == "none", "steps"]).all()
    critics = pd.read_csv(run.path / "critics.csv")
    assert -1 <= critics["rank_correlation"].item() <= 1
    page = run.report_path.read_text()
    for part in ("<svg", "Transcript: recipe1, ReAd-J, episode 0", "it must be above", "EXECUTE", "PROCEED"):
        assert part in page
    before = cell_path(run.path, "recipe1", 0).read_bytes()
    run_cell(str(run.path), settings.model_dump(mode="json"), "recipe1", 0)
    assert cell_path(run.path, "recipe1", 0).read_bytes() == before, "a cell comes out again"


def test_wrong_settings_are_named():
    study = find_study("read_planning")
    with pytest.raises(RunError, match="unknown task 'y9_g9'"):
        study.read_settings({"tasks": ["y9_g9"]})
    with pytest.raises(RunError, match="unknown method 'read_q'"):
        study.read_settings({"methods": ["read_q"]})
    with pytest.raises(RunError, match="methods must have read_j beside coin"):
        study.read_settings({"methods": ["coin"]})
    with pytest.raises(RunError, match="a stand-in needs its folder"):
        study.read_settings({"planner": "stand_in"})
    with pytest.raises(RunError, match="needs --model NAME and --base-url URL"):
        find_study("read_overcooked").read_settings({"planner": "openai"})


def endpoint_settings(url, **more):
    given = {"planner": "openai", "model": "small", "base_url": url, "kitchens": ["cramped_room"], "episodes": 1}
    return ReadOvercookedSettings(**given, experience=1, critic_steps=5, max_queries=2, **more)


def test_a_server_plans_for_the_kitchen(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-that-nobody-may-see")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    answer = completion(ANSWER.format("north", "stay"), prompt_tokens=100, completion_tokens=9)
    closed, close = [], EndpointPlanner.close
    monkeypatch.setattr(EndpointPlanner, "close", lambda self: closed.append(close(self)))
    with serve(completion("I do not know."), answer) as server:
        settings = endpoint_settings(server.base_url)
        run = RunFolder.create(tmp_path / "run", "read_overcooked", settings.model_dump(mode="json"))
        assert play_all(run, settings)
        asked = len(server.requests)
        assert play_all(run, settings), "what is there is not asked for again"
        assert len(server.requests) == asked
    assert len(closed) == 2, "of both runs"
    kitchens.evaluate(run, settings)
    kitchens.report(run, settings)
    rows = pd.read_csv(run.path / "episodes.csv")
    assert rows["queries"].sum() == asked
    assert rows["no_plans"].tolist() == [1, 0]
    assert rows["prompt_tokens"].sum() == 100 * (asked - 1)
    talk = (run.path / "conversations" / "cramped_room-validity-0.jsonl").read_text().splitlines()
    assert json.loads(talk[0])["reply"]["text"] == "I do not know."
    assert "Transcript: cramped_room, ReAd-J" in run.report_path.read_text()
    left = [path.read_bytes() for path in run.path.rglob("*") if path.is_file()]
    assert not any(b"key-that-nobody-may-see" in content for content in left)


def test_without_a_key_the_error_names_the_variable(tmp_path, monkeypatch, agora):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    address = ("--model", "small", "--base-url", "http://127.0.0.1:9/v1")
    status, _, errors = agora("run", "read_overcooked", "--planner", "openai", *address, "--out", str(tmp_path / "run"))
    assert status == 1
    assert errors.strip().endswith("needs a key: set the environment variable OPENAI_API_KEY")
    assert not (tmp_path / "run" / "episodes").exists()
