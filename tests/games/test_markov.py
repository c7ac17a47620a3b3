"""Finite Markov games: arrays in, play by the rules out, chance exactly as given."""

import numpy as np
import pytest
from scipy import sparse, stats

import games
from games.markov import MarkovGame, from_arrays, from_rules, garnet, potential
from games.markov.classics import grid_game, soccer

TABULAR = "markov/tabular_v0"


def make(transitions, rewards, num_envs=1, **settings):
    batch = games.make_batch(TABULAR, num_envs, transitions=transitions, rewards=rewards, **settings)
    batch.reset()
    return batch


def random_arrays(seed, num_states, num_actions):
    rng = np.random.default_rng(seed)
    shape = (num_states, *num_actions)
    return rng.dirichlet(np.ones(num_states), shape), rng.normal(size=(len(num_actions), *shape))


def walk(batch, *actions):
    batch.step(np.array([actions], np.int32))
    return batch.rewards[0].tolist(), batch.fields(0)["state"]


# ---- play ----


def cycle():
    """Three states in a circle; every action goes on; zero-sum with 10 s + 2 a + b for player 0."""
    transitions = np.zeros((3, 2, 2, 3))
    for s, a, b in np.ndindex(3, 2, 2):
        transitions[s, a, b, (s + 1) % 3] = 1
    paid = np.array([[[10 * s + 2 * a + b for b in range(2)] for a in range(2)] for s in range(3)])
    return transitions, np.stack([paid, -paid])


def test_a_circle_is_walked_with_the_rewards_worked_by_hand():
    batch = make(*cycle(), horizon=4)
    assert batch.fields(0)["state"] == 0
    assert batch.observations[0].tolist() == [[1, 0, 0]] * 2
    assert walk(batch, 1, 0) == ([2, -2], 1)
    assert batch.observations[0].tolist() == [[0, 1, 0]] * 2
    assert walk(batch, 0, 1) == ([11, -11], 2)
    assert walk(batch, 1, 1) == ([23, -23], 0)
    assert not batch.ended[0]
    batch.step(np.array([[0, 0]], np.int32))
    assert batch.ended[0]
    assert batch.truncations[0].tolist() == [1, 1]  # the horizon is a time limit
    assert batch.terminations[0].tolist() == [0, 0]
    assert batch.episode_returns.tolist() == [[36, -36]]


def test_a_terminal_state_ends_the_episode_by_rule():
    transitions, rewards = cycle()
    batch = make(transitions, rewards, terminal=[2], autoreset="disabled")
    walk(batch, 0, 0)
    assert walk(batch, 1, 1) == ([13, -13], 2)
    assert batch.terminations[0].tolist() == [1, 1]
    assert batch.truncations[0].tolist() == [0, 0]


def test_a_terminal_state_in_the_last_step_is_no_time_limit():
    batch = make(*cycle(), terminal=np.array([False, True, False]), horizon=1)
    walk(batch, 0, 0)
    assert batch.terminations[0].tolist() == [1, 1]
    assert batch.truncations[0].tolist() == [0, 0]


def test_rewards_may_depend_on_what_comes_of_it():
    transitions = np.full((2, 1, 1, 2), 0.5)
    rewards = np.zeros((2, 2, 1, 1, 2))
    rewards[0, ..., 1], rewards[1, ..., 0] = 3, 4
    batch = make(transitions, rewards, num_envs=64, horizon=50)
    for _ in range(50):
        batch.step(np.zeros((64, 2), np.int32))
        if not batch.ended.any():
            arrived = batch.observations[:, 0, 1]
            np.testing.assert_array_equal(batch.rewards, np.stack([3 * arrived, 4 * (1 - arrived)], axis=1))


def test_players_with_unequal_action_counts_are_groups_of_their_own():
    transitions, rewards = random_arrays(0, 2, (2, 1, 3))
    batch = make(transitions, rewards, horizon=3)
    assert [int(group.action_space.n) for group in batch.groups.values()] == [2, 1, 3]
    batch.step({name: np.array([[a]], np.int32) for name, a in zip(batch.groups, (1, 0, 2), strict=True)})
    expected = rewards[:, 0, 1, 0, 2]
    np.testing.assert_allclose([group.rewards.item() for group in batch.groups.values()], expected, rtol=1e-6)
    assert batch.fields(0)["last_actions"].tolist() == [1, 0, 2]


def test_features_stand_in_place_of_the_state_for_all_or_for_each():
    shared = np.array([[0.5, -2], [1, 3], [0, 0]])
    batch = make(*cycle(), features=shared)
    assert batch.observations[0].tolist() == [[0.5, -2]] * 2
    assert batch.only_group.observation_space.low.min() == -2
    walk(batch, 0, 0)
    assert batch.observations[0].tolist() == [[1, 3]] * 2
    batch = make(*cycle(), features=np.stack([shared, shared + 10]))
    walk(batch, 0, 0)
    assert batch.observations[0].tolist() == [[1, 3], [11, 13]]


def test_masks_are_those_of_the_state_and_illegal_counts_as_the_first_legal():
    legal = [[[0, 1], [1, 1], [1, 1]], [[1, 0], [0, 1], [1, 1]]]
    batch = make(*cycle(), legal_actions=legal)
    assert batch.action_masks[0].tolist() == [[0, 1], [1, 0]]
    assert walk(batch, 0, 1) == ([2, -2], 1)  # counted as (1, 0)
    assert batch.fields(0)["last_actions"].tolist() == [1, 0]
    assert batch.action_masks[0].tolist() == [[1, 1], [0, 1]]
    assert walk(batch, 1, 0) == ([13, -13], 2)


def test_states_where_one_player_moves_at_a_time_make_a_game_of_turns():
    def properties(legal):
        return make(*cycle(), legal_actions=legal).config.properties().dynamics

    assert properties([[[1, 1], [1, 0], [1, 1]], [[1, 0], [1, 1], [1, 0]]]) == "turn"
    assert properties([[[1, 1], [0, 1], [1, 1]], [[1, 0], [1, 1], [1, 0]]]) == "simultaneous"  # waits with action 1
    assert properties([[[1, 1], [1, 1], [1, 1]], [[1, 0], [1, 1], [1, 0]]]) == "simultaneous"


# ---- chance ----

SIGNIFICANCE = 1e-4  # of each test; the seeds are fixed


@pytest.mark.parametrize("branching", ["dense", "sparse", "skewed"])
def test_successors_have_the_probabilities_that_were_given(branching):
    rng = np.random.default_rng(3)
    weights = rng.random(17) if branching == "dense" else 10.0 ** -rng.uniform(0, 3, 17)
    if branching == "sparse":
        weights[rng.permutation(17)[:12]] = 0
    distribution = weights / weights.sum()
    transitions = np.tile(distribution, (17, 1, 1)).reshape(17, 1, 17)
    batch = make(transitions, np.zeros((1, 17, 1)), num_envs=1000, horizon=10**6, seed=5)
    counts = np.zeros(17)
    for _ in range(300):
        batch.step(np.zeros((1000, 1), np.int32))
        counts += batch.observations.sum(axis=(0, 1))
    assert not counts[distribution == 0].any()
    seen = distribution > 0
    assert stats.chisquare(counts[seen], 300_000 * distribution[seen]).pvalue > SIGNIFICANCE


def test_each_state_and_joint_action_has_its_own_distribution():
    transitions, rewards = random_arrays(1, 4, (2, 3))
    batch = make(transitions, rewards, num_envs=3000, horizon=10**6, seed=2)
    rng = np.random.default_rng(0)
    counts = np.zeros(transitions.shape)
    for _ in range(100):
        before = batch.groups["player_0"].observations[:, 0].argmax(axis=1)
        actions = [rng.integers(a, size=(3000, 1), dtype=np.int32) for a in (2, 3)]
        batch.step(dict(zip(batch.groups, actions, strict=True)))
        after = batch.groups["player_0"].observations[:, 0].argmax(axis=1)
        np.add.at(counts, (before, actions[0][:, 0], actions[1][:, 0], after), 1)
    for cell in np.ndindex(4, 2, 3):
        assert stats.chisquare(counts[cell], counts[cell].sum() * transitions[cell]).pvalue > SIGNIFICANCE


def test_first_states_have_the_probabilities_that_were_given():
    initial = np.array([0.2, 0.0, 0.5, 0.3])
    batch = make(*random_arrays(1, 4, (1,)), num_envs=100_000, initial=initial)
    counts = batch.observations.sum(axis=(0, 1))
    assert counts[1] == 0
    assert stats.chisquare(counts[[0, 2, 3]], 100_000 * initial[[0, 2, 3]]).pvalue > SIGNIFICANCE


def test_a_game_goes_on_with_the_probability_that_was_given():
    # 400,000 steps, each the last with probability 0.1: 40,000 ends, standard deviation 190.
    batch = make(*cycle(), num_envs=1000, continuation=0.9, horizon=10_000)
    for _ in range(400):
        batch.step(np.zeros((1000, 2), np.int32))
        assert not batch.truncations.any()
    assert abs(len(batch.episode_lengths) - 40_000) < 4 * 190
    batch = make(*cycle(), continuation=0)
    batch.step(np.zeros((1, 2), np.int32))
    assert batch.terminations.all()


# ---- arrays ----


def test_dense_and_sparse_arrays_make_the_same_game():
    transitions, rewards = random_arrays(4, 5, (2, 3))
    transitions[transitions < 0.1] = 0
    transitions /= transitions.sum(axis=-1, keepdims=True)
    dense = from_arrays(transitions, rewards)
    thin = from_arrays(sparse.csr_array(transitions.reshape(30, 5)), rewards)
    for name in ("row_starts", "successors", "probabilities", "row_rewards"):
        np.testing.assert_array_equal(getattr(dense, name), getattr(thin, name))
    np.testing.assert_allclose(dense.transitions, transitions, atol=1e-15)
    np.testing.assert_allclose(dense.rewards, rewards)


def test_expected_rewards_weigh_those_of_outcomes():
    transitions, _ = random_arrays(4, 3, (2,))
    rewards = np.random.default_rng(0).normal(size=(1, 3, 2, 3))
    game = from_arrays(transitions, rewards)
    np.testing.assert_allclose(game.rewards[0], (transitions * rewards[0]).sum(axis=-1))
    assert [(s, p) for s, p, _ in game.outcomes(1, [1])] == list(enumerate(transitions[1, 1]))


def test_small_errors_of_rounding_are_mended():
    transitions = np.full((3, 1, 3), 0.3333333)
    assert from_arrays(transitions, np.zeros((1, 3, 1))).transitions.sum(axis=-1) == pytest.approx(1, abs=1e-15)


GOOD = np.full((2, 2, 2), 0.5)  # one player
ZEROS = np.zeros((1, 2, 2))
BAD_SUM, NEGATIVE, NAN = GOOD.copy(), GOOD.copy(), GOOD.copy()
BAD_SUM[1, 0] = [0.5, 0.4]
NEGATIVE[0, 1] = [-0.5, 1.5]
NAN[1, 1, 0] = np.nan


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"transitions": BAD_SUM}, r"must sum to 1; in state 1 under joint action \(0,\) they sum to 0.9$"),
        ({"transitions": GOOD / 2}, r"in state 0 under joint action \(0,\) \(and 3 more\) they sum to 0.5"),
        ({"transitions": NEGATIVE}, r"must be probabilities; in state 0 under joint action \(1,\) one is -0.5"),
        ({"transitions": NAN}, r"must be probabilities; in state 1 under joint action \(1,\) one is nan"),
        ({"transitions": np.zeros((2, 2, 3))}, r"transitions must have the shape \[2, 2, 2\] .* got \[2, 2, 3\]"),
        ({"transitions": sparse.csr_array((3, 2))}, r"sparse transitions must have the shape \[4, 2\]"),
        ({"transitions": "abc"}, "transitions must have the shape"),
        ({"transitions": [[["a"] * 2] * 2] * 2}, "transitions must be numbers"),
        ({"rewards": np.zeros((2, 2, 2))}, r"rewards must have the shape \[P, S, A_0, .*, got \[2, 2, 2\]"),
        ({"rewards": np.zeros((1, 0, 2))}, r"got \[1, 0, 2\]"),
        ({"rewards": np.full((1, 2, 2), np.inf)}, "rewards must be finite, got inf"),
        ({"rewards": "x"}, "rewards must be numbers"),
        ({"rewards": np.zeros((1, 2, 2, 3))}, "need dense transitions .* of as many states"),
        ({"initial": [0.5, 0.4]}, "initial must be probabilities that sum to 1; they sum to 0.9"),
        ({"initial": [2, -1]}, "initial must be probabilities"),
        ({"initial": [1]}, r"initial must have the shape \[2\], got \[1\]"),
        ({"terminal": [0]}, "initial must be 0 in terminal states, got 1.0 in state 0"),
        ({"terminal": [2]}, r"terminal must be numbers of states in \[0, 1\]"),
        ({"terminal": [0.0, 1.0]}, "terminal must be numbers of states"),
        ({"legal_actions": [[[1, 1]]]}, r"legal_actions must be flags of the shapes \[\(2, 2\)\]"),
        ({"legal_actions": [[[1, 1], [0, 0]]]}, "must leave player 0 an action in state 1"),
        ({"features": np.zeros((3, 2))}, r"features must be numbers \[2, D\] or \[1, 2, D\]"),
        ({"features": "x"}, "features must be numbers"),
        ({"features": [[np.nan], [0]]}, "features must be finite, got nan"),
        ({"state_names": ["a"]}, "state_names must be 2 strings"),
        ({"continuation": 1.1}, r"continuation must be a number in \[0, 1\], got 1.1"),
        ({"horizon": 0}, "horizon must be a whole number"),
    ],
)
def test_bad_arrays_are_refused_by_name_and_place(settings, message):
    settings = {"transitions": GOOD, "rewards": ZEROS, **settings}
    with pytest.raises(ValueError, match=message):
        games.make_batch(TABULAR, **settings)


def test_rows_of_terminal_states_are_not_read():
    game = from_arrays(BAD_SUM, ZEROS, terminal=[1])
    assert game.outcomes(1, [0]) == []


def test_rules_that_are_no_distribution_are_refused():
    with pytest.raises(ValueError, match=r"in state 0 under joint action \(0,\) they sum to 0.5"):
        from_rules({"a": 1.0}, (1,), lambda state, actions: [("a", 0.5, (0,))])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"branching": 21}, r"branching must be in \[1, 20\], the number of states, got 21"),
        ({"utility": "zero_sums"}, "did you mean 'zero_sum'"),
        ({"utility": "zero_sum", "num_players": 1}, "at least 2 players"),
        ({"num_actions": 0}, "num_actions must be a whole number"),
    ],
)
def test_bad_settings_of_a_random_game_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("markov/garnet_v0", **settings)


def test_reading_a_game_does_not_change_it():
    def play(state, actions):
        yield from [("b", 0.25, (1,)), ("b", 0.25, (2,)), ("a", 0.5, (3,))]

    game = from_rules({"a": 1.0}, (1,), play, lambda state: state == "b")
    before = [game.row_starts.copy(), game.successors.copy(), game.probabilities.copy()]
    assert game.transition_matrix.toarray().tolist() == [[0.5, 0.5], [0, 0]]
    assert game.rewards.tolist() == [[[0.25 + 0.5 + 1.5], [0]]]
    for array, copy in zip((game.row_starts, game.successors, game.probabilities), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    given = sparse.csr_array(([0.5, 0.5, 1.0], [0, 0, 1], [0, 2, 3]), shape=(2, 2))
    assert from_arrays(given, np.zeros((1, 2, 1))).successors.tolist() == [0, 1]
    assert given.data.tolist() == [0.5, 0.5, 1.0]


# ---- the literature ----


def test_the_two_step_game_pays_what_qmix_prints():
    # Rashid et al. 2018, table 1: state 2A pays 7 whatever is played; 2B pays 0 1 / 1 8.
    for first, second, paid in [(0, (0, 0), 7), (0, (1, 1), 7), (1, (0, 0), 0), (1, (0, 1), 1), (1, (1, 1), 8)]:
        batch = games.make_batch("markov/two_step_v0")
        batch.reset()
        batch.step(np.array([[first, 1]], np.int32))
        assert batch.rewards[0].tolist() == [0, 0]
        batch.step(np.array([second], np.int32))
        assert batch.rewards[0].tolist() == [paid, paid]
        assert batch.terminations.all()


def named(game: MarkovGame, state) -> int:
    assert game.state_names is not None
    return game.state_names.index(str(state))


def outcomes(game: MarkovGame, state, *actions):
    found = game.outcomes(named(game, state), actions)
    return {(game.state_names[s], p, tuple(paid)) for s, p, paid in found}


N, S, E, W, STAND = range(5)


def test_soccer_has_760_positions_and_two_goals():
    # Littman 1994: 20 * 19 places of two players, and the ball with either.
    assert soccer().num_states == 762
    assert soccer().terminal.sum() == 2
    assert soccer().initial.tolist()[:2] == [0.5, 0.5]


def test_soccer_by_hand():
    game = soccer()
    # Whoever moves second into the other loses the ball; the order is a coin.
    state = ((1, 2), (1, 1), 0)
    assert outcomes(game, state, W, STAND) == {(str(((1, 2), (1, 1), 1)), 1, (0, 0))}
    assert outcomes(game, state, W, W) == {
        (str(((1, 2), (1, 0), 1)), 0.5, (0, 0)),  # bumps first, then the other leaves
        (str(((1, 1), (1, 0), 0)), 0.5, (0, 0)),
    }
    # From the western column player 0 scores in the middle rows only.
    assert outcomes(game, ((1, 0), (3, 3), 0), W, STAND) == {("goal of 0", 1, (1, -1))}
    assert outcomes(game, ((2, 0), (3, 3), 0), W, STAND) == {("goal of 0", 1, (1, -1))}
    assert outcomes(game, ((0, 0), (3, 3), 0), W, STAND) == {(str(((0, 0), (3, 3), 0)), 1, (0, 0))}
    assert outcomes(game, ((1, 0), (2, 4), 1), STAND, E) == {("goal of 1", 1, (-1, 1))}
    # Not without the ball, and no own goal.
    assert outcomes(game, ((1, 0), (3, 3), 1), W, STAND) == {(str(((1, 0), (3, 3), 1)), 1, (0, 0))}
    assert outcomes(game, ((1, 4), (3, 3), 0), E, STAND) == {(str(((1, 4), (3, 3), 0)), 1, (0, 0))}


def test_soccer_turned_round_is_soccer_with_the_players_exchanged():
    game, turned_action = soccer(), [S, N, W, E, STAND]

    def turn(name):
        if name.startswith("goal"):
            return {"goal of 0": "goal of 1", "goal of 1": "goal of 0"}[name]
        r0, c0, r1, c1, ball = (int(part) for part in name.replace("(", "").replace(")", "").split(","))
        return str(((3 - r1, 4 - c1), (3 - r0, 4 - c0), 1 - ball))

    for state in np.random.default_rng(0).choice(760, 60, replace=False):
        name = game.state_names[state]
        if name.startswith("goal"):
            continue
        for a, b in np.ndindex(5, 5):
            expected = {(turn(s), p, paid[::-1]) for s, p, paid in outcomes(game, name, a, b)}
            assert outcomes(game, turn(name), turned_action[b], turned_action[a]) == expected


UP, DOWN, RIGHT, LEFT = range(4)


def test_grid_games_by_hand():
    one, two = grid_game(1), grid_game(2)
    start = ((2, 0), (2, 2))
    # Both want the cell between them: they bounce back and pay.
    assert outcomes(one, start, RIGHT, LEFT) == {(str(start), 1, (-1, -1))}
    assert outcomes(one, start, UP, UP) == {(str(((1, 0), (1, 2))), 1, (0, 0))}
    assert outcomes(one, ((1, 2), (1, 0)), UP, UP) == {(str(((0, 2), (0, 0))), 1, (100, 100))}
    assert outcomes(one, ((1, 2), (1, 1)), UP, RIGHT) == {(str(((0, 2), (1, 2))), 1, (100, 0))}
    assert outcomes(one, ((1, 1), (1, 2)), RIGHT, LEFT) == {(str(((1, 1), (1, 2))), 1, (-1, -1))}
    # The barrier lets each up with probability 1/2; the shared goal holds both.
    assert outcomes(two, start, UP, UP) == {(str(((a, 0), (b, 2))), 0.25, (0, 0)) for a in (1, 2) for b in (1, 2)}
    assert outcomes(two, ((0, 0), (0, 2)), RIGHT, LEFT) == {(str(((0, 1), (0, 1))), 1, (100, 100))}


# ---- random games ----


@pytest.mark.parametrize("utility", ["general", "zero_sum", "common", "potential"])
@pytest.mark.parametrize("num_actions", [(3, 2), (2, 2, 2)])
def test_a_garnet_has_its_branching_and_its_class(utility, num_actions):
    game = garnet(7, num_actions, 3, np.random.default_rng(5), utility)
    again = garnet(7, num_actions, 3, np.random.default_rng(5), utility)
    np.testing.assert_array_equal(game.transitions, again.transitions)
    np.testing.assert_array_equal(game.rewards, again.rewards)
    assert (np.diff(game.row_starts) == 3).all()
    np.testing.assert_allclose(game.transitions.sum(axis=-1), 1)
    rewards = game.rewards
    if utility == "zero_sum":
        np.testing.assert_allclose(rewards.sum(axis=0), 0, atol=1e-14)
    elif utility == "common":
        assert (rewards == rewards[0]).all()
    elif utility == "potential":
        # No action changes what follows, and with one player's action all payoff differences are the potential's.
        assert (
            game.transitions == game.transitions.reshape(7, -1, 7)[:, :1].reshape(7, *[1] * len(num_actions), 7)
        ).all()
        game, phi = potential(7, num_actions, 3, np.random.default_rng(5))
        for player in range(len(num_actions)):
            own = np.diff(game.rewards[player], axis=1 + player)
            np.testing.assert_allclose(own, np.diff(phi, axis=1 + player), atol=1e-12)
    else:
        assert not np.allclose(rewards.sum(axis=0), 0)


def test_the_probabilities_of_a_garnet_are_cut_by_uniform_points():
    # The parts of [0, 1] between k - 1 uniform points are exchangeable, each beyond x with probability (1 - x)^(k - 1).
    shares = np.sort(garnet(50, (20, 20), 3, np.random.default_rng(1)).probabilities)
    for x in (0.1, 0.3, 0.5, 0.8):
        assert abs((shares > x).mean() - (1 - x) ** 2) < 0.01


def test_settings_of_a_random_game_make_that_game():
    settings = {"num_players": 3, "num_states": 6, "num_actions": 2, "branching": 4, "table_seed": 9}
    game = games.spec("markov/garnet_v0").config(**settings, utility="common").game
    expected = garnet(6, (2, 2, 2), 4, np.random.default_rng(9), "common")
    np.testing.assert_array_equal(game.transitions, expected.transitions)
    assert games.spec("markov/garnet_v0").config(**settings, utility="common").properties().utility == "common"
    other = games.spec("markov/garnet_v0").config(**{**settings, "table_seed": 10}).game
    assert (other.transitions != game.transitions).any()
