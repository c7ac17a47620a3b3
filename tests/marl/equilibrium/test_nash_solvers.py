"""Nash equilibria of general games: known games, Gambit and quantecon on the same random games, and properties."""

import sys

import numpy as np
import pytest
from scipy.optimize import root
from scipy.special import softmax

from games.matrix import generators
from marl.equilibrium import gambit
from marl.equilibrium.bimatrix import enumerate_equilibria, solve_lemke_howson
from marl.equilibrium.maximin import guarantees, solve_maximin
from marl.equilibrium.payoffs import nash_conv
from marl.equilibrium.quantal_response import logit_regret, solve_logit
from marl.equilibrium.risk_averse import solve_nash_path
from marl.equilibrium.trembling_hand import solve_trembling_hand, undominated
from marl.equilibrium.zero_sum import solve_zero_sum

# Von Stengel's game: three equilibria, (1, 0, 0) with (1, 0) among them (Algorithmic Game Theory 2007, ch. 3).
STENGEL = np.array([[[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]]], float)


def rounded(solutions):
    return sorted(tuple(np.round(np.concatenate(s.profile), 6) + 0.0) for s in solutions)


def test_von_stengels_game_has_its_three_equilibria_whoever_looks():
    expected = [(0, 1 / 3, 2 / 3, 1 / 3, 2 / 3), (0.8, 0.2, 0, 2 / 3, 1 / 3), (1, 0, 0, 1, 0)]
    for method in ("vertex", "support"):
        found = enumerate_equilibria(STENGEL, method)
        assert all(s.converged for s in found)
        np.testing.assert_allclose(rounded(found), expected, atol=1e-6)
    np.testing.assert_allclose(rounded(gambit.solve_with_gambit(STENGEL, "enummixed")), expected, atol=1e-6)
    np.testing.assert_allclose(rounded(gambit.solve_with_gambit(STENGEL, "enumpoly")), expected, atol=1e-6)
    for solve in (solve_lemke_howson, solve_nash_path):
        assert min(np.abs(np.array(expected) - rounded([solve(STENGEL)])).max(axis=1)) < 1e-6


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1), (2, 5), (6, 6)])
def test_all_solvers_of_two_players_find_equilibria_that_gambit_finds(shape):
    for seed in range(3):
        payoffs = generators.general_sum(shape, np.random.default_rng(seed))
        every = enumerate_equilibria(payoffs)
        np.testing.assert_allclose(rounded(every), rounded(gambit.solve_with_gambit(payoffs, "enummixed")), atol=1e-5)
        assert len(every) % 2 == 1  # Wilson 1971
        for found in (solve_lemke_howson(payoffs), solve_nash_path(payoffs)):
            assert found.converged
            assert np.abs(np.array(rounded(every)) - rounded([found])).max(axis=1).min() < 1e-5


def test_lemke_and_howson_solve_a_hundred_actions():
    payoffs = generators.general_sum((100, 100), np.random.default_rng(0))
    solution = solve_lemke_howson(payoffs)
    assert solution.converged
    assert nash_conv(payoffs, solution.profile) < 1e-8
    given_up = solve_lemke_howson(payoffs, max_pivots=2)
    assert not given_up.converged
    assert given_up.regret > 1e-3


@pytest.mark.parametrize("method", ["enumpure", "enumpoly", "gnm", "ipa", "logit", "simpdiv"])
def test_gambits_methods_solve_three_players(method):
    payoffs = generators.general_sum((2, 2, 2), np.random.default_rng(2))
    found = gambit.solve_with_gambit(payoffs, method, tolerance=1e-5)
    assert found
    assert all(s.converged for s in found)


def test_the_logit_path_of_three_players_ends_where_gambits_does():
    for seed in range(4):
        payoffs = generators.general_sum((3, 2, 3), np.random.default_rng(seed))
        (theirs,) = gambit.solve_with_gambit(payoffs, "logit")
        for one, other in zip(solve_nash_path(payoffs).profile, theirs.profile, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_gambit_that_is_missing_or_misspelt_is_named(monkeypatch):
    with pytest.raises(ValueError, match="did you mean 'gnm'"):
        gambit.solve_with_gambit(STENGEL, "gmn")
    monkeypatch.setitem(sys.modules, "pygambit", None)
    with pytest.raises(gambit.GambitMissingError, match=r"pip install 'agora\[gambit\]'"):
        gambit.solve_with_gambit(STENGEL)


def test_a_game_without_a_pure_equilibrium_gives_an_empty_list():
    pennies = np.array([[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]], float)
    assert gambit.solve_with_gambit(pennies, "enumpure") == []


# ---- properties ----


def test_equilibria_move_with_names_and_not_with_units():
    payoffs = generators.general_sum((4, 3), np.random.default_rng(1))
    found = rounded(enumerate_equilibria(payoffs))
    assert rounded(enumerate_equilibria(payoffs * np.array([3, 0.2])[:, None, None] + 5)) == found
    turned = enumerate_equilibria(payoffs[::-1].transpose(0, 2, 1))
    assert sorted((*s[3:], *s[:3]) for s in rounded(turned)) == found


def test_a_dominated_action_is_in_no_equilibrium_and_changes_none():
    payoffs = generators.general_sum((3, 3), np.random.default_rng(4))
    extra = generators.general_sum((1, 3), np.random.default_rng(5))
    extra[0] = payoffs[0].min(axis=0) - 1
    found = enumerate_equilibria(np.concatenate([payoffs, extra], axis=1))
    assert all(s.profile[0][3] == 0 for s in found)
    assert [(*s[:3], *s[4:]) for s in rounded(found)] == rounded(enumerate_equilibria(payoffs))


def test_actions_that_are_alike_leave_the_end_of_the_path_exact():
    # Populations hold copies of a policy: then a support's equations have many solutions.
    for seed in range(3):
        payoffs = generators.general_sum((4, 4), np.random.default_rng(seed))
        doubled = payoffs[:, [0, 1, 2, 3, 0, 1]][:, :, [0, 1, 2, 3, 2, 3]]
        solution = solve_nash_path(doubled)
        assert solution.converged
        assert nash_conv(doubled, solution.profile) < 1e-8
        assert solve_trembling_hand(doubled).converged


# ---- quantal responses ----


def test_logit_equilibria_are_fixed_points_from_uniform_to_nash():
    payoffs = generators.general_sum((4, 3), np.random.default_rng(3))
    assert all((x == 1 / len(x)).all() for x in solve_logit(payoffs, 0.0).profile)
    for rationality in (0.1, 1.0, 10.0, 1000.0):
        solution = solve_logit(payoffs, rationality)
        assert solution.converged
        assert logit_regret(payoffs, solution.profile, rationality) < 1e-12
    for x, y in zip(solution.profile, solve_nash_path(payoffs).profile, strict=True):
        np.testing.assert_allclose(x, y, atol=0.01)


def test_the_logit_equilibrium_of_asymmetric_pennies_by_its_equation():
    # Both mix by a logistic of the other's lead: x = s(lambda (5 y - 2)), y = s(-lambda (5 x - 2)).
    payoffs = np.array([[[2, -1], [-1, 1]], [[-2, 1], [1, -1]]], float)
    x, y = (strategy[0] for strategy in solve_logit(payoffs, 1.5).profile)
    assert x == pytest.approx(1 / (1 + np.exp(-1.5 * (5 * y - 2))), abs=1e-12)
    assert y == pytest.approx(1 / (1 + np.exp(1.5 * (5 * x - 2))), abs=1e-12)


def test_the_logit_path_stays_on_its_branch_where_another_one_is_near():
    # SciPy's root finder, led along in small steps of the rationality; 10 steps of the path ended elsewhere once.
    payoffs, _ = generators.potential((10, 10), np.random.default_rng([10, 75]))
    payoffs /= payoffs.max() - payoffs.min()
    slow = np.full(20, 0.1)
    for rationality in np.linspace(0, 10, 401):
        slow = root(
            lambda x, rationality=rationality: (
                x - np.r_[softmax(rationality * payoffs[0] @ x[10:]), softmax(rationality * x[:10] @ payoffs[1])]
            ),
            slow,
        ).x
    solution = solve_logit(payoffs, 10.0)
    assert solution.converged
    np.testing.assert_allclose(np.concatenate(solution.profile), slow, atol=1e-8)


# ---- maximin and trembles ----


def test_maximin_guarantees_what_it_says():
    chicken = np.array([[[0, 7], [2, 6]], [[0, 2], [7, 6]]], float)
    solution = solve_maximin(chicken)
    assert [x.tolist() for x in solution.profile] == [[0, 1], [0, 1]]
    assert solution.values.tolist() == [2, 2]  # not the 6 that two who swerve get
    payoffs = generators.general_sum((3, 4, 2), np.random.default_rng(0))
    solution = solve_maximin(payoffs)
    assert solution.converged
    np.testing.assert_allclose(guarantees(payoffs, solution.profile), solution.values)
    matrix = payoffs[1].transpose(1, 0, 2).reshape(4, -1)
    assert solution.values[1] == pytest.approx(solve_zero_sum(matrix).value)


def test_trembles_rule_out_the_equilibrium_in_dominated_actions():
    # Selten's kind of game: (1, 1) is an equilibrium, but both do better to leave it as soon as the other trembles.
    payoffs = np.array([[[1, 0], [0, 0]], [[1, 0], [0, 0]]], float)
    solution = solve_trembling_hand(payoffs)
    assert solution.converged
    assert [x.tolist() for x in solution.profile] == [[1, 0], [1, 0]]
    assert undominated(payoffs, [1, 0], 0)
    assert not undominated(payoffs, [0, 1], 0)


def test_refined_equilibria_are_exact_and_undominated():
    for seed in range(4):
        payoffs = generators.general_sum((4, 4), np.random.default_rng(seed))
        solution = solve_trembling_hand(payoffs)
        assert solution.converged
        assert nash_conv(payoffs, solution.profile) < 1e-7
        assert all(undominated(payoffs, x, i) for i, x in enumerate(solution.profile))
    mixed = solve_trembling_hand([[[2, -1], [-1, 1]], [[-2, 1], [1, -1]]])
    np.testing.assert_allclose(mixed.profile, [[0.4, 0.6], [0.4, 0.6]], atol=1e-9)
