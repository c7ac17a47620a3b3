"""The trust dilemma, step by step as worked by hand from its rules (games/trust/README.md)."""

import numpy as np
import pytest
from open_spiel.python import policy
from open_spiel.python.algorithms import expected_game_score

import games
from games import open_spiel
from games.trust import ACTIONS, TrustConfig, induced_game, risk_dominant

LEFT, DOWN, RIGHT, UP, STAND = range(5)
FAR_PLANTS = [[0, 4], [4, 4]]


def hunt(agents, stag, plants=FAR_PLANTS, num_envs=1, id="grid/trust_v0", **settings):
    """A batch in a given state, all numbers (x, y) from the top left."""
    batch = games.make_batch(id, num_envs, autoreset="disabled", num_plants=len(plants), **settings)
    batch.reset()
    fields = {"agents": agents, "stag": stag, "plants": plants}
    for env in range(num_envs):
        batch.load_fields(
            env, {name: np.array(value, np.uint8).reshape(-1, 2) for name, value in fields.items() if name != "stag"}
        )
        batch.load_fields(env, {"stag": np.array(stag, np.uint8)})
    return batch


def step(batch, first, second):
    batch.step(np.tile(np.array([first, second], np.int32), (batch.num_envs, 1)))
    return batch.rewards[0].tolist()


def cells(batch, name):
    return [tuple(np.asarray(batch.fields(env)[name]).ravel().tolist()) for env in range(batch.num_envs)]


def test_an_episode_starts_as_in_the_source():
    batch = games.make_batch("grid/trust_v0", 200)
    batch.reset()
    seen = set()
    for env in range(200):
        fields = batch.fields(env)
        assert fields["agents"].tolist() == [[0, 0], [4, 0]]
        assert fields["stag"].tolist() == [2, 2]
        plants = [tuple(plant) for plant in fields["plants"].tolist()]
        assert len(set(plants)) == 2
        assert not {(0, 0), (4, 0), (2, 2)} & set(plants)
        seen |= set(plants)
    assert len(seen) == 25 - 3  # a free cell is missed by 400 draws with probability 22 * (21/22)^400 < 2e-7


@pytest.mark.parametrize(
    ("action", "inside", "at_top_left"),
    [
        (LEFT, (1, 2), (0, 0)),
        (DOWN, (2, 3), (0, 1)),
        (RIGHT, (3, 2), (1, 0)),
        (UP, (2, 1), (0, 0)),
        (STAND, (2, 2), (0, 0)),
    ],
)
def test_actions_move_by_one_cell_and_the_border_stops_them(action, inside, at_top_left):
    batch = hunt([[2, 2], [0, 0]], [4, 4], plants=[])
    step(batch, action, action)
    assert cells(batch, "agents") == [inside + at_top_left]
    assert ACTIONS[action] == ("left", "down", "right", "up", "stand")[action]


def test_two_agents_on_the_stag_catch_it():
    # The stag is right beside both, so its only step towards the nearest is onto them.
    batch = hunt([[1, 1], [1, 1]], [2, 1], num_envs=50)
    assert step(batch, STAND, STAND) == [5, 5]
    assert batch.infos["caught"].tolist() == [[1, 1]] * 50
    for env in range(50):
        stag = tuple(batch.fields(env)["stag"].tolist())
        assert stag not in {(1, 1), (0, 4), (4, 4)}  # it appeared in a free cell
        assert batch.fields(env)["catches"] == 1
    assert len(set(cells(batch, "stag"))) > 10


def test_an_agent_alone_on_the_stag_is_mauled_and_the_stag_stays():
    batch = hunt([[1, 1], [4, 0]], [2, 1])
    assert step(batch, STAND, STAND) == [-5, 0]
    assert batch.infos["mauled"].tolist() == [[1, 0]]
    assert cells(batch, "stag") == [(1, 1)]
    assert batch.fields(0)["maulings"].tolist() == [1, 0]


def test_after_a_mauling_the_stag_can_run():
    batch = hunt([[1, 1], [4, 0]], [2, 1], num_envs=20, runs_after_mauling=True)
    assert step(batch, STAND, STAND) == [-5, 0]
    assert not {(1, 1), (4, 0), (0, 4), (4, 4)} & set(cells(batch, "stag"))


def test_the_stag_moves_first_so_who_steps_where_it_was_meets_nobody():
    # It comes from (2, 1) to (1, 1), the agent goes the other way: they pass each other.
    batch = hunt([[1, 1], [4, 4]], [2, 1], plants=[])
    assert step(batch, RIGHT, STAND) == [0, 0]
    assert cells(batch, "stag") == [(1, 1)]
    assert cells(batch, "agents") == [(2, 1, 4, 4)]


def test_an_agent_on_a_plant_eats_it_and_the_plant_appears_elsewhere():
    batch = hunt([[0, 1], [4, 1]], [2, 4], plants=[[0, 2], [3, 3]], num_envs=50)
    assert step(batch, DOWN, STAND) == [1, 0]
    assert batch.infos["ate"].tolist() == [[1, 0]] * 50
    for env in range(50):
        fields = batch.fields(env)
        assert fields["plants"][1].tolist() == [3, 3]
        assert tuple(fields["plants"][0].tolist()) not in {(0, 2), (4, 1), (3, 3), tuple(fields["stag"].tolist())}
        assert fields["plants_eaten"].tolist() == [1, 0]


def test_two_agents_on_one_plant_eat_it_both():
    batch = hunt([[0, 1], [1, 2]], [4, 4], plants=[[0, 2], [3, 3]])
    assert step(batch, DOWN, LEFT) == [1, 1]
    plants = batch.fields(0)["plants"].tolist()
    assert plants[1] == [3, 3]
    assert plants[0] != [0, 2]


def test_on_a_plant_with_the_stag_there_is_a_mauling_and_no_meal():
    batch = hunt([[1, 1], [4, 4]], [2, 1], plants=[[1, 1]])
    assert step(batch, STAND, STAND) == [-5, 0]
    assert batch.fields(0)["plants"].tolist() == [[1, 1]]
    assert batch.infos["ate"].tolist() == [[0, 0]]


def test_one_is_mauled_while_the_other_eats():
    batch = hunt([[1, 1], [4, 3]], [2, 1], plants=[[4, 4]])
    assert step(batch, STAND, DOWN) == [-5, 1]


def share(batch, cell):
    return np.mean([stag == cell for stag in cells(batch, "stag")])


def test_the_stag_follows_the_nearest_agent_on_either_axis_alike():
    # From (2, 2) the agent at (0, 0) is nearer than that at (4, 4) minus one step; both axes bring the stag closer.
    batch = hunt([[1, 0], [4, 4]], [2, 2], plants=[], num_envs=2000)
    step(batch, STAND, STAND)
    assert set(cells(batch, "stag")) == {(1, 2), (2, 1)}
    assert abs(share(batch, (1, 2)) - 0.5) < 0.05  # 4.5 standard deviations


def test_chance_decides_which_of_two_equally_near_agents_the_stag_follows():
    batch = hunt([[0, 2], [4, 2]], [2, 2], plants=[], num_envs=2000)
    step(batch, STAND, STAND)
    assert set(cells(batch, "stag")) == {(1, 2), (3, 2)}
    assert abs(share(batch, (1, 2)) - 0.5) < 0.05


def test_distance_is_euclidean_as_in_the_source():
    # (3, 0) is 3 cells away along the row; (2, 2) has distance 2.83 though it is 4 steps away.
    batch = hunt([[3, 0], [2, 2]], [0, 0], plants=[], num_envs=500)
    step(batch, STAND, STAND)
    assert set(cells(batch, "stag")) == {(1, 0), (0, 1)}


def test_a_stag_that_does_not_follow_steps_uniformly_inside_the_grid():
    batch = hunt([[4, 4], [4, 4]], [0, 2], plants=[], num_envs=3000, follow_probability=0.0)
    step(batch, STAND, STAND)
    assert set(cells(batch, "stag")) == {(0, 1), (0, 3), (1, 2)}
    assert abs(share(batch, (1, 2)) - 1 / 3) < 0.04


def test_follow_probability_is_the_share_of_steps_towards_the_agents():
    # Right of the stag in its row: a following step goes right; a random one does with probability 1/4.
    batch = hunt([[4, 2], [4, 2]], [1, 2], plants=[], num_envs=4000, follow_probability=0.6)
    step(batch, STAND, STAND)
    assert abs(share(batch, (2, 2)) - (0.6 + 0.4 / 4)) < 0.033


def test_a_stag_that_stands_on_an_agent_steps_away_at_random():
    batch = hunt([[2, 2], [0, 0]], [2, 2], plants=[], num_envs=2000)
    step(batch, STAND, STAND)
    assert set(cells(batch, "stag")) == {(1, 2), (3, 2), (2, 1), (2, 3)}


def test_a_catch_can_end_the_episode():
    batch = hunt([[1, 1], [1, 1]], [2, 1], ends_at_catch=True)
    step(batch, STAND, STAND)
    assert batch.ended.tolist() == [1]
    assert batch.terminations.tolist() == [[1, 1]]
    assert batch.truncations.tolist() == [[0, 0]]


def test_a_mauling_ends_the_episode_of_both_where_it_should():
    for ends in (False, True):
        batch = hunt([[1, 1], [4, 0]], [2, 1], ends_at_mauling=ends, ends_at_catch=True)
        step(batch, STAND, STAND)
        assert batch.ended.tolist() == [ends]
        assert batch.terminations.tolist() == [[ends, ends]]


def test_the_horizon_truncates():
    batch = games.make_batch("grid/trust_v0", horizon=2, autoreset="disabled")
    batch.reset()
    step(batch, STAND, STAND)
    assert not batch.ended[0]
    step(batch, STAND, STAND)
    assert batch.truncations.tolist() == [[1, 1]]
    assert batch.terminations.tolist() == [[0, 0]]
    assert batch.episode_lengths.tolist() == [2]


def test_statistics_count_the_events_of_an_episode():
    batch = hunt([[1, 1], [4, 3]], [2, 1], plants=[[4, 4]], horizon=1)
    step(batch, STAND, DOWN)
    assert {name: values.tolist() for name, values in batch.episode_statistics.items()} == {
        "catches": [0],
        "maulings": [1],
        "plants_eaten": [1],
    }


def test_the_grid_shows_self_other_stag_and_plants():
    batch = hunt([[1, 0], [4, 3]], [2, 1], plants=[[0, 4], [4, 4]])
    for me, (own, other) in enumerate((((1, 0), (4, 3)), ((4, 3), (1, 0)))):
        seen = batch.observations[0, me]
        places = [sorted((int(x), int(y)) for y, x in np.argwhere(seen[:, :, channel])) for channel in range(4)]
        assert places == [[own], [other], [(2, 1)], [(0, 4), (4, 4)]]


def test_coordinates_name_self_first_and_sort_the_plants():
    batch = hunt([[1, 0], [4, 3]], [2, 1], plants=[[4, 4], [3, 2], [0, 4]], observation="coordinates")
    plants = [3, 2, 0, 4, 4, 4]  # by rows, then columns
    assert batch.observations[0].tolist() == [[1, 0, 4, 3, 2, 1, *plants], [4, 3, 1, 0, 2, 1, *plants]]


def test_no_rule_knows_an_agents_index():
    """The same play with the agents exchanged, where nothing is left to chance."""
    one = hunt([[1, 1], [4, 3]], [2, 1], plants=[[4, 4]])
    other = hunt([[4, 3], [1, 1]], [2, 1], plants=[[4, 4]])
    assert step(one, STAND, DOWN) == step(other, DOWN, STAND)[::-1]
    assert np.array_equal(one.observations[0, 0, :, :, :3], other.observations[0, 1, :, :, :3])


# ---- the game behind it ----


def test_one_encounter_is_the_stag_hunt_of_the_settings():
    game = induced_game(TrustConfig())
    assert game.tolist() == [[[5, -5], [1, 1]], [[5, 1], [-5, 1]]]


# Payoffs R, S, T, P and who risk-dominates: by (R - T) against (P - S), Harsanyi and Selten 1988.
@pytest.mark.parametrize(
    ("payoffs", "expected"),
    [
        ((10, 1, 8, 5), "gather"),
        ((5, -5, 1, 1), "gather"),
        ((4, 0, 3, 3), "gather"),
        ((4, 1, 3, 2), "neither"),
        ((4, 1, 2, 2), "hunt"),
    ],
)
def test_risk_dominance_compares_deviation_losses(payoffs, expected):
    both, alone, tempted, safe = payoffs
    row = np.array([[both, alone], [tempted, safe]])
    assert risk_dominant(np.stack([row, row.T])) == expected


def test_risk_dominance_of_a_setting_turns_where_the_sum_equals_two_plants():
    for mauling, expected in ((-2.9, "hunt"), (-3.0, "neither"), (-3.1, "gather")):
        assert risk_dominant(induced_game(TrustConfig(mauling_reward=mauling))) == expected


def test_risk_dominance_is_refused_where_it_is_not_defined():
    dilemma = np.array([[3, 0], [5, 1]])
    with pytest.raises(ValueError, match="must be equilibria"):
        risk_dominant(np.stack([dilemma, dilemma.T]))
    with pytest.raises(ValueError, match=r"shape \[2, 2, 2\], got \[2, 2\]"):
        risk_dominant(dilemma)


# ---- as a game tree ----


def described(fields, rewards, is_over):
    """What chance may decide, as one thing to count; the order of plants says nothing."""
    plants = tuple(sorted(map(tuple, fields["plants"].tolist())))
    counts = [int(fields["catches"]), *fields["maulings"].tolist(), *fields["plants_eaten"].tolist()]
    return tuple(fields["stag"].tolist()), plants, tuple(counts), tuple(rewards), bool(is_over)


# Agents, stag, plants, actions and settings: the listing in Python against what C does, 20,000 times each.
@pytest.mark.parametrize(
    ("agents", "stag", "plants", "actions", "settings"),
    [
        ([[0, 0], [2, 0]], [1, 1], [[1, 2]], (DOWN, LEFT), {}),
        ([[0, 1], [2, 1]], [1, 1], [[0, 2]], (DOWN, STAND), {"follow_probability": 0.5}),
        ([[1, 1], [1, 1]], [2, 1], [[0, 2]], (STAND, STAND), {}),
        ([[1, 1], [0, 0]], [2, 1], [[0, 1]], (STAND, DOWN), {"runs_after_mauling": True}),
        ([[0, 1], [2, 1]], [1, 0], [[0, 2], [2, 2]], (DOWN, DOWN), {"width": 4}),
        ([[0, 1], [0, 1]], [2, 0], [[0, 2]], (DOWN, DOWN), {"follow_probability": 0.0}),
        ([[2, 1], [0, 0]], [2, 1], [[0, 2]], (STAND, STAND), {"ends_at_mauling": True}),
        ([[1, 0], [0, 1]], [1, 1], [[2, 2]], (STAND, STAND), {"horizon": 1}),
    ],
)
def test_chance_is_what_the_tree_lists(agents, stag, plants, actions, settings):
    envs = 20_000
    batch = hunt(agents, stag, plants, envs, "grid/trust_small_v0", **settings)
    before = batch.fields(0)
    batch.step(np.tile(np.array(actions, np.int32), (envs, 1)))
    listed = batch.config.tree().chance(before, {"hunters": np.array(actions)}, batch.fields(0))
    expected: dict = {}
    for outcome in listed:
        key = described(outcome.fields, outcome.rewards, outcome.is_over)
        expected[key] = expected.get(key, 0) + outcome.probability
    assert sum(expected.values()) == pytest.approx(1)
    counted: dict = {}
    for env in range(envs):
        key = described(batch.fields(env), batch.rewards[env].tolist(), batch.ended[env])
        counted[key] = counted.get(key, 0) + 1
    assert set(counted) <= set(expected)
    for key, probability in expected.items():
        slack = 5 * np.sqrt(envs * probability * (1 - probability)) + 1
        assert abs(counted.get(key, 0) - envs * probability) < slack


def test_starts_are_what_the_tree_lists():
    batch = games.make_batch("grid/trust_v0", num_plants=2, width=3, height=3)
    batch.reset()
    starts = batch.config.tree().chance(None, None, batch.fields(0))
    assert len(starts) == 15  # two of six free cells
    assert sum(start.probability for start in starts) == pytest.approx(1)


def test_openspiel_walks_short_hunts():
    game = open_spiel.game("grid/trust_small_v0", horizon=1, width=2, height=2, num_plants=0)
    # The stag stands below agent 1 and two steps from agent 0: it goes to agent 1, who stays and is mauled.
    state = game.new_initial_state()
    state.apply_actions([STAND, STAND])
    assert state.is_terminal()
    assert state.returns() == [0, -5]
    # 3 x 3 cells, one plant, one step: all values by walking the tree, against the play of the C.
    game = open_spiel.game("grid/trust_small_v0", horizon=1)
    value = expected_game_score.policy_value(game.new_initial_state(), policy.UniformRandomPolicy(game))
    batch = games.make_batch("grid/trust_small_v0", 60_000, seed=3, horizon=1)
    batch.reset()
    batch.step(np.random.default_rng(0).integers(0, 5, (60_000, 2), dtype=np.int32))
    returns = batch.episode_returns
    assert np.abs(returns.mean(axis=0) - value).max() < 4.5 * returns.std() / np.sqrt(60_000)


# ---- bad input ----


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stag_reward": 1.0}, "stag_reward > plant_reward > mauling_reward, got 1, 1, -5"),
        ({"mauling_reward": 1.5}, "stag_reward > plant_reward > mauling_reward"),
        ({"num_plants": 17}, r"num_plants must be a whole number in \[0, 16\]"),
        ({"width": 2, "height": 3, "num_plants": 3}, "2 x 3 cells has room for 2 plants, got 3"),
        ({"width": 33}, r"width must be a whole number in \[2, 32\], got 33"),
        ({"follow_probability": 1.5}, r"follow_probability must be a number in \[0, 1\], got 1.5"),
        ({"observation": "grit"}, "unknown observation 'grit'; did you mean 'grid'"),
        ({"ends_at_catch": 1}, "ends_at_catch must be True or False"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("grid/trust_v0", **settings)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stag": np.array([5, 0], np.uint8)}, r"stag: the cell \(5, 0\) is outside the 5 x 5 grid"),
        ({"agents": np.array([[0, 0], [0, 7]], np.uint8)}, r"agents: the cell \(0, 7\)"),
        ({"plants": np.array([[1, 1], [1, 1]], np.uint8)}, "plants 0 and 1 stand in the same cell"),
        ({"catches": -1}, "catches must be in"),
        ({"timestep": 1001}, r"timestep must be in \[0, 1000\], got 1001"),
    ],
)
def test_bad_states_are_refused(fields, message):
    batch = games.make_batch("grid/trust_v0")
    batch.reset()
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, fields)
