"""The study psro, from the command line to the report, on a game whose value is known."""

import numpy as np
import pandas as pd
import pytest

from experiments.run_folder import RunError
from experiments.studies.psro.cross_play import cross_play
from experiments.studies.psro.evaluation import evaluate
from experiments.studies.psro.run_figures import response_graph
from experiments.study import open_run

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


def test_best_responses_of_the_prisoners_dilemma_end_in_mutual_defection():
    payoffs = np.array([[[3.0, 0.0], [5.0, 1.0]], [[3.0, 5.0], [0.0, 1.0]]])
    graph = response_graph(payoffs)
    assert [node for node in graph if graph.out_degree(node) == 0] == [(1, 1)]
    assert set(graph.edges) == {((0, 0), (1, 0)), ((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 1), (1, 1))}
