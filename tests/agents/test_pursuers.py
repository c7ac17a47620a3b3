"""Scripted pursuers catch what random ones let go."""

import numpy as np
import pytest

import games
from agents.pursuers import GreedyPursuer
from agents.random_player import RandomPlayer


def play(kind, steps, num_envs=2, **settings):
    batch = games.make_batch("grid/pursuit_v0", num_envs, seed=2, horizon=steps, **settings)
    batch.reset()
    players = [kind(seed) for seed in range(len(batch.agents))]
    for _ in range(steps):
        batch.step(np.stack([p.act(batch, agent) for p, agent in zip(players, batch.agents, strict=True)], axis=1))
    return batch.episode_returns[:num_envs].mean(), batch.episode_statistics["caught"][:num_envs].mean()


def test_greedy_pursuers_catch_many_times_more_than_random_ones():
    settings = {"x_size": 10, "y_size": 10, "n_evaders": 8}
    greedy_return, greedy_caught = play(GreedyPursuer, 60, **settings)
    random_return, random_caught = play(RandomPlayer, 60, **settings)
    assert greedy_caught >= 4 + random_caught
    assert greedy_return > random_return + 5


@pytest.mark.parametrize("settings", [{"freeze_evaders": True}, {"surround": False, "n_catch": 3}])
def test_greedy_pursuers_end_easy_episodes(settings):
    batch = games.make_batch("grid/pursuit_v0", 1, x_size=8, y_size=8, n_evaders=3, autoreset="disabled", **settings)
    batch.reset()
    players = [GreedyPursuer(seed) for seed in range(8)]
    for _ in range(150):
        batch.step(np.stack([p.act(batch, agent) for p, agent in zip(players, batch.agents, strict=True)], axis=1))
        if batch.ended[0]:
            break
    assert batch.terminations.all()


def test_players_go_on_from_their_state():
    batch = games.make_batch("grid/pursuit_v0", 10, x_size=8, y_size=8, n_evaders=4)
    batch.reset()
    first, second = GreedyPursuer(3), GreedyPursuer(4)
    second.set_state(first.get_state())
    assert np.array_equal(first.act(batch, "pursuer_1"), second.act(batch, "pursuer_1"))
