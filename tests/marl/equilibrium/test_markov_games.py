"""Exact values of Markov games: worked by hand, printed, played in C, and compared with each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import games
from games.markov import from_arrays, garnet, potential
from games.markov.classics import absorbing, grid_game, soccer, two_step
from games.matrix import PRISONERS_DILEMMA
from marl.equilibrium.markov_games import (
    backward_induction,
    best_response,
    evaluate,
    nash_gap,
    solve_common_payoff,
    solve_zero_sum_markov,
    uniform_policies,
)

few = settings(max_examples=12, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)


def random_policies(game, seed):
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(a), game.num_states) for a in game.num_actions]


def pure(game, choices, default=0):
    """A policy [S, A] that plays the given action in named states."""
    policy = np.zeros((game.num_states, game.num_actions[0]))
    policy[:, default] = 1
    for state, action in choices.items():
        row = policy[game.state_names.index(str(state))]
        row[:] = 0
        row[action] = 1
    return policy


# ---- by hand ----


def repeated_dilemma():
    """One state for ever: the prisoner's dilemma of Axelrod, repeated."""
    return from_arrays(np.ones((1, 2, 2, 1)), PRISONERS_DILEMMA[:, None])


def test_uniform_play_of_the_repeated_dilemma_by_hand():
    # Mean payoff (3 + 0 + 5 + 1) / 4 = 2.25 a round, worth twice that at discount 1/2; defection gets 3 a round.
    gap = nash_gap(repeated_dilemma(), uniform_policies(repeated_dilemma()), 0.5)
    np.testing.assert_allclose(gap.values, [[4.5], [4.5]])
    np.testing.assert_allclose(gap.best_values, [[6], [6]])
    np.testing.assert_allclose(gap.gains, [1.5, 1.5])
    assert gap.regret == pytest.approx(1.5)
    assert gap.nash_conv == pytest.approx(3)


def test_defection_answers_everything_in_the_repeated_dilemma():
    game = repeated_dilemma()
    response = best_response(game, [np.array([[1.0, 0.0]])] * 2, 0, 0.9)
    assert response.policy.tolist() == [[0, 1]]
    np.testing.assert_allclose(response.values, [50])  # 5 a round
    defect = [np.array([[0.0, 1.0]])] * 2
    assert nash_gap(game, defect, 0.9).regret == pytest.approx(0, abs=1e-12)


def test_a_chain_of_chance_by_hand():
    # From state 0 to 0 or 1 with 1/2 each, 1 to 1 for ever with reward 1: V1 = 2 at discount 1/2; V0 = V0/4 + V1/4.
    game = from_arrays([[[0.5, 0.5]], [[0, 1]]], [[[0], [1]]])
    np.testing.assert_allclose(evaluate(game, uniform_policies(game), 0.5), [[2 / 3, 2]])


def test_the_two_step_game_is_worth_8():
    # Rashid et al. 2018: 8 for the joint optimum, 7 for who does not trust.
    solution = solve_common_payoff(two_step(), 1.0)
    assert solution.values[:, 0].tolist() == [8, 8]
    assert solution.profile[0][0].tolist() == [0, 1]
    assert solve_common_payoff(two_step(), 0.9).values[0, 0] == pytest.approx(7.2)
    np.testing.assert_allclose(backward_induction(two_step(), 2).values[0, :, 0], 8)
    np.testing.assert_allclose(backward_induction(two_step(), 1).values[0, :, 0], 0)
    cautious = [pure(two_step(), {}), pure(two_step(), {})]
    gap = nash_gap(two_step(), cautious, 1.0)
    np.testing.assert_allclose(gap.values[:, 0], 7)
    assert gap.gains.tolist() == [0, 0]  # from the first state; in 2B, which they avoid, a step towards 8 gains 1
    assert gap.regret == pytest.approx(1)


@pytest.mark.parametrize("method", ["shapley", "hoffman_karp"])
@pytest.mark.parametrize(("discount", "value"), [(0.75, 2 / 3), (0.96, 0.8 / 0.96)])
def test_an_absorbing_game_has_the_root_of_its_equation_as_value(discount, value, method):
    # v = 1 / (2 - g v): v = (1 - sqrt(1 - g)) / g; the first action has probability 1 / (2 - g v) = v.
    solution = solve_zero_sum_markov(absorbing(discount), 1.0, method, tolerance=1e-12)
    assert solution.converged
    assert solution.values[0, 0] == pytest.approx(value, abs=1e-9)
    assert solution.profile[0][0, 0] == pytest.approx(value, abs=1e-6)
    assert solution.regret < 1e-6


UP, DOWN, RIGHT, LEFT = range(4)


def test_grid_game_1_is_worth_97_to_both_who_pass_each_other():
    # Hu and Wellman 2003 print 97.0: four moves each, 100 * 0.99^3; no path is shorter, so nobody can gain.
    game = grid_game(1)
    joint = [((2, 0), (2, 2)), ((1, 0), (1, 2)), ((1, 1), (0, 2)), ((1, 2), (0, 1))]
    first = pure(game, dict(zip(joint, (UP, RIGHT, RIGHT, UP), strict=True)))
    second = pure(game, dict(zip(joint, (UP, UP, LEFT, LEFT), strict=True)))
    gap = nash_gap(game, [first, second], 0.99)
    np.testing.assert_allclose(gap.values[:, 0], 100 * 0.99**3)
    np.testing.assert_allclose(gap.gains, 0, atol=1e-9)


def test_grid_game_2_favours_who_takes_the_sure_way():
    # Hu and Wellman 2003 print 98 and 49 for this equilibrium: 100 * 0.99^2, and half of it behind the barrier.
    game = grid_game(2)
    first = pure(game, {((2, 0), (2, 2)): RIGHT}, UP)
    second = pure(game, {((1, 1), (0, 2)): LEFT}, UP)
    gap = nash_gap(game, [first, second], 0.99)
    np.testing.assert_allclose(gap.values[:, 0], [98.01, 49.005])
    np.testing.assert_allclose(gap.gains, 0, atol=1e-9)


# ---- soccer ----


def test_small_soccer_is_fair_and_symmetric():
    game = soccer(2, 3)
    solution = solve_zero_sum_markov(game, 0.9)
    assert solution.converged
    assert solution.regret < 1e-6
    assert solution.values[0] @ game.initial == pytest.approx(0, abs=1e-7)
    # The ball is worth something, and goals bound everything.
    assert solution.values[0, 0] > 0.01
    assert np.abs(solution.values).max() <= 1


def test_littmans_soccer_is_fair():
    solution = solve_zero_sum_markov(soccer(), 0.9)
    assert solution.regret < 1e-6
    assert solution.values[0] @ soccer().initial == pytest.approx(0, abs=1e-7)


# ---- properties ----


@few
@given(SEEDS, st.sampled_from([(2, 3), (3,), (2, 2, 2), (1, 2)]))
def test_values_are_fixed_points_and_nobody_loses_by_a_best_response(seed, num_actions):
    game = garnet(5, num_actions, 3, np.random.default_rng(seed))
    policies = random_policies(game, seed)
    gap = nash_gap(game, policies, 0.8)
    # Written out: V_i(s) = sum over joint actions of pi(a | s) (r_i(s, a) + 0.8 sum over s' of T(s, a, s') V_i(s')).
    for player in range(len(num_actions)):
        worth = game.rewards[player] + 0.8 * game.transitions @ gap.values[player]
        for policy in reversed(policies):
            worth = np.einsum("s...a,sa->s...", worth, policy)
        np.testing.assert_allclose(worth, gap.values[player], atol=1e-10)
    assert (gap.best_values >= gap.values - 1e-10).all()
    assert gap.regret >= 0
    assert gap.nash_conv >= 0
    for player in range(len(num_actions)):
        response = best_response(game, policies, player, 0.8)
        answered = [response.policy if i == player else policy for i, policy in enumerate(policies)]
        np.testing.assert_allclose(evaluate(game, answered, 0.8)[player], response.values, atol=1e-10)


@few
@given(SEEDS)
def test_no_pure_policy_beats_the_best_response(seed):
    game = garnet(3, (3, 2), 2, np.random.default_rng(seed))
    policies = random_policies(game, seed)
    best = best_response(game, policies, 0, 0.7).values
    values = [evaluate(game, [np.eye(3)[list(choice)], policies[1]], 0.7)[0] for choice in np.ndindex(3, 3, 3)]
    np.testing.assert_allclose(np.max(values, axis=0), best, atol=1e-10)


@few
@given(SEEDS, st.sampled_from([(2, 3), (2, 2, 2)]))
def test_the_common_optimum_leaves_nothing_to_gain_to_anybody(seed, num_actions):
    game = garnet(4, num_actions, 2, np.random.default_rng(seed), "common")
    solution = solve_common_payoff(game, 0.8)
    assert solution.converged
    assert solution.regret == pytest.approx(0, abs=1e-9)
    # Better than any other policies, and what one player who moved everybody would get.
    assert (solution.values >= evaluate(game, random_policies(game, seed), 0.8) - 1e-9).all()
    together = from_arrays(
        game.transition_matrix.toarray().reshape(4, -1, 4), game.rewards[:1].reshape(1, 4, -1), game.initial
    )
    alone = best_response(together, uniform_policies(together), 0, 0.8).values
    np.testing.assert_allclose(solution.values[0], alone, atol=1e-8)


@few
@given(SEEDS, st.sampled_from([(2, 2), (3, 2), (1, 3)]))
def test_shapley_hoffman_karp_and_a_long_horizon_agree(seed, num_actions):
    game = garnet(3, num_actions, 2, np.random.default_rng(seed), "zero_sum")
    one, other = (solve_zero_sum_markov(game, 0.5, method) for method in ("shapley", "hoffman_karp"))
    assert one.converged
    assert other.converged
    assert max(one.regret, other.regret) < 1e-6
    np.testing.assert_allclose(one.values, other.values, atol=1e-7)
    # With H steps to go, values differ by at most 0.5^H * largest reward / (1 - 0.5).
    finite = backward_induction(game, 12, 0.5)
    assert np.abs(finite.values[0] - one.values).max() <= 0.5**12 * np.abs(game.rewards).max() / 0.5 + 1e-7
    assert (finite.values[-1] == 0).all()


@few
@given(SEEDS)
def test_a_change_of_one_policy_changes_values_as_the_potential(seed):
    game, phi = potential(4, (2, 3), 2, np.random.default_rng(seed))
    shared = from_arrays(game.transitions, np.stack([phi, phi]), game.initial)
    before = random_policies(game, seed)
    for player in range(2):
        after = list(before)
        after[player] = random_policies(game, seed + 1)[player]
        own = evaluate(game, after, 0.9)[player] - evaluate(game, before, 0.9)[player]
        np.testing.assert_allclose(own, (evaluate(shared, after, 0.9) - evaluate(shared, before, 0.9))[0], atol=1e-9)


def test_illegal_actions_are_not_answers():
    legal = [[[1, 0], [1, 1]], [[1, 1], [1, 1]]]
    transitions = np.tile(np.eye(2)[:, None, None], (1, 2, 2, 1))
    rewards = np.array([[[[0, 0], [9, 9]], [[0, 0], [1, 1]]], np.zeros((2, 2, 2))])
    game = from_arrays(transitions, rewards, legal_actions=legal)
    response = best_response(game, uniform_policies(game), 0, 0.5)
    assert response.policy.tolist() == [[1, 0], [0, 1]]
    np.testing.assert_allclose(response.values, [0, 2])
    with pytest.raises(ValueError, match="policy of player 0 gives probability to an illegal action"):
        evaluate(game, [np.full((2, 2), 0.5)] * 2, 0.5)


# ---- played in C ----


def test_episodes_played_in_c_return_the_exact_values():
    game = garnet(6, (2, 3), 3, np.random.default_rng(8))
    policies = random_policies(game, 1)
    batch = games.make_batch(
        "markov/tabular_v0",
        2000,
        seed=3,
        transitions=game.transition_matrix,
        rewards=game.rewards,
        initial=game.initial,
        continuation=0.8,
        horizon=10_000,
    )
    batch.reset()
    rng = np.random.default_rng(0)
    states = batch.groups["player_0"].observations[:, 0].argmax(axis=1)
    returns, weights = np.zeros((2000, 2)), np.ones(2000)  # of the first episodes
    for _ in range(60):  # 0.8^60 of them go on
        for name, policy in zip(batch.groups, policies, strict=True):
            cumulative = policy.cumsum(axis=1)[states]
            batch.groups[name].actions[:, 0] = (rng.random((2000, 1)) > cumulative[:, :-1]).sum(axis=1)
        batch.step()
        returns += weights[:, None] * np.concatenate([group.rewards for group in batch.groups.values()], axis=1)
        weights *= 1 - batch.ended
        states = batch.groups["player_0"].observations[:, 0].argmax(axis=1)
    expected = evaluate(game, policies, 0.8) @ game.initial
    errors = returns.std(axis=0) / np.sqrt(2000)
    assert (np.abs(returns.mean(axis=0) - expected) < 4 * errors).all()


# ---- bad input ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g, p: evaluate(g, p, 1.0), "discount must be below 1: this game can be played so that it never ends"),
        (lambda g, p: evaluate(g, p, -0.1), r"discount must be in \[0, 1\], got -0.1"),
        (
            lambda g, p: evaluate(g, p[:1], 0.5),
            r"policies must have the shapes \[\(1, 2\), \(1, 2\)\], got \[\(1, 2\)\]",
        ),
        (lambda g, p: evaluate(g, [p[0], 2 * p[1]], 0.5), r"policy of player 1 in state 0 is no distribution: \[1.0"),
        (lambda g, p: solve_common_payoff(g, 0.5), "the players' rewards differ"),
        (lambda g, p: solve_zero_sum_markov(g, 0.5), "two players whose rewards sum to 0"),
        (lambda g, p: solve_zero_sum_markov(g, 0.5, "shaply"), "did you mean 'shapley'"),
        (lambda g, p: backward_induction(g, 3), "backward induction needs equal rewards, or two players"),
    ],
)
def test_what_has_no_answer_is_refused_by_name(call, message):
    game = repeated_dilemma()
    with pytest.raises(ValueError, match=message):
        call(game, uniform_policies(game))


def test_a_solver_that_is_stopped_early_says_so():
    game = garnet(3, (2, 2), 2, np.random.default_rng(0), "zero_sum")
    solution = solve_zero_sum_markov(game, 0.9, "shapley", max_iterations=2)
    assert not solution.converged
    assert solution.iterations == 2
    assert solution.residual > 1e-8
