"""Responses that PPO and DQN learn: against one opponent, against a mixture, and with an aversion to variance."""

import json

import numpy as np
import pytest

from agents.tabular import save_table
from agents.trained import TrainedPlayer
from marl.psro.match import play_episodes
from marl.psro.opponents import Mixture, Opponents
from marl.psro.oracles import DQNSettings, PPOSettings
from marl.psro.population import Population
from marl.psro.psro import Psro
from marl.psro.risk_rewards import RiskAversion
from marl.psro.rllib_oracle import RLlibOracle
from marl.psro.settings import PsroSettings

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


def respond(population, out, probabilities, settings=None, env_steps=6400, **kwargs):
    own = PPOSettings(env_steps=env_steps, num_envs=64, fragment_steps=8, hidden_sizes=(16,), learning_rate=3e-3)
    oracle = RLlibOracle(ENV, settings or {}, own)
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
    from_rock, from_paper, from_scissors = about["return_by_opponents"]
    assert -2 < from_paper < from_rock < 3, "A gets more from rock, all others as much from either"
    assert from_scissors is None  # never drawn


def test_a_response_says_what_it_got_from_each_opponent_that_it_met(column_players, tmp_path):
    """Whatever the row player does it gets 1 from the first column and -2 from the second."""
    payoffs = np.zeros((2, 3, 3))
    payoffs[0] = [1, -2, 7]
    about, _ = respond(
        *(column_players, tmp_path / "out", [0.5, 0.5, 0.0], {"payoffs": payoffs.tolist()}),
        env_steps=512,
        risk=RiskAversion(0.1),
    )
    assert about["return_by_opponents"] == [pytest.approx(1), pytest.approx(-2), None]


def test_a_response_starts_from_another_policy(column_players, tmp_path):
    respond(column_players, tmp_path / "first", [0.0, 1.0, 0.0])
    own = PPOSettings(env_steps=1, num_envs=8, fragment_steps=8, hidden_sizes=(16,), learning_rate=1e-9)
    oracle = RLlibOracle(ENV, {}, own)
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


def test_dqns_response_to_paper_is_scissors_always(column_players, tmp_path):
    own = DQNSettings(
        env_steps=4000,
        num_envs=32,
        hidden_sizes=(16,),
        learning_rate=3e-3,
        batch_size=64,
        learning_starts=256,
        target_update_steps=256,
    )
    mixture = {"player_1": Mixture("column", np.array([0.0, 1.0, 0.0]))}
    opponents = Opponents(column_players.folder, column_players.players, mixture)
    (tmp_path / "out").mkdir()
    about = RLlibOracle(ENV, {}, own).respond("player_0", opponents, tmp_path / "out", seed=2)
    assert about["oracle"] == "dqn"
    np.testing.assert_array_equal(shares(tmp_path / "out"), [0, 0, 1])
    (tmp_path / "second").mkdir()
    still = DQNSettings(env_steps=1, num_envs=8, hidden_sizes=(16,), learning_rate=1e-12)
    RLlibOracle(ENV, {}, still).respond("player_0", opponents, tmp_path / "second", seed=1, start=tmp_path / "out")
    np.testing.assert_array_equal(shares(tmp_path / "second"), [0, 0, 1])
    with pytest.raises(ValueError, match="knows no aversion to risk"):
        RLlibOracle(ENV, {}, own).respond("player_0", opponents, tmp_path, seed=0, risk=RiskAversion(0.1))


def test_dqn_and_ppo_policies_play_each_other_in_a_world_with_masks(tmp_path):
    """Kuhn poker: DQN's responses to random play, judged exactly, which then meet one of PPO's."""
    own = {"env_steps": 4000, "batch_size": 32, "learning_rate": 3e-3, "replay_ratio": 8, "learning_starts": 512}
    settings = PsroSettings(
        world="cards/kuhn_poker_v0",
        oracle="dqn",
        oracle_settings=own | {"target_update_steps": 512, "hidden_sizes": [32]},
        payoffs="exact",
        nash_conv="exact",
    )
    run = Psro(tmp_path / "run", settings)
    record = run.step()
    gained = run.exact.cell((1, 0))[0] + run.exact.cell((0, 1))[1] - sum(record.meta.values)
    assert gained > 0.75 * record.nash_conv  # what there was to gain from random play, nearly
    mixture = {"player_1": Mixture("player_1", np.array([0.0, 1.0]))}
    opponents = Opponents(run.population.folder, run.population.players, mixture)
    (tmp_path / "ppo").mkdir()
    ppo = RLlibOracle("cards/kuhn_poker_v0", {}, PPOSettings(env_steps=4096, hidden_sizes=(16,)))
    ppo.respond("player_0", opponents, tmp_path / "ppo", seed=0)
    players = {
        "player_0": TrainedPlayer(tmp_path / "ppo", 1),
        "player_1": run.population.make_player("player_1", 1, 2),
    }
    assert np.isfinite(play_episodes("cards/kuhn_poker_v0", players, 50, seed=0).returns).all()
