"""The studies read_planning and read_overcooked: small runs, a run that was stopped, and a real server."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from agents.planners.endpoint import EndpointPlanner
from experiments.markdown import to_markdown
from experiments.run_folder import RunError, RunFolder
from experiments.studies.read_overcooked import playing
from experiments.studies.read_planning import analysis
from experiments.studies.read_planning.cells import cell_path, run_cell
from experiments.studies.read_planning.replay import main, replay_and_check
from experiments.studies.read_planning.settings import HARD, TASKS, TITLES, ReadPlanningSettings
from experiments.study import find_study
from marl.read.methods import METHODS

sys.path.insert(0, str(Path(__file__).parents[1] / "agents" / "planners"))
from chat_server import completion, raw, serve

ANSWER = "EXECUTE\nNAME Agent0 ACTION {}\nNAME Agent1 ACTION {}"
SMALL = {"tasks": ["recipe1"], "episodes": 2, "critics": 1, "experience": 20, "critic_steps": 40}


def rows_of(successes, method, task="y3_g3", queries=10, critic=0):
    return [
        {"task": task, "method": method, "critic": critic, "episode": number, "reset_after": -1, "is_done": done}
        | dict.fromkeys(("steps", "prompt_tokens", "completion_tokens", "low_scores", "not_valid", "no_plans"), 15)
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


def test_a_small_run_has_raw_results_figures_and_transcripts_and_goes_on_after_a_stop(tmp_path, capsys):
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
    for part in ("<svg", "it must be above", "EXECUTE", "PROCEED", "Every conversation of recipe1 begins with"):
        assert part in page
    for method, title in TITLES.items():
        assert (f"Transcript: recipe1, {title}, episode 0" in page) == (METHODS[method].rules is not None)
    for method in (name for name, method in METHODS.items() if method.rules):
        critic = int(METHODS[method].needs_critic)
        episode = replay_and_check(run, settings, "recipe1", critic, method)
        row = rows.query(f"method == '{method}' and critic == {critic} and episode == 0 and reset_after == -1").iloc[0]
        assert (episode.steps, episode.memory.usage.prompt_tokens) == (row["steps"], row["prompt_tokens"])
    main([str(run.path), "recipe1", "1", "read_j"])
    written = capsys.readouterr().out
    assert written.startswith("# recipe1, ReAd-J: ")
    assert "    [Form of the answer]\n" in written
    with pytest.raises(SystemExit):
        main([str(run.path), "recipe1", "0", "read_j"])
    assert "no conversation of read_j on recipe1 with critic 0 is recorded" in capsys.readouterr().err
    places = [cell_path(run.path, "recipe1", 0), *(run.path / "conversations").iterdir()]
    before = [place.read_bytes() for place in places]
    run_cell(str(run.path), settings.model_dump(mode="json"), "recipe1", 0)
    assert [place.read_bytes() for place in places] == before, "a cell comes out again, and what was said"


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


def run_with(url, folder, *more):
    """Words of a run against a server, as small as it can be."""
    address = ("--planner", "openai", "--model", "small", "--base-url", url, "--out", str(folder))
    return "run", "read_overcooked", *address, "kitchens=[cramped_room]", "episodes=1", "max_queries=2", *more


def test_a_server_plans_for_the_kitchen(tmp_path, monkeypatch, agora):
    monkeypatch.setenv("OPENAI_API_KEY", "key-that-nobody-may-see")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    answer = completion(ANSWER.format("north", "stay"), prompt_tokens=100, completion_tokens=9)
    closed, close = [], EndpointPlanner.close
    monkeypatch.setattr(EndpointPlanner, "close", lambda self: closed.append(close(self)))
    folder, fitted = tmp_path / "run", []
    with serve(completion("I do not know."), answer) as server:
        monkeypatch.setattr(playing, "save_critic", lambda *given: fitted.append(len(server.requests)))
        status, shown, errors = agora(*run_with(server.base_url, folder, "experience=1", "critic_steps=5"))
        assert (status, errors) == (0, "")
        asked = len(server.requests)
        assert fitted == [0], "the critic is fitted before anything is asked"
        monkeypatch.delenv("OPENAI_API_KEY")
        status, *_ = agora("resume", str(folder))
        assert status == 0, "no key is needed for what is there"
        assert len(server.requests) == asked, "what is there is not asked for again"
    assert len(closed) == 1
    rows = pd.read_csv(folder / "episodes.csv")
    assert rows["queries"].sum() == asked
    assert rows["no_plans"].tolist() == [1, 0]
    assert pd.read_csv(folder / "evaluation.csv")["no_plans"].tolist() == [1, 0]
    assert "no_plans" in shown
    assert rows["prompt_tokens"].sum() == 100 * (asked - 1)
    talk = (folder / "conversations" / "cramped_room-validity-0.jsonl").read_text().splitlines()
    assert json.loads(talk[0])["reply"]["text"] == "I do not know."
    page = (folder / "report.html").read_text()
    assert page.index("Every conversation of cramped_room begins with") < page.index("[Form of the answer]")
    for method in ("validity only", "ReAd-J"):
        assert f"Transcript: cramped_room, {method}" in page
    roles = [[message["role"] for message in request["body"]["messages"]] for request in server.requests]
    later = [json.loads(line) for line in talk][-1]["messages"]
    assert [message["role"] for message in later][:4] == ["system", "user", "assistant", "user"], "all have a history"
    assert all(told == ["system", *["user", "assistant"] * (len(told) // 2 - 1), "user"] for told in roles)
    left = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(b"key-that-nobody-may-see" in content for content in left)


@pytest.mark.parametrize(
    ("status", "check"),
    [(401, "the key in the environment variable OPENAI_API_KEY"), (404, "the address, and the mod")],
)
def test_a_server_that_refuses_everybody_stops_the_run_in_one_line(tmp_path, monkeypatch, agora, status, check):
    monkeypatch.setenv("OPENAI_API_KEY", "key-that-nobody-may-see")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(raw(b"key-that-nobody-may-see is wrong", status)) as server:
        code, shown, errors = agora(*run_with(server.base_url, tmp_path / "run", "methods=[validity]"))
        assert len(server.requests) == 1
    assert code == 1
    assert f"status {status}; check {check}" in errors
    assert len(errors.strip().split("\n")) == 1
    assert "key-that-nobody-may-see" not in shown + errors


def test_without_a_key_the_error_names_the_variable(tmp_path, monkeypatch, agora):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    address = ("--model", "small", "--base-url", "http://127.0.0.1:9/v1")
    status, _, errors = agora("run", "read_overcooked", "--planner", "openai", *address, "--out", str(tmp_path / "run"))
    assert status == 1
    assert errors.strip().endswith("needs a key: set the environment variable OPENAI_API_KEY")
    assert not (tmp_path / "run" / "episodes").exists()


def test_without_a_stand_in_the_error_names_the_folder(tmp_path, agora):
    given = (
        "planner=stand_in",
        "folder=/nonexistent",
        "tasks=[sort1]",
        "methods=[none]",
        "--out",
        str(tmp_path / "run"),
    )
    status, _, errors = agora("run", "read_planning", *given)
    assert status == 1
    assert errors.startswith("agora: /nonexistent has no model.json: python -m marl.small_planner ID FOLDER makes")
    assert errors.count("\n") == 1


def test_the_reset_table_is_paired_by_episode():
    """By hand: with critics (1, 1) and (1, 0), without (1, 0): ReAd-J 0.75, validity 0.5, more by 0 and 0.5."""
    rows = rows_of([1, 0], "validity", "recipe3") + rows_of([1, 1], "read_j", "recipe3", critic=1)
    rows += rows_of([1, 0], "read_j", "recipe3", critic=2)
    _, read_j, validity = analysis.resets_table(pd.DataFrame(rows))
    assert read_j[:5] == ["never", "ReAd-J", "0.75", "[0.50, 1.00]", "+0.25 [+0.00, +0.50]"]
    assert validity[1:5] == ["validity only", "0.50", "[0.00, 1.00]", ""]
    assert validity[-1] == "RoCo 0.8 / 33.7 / 11.5", "gmah_read.md, section 2.3"
