"""Policies in folders: complete or absent, and what they were when they were added."""

import json

import numpy as np
import pytest

from agents.random_player import RandomPlayer
from agents.tabular import TabularPlayer, save_table
from agents.trained import PolicyError
from games.names import UnknownNameError
from marl.psro.population import Population


def write_table(folder):
    save_table(folder, "cards/kuhn_poker_v0", np.eye(11)[:2], np.eye(2))


def filled(tmp_path):
    population = Population(tmp_path, ["row", "column"])
    population.add("row", "scripted", script="random")
    population.add("row", "tabular", write=write_table, about={"epoch": 1})
    return population


def test_policies_are_found_again(tmp_path):
    filled(tmp_path)
    again = Population(tmp_path, ["row", "column"])
    assert again.sizes == (2, 0)
    assert again.manifest("row", 1).about == {"epoch": 1}
    assert isinstance(again.make_player("row", 0, 1), RandomPlayer)
    assert isinstance(again.make_player("row", 1, 1), TabularPlayer)


def test_a_policy_that_was_cut_short_is_absent(tmp_path):
    population = filled(tmp_path)

    def fail(folder):
        write_table(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        population.add("row", "tabular", write=fail)
    again = Population(tmp_path, ["row", "column"])
    assert again.sizes == (2, 0)
    assert again.add("row", "tabular", write=write_table) == 2


@pytest.mark.parametrize("name", ["table.json", "table.safetensors"])
def test_changed_and_missing_files_are_named(tmp_path, name):
    population = filled(tmp_path)
    path = population.path("row", 1) / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(PolicyError, match=f"{name} is damaged"):
        population.make_player("row", 1, 0)
    path.unlink()
    with pytest.raises(PolicyError, match=f"no policy file .*{name}"):
        population.make_player("row", 1, 0)


def test_damaged_manifests_are_named(tmp_path):
    path = filled(tmp_path).path("row", 0) / "manifest.json"
    about = json.loads(path.read_text())
    for damaged in ("", "{}", json.dumps(about | {"number": 5}), json.dumps(about | {"files": {"../x": ""}})):
        path.write_text(damaged)
        with pytest.raises(PolicyError, match=r"0000/manifest\.json is damaged"):
            Population(tmp_path, ["row"])
    path.unlink()
    with pytest.raises(PolicyError, match=r"no policy file .*manifest\.json"):
        Population(tmp_path, ["row"])


def test_a_gap_is_named(tmp_path):
    filled(tmp_path).path("row", 0).rename(tmp_path / "elsewhere")
    with pytest.raises(PolicyError, match=r"no policy folder .*0000"):
        Population(tmp_path, ["row"])


def test_scripts_are_names_of_a_table(tmp_path):
    with pytest.raises(UnknownNameError, match="randm"):
        Population(tmp_path, ["row"]).add("row", "scripted", script="randm")
    Population(tmp_path, ["row"], {"mine": RandomPlayer}).add("row", "scripted", script="mine")
    with pytest.raises(UnknownNameError, match="mine"):
        Population(tmp_path, ["row"]).make_player("row", 0, 0)
