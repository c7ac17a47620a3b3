"""Correlated equilibria and alpha-rank: known games, OpenSpiel on the same random games, and conditions."""

import itertools

import mpmath
import numpy as np
import pytest
from open_spiel.python.egt import alpharank
from scipy.optimize import minimize

from games.matrix import generators
from marl.equilibrium import alpha_rank
from marl.equilibrium.alpha_rank import solve_alpha_rank
from marl.equilibrium.bimatrix import enumerate_equilibria
from marl.equilibrium.correlated import CONCEPTS, OBJECTIVES, incentives, joint_regret, solve_correlated

CHICKEN = np.array([[[0, 7], [2, 6]], [[0, 2], [7, 6]]], float)


def draw(counts, seed):
    return generators.general_sum(counts, np.random.default_rng(seed))


def test_aumanns_chicken():
    # Aumann 1974: the best sum that advice can reach is 10.5, half of it at (swerve, swerve).
    solution = solve_correlated(CHICKEN, "correlated", "welfare")
    np.testing.assert_allclose(solution.joint, [[0, 0.25], [0.25, 0.5]], atol=1e-8)
    assert solution.values.sum() == pytest.approx(10.5)


@pytest.mark.parametrize("concept", CONCEPTS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_deviation_gains(concept, objective):
    for counts in ((3, 4), (2, 3, 2), (1, 3)):
        payoffs = draw(counts, 0)
        solution = solve_correlated(payoffs, concept, objective)
        assert solution.converged
        assert solution.joint.sum() == pytest.approx(1)
        assert solution.joint.min() >= 0
        assert joint_regret(payoffs, solution.joint, concept) == solution.regret <= 1e-6
        # By loops over deviations.
        for i, count in enumerate(counts):
            own, joint = np.moveaxis(payoffs[i], i, 0), np.moveaxis(solution.joint, i, 0)
            for other in range(count):
                by_advice = [float((joint[a] * (own[other] - own[a])).sum()) for a in range(count)]
                gain = max(by_advice) if concept == "correlated" else sum(by_advice)
                assert gain <= 1e-6


def test_objectives_rank_as_they_should():
    payoffs = draw((4, 4), 1)
    found = {(c, o): solve_correlated(payoffs, c, o) for c in CONCEPTS for o in OBJECTIVES}
    for concept in CONCEPTS:
        best = found[concept, "welfare"].values.sum()
        assert all(best >= found[concept, o].values.sum() - 1e-6 for o in OBJECTIVES)
        spread_out = (found[concept, "gini"].joint ** 2).sum()
        assert all(spread_out <= (found[concept, o].joint ** 2).sum() + 1e-6 for o in OBJECTIVES)
        assert found[concept, "min_epsilon"].regret <= min(found[concept, o].regret for o in OBJECTIVES) + 1e-8
    # Every correlated equilibrium is a coarse one, and every Nash equilibrium is both.
    assert found["coarse", "welfare"].values.sum() >= found["correlated", "welfare"].values.sum() - 1e-6
    for nash in enumerate_equilibria(payoffs):
        assert joint_regret(payoffs, np.multiply.outer(*nash.profile), "correlated") < 1e-9


@pytest.mark.parametrize("concept", CONCEPTS)
def test_the_most_mixed_equilibria_are_those_of_a_general_optimiser(concept):
    rows = incentives(CHICKEN, concept).toarray()
    theirs = minimize(
        lambda s: (s**2).sum(),
        np.full(4, 1 / 4),
        jac=lambda s: 2 * s,
        bounds=[(0, 1)] * 4,
        constraints=[
            {"type": "eq", "fun": lambda s: s.sum() - 1},
            {"type": "ineq", "fun": lambda s: -(rows @ s)},
        ],
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert theirs.success
    np.testing.assert_allclose(solve_correlated(CHICKEN, concept, "gini").joint.ravel(), theirs.x, atol=1e-5)


def test_an_epsilon_that_cannot_be_had_is_said():
    impossible = solve_correlated(CHICKEN, "correlated", "welfare", epsilon=-5.0)
    assert not impossible.converged
    with pytest.raises(ValueError, match="did you mean 'coarse'"):
        solve_correlated(CHICKEN, "coarze")


# ---- alpha-rank ----


@pytest.mark.parametrize("alpha", [0.1, 1.0, None])
def test_alpha_rank_is_openspiels(alpha):
    for seed in range(2):
        payoffs = draw((5, 4), seed)
        strong = {"use_inf_alpha": True, "inf_alpha_eps": 0.01} if alpha is None else {"alpha": alpha}
        theirs = alpharank.compute([payoffs[0], payoffs[1]], m=50, **strong)[2]
        ours = solve_alpha_rank(payoffs, alpha, noise=0.01)
        assert ours.converged
        np.testing.assert_allclose(ours.joint.ravel(), theirs, atol=1e-10)


def test_the_fixation_probability_by_hand():
    # Two players, one of them with a choice: the chain has two states, so shares are as the moves into them.
    payoffs = np.array([[[0.3], [0.0]], [[0.0], [0.0]]])
    alpha, m, d = 2.0, 10, 0.3
    up, down = [(1 - np.exp(-alpha * g)) / (1 - np.exp(-alpha * m * g)) for g in (d, -d)]
    ours = solve_alpha_rank(payoffs, alpha, m)
    np.testing.assert_allclose(ours.joint[:, 0], [up / (up + down), down / (up + down)])


def test_ways_out_that_are_too_rare_for_floating_point_are_still_ways_out():
    """1 leaves for 2 alone, hardly ever, and 2 goes back to 1 but for 1e-200: 1e-450 of the time from 1 to 0."""
    moves = np.array([[0, 0, 1], [0, 0, 1e-250], [1e-200, 1, 0]])
    # Balanced along the line 1 - 2 - 0: weights 1, 1e-250 and 1e-450.
    with np.errstate(divide="ignore"):
        found = alpha_rank._eliminate(np.log(moves))
    np.testing.assert_allclose(found, np.log(10) * np.array([-450, 0, -250]), rtol=1e-9)


def test_a_game_without_a_choice_has_a_rank():
    found = solve_alpha_rank(np.array([[[3.0]], [[-1.0]]]))
    assert found.converged
    assert found.joint.tolist() == [[1.0]]


def exact_alpha_rank(payoffs, alpha, population=50):
    """The balance of flows, solved with 4,000 digits: another way than ours, in which nothing is too rare."""
    counts = payoffs.shape[1:]
    states = list(np.ndindex(*counts))
    with mpmath.workdps(4000):
        matrix = mpmath.zeros(len(states))
        for (row, one), (column, other) in itertools.permutations(enumerate(states), 2):
            if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
                player = int(np.argmax(np.array(one) != other))
                gain = mpmath.mpf(alpha) * (mpmath.mpf(payoffs[player][other]) - mpmath.mpf(payoffs[player][one]))
                chance = mpmath.expm1(-gain) / mpmath.expm1(-population * gain)
                matrix[column, row] += chance
                matrix[row, row] -= chance
        for column in range(len(states)):
            matrix[len(states) - 1, column] = 1  # in place of the last balance: shares sum to 1
        weights = mpmath.lu_solve(matrix, mpmath.matrix([0] * (len(states) - 1) + [1]))
        return np.array([float(weight) for weight in weights]).reshape(counts)


@pytest.mark.parametrize(("size", "scale", "seed"), [((3, 2), 30.0, 15), ((4, 3), 30.0, 4), ((2, 2, 3), 30.0, 52)])
def test_small_chains_are_exact_however_rare_their_moves(size, scale, seed):
    """Games of which elimination in floating point made something that is not a number."""
    payoffs = scale * draw(size, seed)
    found = solve_alpha_rank(payoffs, alpha=1.2)
    assert found.converged
    np.testing.assert_allclose(found.joint, exact_alpha_rank(payoffs, 1.2), atol=1e-9)


def test_a_stag_hunt_whose_ways_out_are_too_rare_for_floating_point():
    """Leaving both hunting loses 1, both gathering 1.001; the way back is sure: shares as e^0 to e^(100 * 49 * 0.001).

    A way out is taken with e^(-100 * 49), which is no number in floating point.
    """
    own = np.array([[3.0, -0.001], [2.0, 1.0]])
    found = solve_alpha_rank(np.stack([own, own.T]), alpha=100.0, population=50)
    assert found.converged
    np.testing.assert_allclose(np.diag(found.joint), [1 / (1 + np.exp(4.9)), 1 / (1 + np.exp(-4.9))], rtol=1e-9)


def test_payoffs_that_are_large_beside_alpha_have_a_rank():
    """Two cars' populations: at (5, 4) either's payoff is the best of its column or row, by 0.01 and 0.09."""
    first = [
        *([-7.35, -8.08, -8.02, -7.92, -7.95, -8.03], [2.81, -0.09, 4.65, 4.84, 5.09, 4.85]),
        *([-2.65, -0.54, -1.38, -1.94, -1.17, -2.73], [3.11, 3.74, 7.05, 7.13, 7.19, 7.14]),
        *([3.38, 3.69, 6.94, 7.09, 7.17, 7.14], [3.02, 3.65, 7.02, 7.06, 7.2, 7.14]),
    ]
    second = [
        *([-6.94, 2.85, 3.06, 3.43, 3.19, 3.43], [-8.3, -0.3, 4.76, 5.14, 5.07, 4.93]),
        *([-7.49, 6.18, 6.8, 6.98, 7.03, 6.34], [-8.29, 3.09, 6.89, 7.14, 7.14, 7.12]),
        *([-8.38, 3.06, 6.75, 6.95, 7.16, 7.13], [-8.15, 3.06, 6.85, 6.96, 7.22, 7.13]),
    ]
    found = solve_alpha_rank(np.array([first, second]), alpha=100.0)
    assert found.converged
    assert found.joint[5, 4] == pytest.approx(1)


def test_large_chains_are_solved_as_small_ones_are(monkeypatch):
    for seed, alpha in ((0, 0.1), (1, 5.0), (2, None)):
        payoffs = draw((7, 6, 4), seed)
        exact = solve_alpha_rank(payoffs, alpha)
        with monkeypatch.context() as patch:
            patch.setattr(alpha_rank, "SMALL_CHAIN", 0)
            swept = solve_alpha_rank(payoffs, alpha, tolerance=1e-12)
        assert swept.converged
        np.testing.assert_allclose(swept.joint, exact.joint, atol=1e-9)


def test_more_policies_than_elimination_could_rank_are_in_balance():
    payoffs = draw((40, 40), 1)
    solution = solve_alpha_rank(payoffs, 1.0)
    moves = alpha_rank.response_chain(payoffs, 1.0, 50, 0.1)
    weights = solution.joint.ravel()
    flow = weights * np.asarray(moves.sum(axis=1)).ravel()
    assert solution.converged
    assert np.abs(moves.T @ weights - flow).sum() <= 1e-7 * flow.sum()


def test_strong_selection_ends_in_the_strict_equilibria_by_their_rare_moves():
    # Two coordination equilibria; leaving the better one is a larger loss, so finite selection stays there.
    payoffs = np.stack([np.diag([1.0, 2.0])] * 2)
    assert solve_alpha_rank(payoffs, 5.0, 5).joint[1, 1] > 0.99
    np.testing.assert_allclose(np.diag(solve_alpha_rank(payoffs, None).joint), 0.5, atol=1e-5)


def test_a_chain_that_falls_into_parts_is_not_said_to_be_solved(monkeypatch):
    # exp(-1e6) is 0 in floating point: nothing leads from one equilibrium to the other.
    monkeypatch.setattr(alpha_rank, "SMALL_CHAIN", 0)
    assert not solve_alpha_rank(np.stack([np.eye(2)] * 2), 1e6).converged
