"""Making a sandwich by hand: hands, sides, the recipe's order, one PUT in a step, and the fewest steps."""

import numpy as np
import pytest

import games
from agents.shortest_plans import Successors, shortest_plan
from games.sandwich import FOODS, LEFT, NOTHING, RECIPES, RIGHT

WAIT = 0
N = len(FOODS)
BOARD, TABLE = 1 + 2 * N, 2 + 2 * N
NUMBERS = {food: number for number, food in enumerate(FOODS)}


def pick(food):
    return 1 + NUMBERS[food]


def put_on(food):
    return 1 + N + NUMBERS[food]


def make(height=0, chad=None, dave=None, **settings):
    batch = games.make_batch("cooperation/sandwich_v0", autoreset="disabled", **settings)
    batch.reset()
    hands = [NUMBERS[held] if held else NOTHING for held in (chad, dave)]
    batch.load_fields(0, {"height": height, "hands": np.array(hands, np.uint8)})
    return batch


def step(batch, chad, dave):
    batch.step(np.array([[chad, dave]], np.int32))
    fields = batch.fields(0)
    names = [list(FOODS)[held] if held != NOTHING else None for held in fields["hands"]]
    return fields["height"], names, batch.rewards[0].tolist()


def test_each_picks_from_the_own_side_with_an_empty_hand():
    batch = make(dave="ham")
    assert batch.action_masks[0, 0, 1 : N + 1].tolist() == [side == RIGHT for side in FOODS.values()]
    assert not batch.action_masks[0, 1, 1 : N + 1].any()
    assert step(batch, pick("cheese"), pick("bacon"))[1] == [None, "ham"]
    assert step(batch, pick("cucumber2"), TABLE)[1] == ["cucumber2", None]
    assert batch.action_masks[0, 1, 1 : N + 1].tolist() == [side == LEFT for side in FOODS.values()]


def test_a_food_on_the_stack_is_not_picked_again():
    batch = make(height=2)
    assert not batch.action_masks[0, 0, pick("tomato2")]
    assert not batch.action_masks[0, 1, pick("bread_slice1")]
    assert batch.action_masks[0, 1, pick("bread_slice2")]


def test_the_stack_takes_the_recipes_next_food_in_its_place_alone():
    batch = make(dave="bread_slice1")
    assert np.flatnonzero(batch.action_masks[0, 1]).tolist() == [WAIT, BOARD, TABLE]
    assert step(batch, pick("tomato2"), BOARD) == (1, ["tomato2", None], [1, 1])
    assert np.flatnonzero(batch.action_masks[0, 0]).tolist() == [WAIT, put_on("bread_slice1"), TABLE]
    assert step(batch, put_on("bread_slice1"), pick("ham")) == (2, [None, "ham"], [1, 1])
    assert np.flatnonzero(batch.action_masks[0, 1]).tolist() == [WAIT, TABLE], "cheese comes first"
    assert step(batch, WAIT, put_on("tomato2")) == (2, [None, "ham"], [0, 0])


def test_only_one_may_put_in_a_step():
    batch = make(height=1, chad="tomato2", dave="ham")
    assert step(batch, put_on("bread_slice1"), TABLE) == (1, ["tomato2", "ham"], [0, 0])
    assert step(batch, put_on("bread_slice1"), WAIT) == (2, [None, "ham"], [1, 1])


def test_the_last_food_ends_the_episode():
    recipe = RECIPES["recipe4"]
    batch = make(height=8, dave=recipe[-1])
    assert step(batch, WAIT, put_on(recipe[-2]))[2] == [1, 1]
    assert batch.terminations.all()
    assert batch.episode_statistics["is_done"].tolist() == [1]


@pytest.mark.parametrize(("level", "length"), [("recipe1", 3), ("recipe2", 5), ("recipe3", 7), ("recipe4", 9)])
def test_the_fewest_steps_are_one_for_each_food_and_one(level, length):
    """Breadth first over all states; L + 1, the best that the paper's tables report."""
    batch = make(level=level)
    assert len(batch.config.recipe) == length
    assert len(shortest_plan(Successors(batch), batch.fields(0))) == length + 1


def test_the_largest_recipe_is_the_papers_and_goes_from_side_to_side():
    recipe = RECIPES["recipe4"]
    fillings = ("tomato2", "cheese", "beef_patty2", "ham", "cucumber1", "bacon", "beef_patty1")
    assert recipe == ("bread_slice1", *fillings, "bread_slice2")
    assert [FOODS[food] for food in recipe] == [LEFT, RIGHT] * 4 + [LEFT]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"height": 10}, "height"),
        ({"hands": np.array([NUMBERS["ham"], NOTHING], np.uint8)}, "robot 0 cannot hold"),
        ({"hands": np.array([NOTHING, 200], np.uint8)}, "robot 1 cannot hold"),
        ({"hands": np.array([NOTHING, NUMBERS["bread_slice1"]], np.uint8), "height": 1}, "robot 1 cannot hold"),
    ],
)
def test_states_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        make().load_fields(0, fields)
