"""Robots that sweep, make sandwiches and sort: they take the fewest steps, also from states others left behind."""

import numpy as np
import pytest

import games
from agents.cube_sorters import CubeSorter
from agents.random_player import RandomPlayer
from agents.sandwich_makers import SandwichMaker
from agents.shortest_plans import Successors, shortest_plan
from agents.sweepers import Sweeper
from games.playthrough import random_actions
from games.sweep import LEVELS as SWEEP_LEVELS

PLAYERS = {"sweep": Sweeper, "sandwich": SandwichMaker, "sort": CubeSorter}


def finish(batch, player):
    """Plays one env to the end of its episode and returns how many steps that took, and whether the task was done."""
    steps = 0
    while not batch.ended[0]:
        batch.step(np.stack([player.act(batch, agent) for agent in batch.agents], axis=1))
        steps += 1
    return steps, bool(batch.terminations[0].all())


@pytest.mark.parametrize(
    ("world", "level", "steps"),
    [
        *(("sweep", level, 2 * int(level[1]) + 2 * int(level[-1]) + 1) for level in SWEEP_LEVELS),
        *(("sandwich", f"recipe{level}", 2 * level + 2) for level in (1, 2, 3, 4)),
        *(("sort", f"sort{level}", k) for level, k in zip((1, 2, 3, 4, 5), (1, 2, 2, 3, 4), strict=True)),
    ],
)
def test_they_take_the_fewest_steps(world, level, steps):
    """The counts are those of the searches in tests/games."""
    batch = games.make_batch(f"cooperation/{world}_v0", autoreset="disabled", level=level)
    batch.reset()
    assert finish(batch, PLAYERS[world]()) == (steps, True)


@pytest.mark.parametrize(("world", "level", "slack"), [("sandwich", "recipe4", 2), ("sort", "sort5", 0)])
def test_they_finish_what_others_began(world, level, slack):
    """From states of random play, without a time limit, in hardly more than the fewest steps from there.

    The rules of sandwich makers take a step or two more where hands are full of the wrong things; sorters search.
    """
    batch = games.make_batch(f"cooperation/{world}_v0", autoreset="disabled", level=level, horizon=200)
    successors, generator, player = Successors(batch), np.random.default_rng(0), PLAYERS[world]()
    for _ in range(6):
        batch.reset()
        for _ in range(6):
            if not batch.ended[0]:
                batch.step(random_actions(batch.only_group, generator))
        if batch.ended[0]:
            continue
        fewest = len(shortest_plan(successors, batch.fields(0)))
        taken, is_done = finish(batch, player)
        assert is_done
        assert fewest <= taken <= fewest + slack


@pytest.mark.parametrize("world", PLAYERS)
def test_they_beat_random(world):
    shares = []
    for player in (PLAYERS[world](), RandomPlayer(seed=1)):
        batch = games.make_batch(f"cooperation/{world}_v0", 20, seed=3)
        batch.reset()
        for _ in range(15):  # the time limit
            batch.step(np.stack([player.act(batch, agent) for agent in batch.agents], axis=1))
        shares.append(batch.episode_statistics["is_done"].mean())
    assert shares[0] == 1
    assert shares[1] < 0.5
