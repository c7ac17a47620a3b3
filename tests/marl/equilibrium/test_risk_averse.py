"""Risk-averse equilibria: closed forms, thresholds and tables, existence, and how often random games converge."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from experiments.bench.equilibria import convergence
from games.matrix import generators
from marl.equilibrium import risk
from marl.equilibrium.payoffs import as_game, nash_conv
from marl.equilibrium.risk_averse import solve_nash_path, solve_risk_averse
from marl.equilibrium.zero_sum import solve_zero_sum

CHICKEN = np.array([[[0, 7], [2, 6]], [[0, 2], [7, 6]]], float)


def stag_hunt(both, alone, safe, hares, num_players=2):
    """Payoffs where action 0 hunts the stag, which takes everybody."""
    payoffs = np.zeros((num_players, *[2] * num_players))
    for actions in np.ndindex(*[2] * num_players):
        for i, action in enumerate(actions):
            others_hunt = all(a == 0 for j, a in enumerate(actions) if j != i)
            payoffs[(i, *actions)] = (
                (both if others_hunt else alone) if action == 0 else (safe if others_hunt else hares)
            )
    return payoffs


def floored(action, floor, num_players=2):
    return tuple(np.where(np.arange(2) == action, 1 - floor, floor) for _ in range(num_players))


def draw(counts, seed):
    return np.random.default_rng(seed).uniform(size=(len(counts), *counts))


# ---- the utility ----


def test_mean_and_variance_are_those_of_the_opponents_draw():
    rng = np.random.default_rng(0)
    payoffs = rng.normal(size=(3, 2, 3, 2))
    profile = tuple(rng.dirichlet(np.ones(k)) for k in payoffs.shape[1:])
    means, variances = risk.mean_and_variance(payoffs, profile)
    worth = np.einsum("b,abc->ac", profile[1], payoffs[1])  # player 1's own draw averaged
    chance = np.outer(profile[0], profile[2])
    assert means[1] == pytest.approx((chance * worth).sum())
    assert variances[1] == pytest.approx((chance * (worth - means[1]) ** 2).sum())
    # The law of total variance: the own draw only adds.
    assert (risk.total_variance(payoffs, profile) >= variances).all()


@pytest.mark.parametrize("counts", [(3, 4), (2, 3, 2), (2, 2, 2, 3)])
def test_gradients_and_jacobian_are_difference_quotients(counts):
    rng = np.random.default_rng(1)
    payoffs, gamma, step = rng.normal(size=(len(counts), *counts)), 0.7, 1e-6
    profile = [rng.dirichlet(np.ones(k)) for k in counts]
    gradients = risk.risk_gradients(payoffs, profile, gamma)
    jacobian = risk.risk_jacobian(payoffs, profile, gamma)
    column = 0
    for j, count in enumerate(counts):
        for b in range(count):
            moved = [x.copy() for x in profile]
            moved[j][b] += step
            back = [x.copy() for x in profile]
            back[j][b] -= step
            if b == 0:
                slope = risk.risk_utility(payoffs, moved, j, gamma) - risk.risk_utility(payoffs, back, j, gamma)
                # The mix is a distribution only when all others' are, which they are here.
                assert slope / (2 * step) == pytest.approx(gradients[j][b], abs=1e-6)
            there = np.concatenate(risk.risk_gradients(payoffs, moved, gamma))
            here = np.concatenate(risk.risk_gradients(payoffs, back, gamma))
            np.testing.assert_allclose((there - here) / (2 * step), jacobian[:, column], atol=1e-5)
            column += 1


@pytest.mark.parametrize("floor", [0.0, 0.05])
def test_best_responses_are_those_of_a_general_optimiser(floor):
    for seed in range(4):
        payoffs, rng = draw((4, 5), seed), np.random.default_rng(seed)
        profile = [np.full(4, 0.25), rng.dirichlet(np.ones(5))]
        answer = risk.best_risk_response(payoffs, profile, 0, 3.0, floor)
        assert answer.min() >= floor
        theirs = minimize(
            lambda x, p=payoffs, y=profile: -risk.risk_utility(p, [x, y[1]], 0, 3.0),
            profile[0],
            bounds=[(floor, 1)] * 4,
            constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 500},
            method="SLSQP",
        )
        assert risk.risk_utility(payoffs, [answer, profile[1]], 0, 3.0) == pytest.approx(-theirs.fun, abs=1e-8)
        assert risk.risk_gaps(payoffs, (answer, profile[1]), 3.0, floor)[0] < 1e-8


def test_gaps_are_never_too_small_and_are_what_a_best_response_gains():
    payoffs = draw((5, 4), 7)
    profile = (np.full(5, 0.2), np.full(4, 0.25))
    gap = risk.risk_gaps(payoffs, profile, 2.0, 0.01)[0]
    answer = risk.best_risk_response(payoffs, profile, 0, 2.0, 0.01)
    won = risk.risk_utility(payoffs, (answer, profile[1]), 0, 2.0) - risk.risk_utility(payoffs, profile, 0, 2.0)
    assert won - 1e-12 <= gap <= won + 1e-7
    rng = np.random.default_rng(0)
    for _ in range(50):
        other = 0.01 + 0.95 * rng.dirichlet(np.ones(5))
        assert (
            risk.risk_utility(payoffs, (other, profile[1]), 0, 2.0) - risk.risk_utility(payoffs, profile, 0, 2.0)
            <= gap + 1e-12
        )


# ---- closed forms ----


@pytest.mark.parametrize(
    ("game", "floor", "threshold"),
    [
        ((10, 1, 8, 5), 0.01, 1.82662),
        ((10, 1, 8, 5), 0.05, 0.34281),
        ((10, 1, 8, 5), 0.1, 0.15432),
        ((5, -5, 1, 1), 0.01, 1.98959),
        ((5, -5, 1, 1), 0.05, 0.38781),
        ((5, -5, 1, 1), 0.1, 0.18519),
        ((4, 0, 3, 3), 0.01, 3.06091),
        ((4, 0, 3, 3), 0.05, 0.55402),
        ((4, 0, 3, 3), 0.1, 0.23148),
        ((4, 1, 3, 2), 0.01, 8.30452),
        ((4, 1, 3, 2), 0.05, 1.63339),
        ((4, 1, 3, 2), 0.1, 0.79365),
    ],
)
def test_hunting_the_stag_stops_being_an_equilibrium_at_the_threshold(game, floor, threshold):
    both, alone, safe, hares = game
    payoffs, profile = stag_hunt(*game), floored(0, floor)
    # The closed form: d1 and d2 are what the other's change costs the hunter and brings the other.
    d1, d2 = both - alone, safe - hares
    exact = ((1 - floor) * (both - safe) + floor * (alone - hares)) / (
        2 * floor * (1 - floor) * ((1 - floor) * d1 + floor * d2) * (d1 - d2)
    )
    assert exact == pytest.approx(threshold, abs=5e-6)

    def advantage(gamma):
        hunting, hare = risk.risk_gradients(payoffs, profile, gamma)[0]
        return hunting - hare

    assert brentq(advantage, 0, 20, xtol=1e-9) == pytest.approx(exact, rel=1e-8)
    assert risk.risk_gaps(payoffs, profile, exact * (1 - 1e-5), floor).max() < 1e-12
    assert risk.risk_gaps(payoffs, profile, exact * (1 + 1e-5), floor).max() > 1e-11
    for gamma in (0, threshold, 100):  # hunting hares survives
        assert risk.risk_gaps(payoffs, floored(1, floor), gamma, floor).max() < 1e-12


@pytest.mark.parametrize(
    ("gamma", "dare", "crash", "mean", "variance"),
    [
        (0, 0.3333, 0.1111, 4.667, 5.556),
        (0.05, 0.2456, 0.0603, 5.082, 4.157),
        (0.1, 0.1916, 0.0367, 5.315, 3.242),
        (0.25, 0.1140, 0.0130, 5.619, 1.905),
        (0.5, 0.0678, 0.0046, 5.783, 1.116),
        (1, 0.0374, 0.0014, 5.884, 0.609),
    ],
)
def test_the_chicken_table(gamma, dare, crash, mean, variance):
    solution = solve_risk_averse(CHICKEN, gamma, 0.0)
    p = solution.profile[0][0]
    assert solution.converged
    np.testing.assert_allclose(solution.profile[0], solution.profile[1])
    assert 1 - 3 * p - 6 * gamma * p * (1 - p) * (4 + 3 * p) == pytest.approx(0, abs=1e-9)
    means, variances = risk.mean_and_variance(CHICKEN, solution.profile)
    assert (p, p * p) == pytest.approx((dare, crash), abs=5e-5)
    # The last variance was worked with p as it is printed: 0.60850 with all its digits.
    assert (means[0], variances[0]) == pytest.approx((mean, variance), abs=5.1e-4)


def test_a_three_player_stag_hunt_leaves_the_stag_when_risk_counts():
    payoffs = stag_hunt(10, 1, 8, 5, num_players=3)
    for gamma in (0.0, 0.5, 3.0):
        solution = solve_risk_averse(payoffs, gamma, 0.01)
        assert solution.regret < 1e-6
        np.testing.assert_allclose(solution.profile, floored(1, 0.01, 3), atol=1e-9)
    assert risk.risk_gaps(payoffs, floored(0, 0.01, 3), 0.0, 0.01).max() < 1e-12
    assert risk.risk_gaps(payoffs, floored(0, 0.01, 3), 3.0, 0.01).max() > 1


# ---- identities ----


def test_without_risk_aversion_and_floor_it_is_a_nash_equilibrium():
    for seed in range(5):
        payoffs = draw((4, 3, 3), seed)
        solution = solve_risk_averse(payoffs, 0.0, 0.0)
        assert nash_conv(payoffs, solution.profile) < 1e-8
        assert solve_nash_path(payoffs).converged


def test_pure_equilibria_survive_without_trembles():
    payoffs = stag_hunt(4, 1, 3, 2)
    for action in (0, 1):
        assert risk.risk_gaps(payoffs, floored(action, 0.0), 50.0).max() == 0


@pytest.mark.parametrize("gamma", [0.5, 5.0])
def test_equilibria_of_zero_sum_games_carry_no_risk(gamma):
    for seed in range(10):
        payoffs = generators.zero_sum((6, 5), np.random.default_rng(seed))
        profile = solve_zero_sum(payoffs).profile
        assert risk.risk_gaps(payoffs, profile, gamma).max() < 1e-8
        assert risk.mean_and_variance(payoffs, profile)[1].max() < 1e-8
        found = solve_risk_averse(payoffs, gamma, 0.0)
        assert found.converged
        assert nash_conv(payoffs, found.profile) < 1e-6


@pytest.mark.parametrize("matrix", [[[2, -1], [-1, 1]], [[0, 1, -1], [-1, 0, 2], [1, -2, 0]]])
def test_known_zero_sum_equilibria_stay_where_they_are(matrix):
    payoffs = as_game(matrix)
    expected = solve_zero_sum(matrix).profile
    for gamma in (0.5, 5.0):
        for found, known in zip(solve_risk_averse(payoffs, gamma, 0.0).profile, expected, strict=True):
            np.testing.assert_allclose(found, known, atol=1e-6)


def test_the_variance_over_both_draws_leaves_a_game_without_an_equilibrium():
    # Asymmetric pennies: best responses in mean less total variance are pure, and no pure profile is stable; ours has
    # its mixed equilibrium.
    payoffs, gamma = as_game([[2, -1], [-1, 1]]), 1.0

    def worth(player, profile):
        value = float(profile[0] @ payoffs[player] @ profile[1])
        return value - gamma * risk.total_variance(payoffs, profile)[player]

    own = np.linspace(0, 1, 21)
    for other in np.linspace(0, 1, 401):
        best = max(own, key=lambda x, y=other: worth(0, ([x, 1 - x], [y, 1 - y])))
        assert best in (0, 1)
    for row in (0, 1):
        for column in (0, 1):
            pure = [np.eye(2)[row], np.eye(2)[column]]
            gained = [worth(0, (np.eye(2)[1 - row], pure[1])), worth(1, (pure[0], np.eye(2)[1 - column]))]
            assert gained[0] > worth(0, pure) or gained[1] > worth(1, pure)
    assert solve_risk_averse(payoffs, gamma, 0.0).regret < 1e-9


# ---- properties ----


def test_renaming_players_and_actions_renames_the_equilibrium():
    payoffs, rng = draw((4, 3), 3), np.random.default_rng(3)
    rows, columns = rng.permutation(4), rng.permutation(3)
    found = solve_risk_averse(payoffs, 1.0, 0.01)
    renamed = solve_risk_averse(payoffs[:, rows][:, :, columns], 1.0, 0.01)
    np.testing.assert_allclose(renamed.profile[0], found.profile[0][rows], atol=1e-8)
    exchanged = solve_risk_averse(payoffs[::-1].transpose(0, 2, 1), 1.0, 0.01)
    np.testing.assert_allclose(exchanged.profile[1], found.profile[0], atol=1e-8)


def test_payoffs_in_other_units_need_the_weight_in_these_units():
    payoffs = draw((4, 4), 4)
    found = solve_risk_averse(payoffs, 2.0, 0.01)
    scaled = solve_risk_averse(50 * payoffs - 7, 2.0 / 50, 0.01)
    for one, other in zip(found.profile, scaled.profile, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


def test_a_dominated_action_without_risk_is_never_chosen_above_its_floor():
    payoffs = draw((4, 4), 5)
    worse = np.concatenate([payoffs, payoffs.min(axis=1, keepdims=True)], axis=1)  # of player 0 a fifth action
    worse[0, 4] -= 0.5
    solution = solve_risk_averse(worse, 0.0, 0.01)
    assert solution.converged
    assert solution.profile[0][4] == pytest.approx(0.01)


def test_a_result_that_did_not_converge_says_so():
    payoffs = draw((10, 10), 0)
    stopped = solve_risk_averse(payoffs, 2.0, 0.001, max_steps=3)
    assert not stopped.converged
    assert stopped.regret > 1e-3
    assert all(x.min() >= 0.001 - 1e-12 for x in stopped.profile)


# ---- how often ----


@pytest.mark.parametrize(("num_actions", "gamma"), [(5, 0.5), (5, 10.0), (10, 2.0), (20, 2.0)])
def test_random_games_converge(num_actions, gamma):
    for seed in range(3):
        assert convergence.solve_one(convergence.HOMOTOPY, num_actions, gamma, seed).gap < 1e-6


def test_the_committed_shares_are_those_asked_for():
    solved = convergence.read_games()
    assert not list(convergence.missing_games(solved))
    for gamma in convergence.RISK_AVERSIONS:
        for num_actions in convergence.ACTIONS:
            least = 0.8 if num_actions == 50 else 0.95
            assert convergence.solved_share(solved, convergence.HOMOTOPY, num_actions, gamma) >= least


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path):
    path, solved = tmp_path / "games.csv", convergence.read_games()
    convergence.write_games(solved[:-3], path)
    assert convergence.read_games(path) == solved[:-3]
    assert list(convergence.missing_games(solved[:-3])) == [game[:4] for game in solved[-3:]]
    assert convergence.read_games(tmp_path / "none.csv") == []
