"""The bonus for diversity: its value, its slope, and what responses become of it."""

import numpy as np
import pytest

from marl.psro.diversity import Diversity, cardinality_slope, expected_cardinality
from marl.psro.exact import ExactOracle, exact_game
from marl.psro.exact_population import ExactPopulation
from marl.psro.opponents import Mixture, Opponents
from marl.psro.psro import Psro
from marl.psro.risk_rewards import RiskAverseRewards, RiskAversion
from marl.psro.settings import PsroSettings

ROCK_PAPER_SCISSORS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])


def test_expected_cardinality_by_hand():
    """One row of length a: a^2 / (1 + a^2); twice the same row: eigenvalues 0 and 2 a^2; orthogonal rows: the sum."""
    row = np.array([[3.0, 0.0]])
    assert expected_cardinality(row) == pytest.approx(0.9)
    assert expected_cardinality(np.concatenate([row, row])) == pytest.approx(18 / 19)
    assert expected_cardinality(np.diag([3.0, 1.0])) == pytest.approx(0.9 + 0.5)
    eigenvalues = np.linalg.eigvalsh(ROCK_PAPER_SCISSORS @ ROCK_PAPER_SCISSORS.T)
    assert expected_cardinality(ROCK_PAPER_SCISSORS) == pytest.approx((eigenvalues / (1 + eigenvalues)).sum())


def test_the_slope_is_that_of_finite_differences():
    generator = np.random.default_rng(0)
    rows, new = generator.normal(size=(3, 4)), generator.normal(size=4)
    bonus, q = Diversity(0.7, rows), np.array([0.5, 0.5, 0.0, 0.0])
    steps = 1e-6 * np.eye(4)
    numeric = [(bonus.objective(q, new + step) - bonus.objective(q, new - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(bonus.slope(q, new), numeric, atol=1e-7)
    np.testing.assert_allclose(bonus.slope(q, new), q + 0.7 * cardinality_slope(rows, new))


def test_weighted_rewards_have_the_gradient_of_payoff_and_bonus():
    """One parameter p = P(first action); score-function estimates over episodes drawn more widely than meant."""
    payoffs, q, p = np.array([[1.0, -1.0, 0.5], [0.0, 1.0, -0.5]]), np.array([1.0, 0.0, 0.0]), 0.4
    bonus, drawn = Diversity(0.8, np.array([[0.5, 0.5, 0.0]])), np.array([0.8, 0.1, 0.1])
    objective = [bonus.objective(q, np.array([s, 1 - s]) @ payoffs) for s in (p + 1e-5, p - 1e-5)]
    expected = (objective[0] - objective[1]) / 2e-5
    generator, estimates = np.random.default_rng(0), []
    rewards = RiskAverseRewards(RiskAversion(0.0, memory=10**9), q, bonus, drawn)
    for fragment in range(40):
        first = generator.random((5, 1000)) < p
        opponents = generator.choice(3, first.shape, p=drawn)
        got = payoffs[np.where(first, 0, 1), opponents]
        changed = rewards.change(got, np.ones(got.shape, bool), opponents)
        if fragment >= 4:  # running means have settled
            estimates.append((changed * np.where(first, 1 / p, -1 / (1 - p))).mean())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert error < 0.05
    assert abs(np.mean(estimates) - expected) < 4 * error + 0.005
    assert abs(expected - (payoffs[0] - payoffs[1]) @ q) > 0.05  # the bonus does matter


@pytest.mark.parametrize(("weight", "third"), [(0.0, 1), (3.0, 1), (5.0, 2)])
def test_a_bonus_turns_the_exact_response_to_what_nobody_plays_yet(tmp_path, weight, third):
    """Rock (0), then paper (1) in both seats, then an answer to a third each of random play, rock and paper.

    Paper gets (0, 1, 0), in the mean 1 / 3, and makes the diversity 1 / 2 + 2 / 3 of rows (0, 0, -1), (0, 1, 0) and
    itself; scissors get (0, -1, 1), nothing, and make 1 / 2 + 3 / 4: better from tau = (1 / 3) / (1 / 12) = 4 on.
    """
    settings = PsroSettings(
        world="matrix/rock_paper_scissors_v0",
        oracle="exact",
        payoffs="exact",
        meta_solver="uniform",
        diversity=weight,
    )
    run = Psro(tmp_path, settings)
    for _ in range(3):
        run.step()
    found = [run.exact.strategy(0, number)[1:].argmax() for number in range(1, 4)]
    assert found == [0, 1, third]


def test_what_is_maximised_never_falls_below_that_of_the_best_response(tmp_path):
    run = Psro(tmp_path / "run", PsroSettings(world="cards/kuhn_poker_v0", oracle="exact", payoffs="exact"))
    for _ in range(4):
        record = run.step()
    game, meta = exact_game("cards/kuhn_poker_v0", {}), np.array(record.meta.profile[1])
    opponents = Opponents(run.population.folder, run.population.players, {"player_1": Mixture("player_1", meta)})
    payoffs = run.payoffs(record)[0]
    everything = ExactPopulation(game, run.population, run.population.players)
    worths = []
    for index, bonus in enumerate([None, Diversity(1.0, payoffs)]):
        (tmp_path / str(index)).mkdir()
        ExactOracle("cards/kuhn_poker_v0", {}).respond(
            "player_0", opponents, tmp_path / str(index), seed=0, diversity=bonus
        )
        source = tmp_path / str(index)
        number = run.population.add(
            "player_0",
            "tabular",
            write=lambda folder, source=source: [
                (folder / path.name).write_bytes(path.read_bytes()) for path in source.iterdir()
            ],
        )
        new = np.array([everything.cell((number, other))[0] for other in range(len(meta))])
        worths.append((Diversity(1.0, payoffs).objective(meta, new), meta @ new))
    assert worths[1][0] >= worths[0][0]
    assert worths[1][1] <= worths[0][1] + 1e-12  # which it pays for with payoff


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"oracle": "tabular"}, "diversity needs the oracle exact or ppo"),
        ({"oracle": "ppo", "risk_aversion": 0.1, "variance": "total"}, "variance='opponents'"),
        ({"levels": 2}, "levels above 1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        PsroSettings(**{"world": "cards/kuhn_poker_v0", "oracle": "exact", "diversity": 0.5, **wrong})
