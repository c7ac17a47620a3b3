"""OpenSpiel's best responses on the game tree of a Markov game, against the solvers' policies and values."""

import re

import numpy as np
import pyspiel
import pytest
from open_spiel.python import policy as spiel_policy
from open_spiel.python.algorithms import expected_game_score, exploitability

import games.open_spiel
from games.markov import from_rules, garnet
from games.markov.classics import two_step
from marl.equilibrium.markov_games import backward_induction, evaluate, nash_gap, uniform_policies

HORIZON = 2


def turn_based(game, horizon):
    settings = {"transitions": game.transitions, "rewards": game.rewards, "initial": game.initial}
    terminal = np.flatnonzero(game.terminal).tolist()
    spiel_game = games.open_spiel.game("markov/tabular_v0", **settings, terminal=terminal, horizon=horizon)
    return pyspiel.convert_to_turn_based(spiel_game)


def as_table(spiel_game, choose):
    """OpenSpiel's policy that plays choose(player, step, state) [A] wherever a player is at that step and state."""
    table = spiel_policy.TabularPolicy(spiel_game)
    for key, row in table.state_lookup.items():
        # An information state lists observations and own actions, one after the other; the last is the present one.
        seen = re.findall(r"o(\d+)", key)
        player = next(p for p, states in enumerate(table.states_per_player) if key in states)
        chosen = choose(player, len(seen) - 1, int(seen[-1]))
        table.action_probability_array[row] = np.pad(chosen, (0, spiel_game.num_distinct_actions() - len(chosen)))
    return table


def values_of(spiel_game, table):
    return expected_game_score.policy_value(spiel_game.new_initial_state(), [table, table])


def over_time(game, horizon):
    """The same game with the steps counted in the state, so that a stationary policy may depend on them."""

    def play(state, actions):
        step, place = state
        for successor, probability, paid in game.outcomes(place, actions):
            yield (step + 1, successor), probability, paid

    first = {(0, s): float(p) for s, p in enumerate(game.initial) if p > 0}
    return from_rules(first, game.num_actions, play, lambda s: s[0] == horizon or bool(game.terminal[s[1]]))


@pytest.mark.parametrize("seed", [0, 1])
def test_backward_induction_of_a_zero_sum_game_cannot_be_exploited(seed):
    game = garnet(3, (2, 2), 2, np.random.default_rng(seed), "zero_sum")
    solution = backward_induction(game, HORIZON)
    spiel_game = turn_based(game, HORIZON)
    table = as_table(spiel_game, lambda player, step, state: solution.profile[player][step, state])
    np.testing.assert_allclose(values_of(spiel_game, table), solution.values[0] @ game.initial, atol=1e-5)
    assert exploitability.nash_conv(spiel_game, table) == pytest.approx(0, abs=1e-5)


def test_the_two_step_game_is_solved_for_openspiel_too():
    solution = backward_induction(two_step(), 2)
    spiel_game = turn_based(two_step(), 2)
    table = as_table(spiel_game, lambda player, step, state: solution.profile[player][step, state])
    np.testing.assert_allclose(values_of(spiel_game, table), [8, 8])


@pytest.mark.parametrize("seed", [3, 4])
def test_gains_against_uniform_play_are_openspiels_nash_conv(seed):
    game = garnet(3, (2, 3), 2, np.random.default_rng(seed))
    timed = over_time(game, HORIZON)
    spiel_game = turn_based(game, HORIZON)
    uniform = as_table(spiel_game, lambda player, step, state: uniform_policies(game)[player][state])
    np.testing.assert_allclose(
        values_of(spiel_game, uniform), evaluate(timed, uniform_policies(timed), 1.0) @ timed.initial, atol=1e-5
    )
    expected = nash_gap(timed, uniform_policies(timed), 1.0).nash_conv
    assert exploitability.nash_conv(spiel_game, uniform) == pytest.approx(expected, abs=1e-5)
