"""Responses that PPO learns: against one opponent, against a mixture, and with an aversion to variance."""

import json

import numpy as np
import pytest

from agents.tabular import save_table
from agents.trained import TrainedPlayer
from marl.psro.match import play_episodes
from marl.psro.opponents import Mixture, Opponents
from marl.psro.population import Population
from marl.psro.risk_rewards import RiskAversion
from marl.psro.rllib_oracle import RLlibOracle

ENV = "matrix/rock_paper_scissors_v0"

pytestmark = pytest.mark.usefixtures("local_ray")


@pytest.fixture
def column_players(tmp_path):
    """Always rock, always paper, always scissors."""
    population = Population(tmp_path / "policies", ["row", "column"])
    for action in range(3):
        row = np.eye(3)[[action]]
        population.add("column", "tabular", write=lambda folder, row=row: save_table(folder, ENV, np.ones((1, 1)), row))
    return population


def respond(population, out, probabilities, settings=None, **kwargs):
    oracle = RLlibOracle(
        ENV, settings or {}, env_steps=6400, num_envs=64, fragment_steps=8, hidden_sizes=(16,), learning_rate=3e-3
    )
    mixture = {"player_1": Mixture("column", np.array(probabilities))}
    out.mkdir()
    about = oracle.respond("player_0", Opponents(population.folder, population.players, mixture), out, seed=3, **kwargs)
    return about, shares(out, settings)


def shares(folder, settings=None):
    """[K] how often the policy plays each action: its returns against who always plays one, solved for."""
    seen = []

    class Watch(TrainedPlayer):
        def act(self, batch, agent):
            actions = super().act(batch, agent)
            seen.append(actions)
            return actions

    players = {"player_0": Watch(folder), "player_1": Watch(folder)}
    play_episodes(ENV, players, 500, seed=0, settings=settings)
    actions = np.concatenate(seen)
    return np.bincount(actions, minlength=3) / len(actions)


def test_the_response_to_paper_is_scissors(column_players, tmp_path):
    about, played = respond(column_players, tmp_path / "out", [0.0, 1.0, 0.0])
    assert played[2] > 0.9
    assert about["return"] > 0.7
    assert about["env_steps"] >= 6400
    assert json.loads((tmp_path / "out" / "policy.json").read_text())["env_id"] == ENV


def test_aversion_to_variance_between_opponents_changes_the_response(column_players, tmp_path):
    """Row payoffs of actions A, B, C: A gets 3 or -2 (mean 0.5, variance 6.25), B always 0.3, C always -1.

    Risk-neutrally A is best. With gamma = 0.2 A is worth 0.5 - 1.25, and mixing in a share s of it
    0.3 + 0.2 s - 1.25 s^2, best at s = 0.08: the response is nearly B.
    """
    payoffs = np.zeros((2, 3, 3))
    payoffs[0] = [[3, -2, 0], [0.3, 0.3, 0.3], [-1, -1, -1]]
    settings = {"payoffs": payoffs.tolist()}
    _, neutral = respond(column_players, tmp_path / "neutral", [0.5, 0.5, 0.0], settings)
    assert neutral[0] > 0.9
    about, averse = respond(
        column_players, tmp_path / "averse", [0.5, 0.5, 0.0], settings, risk=RiskAversion(0.2, memory=2000)
    )
    assert averse[1] > 0.75
    assert about["risk"] == "gamma=0.2, variance: opponents"
    assert about["return_by_opponents"][2] is None  # never drawn


def test_a_response_starts_from_another_policy(column_players, tmp_path):
    respond(column_players, tmp_path / "first", [0.0, 1.0, 0.0])
    oracle = RLlibOracle(ENV, env_steps=1, num_envs=8, fragment_steps=8, hidden_sizes=(16,), learning_rate=1e-9)
    (tmp_path / "second").mkdir()
    mixture = {"player_1": Mixture("column", np.array([0.0, 1.0, 0.0]))}
    oracle.respond(
        "player_0",
        Opponents(column_players.folder, column_players.players, mixture),
        tmp_path / "second",
        seed=1,
        start=tmp_path / "first",
    )
    assert shares(tmp_path / "second")[2] > 0.9
