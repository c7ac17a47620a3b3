"""Exact values of finite Markov games: what learning in them can be measured against.

Values are discounted, V_i(s) = E sum_t discount^t r_i; where a game has a `continuation` probability, its discount is
that probability times any other. A discount of 1 is allowed where every way of playing ends.

- `evaluate`: the values of stationary policies, by one sparse linear solve.
- `best_response`: the best a player can do against the others' stationary policies, a Markov decision problem, by
  policy iteration (Howard 1960); `nash_gap`: what each could gain by it.
- `solve_common_payoff`: the best joint policy where all rewards are equal, by value iteration of the joint problem.
- `solve_zero_sum_markov`: value and maximin policies of two players, by Shapley's iteration (Shapley 1953), or by
  policy iteration (Hoffman and Karp 1966), which answers the row player's stage strategies exactly and needs far fewer
  linear programs.
- `backward_induction`: the same two classes over a finite horizon, with policies that depend on the time.

    symbol  variable     shape
    V       values       [P, S]
    pi_i    policies[i]  [S, A_i], a distribution in each state; rows of terminal states are not read
    Q       stage        [S, A_0 * ... * A_{P-1}] payoff of a joint action, then following V
    T       transitions  [R, S] sparse, R = S * A_0 * ... * A_{P-1} rows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from games.markov.game import MarkovGame
from games.names import unknown_name
from marl.equilibrium.zero_sum import solve_zero_sum

# An action replaces another in policy iteration if it is better by this share of the largest value: less is rounding,
# and could go round for ever.
IMPROVEMENT = 1e-12
METHODS = ("shapley", "hoffman_karp")

Policies = Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class BestResponse:
    """The best answer of one player to the others' policies.

    Attributes:
        player: Who answers.
        values: [S] what it gets.
        policy: [S, A_i] a pure stationary policy that gets it.
        iterations: Of policy iteration.
    """

    player: int
    values: np.ndarray
    policy: np.ndarray
    iterations: int


@dataclass(frozen=True, eq=False)
class NashGap:
    """What players could gain by answering best, each alone.

    Attributes:
        values: [P, S] of the policies.
        best_values: [P, S] of the best responses.
        gains: [P] gain of each player from the initial distribution.
        regret: The largest gain of any player in any state; 0 in a Markov perfect equilibrium.
        nash_conv: Sum of the gains.
    """

    values: np.ndarray
    best_values: np.ndarray
    gains: np.ndarray
    regret: float
    nash_conv: float


@dataclass(frozen=True, eq=False)
class MarkovSolution:
    """Stationary policies that solve a game.

    Attributes:
        method: Name of the algorithm.
        parameters: What it was told, by name.
        values: [P, S].
        profile: Per player [S, A_i]; uniform over legal actions in terminal states.
        regret: `NashGap.regret` of the profile.
        residual: Largest change of a value in the last iteration.
        iterations: How many there were.
        converged: Whether the residual came within the tolerance.
    """

    method: str
    parameters: dict[str, Any]
    values: np.ndarray
    profile: tuple[np.ndarray, ...]
    regret: float
    residual: float
    iterations: int
    converged: bool


@dataclass(frozen=True, eq=False)
class FiniteHorizonSolution:
    """Policies for each step of a game with a last one.

    Attributes:
        method: Name of the algorithm.
        parameters: What it was told, by name.
        values: [H + 1, P, S] with H, H - 1, ..., 0 steps to go.
        profile: Per player [H, S, A_i], the policy of each step.
    """

    method: str
    parameters: dict[str, Any]
    values: np.ndarray
    profile: tuple[np.ndarray, ...]


# ---- checks ----


def check_discount(game: MarkovGame, discount: float) -> None:
    """Raises ValueError for a discount that is none, or with which values may be infinite."""
    if not 0 <= discount <= 1:
        raise ValueError(f"discount must be in [0, 1], got {discount!r}")
    if discount == 1 and not _always_ends(game):
        raise ValueError("discount must be below 1: this game can be played so that it never ends")


def _always_ends(game: MarkovGame) -> bool:
    """Returns whether no joint action in any state can keep the play inside some set of states for ever."""
    inside = ~game.terminal
    while inside.any():
        # A row stays inside if all its outcomes do; a state stays if one of its legal rows does.
        leaves = np.bincount(game.outcome_rows, ~inside[game.successors], len(game.row_starts) - 1) > 0
        stays = (~leaves.reshape(game.num_states, -1) & _legal_profiles(game)).any(axis=1) & inside
        if (stays == inside).all():
            return False
        inside = stays
    return True


def _legal_profiles(game: MarkovGame) -> np.ndarray:
    """Returns [S, A_0 * ... * A_{P-1}] whether a joint action is legal."""
    if game.legal is None:
        return np.ones((game.num_states, game.num_profiles), bool)
    return _joint([flags.astype(np.float64) for flags in game.legal]) > 0


def _check_policies(game: MarkovGame, policies: Policies) -> list[np.ndarray]:
    expected = [(game.num_states, a) for a in game.num_actions]
    checked = [np.asarray(policy, np.float64) for policy in policies]
    if [policy.shape for policy in checked] != expected:
        raise ValueError(f"policies must have the shapes {expected}, got {[policy.shape for policy in checked]}")
    for player, policy in enumerate(checked):
        rows = policy[~game.terminal]
        bad = ~((rows >= 0).all(axis=1) & (np.abs(rows.sum(axis=1) - 1) < 1e-6))
        if bad.any():
            state = int(np.flatnonzero(~game.terminal)[bad.argmax()])
            raise ValueError(f"policy of player {player} in state {state} is no distribution: {policy[state].tolist()}")
        if game.legal is not None and (policy[~game.terminal] * ~game.legal[player][~game.terminal] > 0).any():
            raise ValueError(f"policy of player {player} gives probability to an illegal action")
    return checked


# ---- what policies make of a game ----


def uniform_policies(game: MarkovGame) -> tuple[np.ndarray, ...]:
    """Returns for each player [S, A_i] the policy that draws among the legal actions."""
    flags = game.legal or [np.ones((game.num_states, a), bool) for a in game.num_actions]
    return tuple(each / each.sum(axis=1, keepdims=True) for each in flags)


def _joint(policies: Policies) -> np.ndarray:
    """Returns [S, A_0 * ... * A_{P-1}] the probability of each joint action."""
    joint = np.ones((len(policies[0]), 1))
    for policy in policies:
        joint = (joint[:, :, None] * policy[:, None, :]).reshape(len(policy), -1)
    return joint


def _flat_rewards(game: MarkovGame) -> np.ndarray:
    """Returns [P, R] expected rewards."""
    return game.rewards.reshape(game.num_players, -1)


def _solve_chain(chain: sparse.csr_array, rewards: np.ndarray, discount: float) -> np.ndarray:
    """Returns V = r + discount * chain V, [..., S] for rewards [..., S]."""
    system = sparse.csc_array(sparse.eye_array(chain.shape[0]) - discount * chain)
    solution = np.asarray(spsolve(system, rewards.T))  # of one column without its axis
    return solution.T.reshape(rewards.shape)


def evaluate(game: MarkovGame, policies: Policies, discount: float) -> np.ndarray:
    """Returns the values [P, S] of stationary policies, exactly up to rounding.

    Args:
        game: P players and S states.
        policies: Per player [S, A_i].
        discount: In [0, 1]; 1 only where every way of playing ends.
    """
    check_discount(game, discount)
    joint = _joint(_check_policies(game, policies))
    num_rows = game.num_states * game.num_profiles
    starts = np.arange(0, num_rows + 1, game.num_profiles)
    weights = sparse.csr_array((joint.ravel(), np.arange(num_rows), starts), shape=(game.num_states, num_rows))
    rewards = np.stack([weights @ own for own in _flat_rewards(game)])
    return _solve_chain(weights @ game.transition_matrix, rewards, discount)


def best_response(game: MarkovGame, policies: Policies, player: int, discount: float) -> BestResponse:
    """Returns the best a player can do while the others keep their stationary policies.

    Args:
        game: P players and S states.
        policies: Per player [S, A_i]; the player's own is only the start of the search.
        player: Who answers.
        discount: In [0, 1]; 1 only where every way of playing ends.
    """
    check_discount(game, discount)
    checked = _check_policies(game, policies)
    num_actions, num_rows = game.num_actions[player], game.num_states * game.num_profiles
    others = [np.ones_like(policy) if i == player else policy for i, policy in enumerate(checked)]
    # Row (state, joint action) of the game belongs to row (state, own action) of the player's decision problem.
    own = np.indices(game.num_actions)[player].ravel()
    decisions = (np.arange(game.num_states)[:, None] * num_actions + own).ravel()
    shape = (game.num_states * num_actions, num_rows)
    weights = sparse.csr_array((_joint(others).ravel(), (decisions, np.arange(num_rows))), shape=shape)
    legal = np.ones((game.num_states, num_actions), bool) if game.legal is None else game.legal[player]
    rewards = (weights @ _flat_rewards(game)[player]).reshape(game.num_states, num_actions)
    values, actions, iterations = _policy_iteration(weights @ game.transition_matrix, rewards, legal, discount)
    return BestResponse(player, values, np.eye(num_actions)[actions], iterations)


def _policy_iteration(
    transitions: sparse.csr_array, rewards: np.ndarray, legal: np.ndarray, discount: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Solves a Markov decision problem: values [S], actions [S], and the number of evaluations.

    Args:
        transitions: [S * A, S].
        rewards: [S, A].
        legal: [S, A].
        discount: As of the game.
    """
    num_states, num_actions = rewards.shape
    every = np.arange(num_states)
    actions = np.where(legal, rewards, -np.inf).argmax(axis=1)
    iterations, is_better = 0, np.ones(num_states, bool)
    while is_better.any():
        chain = transitions[every * num_actions + actions]
        values = _solve_chain(chain, rewards[every, actions], discount)
        returns = np.where(legal, rewards + discount * (transitions @ values).reshape(rewards.shape), -np.inf)
        better = returns.argmax(axis=1)
        gain = returns[every, better] - returns[every, actions]
        is_better = gain > IMPROVEMENT * max(1.0, float(np.abs(values).max()))
        actions = np.where(is_better, better, actions)
        iterations += 1
    return values, actions, iterations


def nash_gap(game: MarkovGame, policies: Policies, discount: float) -> NashGap:
    """Returns what each player could gain by a best response to stationary policies.

    Args:
        game: P players and S states.
        policies: Per player [S, A_i].
        discount: In [0, 1]; 1 only where every way of playing ends.
    """
    values = evaluate(game, policies, discount)
    best = np.stack([best_response(game, policies, i, discount).values for i in range(game.num_players)])
    gains = (best - values) @ game.initial
    return NashGap(values, best, gains, float((best - values).max()), float(gains.sum()))


# ---- solutions ----


def stage_payoffs(game: MarkovGame, values: np.ndarray, discount: float) -> np.ndarray:
    """Returns [S, A_0 * ... * A_{P-1}] what a joint action is worth to player 0, then going on with values [S]."""
    stage = _flat_rewards(game)[0] + discount * (game.transition_matrix @ values)
    return stage.reshape(game.num_states, -1)


def _is_common(game: MarkovGame) -> bool:
    return bool(np.allclose(game.rewards, game.rewards[0], rtol=0, atol=1e-12 * max(1, np.abs(game.rewards).max())))


def is_zero_sum(game: MarkovGame) -> bool:
    """Returns whether two players' rewards sum to 0."""
    bound = 1e-9 * max(1, np.abs(game.rewards).max())
    return game.num_players == 2 and bool(np.abs(game.rewards.sum(axis=0)).max() <= bound)


def _pure_policies(game: MarkovGame, profiles: np.ndarray) -> tuple[np.ndarray, ...]:
    """Returns for each player [S, A_i] its part of the joint actions [S]."""
    parts = np.unravel_index(profiles, game.num_actions)
    return tuple(np.eye(count)[part] for count, part in zip(game.num_actions, parts, strict=True))


def solve_common_payoff(
    game: MarkovGame, discount: float, tolerance: float = 1e-10, max_iterations: int = 100_000
) -> MarkovSolution:
    """Returns the best joint policy of a game in which all get the same.

    Args:
        game: All players' expected rewards are equal.
        discount: In [0, 1]; 1 only where every way of playing ends.
        tolerance: Of the largest change of a value in an iteration; values are then right within
            tolerance * discount / (1 - discount), and those of the profile are computed exactly.
        max_iterations: After which it gives up.

    Raises:
        ValueError: Rewards differ between players.
    """
    check_discount(game, discount)
    if not _is_common(game):
        raise ValueError("the players' rewards differ, so there is no joint policy that is best for all")
    legal, values, residual = _legal_profiles(game), np.zeros(game.num_states), np.inf
    iterations = 0
    while residual > tolerance and iterations < max_iterations:
        updated = np.where(
            game.terminal, 0, np.where(legal, stage_payoffs(game, values, discount), -np.inf).max(axis=1)
        )
        residual, values, iterations = float(np.abs(updated - values).max()), updated, iterations + 1
    best = np.where(legal, stage_payoffs(game, values, discount), -np.inf).argmax(axis=1)
    profile = _pure_policies(game, best)
    gap = nash_gap(game, profile, discount)
    parameters = {"discount": discount, "tolerance": tolerance, "max_iterations": max_iterations}
    return MarkovSolution(
        "value iteration", parameters, gap.values, profile, gap.regret, residual, iterations, residual <= tolerance
    )


def _solve_stages(game: MarkovGame, stages: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Solves the matrix game of every state: values [S] and strategies [S, A_0] and [S, A_1]."""
    values = np.zeros(game.num_states)
    first, second = uniform_policies(game)
    for state in np.flatnonzero(~game.terminal):
        rows, columns = (game.legal_actions(int(state), player) for player in (0, 1))
        solution = solve_zero_sum(stages[state].reshape(game.num_actions)[np.ix_(rows, columns)])
        values[state] = solution.value
        first[state], second[state] = 0, 0
        first[state, rows], second[state, columns] = solution.profile
    return values, (first, second)


def solve_zero_sum_markov(
    game: MarkovGame,
    discount: float,
    method: Literal["shapley", "hoffman_karp"] = "hoffman_karp",
    tolerance: float = 1e-8,
    max_iterations: int = 10_000,
) -> MarkovSolution:
    """Returns value and maximin policies of a two-player zero-sum game.

    Args:
        game: Two players whose expected rewards sum to 0.
        discount: In [0, 1]; 1 only where every way of playing ends.
        method: "shapley" repeats V = value of the stage games at V; "hoffman_karp" takes the row player's stage
            strategies, and for V what the column player's best response leaves of them.
        tolerance: Of the largest change of a value in an iteration.
        max_iterations: After which it gives up.

    Raises:
        ValueError: Not two players, or rewards that do not sum to 0.
    """
    check_discount(game, discount)
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if not is_zero_sum(game):
        raise ValueError("a zero-sum game has two players whose rewards sum to 0 under every joint action")
    profile = uniform_policies(game)
    values = np.zeros(game.num_states)
    if method == "hoffman_karp":  # from below, so that values rise to the limit
        values = -best_response(game, profile, 1, discount).values
    residual, iterations = np.inf, 0
    while residual > tolerance and iterations < max_iterations:
        updated, profile = _solve_stages(game, stage_payoffs(game, values, discount))
        if method == "hoffman_karp":
            updated = -best_response(game, profile, 1, discount).values
        residual, values, iterations = float(np.abs(updated - values).max()), updated, iterations + 1
    _, profile = _solve_stages(game, stage_payoffs(game, values, discount))
    gap = nash_gap(game, profile, discount)
    parameters = {"discount": discount, "tolerance": tolerance, "max_iterations": max_iterations}
    name = "Shapley iteration" if method == "shapley" else "Hoffman-Karp policy iteration"
    both = np.stack([values, -values])
    return MarkovSolution(name, parameters, both, profile, gap.regret, residual, iterations, residual <= tolerance)


def backward_induction(game: MarkovGame, horizon: int, discount: float = 1.0) -> FiniteHorizonSolution:
    """Returns the solution of a common-payoff or two-player zero-sum game of a fixed number of steps.

    Args:
        game: Of one of the two classes.
        horizon: H >= 0 steps, after which nothing more is paid.
        discount: In [0, 1].

    Raises:
        ValueError: A game of neither class: its equilibria need not have one value.
    """
    if not 0 <= discount <= 1:
        raise ValueError(f"discount must be in [0, 1], got {discount!r}")
    is_common = _is_common(game)
    if not is_common and not is_zero_sum(game):
        raise ValueError("backward induction needs equal rewards, or two players whose rewards sum to 0")
    values = np.zeros((horizon + 1, game.num_states))
    profiles: list[tuple[np.ndarray, ...]] = []
    legal = _legal_profiles(game)
    for step in reversed(range(horizon)):
        stages = stage_payoffs(game, values[step + 1], discount)
        profile: tuple[np.ndarray, ...]
        if is_common:
            allowed = np.where(legal, stages, -np.inf)
            values[step], profile = allowed.max(axis=1), _pure_policies(game, allowed.argmax(axis=1))
        else:
            values[step], profile = _solve_stages(game, stages)
        values[step, game.terminal] = 0
        profiles.insert(0, profile)
    signs = np.ones(game.num_players) if is_common else np.array([1.0, -1.0])
    by_player = tuple(
        np.array([profile[i] for profile in profiles]).reshape(horizon, game.num_states, count)
        for i, count in enumerate(game.num_actions)
    )
    parameters = {"horizon": horizon, "discount": discount}
    return FiniteHorizonSolution("backward induction", parameters, values[:, None] * signs[:, None], by_player)
