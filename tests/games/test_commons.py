"""Harvest and the rules that cleanup shares, step by step as worked by hand (games/commons/README.md)."""

import numpy as np
import pytest
from commons_play import (
    BACKWARD,
    DOWN,
    EAST,
    FIRE,
    FORWARD,
    LEFT,
    RIGHT,
    STAY,
    TURN_LEFT,
    TURN_RIGHT,
    UP,
    WEST,
    cells,
    place,
    seen,
    step,
    where,
)

import games
from games import social_dilemma
from games.commons import CommonsConfig, map_names, read_map
from games.commons.maps import APPLE, FIRED, WASTE

# ---- walking ----


@pytest.mark.parametrize(
    ("orientation", "left", "right", "forward", "backward"),
    [
        (UP, (3, 3), (5, 3), (4, 2), (4, 4)),
        (EAST, (4, 2), (4, 4), (5, 3), (3, 3)),
        (DOWN, (5, 3), (3, 3), (4, 4), (4, 2)),
        (WEST, (4, 4), (4, 2), (3, 3), (5, 3)),
    ],
)
def test_steps_are_relative_to_where_the_agent_looks(orientation, left, right, forward, backward):
    for action, expected in ((LEFT, left), (RIGHT, right), (FORWARD, forward), (BACKWARD, backward), (STAY, (4, 3))):
        batch = place([(4, 3, orientation)])
        step(batch, action)
        assert where(batch) == [expected]
        assert batch.fields(0)["orientations"].tolist() == [orientation]


def test_turning_changes_the_orientation_alone():
    batch = place([(4, 3, UP), (1, 1, UP)])
    for right, left in ((EAST, WEST), (DOWN, DOWN), (WEST, EAST), (UP, UP)):
        step(batch, TURN_RIGHT, TURN_LEFT)
        assert batch.fields(0)["orientations"].tolist() == [right, left]
        assert where(batch) == [(4, 3), (1, 1)]


def test_walls_stop():
    batch = place([(1, 1, UP)])
    for action in (FORWARD, LEFT):
        step(batch, action)
        assert where(batch) == [(1, 1)]


def test_chance_decides_who_of_two_gets_a_free_cell():
    batch = place([(3, 3, EAST), (5, 3, WEST)], num_envs=2000)
    step(batch, FORWARD, FORWARD)
    outcomes = [tuple(where(batch, env)) for env in range(2000)]
    assert set(outcomes) == {((4, 3), (5, 3)), ((3, 3), (4, 3))}
    assert abs(np.mean([outcome[0] == (4, 3) for outcome in outcomes]) - 0.5) < 0.05  # 4.5 standard deviations


def test_chance_decides_among_three_alike():
    batch = place([(3, 3, EAST), (5, 3, WEST), (4, 4, UP)], num_envs=3000)
    step(batch, FORWARD, FORWARD, FORWARD)
    winners = [where(batch, env).index((4, 3)) for env in range(3000)]
    assert (np.abs(np.bincount(winners, minlength=3) / 3000 - 1 / 3) < 0.04).all()


def test_agents_cannot_swap_places():
    batch = place([(3, 3, EAST), (4, 3, WEST)])
    step(batch, FORWARD, FORWARD)
    assert where(batch) == [(3, 3), (4, 3)]


def test_nobody_walks_into_an_agent_that_stays():
    for other in (STAY, TURN_LEFT, FIRE):
        batch = place([(3, 3, EAST), (4, 3, UP)])
        step(batch, FORWARD, other)
        assert where(batch) == [(3, 3), (4, 3)]


def test_agents_follow_each_other_in_a_chain():
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        agents = [(2 + k, 3, EAST) for k in order]
        batch = place(agents)
        step(batch, FORWARD, FORWARD, FORWARD)
        assert where(batch) == [(x + 1, y) for x, y, _ in agents]


def test_a_chain_stops_behind_one_who_stays():
    batch = place([(2, 3, EAST), (3, 3, EAST), (4, 3, EAST)])
    step(batch, FORWARD, FORWARD, STAY)
    assert where(batch) == [(2, 3), (3, 3), (4, 3)]


def test_a_ring_of_four_turns():
    batch = place([(3, 3, EAST), (4, 3, DOWN), (4, 4, WEST), (3, 4, UP)])
    step(batch, *[FORWARD] * 4)
    assert where(batch) == [(4, 3), (4, 4), (3, 4), (3, 3)]


def test_who_waits_for_the_loser_of_a_contest_waits_too():
    # 0 and 1 want (4, 3); 2 wants the cell of 0: it gets it exactly when 0 leaves it.
    batch = place([(3, 3, EAST), (5, 3, WEST), (2, 3, EAST)], num_envs=300)
    step(batch, FORWARD, FORWARD, FORWARD)
    for env in range(300):
        assert where(batch, env) in ([(4, 3), (5, 3), (3, 3)], [(3, 3), (4, 3), (2, 3)])


# ---- apples ----

ORCHARD = """
@@@@@@@@@
@PPPPPPP@
@ BBBBB @
@ BBBBB @
@ BBBBB @
@PPPPPPP@
@@@@@@@@@
"""


def test_walking_onto_an_apple_eats_it():
    batch = place([(3, 1, DOWN), (1, 5, UP)], ORCHARD, items="\n\n...aa")
    assert step(batch, FORWARD, STAY) == [1, 0]
    assert cells(batch, APPLE) == {(4, 2)}
    assert batch.infos["apples"].tolist() == [[1, 0]]
    assert step(batch, STAY, STAY) == [0, 0]


def grown(chance, near, items, distance=2, num_envs=4000, cell=(4, 3), agents=((1, 1, UP),)):
    """Share of envs in which an apple grew on a cell in one step; `chance` if `near` apples are near, else 0 or 1."""
    probabilities = [0.0] * near + [chance] + [0.0]
    batch = place(
        list(agents), ORCHARD, num_envs, items=items, regrowth_probabilities=probabilities, regrowth_distance=distance
    )
    step(batch, *[STAY] * len(agents))
    return np.mean([cell in cells(batch, APPLE, env) for env in range(num_envs)])


# Around (4, 3): one apple beside it, another at a corner, a third two cells away.
@pytest.mark.parametrize(
    ("items", "distance", "near"),
    [
        ("\n\n\n...a.", 1, 1),
        ("\n\n...a\n...a.", 1, 1),
        ("\n\n...a\n...a.", 2, 2),
        ("\n\n...a\n..aa.", 2, 2),
        ("\n\n...a\n..aa.", 4, 3),
        ("\n\n..aaaaa\n..aa.aa\n..aaaaa", 2, 8),
        ("\n\n..aaaaa\n..aa.aa\n..aaaaa", 4, 10),
    ],
)
def test_growth_depends_on_the_number_of_apples_within_the_distance(items, distance, near):
    assert grown(1.0, near, items, distance, num_envs=1) == 1
    share = grown(0.25, near, items, distance)
    assert abs(share - 0.25) < 0.031  # 4.5 standard deviations


# Hughes et al. 2018 as re-implemented by Vinitsky et al.: 0, 0.005, 0.02 and 0.05 for 0, 1, 2 and more apples near.
@pytest.mark.parametrize(
    ("items", "probability"),
    [("", 0), ("\n\n...a", 0.005), ("\n\n...aa", 0.02), ("\n\n...aaa", 0.05), ("\n\n...aaa\n...a.a", 0.05)],
)
def test_harvest_grows_at_the_published_rates(items, probability):
    envs = 20_000
    batch = games.make_batch("grid/harvest_v0", envs, map=ORCHARD, num_agents=1, autoreset="disabled")
    batch.reset()
    template = place([(1, 1, UP)], ORCHARD, items=items).fields(0)
    for env in range(envs):
        batch.load_fields(env, {"items": template["items"]})
    batch.step(np.full((envs, 1), STAY, np.int32))
    share = np.mean([batch.fields(env)["items"][3, 4] & APPLE for env in range(envs)])
    assert abs(share - probability) <= 4.5 * np.sqrt(probability * (1 - probability) / envs)


def test_growth_looks_at_the_apples_from_before_it():
    # With one apple and certain growth beside apples, the front moves by one cell a step.
    batch = place([(1, 1, UP)], ORCHARD, items="\n\n\n..a", regrowth_probabilities=[0.0, 1.0], regrowth_distance=1)
    step(batch, STAY)
    assert cells(batch, APPLE) == {(2, 3), (2, 2), (2, 4), (3, 3)}
    step(batch, STAY)
    assert cells(batch, APPLE) == {(2, 3), (2, 2), (2, 4), (3, 3), (3, 2), (3, 4), (4, 3)}


def test_nothing_grows_under_an_agent_or_outside_the_orchard():
    batch = place([(3, 3, UP)], ORCHARD, items="\n\n\n..a", regrowth_probabilities=[0.0, 1.0])
    step(batch, STAY)
    assert cells(batch, APPLE) == {(2, 3), (2, 2), (2, 4), (3, 2), (3, 4)}


def test_an_eaten_patch_stays_empty():
    batch = place([(3, 1, DOWN)], ORCHARD, items="\n\n...a", regrowth_probabilities=[0.0, 1.0])
    assert step(batch, FORWARD) == [1]
    for _ in range(5):
        step(batch, BACKWARD)
    assert cells(batch, APPLE) == set()


# ---- beams ----


def picture(batch, bit):
    rows = np.where(batch.fields(0)["items"] & bit, "*", ".")
    return ["".join(row) for row in rows]


def test_a_beam_is_three_wide_and_its_sides_begin_beside_the_agent():
    batch = place([(1, 3, EAST)])
    assert step(batch, FIRE) == [-1]
    # Length 5: the middle covers x = 2 .. 6, the sides x = 1 .. 5.
    assert picture(batch, FIRED) == [
        ".........",
        ".........",
        ".*****...",
        "..*****..",
        ".*****...",
        ".........",
        ".........",
    ]
    step(batch, STAY)
    assert cells(batch, FIRED) == set()


def test_length_and_width_are_settings():
    batch = place([(1, 3, EAST)], beam_length=2, beam_width=1)
    step(batch, FIRE)
    assert cells(batch, FIRED) == {(2, 3), (3, 3)}
    batch = place([(4, 4, UP)], beam_length=1, beam_width=9)
    step(batch, FIRE)
    # Beside the agent as far as the walls.
    assert cells(batch, FIRED) == {(4, 3)} | {(x, 4) for x in (1, 2, 3, 5, 6, 7)}


def test_walls_and_agents_stop_a_ray():
    batch = place([(1, 3, EAST), (3, 3, UP), (2, 2, UP)])
    assert step(batch, FIRE, STAY, STAY) == [-1, -50, -50]
    assert picture(batch, FIRED) == [
        ".........",
        ".........",
        ".**......",
        "..**.....",
        ".*****...",
        ".........",
        ".........",
    ]
    assert batch.infos["hits"].tolist() == [[0, 1, 1]]
    batch = place([(6, 3, EAST)])
    step(batch, FIRE)
    assert cells(batch, FIRED) == {(7, 3), (6, 2), (7, 2), (6, 4), (7, 4)}


def test_all_beams_are_fired_at_once():
    batch = place([(1, 3, EAST), (3, 3, WEST), (3, 5, UP)])
    # 0 and 1 hit each other; 2 hits 1 two cells ahead.
    assert step(batch, FIRE, FIRE, FIRE) == [-51, -101, -1]
    assert batch.infos["fired"].tolist() == [[1, 1, 1]]


def test_where_beams_send_away_a_hit_agent_misses_exactly_so_many_actions():
    batch = place([(1, 3, EAST), (3, 3, UP)], timeout_steps=3, hit_reward=0.0, fire_reward=0.0)
    assert step(batch, FIRE, STAY) == [0, 0]
    assert where(batch) == [(1, 3), (255, 255)]
    assert batch.infos["out"].tolist() == [[0, 1]]
    for left in (2, 1):
        step(batch, STAY, FORWARD)
        assert batch.fields(0)["timeouts"].tolist() == [0, left]
        assert batch.observations[0, 1].sum(axis=(0, 1)).tolist() == [15 * 15] + [0] * 7
    assert batch.alive.tolist() == [[1, 1]]
    step(batch, STAY, FORWARD)  # the third action that is lost; it is back at the end of this step
    fields = batch.fields(0)
    assert fields["timeouts"].tolist() == [0, 0]
    assert tuple(fields["positions"][1].tolist()) in {(x, y) for x in range(1, 8) for y in range(1, 6)} - {(1, 3)}
    assert batch.observations[0, 1, 7, 7, 7] == 1
    assert fields["steps_out"].tolist() == [0, 3]


def test_who_comes_back_comes_anywhere_free_and_is_not_hit_on_arrival():
    batch = place([(1, 3, EAST), (3, 3, UP)], timeout_steps=1, num_envs=400)
    step(batch, FIRE, STAY)
    step(batch, FIRE, STAY)  # the beam is fired before the other comes back
    seen = [where(batch, env)[1] for env in range(400)]
    assert (1, 3) not in seen
    assert len(set(seen)) == 34  # all spawn cells but one; missed with probability below 34 (33/34)^400 = 2e-4
    assert batch.infos["hits"].sum() == 0


def test_an_agent_can_need_two_hits():
    batch = place([(1, 3, EAST), (3, 3, UP)], timeout_steps=5, hits_to_timeout=2)
    step(batch, FIRE, STAY)
    assert where(batch)[1] == (3, 3)
    assert batch.fields(0)["hits"].tolist() == [0, 1]
    step(batch, FIRE, STAY)
    assert where(batch)[1] == (255, 255)


def test_an_agent_that_is_hit_still_fires_in_that_step():
    batch = place([(1, 3, EAST), (3, 3, WEST)], timeout_steps=4)
    step(batch, FIRE, FIRE)
    assert where(batch) == [(255, 255)] * 2


def test_who_comes_back_takes_the_last_free_spawn_cell():
    batch = place([(1, 1, EAST), (2, 1, EAST), (3, 1, UP)], "@@@@@\n@PPP@\n@@@@@", timeout_steps=1)
    step(batch, STAY, FIRE, STAY)
    assert where(batch)[2] == (255, 255)
    step(batch, STAY, STAY, STAY)
    assert where(batch)[2] == (3, 1)


# ---- observations ----


def test_the_window_turns_with_the_agent():
    settings = {"view_ahead": 2, "view_behind": 1, "view_side": 1}
    apples = "\n\n....a\n....a"  # at (4, 2) and (4, 3)
    # Window [4, 3]: the agent is in row 2, column 1.
    for orientation, expected in {
        UP: {(1, 2), (2, 2)},  # agent at (3, 3): the apples are right ahead of it and right of it
        EAST: {(1, 0), (1, 1)},
        DOWN: {(2, 0), (3, 0)},
        WEST: {(3, 2), (3, 1)},
    }.items():
        batch = place([(3, 3, orientation)], ORCHARD, items=apples, **settings)
        assert batch.observations.shape == (1, 1, 4, 3, 8)
        assert seen(batch, 0, 1) == expected
        assert seen(batch, 0, 7) == {(2, 1)}


def test_walls_and_the_outside_look_alike():
    batch = place([(1, 1, UP)], view_ahead=2, view_behind=0, view_side=2)
    # Two rows ahead lie outside and in the wall; left of the agent a column of wall, then the outside.
    assert seen(batch, 0, 0) == {(r, c) for r in (0, 1) for c in range(5)} | {(2, 0), (2, 1)}


def test_others_show_where_they_look_relative_to_the_observer():
    around = [(4, 3, EAST), (5, 3, EAST), (3, 3, DOWN), (4, 2, WEST), (4, 4, UP)]
    batch = place(around, view_ahead=1, view_behind=1, view_side=1)
    # Agent 0 looks east. (5, 3) is ahead of it and looks the same way; (3, 3) behind, to its right; (4, 2) is left of
    # it and looks at where it comes from; (4, 4) right of it, to its left.
    assert [seen(batch, 0, channel) for channel in range(2, 6)] == [{(0, 1)}, {(2, 1)}, {(1, 0)}, {(1, 2)}]
    assert seen(batch, 0, 7) == {(1, 1)}
    # Agent 4 looks up and stands below agent 0, which looks to the right, as does agent 1 beyond it.
    assert seen(batch, 4, 3) == {(0, 1), (0, 2)}


# ---- whole episodes ----


@pytest.mark.parametrize("id", ["grid/harvest_v0", "grid/cleanup_v0", "grid/commons_v0"])
def test_statistics_are_the_measures_of_the_recorded_episode(id):
    settings = {"map": "creek" if "cleanup" in id else "orchard", "horizon": 120, "fire_reward": 0.0, "hit_reward": 0.0}
    batch = games.make_batch(id, 6, num_agents=4, autoreset="disabled", waste_probability=0.1, **settings)
    batch.reset(seed=5)
    generator = np.random.default_rng(0)
    rewards, out = [], []
    actions = batch.only_group.action_space.n
    for _ in range(120):
        batch.step(generator.integers(0, actions, (6, 4), dtype=np.int32))
        rewards.append(batch.rewards.copy())
        out.append(batch.infos["out"].copy())
    assert np.sum(rewards) > 0
    statistics, expected = batch.episode_statistics, social_dilemma.measures(np.array(rewards), np.array(out))
    for name, values in expected.items():
        np.testing.assert_allclose(statistics[name], values, rtol=1e-12, err_msg=name)
    assert (statistics["peace"].min() < 4) == (id == "grid/commons_v0")
    np.testing.assert_array_equal(statistics["apples"], np.sum(rewards, axis=(0, 2)))


def test_episodes_start_on_spawn_cells_looking_anywhere():
    batch = games.make_batch("grid/harvest_v0", 300)
    batch.reset()
    spawn = {divmod(int(cell), 38)[::-1] for cell in read_map("harvest").spawn_cells}
    places = [where(batch, env) for env in range(300)]
    assert {position for env in places for position in env} == spawn
    assert all(len(set(env)) == 5 for env in places)
    looks = np.bincount(np.concatenate([batch.fields(env)["orientations"] for env in range(300)]), minlength=4)
    assert (np.abs(looks / 1500 - 0.25) < 0.051).all()
    assert batch.fields(0)["items"].sum() >= "".join(read_map("harvest").rows).count("A")


# ---- bad input ----


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"map": "orchid"}, "unknown map 'orchid'; did you mean 'orchard'"),
        ({"map": "@@@\n@P@\n@@"}, "map: row 3 has 2 columns, row 1 has 3"),
        ({"map": "@@@\n@X@\n@@@"}, "map: row 2, column 2: unknown letter 'X'"),
        ({"map": "@@@\n@P \n@@@"}, r"map: row 2, column 3: the border must be wall \(@\), got ' '"),
        ({"map": "@@\n@@"}, "3 to 64 rows and columns and at most 1024 cells, got 2 rows of 2"),
        ({"map": "@@@\n@P@\n@@@"}, "5 agents need as many P, there are 1"),
        ({"regrowth_probabilities": ()}, r"1 to 25 numbers in \[0, 1\], got \(\)"),
        ({"regrowth_probabilities": (0.1, 1.2)}, "1 to 25 numbers"),
        ({"regrowth_probabilities": "abc"}, "1 to 25 numbers"),
        ({"regrowth_probabilities": 0.5}, "1 to 25 numbers"),
        ({"beam_width": 2}, "beam_width must be odd, got 2"),
        ({"restoration_threshold": 0.4}, "restoration_threshold must be below depletion_threshold, got 0.4 and 0.4"),
        ({"num_agents": 33}, r"num_agents must be a whole number in \[1, 32\]"),
        ({"view_ahead": 25}, "view_ahead must be a whole number"),
        ({"waste_probability": float("nan")}, "waste_probability must be a number"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("grid/harvest_v0", **settings)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("positions", [[0, 0], [2, 2]], r"agent 0 cannot stand at \(0, 0\)"),
        ("positions", [[2, 2], [2, 2]], "agents 0 and 1 stand in the same cell"),
        ("orientations", [0, 4], "agent 1 looks to 4"),
        ("timeouts", [0, 1], r"must have \[0, 0\] steps left, got 1"),
        ("hits", [1, 0], "agent 0 cannot have 1"),
        ("apples", [-1, 0], "apples must be in"),
        ("returns", [np.inf, 0], "returns of agent 0 cannot be"),
    ],
)
def test_bad_states_are_refused(name, value, message):
    batch = place([(1, 1, UP), (2, 1, UP)])
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, {name: np.array(value, batch.fields(0)[name].dtype)})


def test_items_lie_where_they_belong():
    batch = place([(1, 1, UP)], ORCHARD)
    for value, cell in ((APPLE, (1, 1)), (WASTE, (2, 2)), (APPLE | WASTE, (2, 2)), (16, (2, 2)), (FIRED, (0, 0))):
        items = np.zeros((7, 9), np.uint8)
        items[cell] = value
        with pytest.raises(ValueError, match=f"items: row {cell[0]}, column {cell[1]} cannot hold {value}"):
            batch.load_fields(0, {"items": items})


def test_shipped_maps_can_be_played():
    assert map_names() == ["cleanup", "creek", "harvest", "orchard"]
    for name in map_names():
        config = CommonsConfig(map=name, num_agents=4)
        assert config.properties().reward_bounds == (-151, 1)
        batch = games.make_batch("grid/harvest_v0", map=name, num_agents=4)
        batch.reset()
        step(batch, *[FORWARD] * 4)
