"""Cooks that plan: ReAd's kitchens in the fewest steps, by a search whose bound is never too high."""

import numpy as np
import pytest

import games
from agents.kitchen_bounds import StepsLeft
from agents.planned_cooks import PlannedCook, see_all
from agents.random_player import RandomPlayer
from agents.shortest_plans import Successors, shortest_plan
from games.playthrough import random_actions

# From breadth-first search in another program, whose paths deliver at these steps in overcooked-ai too.
FEWEST = {"cramped_room": 14, "forced_coordination": 21}


def make(kitchen, **settings):
    batch = games.make_batch(f"overcooked/read_{kitchen}_v0", autoreset="disabled", **settings)
    batch.reset()
    return batch


def act(player, batch):
    return np.stack([player.act(batch, agent) for agent in batch.agents], axis=1)


@pytest.mark.parametrize(("kitchen", "steps"), FEWEST.items())
def test_the_fewest_steps_to_a_served_soup(kitchen, steps):
    """Also with a bound that is lower by one throughout: should it be too high by one somewhere, nothing changes."""
    batch = make(kitchen)
    bound, successors = StepsLeft(batch.config), Successors(batch, see_all)
    for lower in (0, 1):
        plan = shortest_plan(successors, batch.fields(0), lambda fields, lower=lower: max(0, bound(fields) - lower))
        assert len(plan) == steps
    for _, joint in plan:
        assert not batch.ended[0]
        batch.step(np.array([joint], np.int32))
    assert batch.terminations.all()
    assert batch.rewards.tolist() == [[20, 20]]
    assert batch.episode_statistics["deliveries"].tolist() == [1]


@pytest.mark.parametrize("kitchen", FEWEST)
def test_the_bound_falls_by_at_most_one_in_a_step(kitchen):
    """So, being 0 at the end, it is nowhere more than the steps that are left. All joint actions of many states."""
    batch = make(kitchen)
    bound, successors, generator = StepsLeft(batch.config), Successors(batch, see_all), np.random.default_rng(0)
    plan, tried = shortest_plan(successors, batch.fields(0), bound), 0
    for _ in range(12):
        batch.reset()
        for _, joint in plan:
            if batch.ended[0]:
                break
            now, (_, snapshot) = bound(batch.fields(0)), successors.start(batch.fields(0))
            for step in successors(snapshot):
                assert now <= 1 + (0 if step.is_end else bound(successors.fields(step.snapshot)))
                tried += 1
            slips = generator.random() < 0.35
            batch.step(random_actions(batch.only_group, generator) if slips else np.array([joint], np.int32))
    assert tried > 2000


@pytest.mark.parametrize(("kitchen", "steps"), FEWEST.items())
def test_two_planned_cooks_take_the_fewest_steps_and_random_ones_serve_nothing(kitchen, steps):
    batch, player = make(kitchen), PlannedCook()
    for taken in range(1, steps + 1):
        batch.step(act(player, batch))
        assert batch.terminations.all() == (taken == steps)
    other, player = games.make_batch(f"overcooked/read_{kitchen}_v0", 50), RandomPlayer(seed=0)
    other.reset()
    for _ in range(25):
        other.step(act(player, other))
    assert other.episode_statistics["deliveries"].max() == 0


def test_a_heavier_bound_gives_plans_that_are_longer_at_most_by_its_weight():
    batch = make("cramped_room")
    plan = shortest_plan(Successors(batch, see_all), batch.fields(0), StepsLeft(batch.config), weight=1.5)
    assert 14 <= len(plan) <= 21


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"all_orders": [["onion"]]}, "only order is a soup of two onions"),
        ({"layout": "XXPXX\nO  1O\nX3 2X\nXDXSX"}, "two cooks, got 3"),
    ],
)
def test_other_kitchens_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        StepsLeft(make("cramped_room", **settings).config)
