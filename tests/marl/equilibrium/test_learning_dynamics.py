"""Learning rules: OpenSpiel's on the same games, theorems about where they lead, and properties."""

import numpy as np
import pytest
from open_spiel.python.algorithms import projected_replicator_dynamics, regret_matching

from games.matrix import generators
from marl.equilibrium import fictitious_play, mirror_descent, replicator
from marl.equilibrium import regret_matching as matching
from marl.equilibrium.payoffs import nash_conv, spread, uniform_profile
from marl.equilibrium.quantal_response import solve_logit
from marl.equilibrium.zero_sum import solve_zero_sum

RULES = {
    "regret matching": lambda p, **k: matching.solve_regret_matching(p, "plain", **k),
    "regret matching+": lambda p, **k: matching.solve_regret_matching(p, "plus", **k),
    "fictitious play": fictitious_play.solve_fictitious_play,
    "replicator": replicator.solve_replicator,
    "multiplicative weights": lambda p, **k: mirror_descent.solve_multiplicative_weights(p, 0.05, **k),
    "following magnet": lambda p, **k: mirror_descent.solve_magnetic(p, 0.3, 0.1, follow_every=50, **k),
}


def zero_sum(seed, shape=(4, 5)):
    return generators.zero_sum(shape, np.random.default_rng(seed))


@pytest.mark.parametrize("rule", RULES)
def test_rules_lead_to_the_value_of_zero_sum_games(rule):
    for seed in range(3):
        payoffs = zero_sum(seed)
        solution = RULES[rule](payoffs, tolerance=0.02, max_iterations=20_000)
        assert solution.converged
        assert solution.regret <= 0.02 * spread(payoffs)
        assert abs(solution.value - solve_zero_sum(payoffs).value) <= 0.04 * spread(payoffs)
        assert solution.nash_conv == pytest.approx(nash_conv(payoffs, solution.profile))


@pytest.mark.parametrize("rule", RULES)
def test_rules_do_not_see_units_and_follow_names(rule):
    payoffs = generators.general_sum((3, 3), np.random.default_rng(1))
    options = {"tolerance": 0.0, "max_iterations": 40}
    found = RULES[rule](payoffs, **options)
    assert not found.converged  # they ran through
    assert found.iterations == 40
    order = [2, 0, 1]
    renamed = RULES[rule](payoffs[:, order], **options)
    np.testing.assert_allclose(renamed.profile[0], found.profile[0][order])
    if rule != "following magnet":  # its temperature and step are in payoffs
        scaled = RULES[rule](7 * payoffs + 3, **options)
        for one, other in zip(scaled.profile, found.profile, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_rules_leave_dominated_actions(rule):
    payoffs = generators.general_sum((3, 3), np.random.default_rng(2))
    payoffs[0, 1] = payoffs[0, 0] - 1
    solution = RULES[rule](payoffs, tolerance=0.0, max_iterations=3000)
    assert solution.profile[0][1] < 0.03


def test_projected_replicator_dynamics_are_openspiels():
    payoffs = generators.general_sum((3, 4), np.random.default_rng(3))
    steps, floor = 200, 0.01
    theirs = projected_replicator_dynamics.projected_replicator_dynamics(
        list(payoffs), prd_iterations=steps, prd_dt=0.05, prd_gamma=floor
    )
    profiles = replicator.time_average(replicator.replicator_profiles(payoffs, 0.05, floor), uniform_profile(payoffs))
    for _ in range(steps):
        ours = next(profiles)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_regret_matching_is_openspiels():
    payoffs = generators.general_sum((3, 4, 2), np.random.default_rng(4))
    steps = 300
    theirs = regret_matching.regret_matching(list(payoffs), iterations=steps, gamma=0.0)
    profiles = matching.regret_matching_profiles(payoffs)
    for _ in range(steps + 1):  # theirs averages the uniform start too
        ours = next(profiles)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)  # theirs starts from regrets of 1e-6


def test_projections_are_the_nearest_floored_distributions():
    assert replicator.project(np.array([0.4, 0.7, 0.6]), 0.2).tolist() == pytest.approx([0.2, 0.45, 0.35])
    rng = np.random.default_rng(0)
    for _ in range(20):
        point = rng.normal(size=5)
        nearest = replicator.project(point, 0.05)
        assert nearest.sum() == pytest.approx(1)
        assert nearest.min() >= 0.05
        for _ in range(20):
            other = 0.05 + 0.75 * rng.dirichlet(np.ones(5))
            assert np.sum((point - nearest) ** 2) <= np.sum((point - other) ** 2) + 1e-12


def test_regret_matching_plus_is_faster_than_regret_matching():
    payoffs = zero_sum(0, (10, 10))
    plain, plus = (matching.solve_regret_matching(payoffs, v, 1000, 0.0) for v in ("plain", "plus"))
    assert plus.nash_conv < plain.nash_conv / 10


def test_fictitious_play_by_hand():
    # Pennies: equal answers go to the first action; after the uniform start (1/2, 1/2) both first play action 0.
    pennies = np.array([[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]], float)
    averages = fictitious_play.fictitious_play_profiles(pennies)
    assert [x.tolist() for x in next(averages)] == [[0.75, 0.25], [0.75, 0.25]]
    second = next(averages)  # the row answers heads with heads, the column with tails
    np.testing.assert_allclose(second, [[2.5 / 3, 0.5 / 3], [0.5, 0.5]])


@pytest.mark.parametrize("rationality", [0.5, 3.0])
def test_smoothed_rules_lead_to_the_logit_equilibrium_of_zero_sum_games(rationality):
    payoffs = zero_sum(5)
    expected = solve_logit(payoffs, rationality)
    magnetic = mirror_descent.solve_magnetic(payoffs, 1 / rationality, tolerance=1e-9)
    smooth = fictitious_play.solve_fictitious_play(payoffs, rationality, tolerance=1e-5)
    assert magnetic.converged
    assert smooth.converged
    for one, two, exact in zip(magnetic.profile, smooth.profile, expected.profile, strict=True):
        np.testing.assert_allclose(one, exact, atol=1e-4)
        np.testing.assert_allclose(two, exact, atol=2e-2)


def test_a_floor_is_kept_and_costs_regret():
    payoffs = np.array([[[1, 0], [0, 0]], [[1, 0], [0, 0]]], float)
    solution = replicator.solve_replicator(payoffs, floor=0.1, averaged=False, max_iterations=500)
    np.testing.assert_allclose(solution.profile, [[0.9, 0.1], [0.9, 0.1]])
    assert not solution.converged


@pytest.mark.parametrize(
    ("solve", "message"),
    [
        (lambda p: matching.solve_regret_matching(p, "plus+"), "did you mean 'plus'"),
        (lambda p: fictitious_play.solve_fictitious_play(p, 0.0), "rationality must be a finite number > 0"),
        (lambda p: fictitious_play.solve_fictitious_play(p, max_iterations=0), "max_iterations must be at least 1"),
        (lambda p: replicator.solve_replicator(p, step=2.0), r"step must be in \(0, 1\]"),
        (lambda p: mirror_descent.solve_magnetic(p, -1.0), "temperature must be a finite number > 0"),
        (lambda p: mirror_descent.solve_magnetic(p, follow_every=0), "follow_every must be at least 1"),
    ],
)
def test_parameters_outside_their_ranges_are_refused(solve, message):
    with pytest.raises(ValueError, match=message):
        solve(zero_sum(0))
