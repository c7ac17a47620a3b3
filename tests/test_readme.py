"""What the READMEs show runs, and their tables are what the code says."""

import re
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from experiments.bench import results_table, speed_table
from experiments.bench.equilibria.convergence import convergence_table, read_games
from experiments.run_folder import RunFolder
from experiments.studies.rae_driving.analysis import tables_of as driving_tables
from experiments.studies.rae_driving.settings import DrivingStudySettings
from experiments.studies.rae_trust.analysis import tables_of as trust_tables
from experiments.studies.rae_trust.settings import TrustStudySettings
from experiments.study import find_study, study_names
from marl.equilibrium.methods import method_table
from marl.rllib import stop_ray
from marl.solvers import SOLVERS, solver_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def read_table(name: str, text: str = README) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found, f"there is no table {name}"
    return found.group(1).strip()


WITH_EXAMPLES = [
    "README.md",
    "agents/planners/README.md",
    "econ/gather_trade_build/README.md",
    "econ/one_step/README.md",
    "econ/taxation/README.md",
    "games/aloha/README.md",
    "games/bits/README.md",
    "games/kuhn_poker/README.md",
    "games/markov/README.md",
    "marl/bayesian_network/README.md",
    "marl/equilibrium/README.md",
    "marl/bn_actor_critic/README.md",
    "marl/mappo/README.md",
    "marl/mra/README.md",
    "games/matrix/README.md",
    "games/mujoco/README.md",
    "games/open_spiel/README.md",
    "games/overcooked/README.md",
    "games/particles/README.md",
    "games/sweep/README.md",
    "marl/psro/README.md",
    "marl/qarl/README.md",
    "marl/qmix/README.md",
    "marl/read/README.md",
    "marl/rllib/README.md",
    "marl/robustness/README.md",
]


@pytest.mark.parametrize("path", WITH_EXAMPLES)
def test_python_examples_run(path, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what examples write lands there
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / path).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict = {}
    for block in blocks:
        exec(compile(block, path, "exec"), names)
    stop_ray()


def test_the_first_example_has_fifteen_lines():
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    assert len([line for line in block.splitlines() if line.strip()]) <= 15


def test_the_table_of_solvers_is_what_the_code_says():
    assert read_table("solvers") == solver_table(), "paste the output of `python -m marl.solvers`"
    for solver in SOLVERS:
        module, _, name = solver.made_by.partition(":")
        assert callable(getattr(import_module(module), name))
        assert solver.study in study_names()


def test_every_study_is_listed_with_its_claim():
    for name in study_names():
        assert f"[{name}](experiments/studies/{name}/README.md) | {find_study(name).claim}" in README
        assert (ROOT / "experiments" / "studies" / name / "README.md").is_file()


def test_the_table_of_speeds_is_the_committed_result():
    assert read_table("speed") == speed_table("overcooked"), "paste `agora bench overcooked --table`"


def test_the_table_of_worlds_beside_their_peers_is_the_committed_result():
    assert read_table("speed of worlds") == results_table("worlds_contests"), "paste `agora bench worlds --table`"


def test_the_tables_of_the_economy_are_the_committed_result():
    text = (ROOT / "econ/gather_trade_build/README.md").read_text(encoding="utf-8")
    assert read_table("speed", text) == speed_table("econ"), "paste `agora bench econ --table`"


def test_the_table_of_psro_is_the_committed_result():
    text = (ROOT / "marl/psro/README.md").read_text(encoding="utf-8")
    assert read_table("speed", text) == speed_table("psro"), "paste `agora bench psro --table`"


def test_the_table_of_qarl_is_the_committed_result():
    text = (ROOT / "marl/qarl/README.md").read_text(encoding="utf-8")
    assert read_table("speed", text) == speed_table("qarl"), "paste `agora bench qarl --table`"


def test_the_table_of_sampled_graphs_is_the_committed_result():
    text = (ROOT / "marl/bn_actor_critic/README.md").read_text(encoding="utf-8")
    assert read_table("speed", text) == speed_table("graphs"), "paste `agora bench graphs --table`"


def test_the_table_of_driving_is_the_committed_result():
    text = (ROOT / "games/driving/README.md").read_text(encoding="utf-8")
    assert read_table("speed", text) == speed_table("driving"), "paste `agora bench driving --table`"


def test_the_tables_of_particles_are_the_committed_result():
    text = (ROOT / "games/particles/README.md").read_text(encoding="utf-8")
    assert read_table("speed", text) == speed_table("particles"), "paste `agora bench particles --table`"


def test_the_table_of_methods_is_what_the_code_says():
    text = (ROOT / "marl/equilibrium/README.md").read_text(encoding="utf-8")
    assert read_table("methods", text) == method_table(), "paste the output of `python -m marl.equilibrium`"


def test_the_tables_of_equilibria_are_the_committed_results():
    text = (ROOT / "marl/equilibrium/README.md").read_text(encoding="utf-8")
    assert read_table("speed", text) == speed_table("equilibria"), "paste `agora bench equilibria --table`"
    command = "python -m experiments.bench.equilibria.convergence --table"
    assert read_table("convergence", text) == convergence_table(read_games()), f"paste `{command}`"


def test_the_tables_of_rllib_are_the_committed_result():
    text = (ROOT / "marl/rllib/README.md").read_text(encoding="utf-8")
    assert read_table("rllib", text) == speed_table("rllib"), "paste `agora bench rllib --table`"


@pytest.mark.parametrize(
    "study",
    ["econ_gtb_taxes", "econ_one_step", "econ_policy_study", "overcooked_layouts", "rae_matrix", "runner_agreement"],
)
def test_the_results_of_a_study_are_the_committed_ones(study):
    text = (ROOT / f"experiments/studies/{study}/README.md").read_text(encoding="utf-8")
    analysis = import_module(f"experiments.studies.{study}.analysis")
    assert read_table("results", text) == analysis.committed_table(), f"paste `python -m {analysis.__name__}`"


def test_the_tables_of_two_cars_are_the_committed_results():
    study = ROOT / "experiments/studies/rae_driving"
    text = (study / "README.md").read_text(encoding="utf-8")
    folders = sorted(path.parent for path in study.glob("results/*/runs.csv"))
    assert folders
    for folder in folders:
        settings = DrivingStudySettings.model_validate({"duel": folder.name})
        assert read_table(folder.name, text) == driving_tables(pd.read_csv(folder / "runs.csv"), settings)


def test_the_tables_of_the_trust_dilemma_are_the_committed_results():
    study = ROOT / "experiments/studies/rae_trust"
    text = (study / "README.md").read_text(encoding="utf-8")
    folders = sorted(path.parent for path in study.glob("results/*/runs.csv"))
    assert folders
    for folder in folders:
        settings = TrustStudySettings.model_validate(RunFolder.open(folder)[2])
        assert read_table(folder.name, text) == trust_tables(pd.read_csv(folder / "runs.csv"), settings)


def test_the_what_if_of_trained_workers_is_the_committed_one():
    text = (ROOT / "experiments/studies/econ_policy_study/README.md").read_text(encoding="utf-8")
    analysis = import_module("experiments.studies.econ_policy_study.analysis")
    assert read_table("what_if", text) == analysis.what_if_table(), f"paste `python -m {analysis.__name__}`"
