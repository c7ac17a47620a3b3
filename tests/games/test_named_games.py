"""The named matrix games: printed payoffs, equilibria by their condition, and OpenSpiel's tables."""

import itertools

import numpy as np
import pyspiel
import pytest

import games
from games.matrix.named import NAMED_GAMES, minimum_effort, penalty_game, public_goods, travelers_dilemma

BY_NAME = {game.name: game for game in NAMED_GAMES}
PURE_2X2 = [game for game in NAMED_GAMES if game.payoffs.shape == (2, 2, 2)]
SMALL = [game for game in NAMED_GAMES if game.payoffs.ndim == 3 and max(game.payoffs.shape) <= 3]


def regrets(payoffs, profile):
    """What each player could gain by another action, [P]."""
    gains = []
    for player in range(len(payoffs)):
        values = payoffs[player]
        for other in reversed(range(len(payoffs))):
            if other != player:
                values = np.moveaxis(values, other, -1) @ np.asarray(profile[other])
        gains.append(values.max() - values @ np.asarray(profile[player]))
    return np.array(gains)


def indifferent(payoffs):
    """The mixture [k] over columns under which all k rows pay the same; None without a single one."""
    k = len(payoffs)
    system = np.block([[payoffs, -np.ones((k, 1))], [np.ones((1, k)), np.zeros((1, 1))]])
    if abs(np.linalg.det(system)) < 1e-9:
        return None
    return np.linalg.solve(system, np.r_[np.zeros(k), 1])[:k]


def equilibria_by_supports(payoffs):
    """All equilibria of a bimatrix game whose two supports have equal size (the rest is empty if nothing is tied)."""
    row, column = payoffs
    for size in range(1, min(row.shape) + 1):
        for rows, columns in itertools.product(
            itertools.combinations(range(row.shape[0]), size), itertools.combinations(range(row.shape[1]), size)
        ):
            cell = np.ix_(rows, columns)
            mixes = indifferent(column[cell].T), indifferent(row[cell])
            if any(mix is None or mix.min() < 1e-12 for mix in mixes):
                continue
            profile = [np.zeros(row.shape[0]), np.zeros(row.shape[1])]
            profile[0][list(rows)], profile[1][list(columns)] = mixes
            if regrets(payoffs, profile).max() < 1e-9:
                yield profile


@pytest.mark.parametrize("game", NAMED_GAMES, ids=lambda game: game.name)
def test_listed_equilibria_leave_nothing_to_gain(game):
    assert game.source
    for profile in game.equilibria:
        assert [len(strategy) for strategy in profile] == list(game.payoffs.shape[1:])
        np.testing.assert_allclose([sum(strategy) for strategy in profile], 1)
        np.testing.assert_allclose(regrets(game.payoffs, profile), 0, atol=1e-9)


@pytest.mark.parametrize("game", SMALL, ids=lambda game: game.name)
def test_small_games_list_all_equilibria(game):
    found = sorted(np.concatenate(profile).round(9).tolist() for profile in equilibria_by_supports(game.payoffs))
    listed = sorted(np.concatenate(profile).round(9).tolist() for profile in game.equilibria)
    assert found == listed


@pytest.mark.parametrize("game", PURE_2X2, ids=lambda game: game.name)
def test_risk_dominance_is_the_larger_product_of_losses(game):
    pure = [(a, b) for a, b in np.ndindex(2, 2) if regrets(game.payoffs, np.eye(2)[[a, b]]).max() == 0]
    losses = {}
    for a, b in pure:
        losses[a, b] = np.prod([game.payoffs[0, a, b] - game.payoffs[0, 1 - a, b],
                                game.payoffs[1, a, b] - game.payoffs[1, a, 1 - b]])  # fmt: skip
    best = [profile for profile in losses if losses[profile] == max(losses.values())]
    assert game.risk_dominant == (best[0] if len(pure) == 2 and len(best) == 1 else None)


@pytest.mark.parametrize("game", NAMED_GAMES, ids=lambda game: game.name)
def test_the_payoff_dominant_equilibrium_is_best_for_everybody(game):
    pure = [tuple(np.argmax(strategy) for strategy in p) for p in game.equilibria if all(max(s) == 1 for s in p)]
    best = [p for p in pure if all((game.payoffs[(..., *p)] > game.payoffs[(..., *q)]).all() for q in pure if q != p)]
    assert game.payoff_dominant == (best[0] if len(pure) > 1 and best else None)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("battle_of_the_sexes", "matrix_bos"),
        ("biased_rock_paper_scissors", "matrix_brps"),
        ("coordination", "matrix_coordination"),
        ("matching_pennies", "matrix_mp"),
        ("rock_paper_scissors", "matrix_rps"),
    ],
)
def test_payoffs_are_openspiels(name, theirs):
    game = pyspiel.load_matrix_game(theirs)
    np.testing.assert_array_equal(BY_NAME[name].payoffs, [game.row_utilities(), game.col_utilities()])


def test_shapleys_game_is_openspiels_with_other_names_for_actions():
    game = pyspiel.load_matrix_game("matrix_shapleys_game")
    theirs = np.array([game.row_utilities(), game.col_utilities()])
    orders = itertools.product(itertools.permutations(range(3)), repeat=2)
    assert any(np.array_equal(theirs[(slice(None), *np.ix_(*pair))], BY_NAME["shapley"].payoffs) for pair in orders)


def test_blotto_pays_what_openspiels_blotto_pays():
    game = pyspiel.load_game("blotto(coins=10,fields=3,players=2)")
    payoffs = games.spec("matrix/colonel_blotto_v0").config().payoff_array()
    assert payoffs.shape == (2, 66, 66)
    state = game.new_initial_state()
    names = [state.action_to_string(0, action) for action in range(66)]
    placed = [[int(part) for part in name.strip("[]").split(",")] for name in names]
    order = np.lexsort(np.array(placed).T[::-1])  # their actions in our order
    rng = np.random.default_rng(0)
    for row, column in rng.integers(66, size=(400, 2)):
        state = game.new_initial_state()
        state.apply_actions([int(order[row]), int(order[column])])
        assert payoffs[:, row, column].tolist() == state.returns()


def test_penalty_of_minus_30_is_half_way():
    assert penalty_game(-30)[0].tolist() == [[10, 0, -30], [0, 2, 0], [-30, 0, 10]]


def test_public_goods_by_hand():
    payoffs = public_goods()
    assert payoffs.shape == (4, 5, 5, 5, 5)
    # Everybody gives 20: 0.4 * 80; nobody: the endowment; one gives 20 alone: 8 for him, 28 for the others.
    assert payoffs[:, 4, 4, 4, 4].tolist() == [32] * 4
    assert payoffs[:, 0, 0, 0, 0].tolist() == [20] * 4
    assert payoffs[:, 0, 4, 0, 0].tolist() == [28, 8, 28, 28]
    three = public_goods(3, (0, 1), 0.5)
    assert three[:, 1, 1, 0].tolist() == [1, 1, 2]


def test_minimum_effort_pays_what_van_huyck_battalio_and_beil_print():
    # Their table A: effort 7 and smallest 7: 1.30; effort 7 and smallest 1: 0.10; effort 1: 0.70.
    payoffs = minimum_effort()
    np.testing.assert_allclose(payoffs[:, 6, 6, 6, 6], 1.3)
    np.testing.assert_allclose(payoffs[:, 6, 6, 0, 6], [0.1, 0.1, 0.7, 0.1])


def test_travelers_get_the_lower_claim_and_the_bonus():
    payoffs = travelers_dilemma()
    assert payoffs[:, 98, 98].tolist() == [100, 100]
    assert payoffs[:, 97, 98].tolist() == [101, 97]  # Basu 1994: 99 against 100
    assert payoffs[:, 0, 98].tolist() == [4, 0]
