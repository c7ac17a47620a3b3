"""Gambit's files: values worked by hand, the same files in OpenSpiel, and messages for what is wrong."""

import itertools

import numpy as np
import pyspiel
import pytest

import games
from games.matrix import GambitError, read_game
from games.matrix.generators import general_sum

PAYOFFS = """NFG 1 R "Prisoner's dilemma, one more action" { "row" "column" } { 3 2 }
3 3   5 0   1/2 -0.5
0 5   1 1   25e-2 7
"""
# The same game as outcomes; outcome 0 pays nobody, so the profile (2, 1) differs.
OUTCOMES = """NFG 1 R "the same" { "row" "column" } { { "a" "b" "c" } { "x" "y" } }
"a comment, with } and \\" in it"
{ { "one" 3, 3 } { "two" 5 0 } { "" 1/2, -0.5 } { "four" 0 5 } { "five" 1 1 } }
1 2 3 4 5 0
"""
# Chance deals high (1/4) or low; player 1 sees it and bets or stops; player 2 sees a bet alone.
CALL = """EFG 2 R "bluff" { "sender" "receiver" }
"worked by hand"
c "" 1 "deal" { "high" 1/4 "low" 0.75 } 0
  p "" 1 1 "high" { "bet" "stop" } 0
    p "" 2 1 "bet" { "call" "fold" } 0
      t "" 1 "called high" { 4, -4 }
      t "" 2 "folded" { 1, -1 }
    t "" 3 "stopped" { 0 0 }
  p "" 1 2 "low" { "bet" "stop" } 5 "ante" { -1, 1 }
    p "" 2 1 0
      t "" 4 "called low" { -1, 1 }
      t "" 2
    t "" 0
"""


def test_a_strategic_file_lists_the_first_players_strategies_fastest():
    expected = [[[3, 0], [5, 1], [0.5, 0.25]], [[3, 5], [0, 1], [-0.5, 7]]]
    assert read_game(PAYOFFS).tolist() == expected


def test_outcomes_are_looked_up_by_number():
    expected = [[[3, 0], [5, 1], [0.5, 0]], [[3, 5], [0, 1], [-0.5, 0]]]
    assert read_game(OUTCOMES).tolist() == expected


def test_a_tree_becomes_its_normal_form_by_hand():
    # Rows: (high, low) = bet bet, bet stop, stop bet, stop stop; columns: call, fold. The ante costs 0.75 on average.
    sender = [[1 - 0.75 - 0.75, 0.25 + 0.75 - 0.75], [1 - 0.75, 0.25 - 0.75], [-0.75 - 0.75, 0.0], [-0.75, -0.75]]
    np.testing.assert_allclose(read_game(CALL), [sender, np.negative(sender)], atol=1e-15)


def test_strategies_skip_what_their_own_moves_rule_out():
    # Player 1 goes out or in, and moves again only after in: 3 reduced strategies, not 4.
    tree = """EFG 2 R "entry" { "a" }
    p "" 1 1 "" { "out" "in" } 0
      t "" 1 "" { 5 }
      p "" 1 2 "" { "left" "right" } 0
        t "" 2 "" { 1 }
        t "" 3 "" { 9 }"""
    assert read_game(tree).tolist() == [[5, 1, 9]]


def payoffs_of(state, strategies):
    """Expected payoffs in OpenSpiel's tree when each player does what its table says."""
    if state.is_terminal():
        return np.array(state.returns())
    if state.is_chance_node():
        return sum(share * payoffs_of(state.child(action), strategies) for action, share in state.chance_outcomes())
    player = state.current_player()
    return payoffs_of(state.child(strategies[player][state.information_state_string()]), strategies)


def infosets(state, found):
    if not state.is_terminal():
        if not state.is_chance_node():
            known = found[state.current_player()].setdefault(state.information_state_string(), state.legal_actions())
            assert known == state.legal_actions()
        for action in state.legal_actions():
            infosets(state.child(action), found)
    return found


# OpenSpiel's reader wants actions and payoffs written out every time, and nothing paid inside a tree.
WRITTEN_OUT = CALL.replace('5 "ante" { -1, 1 }', "0").replace('t "" 2\n', 't "" 2 "folded" { 1, -1 }\n')
WRITTEN_OUT = WRITTEN_OUT.replace('p "" 2 1 0', 'p "" 2 1 "bet" { "call" "fold" } 0').replace(
    't "" 0', 't "" 3 "stopped" { 0 0 }'
)


@pytest.mark.parametrize("text", [pyspiel.get_sample_efg_data(), WRITTEN_OUT])
def test_a_tree_pays_what_openspiels_tree_pays(text):
    game = pyspiel.load_efg_game(text)
    found = infosets(game.new_initial_state(), [{}, {}])
    # In these trees no own move rules out an information set, so reduced strategies are all strategies.
    tables = [[dict(zip(own, moves, strict=True)) for moves in itertools.product(*own.values())] for own in found]
    expected = [payoffs_of(game.new_initial_state(), pair) for pair in itertools.product(*tables)]
    shape = (len(tables[0]), len(tables[1]), 2)
    np.testing.assert_allclose(read_game(text), np.reshape(expected, shape).transpose(2, 0, 1), atol=1e-12)


def test_kuhn_poker_has_27_and_64_reduced_strategies_and_its_value():
    payoffs = read_game(pyspiel.get_kuhn_poker_efg_data())
    assert payoffs.shape == (2, 27, 64)
    np.testing.assert_allclose(payoffs[0], -payoffs[1], atol=1e-15)
    # Kuhn 1950: the first player's value is -1/18. No strategy of either does better against the best answers in
    # this array, which the linear program of two inequalities per strategy shows: any optimal pair has the value.
    from scipy.optimize import linprog

    program = linprog(
        np.r_[np.zeros(27), -1],
        A_ub=np.c_[-payoffs[0].T, np.ones(64)],
        b_ub=np.zeros(64),
        A_eq=[[1] * 27 + [0]],
        b_eq=[1],
        bounds=[(0, None)] * 27 + [(None, None)],
    )
    assert -program.fun == pytest.approx(-1 / 18, abs=1e-9)


def test_a_strategic_file_of_openspiel_is_the_game_it_came_from():
    for name in ("matrix_bos", "matrix_brps", "matrix_shapleys_game"):
        game = pyspiel.load_matrix_game(name)
        expected = [game.row_utilities(), game.col_utilities()]
        np.testing.assert_array_equal(read_game(pyspiel.game_to_nfg_string(game)), expected)


def test_openspiel_reads_the_same_from_random_strategic_files():
    rng = np.random.default_rng(1)
    for shape in [(2, 3), (3, 2, 2), (1, 4), (2, 2, 2, 2)]:
        payoffs = np.round(general_sum(shape, rng), 6)
        names = " ".join(f'"{i}"' for i in range(len(shape)))
        numbers = " ".join(map(str, payoffs.transpose(*range(len(shape), 0, -1), 0).ravel()))
        text = f'NFG 1 R "t" {{ {names} }} {{ {" ".join(map(str, shape))} }}\n\n{numbers}\n'
        np.testing.assert_array_equal(read_game(text), payoffs)
        theirs = pyspiel.load_nfg_game(text)
        for profile in np.ndindex(shape):
            state = theirs.new_initial_state()
            state.apply_actions(list(profile))
            np.testing.assert_allclose(state.returns(), payoffs[(slice(None), *profile)])


def test_a_file_is_a_setting_by_path_and_by_text(tmp_path):
    (tmp_path / "game.nfg").write_text(PAYOFFS)
    for payoffs in (PAYOFFS, tmp_path / "game.nfg", str(tmp_path / "game.nfg")):
        batch = games.make_batch("matrix/chicken_v0", payoffs=payoffs)
        np.testing.assert_array_equal(batch.config.payoffs, read_game(PAYOFFS))
        assert list(batch.groups) == ["player_0", "player_1"]


NFG, EFG = 'NFG 1 R "t" { "a" "b" }', 'EFG 2 R "t" { "a" "b" }\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NFG 2", "line 1: expected format version 1, got 2"),
        ("NFG 1 X", "line 1: expected R or D, got X"),
        ("NFG 1 R title", "line 1: expected the title in quotes, got title"),
        ('NFG 1 R "t" { }', "line 1: expected at least one player, got }"),
        (NFG + "{ 2 }", "line 1: expected strategies for 2 players, got }"),
        (NFG + "{ 2 2 2 }", "line 1: expected strategies for 2 players, got 2"),
        (NFG + "{ 2 0 }", "expected a number of strategies, a whole number at least 1, got 0"),
        (NFG + "{ 2 2 }\n1 2 3 4\n5 6 7", "line 3: expected a payoff, got the end of the file"),
        (NFG + "{ 1 1 }\n1 2\n3", "line 3: expected the end of the file, got 3"),
        (NFG + "{ 1 1 }\n1 nan", "line 2: expected a payoff, a number such as 3, -0.5 or 1/3, got nan"),
        (NFG + "{ 1 1 }\n1 1/0", "line 2: expected a payoff, .* got 1/0"),
        (NFG + "{ 1 1 }\n1 __import__('os')", r"line 2: expected a payoff, .* got __import__\('os'\)"),
        (NFG + '{ 1 1 } { { "x" 1 } } 1', "expected a payoff, .* got }"),
        (NFG + '{ 1 1 } { { "x" 1 2 } } 2', r"expected an outcome, a whole number in \[0, 1\], got 2"),
        (NFG + "{ 100000 100000 }", "has more than 50,000,000 payoffs"),
        ('NFG 1 R "t { "a" }', "line 1: expected { before the names of players, got a"),
        (EFG + 'x ""', "line 2: expected a node: c, p or t, got x"),
        (EFG + 'p "" 3 1 "" { "l" } 0', r"line 2: expected a player, a whole number in \[1, 2\], got 3"),
        (EFG + 'p "" 1 1 0', "line 2: expected the actions of information set 1 of player 1, which is new here, got 0"),
        (EFG + 'p "" 1 1 "" { "l" } 0\np "" 1 1 "" { "r" } 0', r"line 3: expected the actions \['l'\] before this"),
        (EFG + 'p "" 1 1 "" { "l" } 0', "line 2: expected a node: c, p or t, got the end of the file"),
        (EFG + 'c "" 1 "" { "l" 1/2 "r" 1/3 } 0', "line 2: expected probabilities that sum to 1, not to 0.8333"),
        (EFG + 'c "" 1 "" { "l" 3/2 "r" -1/2 } 0', r"line 2: expected a probability in \[0, 1\], got 3/2"),
        (EFG + 't "" 1', "line 2: expected the payoffs of outcome 1, which is new here, got the end of the file"),
        (EFG + 't "" 1 "" { 1 }', "line 2: expected a payoff, .* got }"),
        (EFG + 't "" 1 "" { 1 2 } t "" 0', "line 2: expected the end of the file, got t"),
        (EFG + 'p "" 1 1 "" { "l" } 0\n' * 300, "expected a tree of at most 200 moves on a path"),
        ("no_such_file.nfg", "cannot read 'no_such_file.nfg': No such file or directory"),
    ],
)
def test_bad_files_are_refused_with_line_and_expectation(text, message):
    with pytest.raises(GambitError, match=message):
        games.make_batch("matrix/chicken_v0", payoffs=text)


def test_a_tree_with_too_many_strategies_is_refused():
    # Chance chooses one of 20 sets of two actions: 2^20 strategies.
    chance = " ".join(f'"{i}" 1/20' for i in range(20))
    sets = "\n".join(f'p "" 1 {i + 1} "" {{ "l" "r" }} 0\nt "" 0\nt "" 0' for i in range(20))
    with pytest.raises(GambitError, match="more than 100,000 strategies"):
        read_game(f'EFG 2 R "t" {{ "a" }}\nc "" 1 "" {{ {chance} }} 0\n{sets}')
