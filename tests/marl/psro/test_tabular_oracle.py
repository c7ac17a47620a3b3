"""Q-learning finds best responses of small games, whose values are known."""

import numpy as np
import pytest

from marl.psro.exact import ExactOracle, exact_game
from marl.psro.opponents import Mixture, Opponents
from marl.psro.oracles import TabularSettings
from marl.psro.population import Population
from marl.psro.psro import Psro
from marl.psro.risk_rewards import RiskAversion
from marl.psro.settings import PsroSettings
from marl.psro.tabular_oracle import ActionValues, TabularOracle

KUHN = "cards/kuhn_poker_v0"


@pytest.fixture
def against_random(tmp_path):
    population = Population(tmp_path / "policies", ["player_0", "player_1"])
    for player in population.players:
        population.add(player, "scripted", script="random")
    mixture = {"player_1": Mixture("player_1", np.ones(1))}
    return Opponents(population.folder, population.players, mixture)


def test_its_answer_to_random_play_is_worth_what_the_best_one_is(against_random, tmp_path):
    (tmp_path / "exact").mkdir()
    (tmp_path / "learned").mkdir()
    best = ExactOracle(KUHN, {}).respond("player_0", against_random, tmp_path / "exact", seed=0)
    about = TabularOracle(KUHN, {}, TabularSettings(env_steps=60_000)).respond(
        "player_0", against_random, tmp_path / "learned", seed=1
    )
    population, game = Population(tmp_path / "learners", ["player_0"]), exact_game(KUHN, {})
    source = tmp_path / "learned"
    population.add(
        "player_0",
        "tabular",
        write=lambda folder: [(folder / path.name).write_bytes(path.read_bytes()) for path in source.iterdir()],
    )
    learned = game.read(0, population, "player_0", 0)
    trees = game.flat.players
    value = game.payoffs([trees[0].reach(learned), trees[1].reach(trees[1].uniform())])[0]
    assert value == pytest.approx(best["value"], abs=1e-9)
    assert about["states"] >= 6  # each of three cards, at the start and after a check and a bet
    assert about["env_steps"] == 60_416


def test_step_sizes_by_hand():
    """H = 1: the first target replaces the value, the second counts 2/3: 6, then 6 / 3 + 3 * 2 / 3 = 4."""
    one_by_one, together = ActionValues(2, 1.0), ActionValues(2, 1.0)
    for table in (one_by_one, together):
        table.look_up(np.ones((3, 2)), np.array([[1, 0]] * 3))
    for target in (6.0, 3.0):
        one_by_one.learn(np.array([0]), np.array([0]), np.array([target]))
    assert one_by_one.values[0].tolist() == [pytest.approx(4), -np.inf]
    together.learn(np.zeros(2, int), np.zeros(2, int), np.array([6.0, 3.0]))
    assert together.values[0, 0] == pytest.approx(4.5)  # the mean: nothing is left of the first value
    one_by_one.learn(np.zeros(2, int), np.zeros(2, int), np.array([1.0, 1.0]))  # n = 3, 4: 2/4 and 3/5 of it stay
    assert one_by_one.values[0, 0] == pytest.approx(1 + (4 - 1) * (2 / 4) * (3 / 5))


def test_what_was_never_tried_is_played_at_random():
    table = ActionValues(3, 1.0)
    table.look_up(np.array([[1.0], [2.0]]), np.array([[1, 1, 0], [1, 1, 1]]))
    table.learn(np.array([1]), np.array([2]), np.array([-5.0]))
    np.testing.assert_array_equal(table.greedy(), [[0.5, 0.5, 0], [0, 0, 1]])


def test_psro_with_it_comes_near_an_equilibrium(tmp_path):
    settings = PsroSettings(
        world=KUHN, oracle="tabular", oracle_settings={"env_steps": 30_000}, payoffs="exact", nash_conv="exact"
    )
    run = Psro(tmp_path, settings)
    conv = [run.step().nash_conv for _ in range(7)]
    assert min(conv) < 0.1 * conv[0]


def test_it_refuses_an_aversion_to_risk(against_random, tmp_path):
    with pytest.raises(ValueError, match="knows no aversion to risk"):
        TabularOracle(KUHN, {}, TabularSettings()).respond(
            "player_0", against_random, tmp_path, seed=0, risk=RiskAversion(0.5)
        )
