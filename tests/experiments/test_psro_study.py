"""The study psro, from the command line to the report, on a game whose value is known."""

import shutil

import numpy as np
import pandas as pd
import pytest

from experiments.run_folder import RunError, RunFolder
from experiments.studies.psro.cross_play import cross_play
from experiments.studies.psro.evaluation import evaluate
from experiments.studies.psro.run_figures import response_graph
from experiments.studies.psro.settings import SweepSettings
from experiments.study import find_study, open_run

WORDS = [
    "--world",
    "cards/kuhn_poker",
    "--meta-solver",
    "nash,uniform",
    "--nash-conv=exact",
    "payoffs=exact",
    "seeds=1",
]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return tmp_path_factory.mktemp("psro") / "run"


def test_a_sweep_ends_with_tables_a_replay_and_a_report(agora, sweep):
    """Kuhn poker is worth -1/18 to the first player; exact PSRO with Nash finds an equilibrium within 10 epochs."""
    status, output, errors = agora("run", "psro", *WORDS, "epochs=10", "--out", str(sweep))
    assert (status, errors) == (0, "")
    rows = pd.read_csv(sweep / "evaluation.csv").set_index("run")
    assert list(rows.index) == ["nash-0", "uniform-0"]
    assert rows.loc["nash-0", "nash_conv"] < 1e-9
    assert rows.loc["nash-0", "mean_0"] == pytest.approx(-1 / 18, abs=1e-3)  # three digits are written
    assert rows.loc["uniform-0", "nash_conv"] > 0.05
    curves = pd.read_csv(sweep / "curves.csv")
    exact = curves.groupby("solver")["nash_conv"].apply(list)
    bounds = curves.groupby("solver")["lower_bound"].apply(list)
    for solver in ("nash", "uniform"):  # exact responses gain all that there is to gain
        np.testing.assert_allclose(bounds[solver][:-1], exact[solver][:-1], atol=1e-9)
    page = (sweep / "report.html").read_text()
    assert page.count("<svg") == 4  # the distance, risk and return, and one for the first run of each meta-solver
    assert "<video" in page
    assert "report:" in output


def test_a_population_for_all_in_a_game_whose_places_differ_is_refused_in_one_line(agora, tmp_path):
    words = ["--world", "cards/kuhn_poker", "symmetric=true", "--nash-conv=responses", "seeds=1", "epochs=3"]
    status, _, errors = agora("run", "psro", *words, "episodes=2000", "--out", str(tmp_path / "run"))
    assert status == 1
    assert errors.startswith("agora: symmetric: agents who all play policy 1 get ")
    assert len(errors.splitlines()) == 1


def test_an_incomplete_sweep_says_how_to_go_on(sweep):
    run, _, settings = open_run(sweep)
    more = settings.model_copy(update={"epochs": 11})
    with pytest.raises(RunError, match=r"nash-0 is not complete: agora resume"):
        evaluate(run, more)


def test_an_equilibrium_loses_to_nobody_in_cross_play(sweep):
    """Kuhn poker's value is -1/18 for the first player: an equilibrium keeps it against anybody, in either seat."""
    heading, *rows = cross_play(sweep / "runs" / "nash-0", sweep / "runs" / "uniform-0", episodes=20_000)
    assert len(heading) == 3
    first = {row[0]: [float(word) for word in row[1].split(" ± ")] for row in rows}
    assert list(first) == ["A A", "A B", "B A", "B B"]
    for seats, (mean, error) in first.items():
        if seats == "A A":
            assert mean == pytest.approx(-1 / 18, abs=4 * error)
        if seats == "A B":
            assert mean > -1 / 18 - 4 * error
        if seats == "B A":
            assert mean < -1 / 18 + 4 * error


def test_any_policies_of_a_run_are_replayed(agora, sweep):
    status, output, errors = agora("render", str(sweep / "runs" / "nash-0"), "--policies", "2,0")
    assert (status, errors) == (0, "")
    place = sweep / "runs" / "nash-0" / "replays" / "2-0"
    assert output == f"replay: {place}\n"
    assert {file.name for file in place.iterdir()} == {"episode.jsonl", "episode.gif", "episode.mp4"}


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ("1", "--policies takes a number for each of player_0, player_1, got 1"),
        ("0,99", "player_1 has the policies 0 to "),
        ("a,b", "--policies takes numbers with commas between them, got 'a,b'"),
    ],
)
def test_policies_that_are_not_there_are_named(agora, sweep, policies, message):
    status, _, errors = agora("render", str(sweep / "runs" / "nash-0"), "--policies", policies)
    assert status == 1
    assert errors.startswith(f"agora: {message}")


def test_what_is_no_population_is_refused(agora, sweep):
    status, _, errors = agora("evaluate", "--cross-play", str(sweep), str(sweep / "runs" / "nash-0"))
    assert status == 1
    assert "is not a run of a sweep: give RUN/runs/<meta-solver>-<seed>" in errors
    status, _, errors = agora("evaluate", "--cross-play", str(sweep / "runs" / "nash-0"))
    assert errors == "agora: --cross-play takes two runs of the study psro, got 1\n"


def test_the_table_of_exact_cells_has_what_they_are_worth(sweep):
    """Two who play Kuhn poker at random: the first wins 1/8 a hand (OpenSpiel's expected_game_score says so too)."""
    cells = pd.read_csv(sweep / "payoffs.csv").set_index(["run", "cell", "agent"])
    assert cells.loc[("nash-0", "0-0", "player_0"), "mean"] == 0.125
    assert cells.loc[("nash-0", "0-0", "player_1"), "mean"] == -0.125
    assert list(cells.columns) == ["mean"]


@pytest.fixture(scope="module")
def chicken(tmp_path_factory):
    """A sweep with simulated payoffs: two who play chicken at random, and the first responses."""
    study, path = find_study("psro"), tmp_path_factory.mktemp("chicken") / "run"
    settings = study.read_settings({"world": "matrix/chicken", "meta_solver": "nash", "seeds": 1, "epochs": 1})
    run = RunFolder.create(path, "psro", settings.model_dump(mode="json"))
    assert study.train(run, settings, None)
    study.evaluate(run, settings)
    return path


def test_the_table_of_simulated_cells_has_spread_quantiles_and_statistics(chicken):
    """At random chicken pays 0, 2, 6 and 7, equally often: mean 3.75, deviation sqrt(131) / 4, over one step."""
    cells = pd.read_csv(chicken / "payoffs.csv").set_index(["cell", "agent"])
    assert sorted(set(cells.index.get_level_values("cell"))) == ["0-0", "0-1", "1-0", "1-1"]
    for agent in ("player_0", "player_1"):
        cell = cells.loc[("0-0", agent)]
        error = np.sqrt(131) / 4 / np.sqrt(cell["episodes"])
        assert cell["mean"] == pytest.approx(3.75, abs=4 * error)
        assert cell["sd"] == pytest.approx(np.sqrt(131) / 4, rel=0.1)
        assert (cell["q05"], cell["q95"], cell["length"]) == (0, 7, 1)
        assert 2 <= cell["q50"] <= 6
    assert cells["episodes"].min() >= 2000
    by_cell = cells["episodes"].groupby("cell").first()
    assert by_cell.sum() == 4 * 2000 + 2 * 2000, (
        "the least of each cell, and as much as one cell's in each of two epochs"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--meta-solver", "quantal_response"], "quantal_response needs rationality"),
        (["--meta-solver", "rae", "--risk-aversion", "0", "--meta-parameters", "{rae: {foo: 1}}"], "unknown parameter"),
        (["--meta-solver", "rae", "--risk-aversion", "0", "--meta-parameters", "{rae: {floor: 3}}"], "the meta-solver"),
        (["--meta-solver", "rae", "--meta-parameters", "{rae: {risk_aversion: 2}}"], "the risk aversion of rae is its"),
        (["--meta-solver", "rae"], "risk_aversion must be 0 with the oracle exact, whose responses are pure, got 0.1"),
        (["--meta-solver", "zero_sum", "--world", "matrix/chicken"], "the meta-solver zero_sum is for two players"),
        (["--meta-solver", "lemke_howson", "--world", "matrix/minimum_effort"], "the meta-solver lemke_howson cannot"),
        (["--payoffs", "exact", "--world", "driving/overtaking", "--oracle", "ppo"], "nothing can be exact here"),
        (["--nash-conv", "exact", "--world", "driving/overtaking", "--oracle", "ppo"], "nothing can be exact here"),
    ],
)
def test_what_cannot_work_is_one_line_and_no_folder(agora, tmp_path, words, message):
    status, _, errors = agora("run", "psro", *words, "--out", str(tmp_path / "run"))
    assert (status, len(errors.splitlines())) == (1, 1)
    assert errors.startswith(f"agora: {message}")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["world=cards/leduc_poker"], "agora: nothing of cards/leduc_poker_v0 can be exact: this game's tree has more"),
        (
            ["world=matrix/chicken", "meta_solver=rae", "risk_aversion=0", "meta_parameters={rae: {floor: 0.6}}"],
            "agora: floor must be in [0, 1 / 2), 2 the largest number of actions; got 0.6",
        ),
    ],
)
def test_what_turns_out_not_to_work_is_one_line(agora, tmp_path, monkeypatch, words, message):
    monkeypatch.setattr("marl.psro.exact.MAX_NODES", 1000)
    status, _, errors = agora(
        "run", "psro", *words, "seeds=1", "epochs=2", "episodes=5", "--out", str(tmp_path / "run")
    )
    assert (status, len(errors.splitlines())) == (1, 1)
    assert errors.startswith(message)


@pytest.mark.parametrize(
    ("damaged", "content", "message"),
    [
        ("payoffs.npz", b"PK", "payoffs.npz is damaged"),
        ("payoffs.npz", None, "no payoff file"),
        ("epochs/0001.json", b"{", "0001.json is damaged"),
        ("epochs", None, "no epoch file"),
        ("policies/player_0/0001", None, "no policy folder"),
        ("policies", None, "no policy folder"),
    ],
)
def test_a_run_that_lacks_something_is_one_line_and_stays_as_it_is(agora, tmp_path, chicken, damaged, content, message):
    run = tmp_path / "run"
    shutil.copytree(chicken, run)
    one = run / "runs" / "nash-0"
    place = one / damaged
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    if content is not None:
        place.write_bytes(content)
    before = {path for path in run.rglob("*") if path.name != ".lock"}
    for words in (
        ["resume", str(run)],
        ["evaluate", str(run)],
        ["report", str(run)],
        ["render", str(run)],
        ["render", str(one), "--policies", "0,0"],
        ["evaluate", "--cross-play", str(one), str(one)],
    ):
        status, _, errors = agora(*words)
        assert (status, len(errors.splitlines())) == (1, 1), words
        assert errors.startswith("agora: ")
        assert message in errors
    assert {path for path in run.rglob("*") if path.name != ".lock"} == before


def test_rae_is_averse_to_risk_unless_told_otherwise_and_the_others_are_not():
    settings = SweepSettings(world="grid/trust", meta_solver="rae,nash,uniform", oracle="ppo", seeds=1)
    labels = {name: each.risk.label for name, each in settings.runs().items()}
    neutral = "gamma=0, variance: opponents"
    assert labels == {"rae-0": "gamma=0.1, variance: opponents", "nash-0": neutral, "uniform-0": neutral}


def test_a_sweep_can_be_a_pipeline():
    assert {each.levels for each in SweepSettings(levels=3).runs().values()} == {3}


def test_best_responses_of_the_prisoners_dilemma_end_in_mutual_defection():
    payoffs = np.array([[[3.0, 0.0], [5.0, 1.0]], [[3.0, 5.0], [0.0, 1.0]]])
    graph = response_graph(payoffs)
    assert [node for node in graph if graph.out_degree(node) == 0] == [(1, 1)]
    assert set(graph.edges) == {((0, 0), (1, 0)), ((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 1), (1, 1))}
