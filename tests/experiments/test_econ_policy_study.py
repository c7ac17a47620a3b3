"""The study econ_policy_study: its numbers by hand, kills and resumption, bad input, the report and the replay."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import games
from agents.trained import PolicyDescription, save_policy
from econ.gather_trade_build.actions import ask, bid, read_trades
from econ.gather_trade_build.draw import draw, is_tax_day
from experiments.run_folder import RunError, RunFolder
from experiments.studies.econ_policy_study import grid
from experiments.studies.econ_policy_study.analysis import (
    bunching,
    differences,
    elasticities,
    gaming,
    interval,
    lorenz,
    winners,
)
from experiments.studies.econ_policy_study.cells import Job, play_cell
from experiments.studies.econ_policy_study.ledger import smoothed_taxes
from experiments.studies.econ_policy_study.settings import ENV_ID, PolicyStudySettings
from experiments.studies.econ_policy_study.tables import TABLES, column_table, is_finished, part_path, read_table
from experiments.study import find_study, open_run

STUDY = find_study("econ_policy_study")
ROOT = Path(__file__).parents[2]
TINY = {"horizon": 40, "episodes": 2, "seeds": [0], "workers": "lone", "parallel": 0, "policies": "us_federal"}


def read(**changes) -> PolicyStudySettings:
    return STUDY.read_settings(TINY | changes)


def make_run(path: Path, settings: PolicyStudySettings) -> RunFolder:
    return RunFolder.create(path, STUDY.name, settings.model_dump(mode="json"))


def write_policy(folder: Path, hidden: int = 4, **settings) -> Path:
    """Workers who know nothing yet."""
    folder.mkdir()
    world = {"tax_model": "flat", "flat_rate": 0.2, "horizon": 40, "tax_period": 4} | settings
    batch = games.make_batch(ENV_ID, 1, **world)
    size = int(np.prod(batch.groups["workers"].observations.shape[2:]))
    sizes = {"observation_size": size, "hidden_sizes": [hidden], "num_actions": 50}
    description = PolicyDescription(env_id=ENV_ID, settings=world, **sizes)
    layers = [layer for layer in description.make_network() if isinstance(layer, torch.nn.Linear)]
    save_policy(folder, description, [(layer.weight.detach(), layer.bias.detach()) for layer in layers])
    return folder


# ---- one cell ----


@pytest.fixture(scope="module")
def traded() -> dict[str, pd.DataFrame]:
    """Episodes of traders under a flat tax."""
    settings = read(workers="trading:4", policies="flat:0.25", horizon=300, tax_period=30)
    return {name: table.to_pandas() for name, table in play_cell(Job(settings.cells()[0], settings)).items()}


def test_the_tables_of_a_cell_agree_with_each_other(traded):
    episodes, agents, keys = traded["episodes"], traded["agents"], ["episode", "agent"]
    assert len(episodes) == 2
    assert len(agents) == 8
    by_episode = agents.groupby("episode")
    np.testing.assert_allclose(by_episode["coin"].sum(), episodes["productivity"])
    np.testing.assert_allclose(by_episode["tax"].sum(), episodes["taxes"])
    np.testing.assert_allclose(by_episode["lump_sums"].sum(), episodes["taxes"])
    np.testing.assert_allclose(by_episode["utility"].min(), episodes["rawlsian"])
    np.testing.assert_allclose(by_episode["sales"].sum(), 0, atol=1e-9)  # what one gets another pays
    assert by_episode["houses"].sum().tolist() == episodes["houses"].tolist()
    trades, houses = traded["trades"], traded["houses"]
    assert trades.groupby("episode").size().tolist() == episodes["trades"].tolist()
    assert set(trades["price"]) == {4}
    assert episodes["mean_price"].tolist() == [4, 4]
    assert trades.groupby(keys).size().sum() == agents["units_sold"].sum()
    assert (trades["rank"] < 3).all()  # the best paid buys
    assert houses.groupby(keys).size().tolist() == agents[agents["houses"] > 0].set_index(keys)["houses"].tolist()
    periods = traded["periods"].groupby(keys)
    for name in ("income", "tax", "labor"):
        np.testing.assert_allclose(periods[name].sum(), agents.set_index(keys)[name])
    last = traded["wealth"][traded["wealth"]["step"] == 300].set_index(keys)
    np.testing.assert_allclose(last["coin"], agents.set_index(keys)["coin"])
    assert agents.groupby("rank")["payment"].first().tolist() == pytest.approx([11.33, 13.27, 16.47, 22.25], abs=0.005)
    assert set(traded["rates"]["rate"]) == {0.25}


def test_a_flat_tax_cannot_be_gamed_but_by_having_nothing_at_hand(traded):
    agents = traded["agents"]
    assert (traded["periods"]["income"] > -1e-9).all()  # a loss would pay nothing, and lower the mean
    # Coin in open bids is safe from taxes: traders may pay less than is due, never more.
    assert (agents["tax"] <= agents["smoothed_tax"] + 1e-9).all()
    np.testing.assert_allclose(agents["smoothed_tax"], 0.25 * agents["income"])


def test_taxes_on_smoothed_incomes_by_hand():
    """Rates 0 and 0.5 from 50 on. The first earns 100 and then nothing: 25, and on 50 twice nothing."""
    incomes = np.array([[100.0, 60], [0, 100]])
    settings = {"tax_model": "fixed", "bracket_spacing": "custom", "bracket_cutoffs": (0.0, 50.0)}
    config = games.spec(ENV_ID).config(**settings, bracket_rates=(0.0, 0.5))
    rising = smoothed_taxes(config, np.array([[0, 0.5], [0, 0.5]]), incomes)
    assert rising.tolist() == [0, 30]  # the second: 80 twice, 15 each
    falling = smoothed_taxes(config, np.array([[0.5, 0], [0.5, 0]]), incomes)
    assert falling.tolist() == [50, 50]
    assert smoothed_taxes(config, np.zeros((0, 2)), np.zeros((0, 2))).tolist() == [0, 0]
    keys = {"layout": "a", "seed": 0, "episode": [0, 0]}
    paid_rising, paid_falling = [25.0, 5 + 25], [25.0, 25 + 25]
    assert gaming(pd.DataFrame(keys | {"tax": paid_rising, "smoothed_tax": rising})).mean == pytest.approx(-25 / 30)
    assert gaming(pd.DataFrame(keys | {"tax": paid_falling, "smoothed_tax": falling})).mean == pytest.approx(25 / 100)


def test_saezs_formula_taxes_counted_episodes_by_what_it_has_seen_before():
    settings = read(policies="saez", horizon=40, tax_period=4)
    tables = play_cell(Job(settings.cells()[0], settings))
    estimates, rates = tables["estimates"].to_pandas(), tables["rates"].to_pandas()
    # 80 incomes a round: 7 uncounted rounds of 10 tax days make 500, then the counted one; those of the day come later.
    assert len(estimates) == 80
    assert estimates["samples"].tolist() == [min(8 * day, 500) for day in range(80)]
    assert (estimates["elasticity"].iloc[:62] == 0.5).all()
    by_period = rates[rates["bracket"] == 0].pivot(index="period", columns="episode", values="rate")
    assert (by_period[0] == by_period[1]).all()  # by the formula, not by chance of each env's own
    assert tables["episodes"].to_pandas()["elasticity"].iloc[0] != 0.5


def test_a_trained_planner_sets_rates_from_a_copy_of_its_policy(tmp_path):
    folder = tmp_path / "mine" / "planner"
    folder.mkdir(parents=True)
    bias = torch.zeros(7, 22)
    bias[range(7), [1, 2, 3, 4, 5, 6, 7]] = 50  # levels 0, 0.05, ...
    description = PolicyDescription(
        env_id=ENV_ID, settings={"tax_model": "planner"}, observation_size=110, hidden_sizes=[], num_actions=154
    )
    save_policy(folder, description, [(torch.zeros(154, 110), bias.flatten())])
    settings = read(policies=f"planner:{folder}", episodes=1)
    run = make_run(tmp_path / "run", settings)
    grid.take_players(run, settings)
    shutil.rmtree(tmp_path / "mine")
    assert grid.run_grid(run, settings, None)
    rates = read_table(run, "rates", [settings.cells()[0].file_name])
    assert set(rates["policy"]) == {"planner:planner"}
    by_bracket = rates.groupby("bracket")["rate"].agg(["min", "max"])
    np.testing.assert_allclose(by_bracket.T, [[0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]] * 2)


# ---- measures ----


def test_measures_by_hand():
    shares, curve = lorenz(pd.Series([3.0, 1, 2, 2]), pd.Series([0, 0, 1, 1]))
    assert shares.tolist() == [0, 0.5, 1]
    assert curve.tolist() == [0, (0.25 + 0.5) / 2, 1]
    found = bunching(np.array([8.9, 9.5, 9.9, 10.0, 10.6, 12]), np.array([0.0, 10]))
    assert found[["cutoff", "below", "above"]].to_numpy().tolist() == [[10, 2, 2]]
    assert interval([2.0, 4]).mean == 3
    assert (interval([1.0, 1]).low, interval([1.0, 1]).high) == (1, 1)
    assert interval([2.0, 3], [1, 9]).mean == 0.5
    assert np.isnan(interval([0.0], [0]).mean)


def test_the_elasticity_of_income_by_hand():
    """Ranks of any level who answer with (1 - rate)^0.5 have one of 0.5; those who do not answer, 0."""
    rows = [
        {"group": group, "layout": "map", "seed": 0, "episode": episode, "policy": policy, "rank": rank}
        | {"income": 10.0 ** (rank + episode) * ((1 - rate) ** 0.5 if group == "heeding" else 1), "marginal_rate": rate}
        for group in ("heeding", "heedless")
        for episode in (0, 1)
        for policy, rate in (("none", 0.0), ("half", 0.5), ("most", 0.9), ("all", 1.0))
        for rank in (0, 1)
    ]
    found = elasticities(pd.DataFrame(rows)).set_index("group")
    assert found.loc["heeding", ["elasticity", "low", "high"]].tolist() == pytest.approx([0.5] * 3)
    assert found.loc["heedless", "elasticity"] == pytest.approx(0, abs=1e-12)
    assert found["policies"].tolist() == [3, 3]  # of a tax of all there is no log
    alike = pd.DataFrame(rows).assign(marginal_rate=0.3)
    assert elasticities(alike).empty


def test_the_winner_depends_on_the_welfare_function_and_leads_on_the_same_starts():
    rows = []
    for episode, start in enumerate((0.0, 100, 200, 300)):
        for policy, utilitarian, rawlsian in (("low", 1.0, 5.0), ("high", 2.0, -5.0)):
            row = {"policy": policy, "layout": "a", "seed": 0, "episode": episode, "group": "all"}
            row |= {"utilitarian": start + utilitarian, "rawlsian": rawlsian, "inverse_income": start * (-1) ** episode}
            rows.append(row | {"equality_productivity": 1.0})
    found = winners(pd.DataFrame(rows)).set_index("welfare")
    assert found.loc["utilitarian", ["winner", "lead", "is_clear"]].tolist() == ["high", 1, True]
    assert found.loc["Rawlsian", ["winner", "lead", "is_clear"]].tolist() == ["low", 10, True]
    assert not found.loc["equality x productivity", "is_clear"]
    changes = differences(pd.DataFrame(rows).assign(productivity=1.0, equality=1.0)).set_index("measure")
    assert (changes["policy"] == "high").all()
    assert changes.loc["utilitarian", ["base", "mean", "low", "high"]].tolist() == ["low", 1, 1, 1]
    assert changes.loc["rawlsian", "mean"] == -10


def test_trades_are_read_from_two_states():
    batch = games.make_batch(ENV_ID, 1, starting_coin=20.0, autoreset="disabled")
    batch.reset()
    batch.load_fields(0, {"units": np.array([[2, 1], [0, 0], [0, 0], [0, 0]], np.int32)})
    states = [batch.fields(0)]
    idle = np.zeros_like(batch.groups["planner"].actions)
    for hands in ([ask("stone", 3), bid("stone", 4), 0, 0], [ask("wood", 2), bid("wood", 2), bid("wood", 1), 0]):
        batch.step({"workers": np.array([hands], np.int32), "planner": idle})
        states.append(batch.fields(0))
    found = [read_trades(before, after) for before, after in pairwise(states)]
    assert found == [[(0, "stone", 3)], [(0, "wood", 2)]]
    config = batch.config
    marked, plain = draw(states[2], config, since=states[:2]), draw(states[2], config)
    assert marked.shape == plain.shape
    assert (marked != plain).any()
    assert not is_tax_day(states[0])


# ---- kills ----


def test_what_is_finished_is_never_played_again_and_what_a_kill_left_is(tmp_path, monkeypatch):
    settings = read(policies=["us_federal", "flat", "fixed:0/0.1/0.2/0.3/0.4/0.5/0.6"], seeds=[0, 1], episodes=1)
    whole = make_run(tmp_path / "whole", settings)
    assert grid.run_grid(whole, settings, None)
    run, played = make_run(tmp_path / "killed", settings), []

    def play_until_killed(job: Job):
        played.append(job.cell.file_name)
        if len(played) == 3:
            raise KeyboardInterrupt
        return play_cell(job)

    monkeypatch.setattr(grid, "play_cell", play_until_killed)
    with pytest.raises(KeyboardInterrupt):
        grid.run_grid(run, settings, None)
    names = [cell.file_name for cell in settings.cells()]
    assert [is_finished(run, name) for name in names] == [True, True, False, False, False, False]
    # Kills between the parts of a cell, and within one.
    part_path(run, "agents", names[3]).write_bytes(part_path(run, "agents", names[0]).read_bytes())
    torn = part_path(run, "episodes", names[4])
    torn.with_name(f".{torn.name}.partial").write_bytes(b"PAR1")
    before = {name: part_path(run, "episodes", name).stat().st_mtime_ns for name in names[:2]}
    assert len(pd.read_parquet(run.path / "tables" / "episodes")) == 2
    assert grid.run_grid(run, settings, None)
    assert sorted(played[3:]) == sorted(names[2:])
    assert {name: part_path(run, "episodes", name).stat().st_mtime_ns for name in names[:2]} == before
    for table in TABLES:
        pd.testing.assert_frame_equal(read_table(run, table, names), read_table(whole, table, names))
    played.clear()
    assert grid.run_grid(run, settings, None)
    assert played == []


def test_kill_9_loses_nothing_that_was_finished(tmp_path):
    run = tmp_path / "run"
    words = ["policies=flat", "workers=lone", f"seeds={list(range(40))}", "horizon=200", "episodes=1", "parallel=0"]
    command = [sys.executable, "-m", "experiments", "run", "econ_policy_study", *words, "--out", str(run)]
    parts = run / "tables" / "episodes"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(list(parts.glob("*.parquet"))) < 3:
            time.sleep(0.01)
        process.kill()
    before = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.parquet")}
    assert 3 <= len(before) < 40
    folder, _, settings = open_run(run)
    assert grid.run_grid(folder, settings, None)
    after = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.parquet")}
    assert len(after) == 40
    assert before.items() <= after.items()


def test_a_damaged_part_is_named(tmp_path, agora):
    settings = read(episodes=1)
    run = make_run(tmp_path / "run", settings)
    with pytest.raises(RunError, match=r"no cell of .* is finished yet: agora resume"):
        STUDY.report(run, settings)
    assert grid.run_grid(run, settings, None)
    path = part_path(run, "trades", settings.cells()[0].file_name)
    path.write_bytes(b"PAR1 and then nothing")
    status, _, errors = agora("report", str(run.path))
    assert status == 1
    assert re.fullmatch(rf"agora: {path} is damaged \(.*\): remove it and resume\n", errors)


# ---- the whole ----


def test_a_run_can_be_read_in_two_lines_and_watched(tmp_path, agora):
    out = tmp_path / "run"
    words = ["horizon=40", "tax_period=20", "episodes=2", "seeds=[0,1]", "workers=trading", "parallel=0"]
    status, output, errors = agora("run", "econ_policy_study", *words, "policies=us_federal,saez", "--out", str(out))
    assert status == 0, errors
    assert "us_federal" in output
    (block,) = re.findall(r"```python\n(.*?)```", readme(), re.DOTALL)
    names: dict = {}
    exec(block.replace("RUN", str(out)), names)
    assert len([line for line in block.splitlines() if line]) == 2
    assert len(names["agents"]) == 2 * 2 * 2 * 4
    for name in ("frontier", "lorenz", "schedules", "transfers", "elasticity", "wealth", "labor", "houses", "gaming"):
        assert (out / "figures" / f"{name}.svg").read_text().startswith("<svg")
        assert (out / "figures" / f"{name}.png").read_bytes()[1:4] == b"PNG"
    page = (out / "report.html").read_text()
    for part in (
        "Who wins",
        "What a policy changes",
        "Rawlsian",
        "Tax gaming",
        "data:video/mp4;base64,",
        "All 4 cells.",
    ):
        assert part in page
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert (out / "replay" / "episode.gif").read_bytes()[:4] == b"GIF8"
    assert (out / "replay" / "episode.mp4").read_bytes()[4:8] == b"ftyp"
    for part in (out / "tables" / "episodes").glob("*-seed1.parquet"):
        part.unlink()
    assert agora("report", str(out))[0] == 0
    assert "PARTIAL: 2 of 4 cells" in (out / "report.html").read_text()


def readme() -> str:
    return (ROOT / "experiments/studies/econ_policy_study/README.md").read_text(encoding="utf-8")


def test_the_readme_has_every_column():
    assert column_table() in readme(), "paste the output of `python -m experiments.studies.econ_policy_study.tables`"


# ---- settings ----


def test_a_schedule_file_is_asked_about_beside_what_the_workers_know_and_is_kept(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("schedule,0,10,20,30,40,50,60\nmild,0,0,0.1,0.1,0.2,0.2,0.2\nsteep,0,0.2,0.4,0.6,0.8,0.9,1\n")
    workers = write_policy(tmp_path / "mine")
    given = {"schedule": str(path), "workers": str(workers), "seeds": 0}
    settings = STUDY.read_settings(given)
    path.unlink()
    assert [policy.name for policy in settings.grid_policies()] == ["flat:0.2", "mild", "steep"]
    assert [(cell.policy.name, cell.adapted) for cell in settings.cells()][:3] == [
        ("flat:0.2", False),
        ("flat:0.2", True),
        ("mild", False),
    ]
    config = settings.world_config(settings.grid_policies()[2], settings.layouts[0])
    assert (config.horizon, config.tax_period) == (40, 4)  # as trained
    assert config.cutoffs.tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert config.fixed_rates.tolist() == [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1]
    assert STUDY.name_run(settings) == "econ_policy_study-rates"
    assert STUDY.read_settings(settings.model_dump(mode="json")) == settings


def test_words_name_policies():
    words = ["free_market", "flat", "flat:0.45", "fixed:0/0.1/0.2/0.3/0.4/0.5/0.6", "saez:0.4", "saez_compat"]
    found = {policy.name: policy for policy in read(policies=words).grid_policies()}
    assert list(found) == words
    assert found["flat"].tax == {"tax_model": "flat", "flat_rate": 0.3}
    assert found["fixed:0/0.1/0.2/0.3/0.4/0.5/0.6"].tax["bracket_rates"] == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert (found["saez:0.4"].elasticity, found["saez:0.4"].compat) == (0.4, False)
    assert (found["saez_compat"].elasticity, found["saez_compat"].compat) == (None, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["policies=fre_market"], "policies: unknown tax model 'fre_market'; did you mean 'free_market'?"),
        (["policies=flat:1.5"], r"policies: flat:1.5[0] must be in [0, 1], got 1.5"),
        (["policies=flat:high"], "policies: flat:high: expected a number, got 'high'"),
        (["policies=fixed:0.1/0.2"], "policies: fixed:0.1/0.2 must be 7 numbers, one for each bracket, got 2"),
        (["policies=flat,flat:0.3,flat"], "policies must have different names, got 'flat' and 'flat'"),
        (["policies=planner:nowhere"], "planner: nowhere is no run folder and holds no policy.json"),
        (["policies=saez:-1"], "policies: saez:-1: an elasticity must be a number from 0 on, got -1"),
        (["policies=saez:inf"], "policies: saez:inf: an elasticity must be a number from 0 on, got inf"),
        (["workers=trading:99"], "workers: trading:99: a price must be in [0, 10], got 99"),
        (["world={max_bid_ask: 3}"], "workers: trading: a price must be in [0, 3], got 5"),
        (["horizon=20", "tax_period=50"], "tax_period must be at most the horizon, 20, for any tax day, got 50"),
        ([f"seeds=[{2**31}]"], f"seeds must be different numbers from 0 to {2**31 - 1}, got [{2**31}]"),
        (["workers=tradng"], "workers: unknown workers 'tradng'; did you mean 'trading'?"),
        (["workers=runs/nowhere"], "workers: no run folder runs/nowhere"),
        (["layouts=quadrat"], "layouts: quadrat: unknown layout 'quadrat'; did you mean 'random_quadrant'?"),
        (
            ["layouts=small.txt", "num_agents=9", "world={starts: random}"],
            "layouts: small: layout: 9 workers need as many tiles without water, there are 7",
        ),
        (
            ["num_agents=101"],
            "layouts: quadrant_25x25_20each_30clump: num_agents must be a whole number in [2, 100], got 101",
        ),
        (["world={horizon: 3}"], "world must not set 'horizon': the study's own settings do"),
        (["world={stars: random}"], "layouts: quadrant_25x25_20each_30clump: unknown setting of world "),
        (["--schedule", "nowhere.csv"], "schedule: cannot read tax schedules from 'nowhere.csv'"),
        (["--schedule", "nan.csv"], "schedule: nan.csv, line 2, column 3: expected a number, got 'nan'"),
        (["--schedule", "high.csv"], "schedule: high.csv, line 3, column 2: a rate must be in [0, 1], got 1.01"),
        (["--schedule", "down.csv"], "schedule: down.csv, line 1, column 4: cut-offs must increase, got 5 after 9"),
        (["--schedule", "long.csv"], "schedule: long.csv, line 2, column 4: 2 brackets need as many rates, got 3"),
        (["--schedule", "short.csv"], "schedule: short.csv, line 2, column 3: 2 brackets need as many rates, got 1"),
        (["--schedule", "two.csv", "--workers", "mine"], "two.csv: 2 brackets, but workers mine were trained with 7"),
        (
            ["--workers", "mine", "num_agents=5"],
            "workers: mine were trained on 1225 numbers per observation, this world shows 1226: num_agents,",
        ),
        (["--workers", "mine,other"], "horizon: workers mine were trained with 40, other with 60: say horizon"),
    ],
)
def test_bad_input_ends_with_one_line_that_names_the_field(agora, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    texts = {
        **{"nan": "a,0,nan", "high": "a,0,1\nb,1.01,0", "long": "a,0,0,0", "short": "a,0", "two": "a,0,0.5"},
    }
    for name, rows in texts.items():
        Path(f"{name}.csv").write_text(f"schedule,0,9\n{rows}\n")
    Path("down.csv").write_text("schedule,0,9,5\na,0,0,0\n")
    Path("small.txt").write_text("S~W\n.W.\n~.S\n")
    if "mine" in str(words):
        write_policy(Path("mine"))
        write_policy(Path("other"), horizon=60, tax_period=6)
    before = sorted(tmp_path.iterdir())
    status, _, errors = agora("run", "econ_policy_study", *words)
    assert status == 1
    assert errors.startswith(f"agora: {message}"), errors
    assert len(errors.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before
