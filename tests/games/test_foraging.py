"""Level-based foraging by hand; tests/parity/foraging plays it beside lbforaging."""

import numpy as np
import pytest

import games

NONE, NORTH, SOUTH, WEST, EAST, LOAD = range(6)


def place(players, foods, spawned=None, **settings):
    """Players and foods as (row, column, level)."""
    settings = {"num_players": len(players), "num_foods": len(foods), "max_player_level": 5, **settings}
    batch = games.make_batch("grid/foraging_8x8_2p_2f_v0", autoreset="disabled", **settings)
    batch.reset()
    total = sum(food[2] for food in foods) if spawned is None else spawned
    batch.load_fields(0, {"players": np.array(players, np.uint8), "foods": np.array(foods, np.uint8), "spawned": total})
    return batch


def step(batch, *actions):
    batch.step(np.array([actions], np.int32))
    return batch.rewards[0].tolist()


def cells(batch):
    return [tuple(player[:2]) for player in batch.fields(0)["players"].tolist()]


def test_a_strong_player_loads_alone():
    batch = place([(3, 2, 2), (0, 0, 1)], [(3, 3, 2), (5, 5, 3)])
    # Level 2 of food of the 5 spawned, all its own: 2 * 2 / (2 * 5).
    assert step(batch, LOAD, NONE) == pytest.approx([0.4, 0])
    assert batch.fields(0)["foods"].tolist() == [[0, 0, 0], [5, 5, 3]]


def test_a_weak_player_loads_in_vain_and_pays_the_penalty():
    batch = place([(3, 2, 1), (0, 0, 1)], [(3, 3, 2), (5, 5, 3)], penalty=0.25)
    assert step(batch, LOAD, NONE) == [-0.25, 0]
    assert batch.fields(0)["foods"][0].tolist() == [3, 3, 2]


def test_players_who_load_together_share_by_levels():
    batch = place([(3, 2, 1), (3, 4, 3)], [(3, 3, 4)])
    assert step(batch, LOAD, LOAD) == pytest.approx([1 / 4, 3 / 4])
    assert batch.terminations.tolist() == [[1, 1]]
    batch = place([(3, 2, 1), (3, 4, 3)], [(3, 3, 4)], normalize_reward=False)
    assert step(batch, LOAD, LOAD) == [4, 12]


def test_only_those_who_load_count():
    batch = place([(3, 2, 1), (3, 4, 3)], [(3, 3, 4)])
    assert step(batch, LOAD, NONE) == [0, 0]


@pytest.mark.parametrize(
    ("action", "cell"), [(NORTH, (3, 4)), (SOUTH, (5, 4)), (WEST, (4, 3)), (EAST, (4, 5)), (NONE, (4, 4))]
)
def test_actions_walk_by_one_cell(action, cell):
    batch = place([(4, 4, 1), (0, 0, 1)], [(2, 2, 1)])
    step(batch, action, NONE)
    assert cells(batch)[0] == cell


def test_borders_and_food_stop_a_walk():
    batch = place([(0, 0, 1), (2, 1, 1)], [(2, 2, 1)])
    step(batch, NORTH, EAST)
    step(batch, WEST, EAST)
    assert cells(batch) == [(0, 0), (2, 1)]


def test_nobody_gets_a_cell_that_several_want():
    batch = place([(4, 3, 1), (4, 5, 1)], [(2, 2, 1)])
    step(batch, EAST, WEST)
    assert cells(batch) == [(4, 3), (4, 5)]
    batch = place([(4, 3, 1), (4, 4, 1)], [(2, 2, 1)])
    step(batch, EAST, NONE)
    assert cells(batch) == [(4, 3), (4, 4)]


def test_players_can_swap_as_in_the_reference():
    batch = place([(4, 3, 1), (4, 4, 1)], [(2, 2, 1)])
    step(batch, EAST, WEST)
    assert cells(batch) == [(4, 4), (4, 3)]


def test_the_vector_counts_from_the_corner_of_what_is_seen():
    batch = place([(4, 5, 3), (0, 0, 1), (5, 6, 2)], [(3, 4, 1), (6, 2, 2)], sight=2)
    # Player 0 sees rows 2 .. 6 and columns 3 .. 7: one food, itself in the middle, and player 2.
    assert batch.observations[0, 0].tolist() == [1, 1, 1, -1, -1, 0, 2, 2, 3, 3, 3, 2, -1, -1, 0]
    # Player 1 sees rows and columns 0 .. 2: itself in the corner.
    assert batch.observations[0, 1].tolist() == [-1, -1, 0, -1, -1, 0, 0, 0, 1, -1, -1, 0, -1, -1, 0]


def test_the_grid_shows_levels_and_free_cells():
    batch = place([(4, 5, 3), (0, 0, 1)], [(3, 5, 2)], sight=1, observation="grid")
    players, foods, access = batch.observations[0, 0]
    assert players.tolist() == [[0, 0, 0], [0, 3, 0], [0, 0, 0]]
    assert foods.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 0]]
    assert access.tolist() == [[1, 0, 1], [1, 0, 1], [1, 1, 1]]
    assert batch.observations[0, 1, 2].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 1]]


def test_the_time_limit_truncates_unless_all_is_loaded():
    batch = place([(3, 2, 2), (0, 0, 1)], [(3, 3, 2)], horizon=1)
    step(batch, NONE, NONE)
    assert batch.truncations.tolist() == [[1, 1]]
    batch = place([(3, 2, 2), (0, 0, 1)], [(3, 3, 2)], horizon=1)
    step(batch, LOAD, NONE)
    assert batch.terminations.tolist() == [[1, 1]]
    assert batch.truncations.tolist() == [[0, 0]]


@pytest.mark.parametrize("force_coop", [False, True])
def test_food_lies_apart_and_somebody_can_load_it(force_coop):
    batch = games.make_batch(
        "grid/foraging_10x10_3p_3f_v0", 300, force_coop=force_coop, num_players=4, max_player_level=3
    )
    batch.reset()
    for env in range(300):
        fields = batch.fields(env)
        top = np.sort(fields["players"][:, 2])[:3].sum()
        foods = fields["foods"][fields["foods"][:, 2] > 0].astype(int)
        assert len(foods) == 3
        assert (foods[:, 2] == top).all() if force_coop else (foods[:, 2] <= top).all()
        assert fields["spawned"] == foods[:, 2].sum()
        gaps = [np.square(a[:2] - b[:2]).sum() for a in foods for b in foods if tuple(a) != tuple(b)]
        assert min(gaps) > 4
        assert not {tuple(food[:2]) for food in foods} & {tuple(player[:2]) for player in fields["players"]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_player_level": 3}, "min_player_level must be at most max_player_level, got 3 and 2"),
        ({"min_food_level": 3}, "min_food_level must be at most the highest level of food, 2, got 3"),
        ({"rows": 4}, r"rows must be a whole number in \[5, 32\], got 4"),
        ({"penalty": -1.0}, "penalty must be a number in"),
        ({"observation": "vec"}, "did you mean 'vector'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("grid/foraging_8x8_2p_2f_v0", **settings)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"players": [[8, 0, 1], [0, 0, 1]]}, "players: number 0 cannot be in row 8"),
        ({"players": [[0, 0, 0], [1, 1, 1]]}, "with level 0"),
        ({"foods": [[0, 3, 1], [5, 5, 1]]}, "foods: number 0 cannot be in row 0"),
        ({"foods": [[3, 3, 1], [3, 5, 1]]}, "foods: numbers 0 and 1 are too near"),
        ({"foods": [[5, 5, 1], [2, 2, 1]]}, "not in order"),
    ],
)
def test_bad_states_are_refused(fields, message):
    batch = place([(7, 7, 1), (7, 0, 1)], [(2, 2, 1), (5, 5, 1)])
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, {name: np.array(value, np.uint8) for name, value in fields.items()})
