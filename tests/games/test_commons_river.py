"""Cleanup: the river, step by step as worked by hand (games/commons/README.md)."""

import numpy as np
import pytest
from commons_play import CLEAN, EAST, FIRE, STAY, UP, WEST, cells, place, seen, step

import games
from games.commons import read_map
from games.commons.maps import APPLE, CLEANED, RIVER, WASTE

BANK = """
@@@@@@@@@@@@
@PRRRRR BBB@
@P         @
@PRRRRR BBB@
@@@@@@@@@@@@
"""


def bank(agents, items="", num_envs=1, **settings):
    return place(agents, BANK, num_envs, "grid/cleanup_v0", items, game="cleanup", **settings)


def test_the_bank_has_ten_river_cells_and_six_for_apples():
    terrain = read_map(BANK).terrain
    assert (terrain == RIVER).sum() == 10


# Waste on n of 10 cells: linear from apple_probability at 0 to nothing at depletion_threshold (0.4).
@pytest.mark.parametrize(
    ("waste", "rate"), [("", 1.0), ("h", 0.75), ("hh", 0.5), ("hhh", 0.25), ("hhhh", 0.0), ("hhhhh", 0.0)]
)
def test_apples_grow_the_faster_the_cleaner_the_river(waste, rate):
    batch = bank([(1, 2, UP)], f"\n..{waste}", 1500, apple_probability=0.8, waste_probability=0.0)
    step(batch, STAY)
    share = np.mean([len(cells(batch, APPLE, env)) for env in range(1500)]) / 6
    assert abs(share - 0.8 * rate) < 0.024  # 4.5 standard deviations of 9,000 trials at most


def test_the_full_rate_reaches_up_to_the_restoration_threshold():
    batch = bank([(1, 2, UP)], "\n..hh", apple_probability=1.0, waste_probability=0.0, restoration_threshold=0.2)
    step(batch, STAY)
    assert len(cells(batch, APPLE)) == 6


def test_one_waste_comes_at_most_and_where_the_river_is_clean():
    batch = bank([(1, 2, UP)], "\n..hh", 2000, waste_probability=1.0, apple_probability=0.0)
    step(batch, STAY)
    new = [cells(batch, WASTE, env) - {(2, 1), (3, 1)} for env in range(2000)]
    assert {len(cell) for cell in new} == {1}
    counts = np.array([sum(cell == {place} for cell in new) for place in sorted(set.union(*new))])
    assert len(counts) == 8
    assert (np.abs(counts / 2000 - 1 / 8) < 0.034).all()  # 4.5 standard deviations


# n clean cells are tried one after the other: 1 - (1 - p)^n.
@pytest.mark.parametrize(("clean", "probability"), [(1, 0.3), (2, 0.51), (3, 0.657)])
def test_waste_comes_as_often_as_a_try_for_each_clean_cell_says(clean, probability):
    dirty = "h" * (10 - clean)
    items = f"\n..{dirty[:5]}\n\n..{dirty[5:]}"
    batch = bank([(1, 2, UP)], items, 3000, waste_probability=0.3, depletion_threshold=1.5, apple_probability=0.0)
    step(batch, STAY)
    share = np.mean([len(cells(batch, WASTE, env)) - len(dirty) for env in range(3000)])
    assert abs(share - probability) < 0.041


def test_from_the_depletion_threshold_on_no_waste_comes():
    batch = bank([(1, 2, UP)], "\n..hhhh", 50, waste_probability=1.0)
    step(batch, STAY)
    assert all(cells(batch, WASTE, env) == {(x, 1) for x in range(2, 6)} for env in range(50))


def test_a_cleaning_beam_cleans_the_first_waste_of_each_ray():
    batch = bank([(1, 2, EAST)], "\n...hh\n\n..h.h", waste_probability=0.0)
    assert step(batch, CLEAN) == [0]
    assert cells(batch, WASTE) == {(4, 1), (4, 3)}
    assert cells(batch, CLEANED) == {(1, 1), (2, 1), (3, 1), (1, 3), (2, 3)} | {(x, 2) for x in range(2, 7)}
    assert batch.infos["cleaned"].tolist() == [[2]]


def test_agents_stop_a_cleaning_beam_unharmed_and_waste_under_them_is_cleaned():
    batch = bank([(1, 1, EAST), (3, 1, UP)], "\n...hh", waste_probability=0.0, clean_reward=0.25)
    assert step(batch, CLEAN, STAY) == [0.25, 0]
    assert cells(batch, WASTE) == {(4, 1)}


def test_two_who_clean_the_same_cell_at_once_clean_one():
    batch = bank([(1, 1, EAST), (7, 1, WEST)], "\n...h", waste_probability=0.0)
    step(batch, CLEAN, CLEAN)
    assert cells(batch, WASTE) == set()
    assert batch.infos["cleaned"].tolist() == [[1, 1]]
    batch = bank(
        [(1, 1, EAST), (1, 2, EAST)], "\n..hh", waste_probability=0.0
    )  # the second's left ray runs along row 1
    step(batch, CLEAN, CLEAN)
    assert cells(batch, WASTE) == {(3, 1)}  # both rays ended at the first waste, which was there when they were fired


def test_a_cleaning_beam_hurts_nobody_and_costs_nothing():
    batch = bank([(1, 2, EAST), (3, 2, UP)], waste_probability=0.0, apple_probability=0.0)
    assert step(batch, CLEAN, STAY) == [0, 0]


def test_harvest_has_no_cleaning_action():
    assert games.make_batch("grid/harvest_v0").only_group.action_space.n == 8
    assert games.make_batch("grid/cleanup_v0").only_group.action_space.n == 9


def test_on_the_published_map_nothing_grows_before_somebody_cleans():
    ground = read_map("cleanup")
    letters = "".join(ground.rows)
    assert letters.count("H") / (letters.count("H") + letters.count("R")) > 0.4
    batch = games.make_batch("grid/cleanup_v0", 3)
    batch.reset()
    for _ in range(50):
        batch.step(np.full((3, 5), STAY, np.int32))
    assert all(not cells(batch, APPLE, env) for env in range(3))
    assert all(len(cells(batch, WASTE, env)) == letters.count("H") for env in range(3))


def test_beams_waste_and_water_have_channels():
    batch = bank([(1, 2, EAST)], "\n...h", waste_probability=0.0, apple_probability=0.0)
    assert batch.observations.shape == (1, 1, 15, 15, 11)
    # The agent looks east: row 7 - dx, column 7 + dy.
    assert seen(batch, 0, 8) == {(5, 6)}
    assert seen(batch, 0, 9) == {(7 - dx, 7 + dy) for dx in range(1, 6) for dy in (-1, 1)}
    step(batch, CLEAN)
    assert (6, 7) in seen(batch, 0, 10)
    assert seen(batch, 0, 6) == set()
    step(batch, FIRE)
    assert (6, 7) in seen(batch, 0, 6)
    assert seen(batch, 0, 10) == set()
