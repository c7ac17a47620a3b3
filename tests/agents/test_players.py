"""Scripted players: legal, reproducible, and good enough to be baselines."""

import numpy as np
import pytest

import games
from agents.greedy_cook import GreedyCook
from agents.protocol import find_agent
from agents.random_player import RandomPlayer

# Soups that two greedy cooks serve at least, and in how many of 4 episodes of 400 steps each.
CLASSICS = {
    "cramped_room": 9,
    "asymmetric_advantages": 13,
    "coordination_ring": 9,
    "forced_coordination": 11,
    "counter_circuit_o_1order": 6,
}


def play(batch, players, steps):
    batch.reset()
    for _ in range(steps):
        actions = [player.act(batch, agent) for player, agent in zip(players, batch.agents, strict=True)]
        batch.step(np.stack(actions, axis=1))
    return batch


@pytest.mark.parametrize("layout", CLASSICS)
def test_two_greedy_cooks_deliver_in_every_classic_kitchen(layout):
    batch = play(games.make_batch(f"overcooked/{layout}_v0", 4), [GreedyCook(0), GreedyCook(1)], 400)
    assert batch.episode_statistics["deliveries"].min() >= CLASSICS[layout]


def test_greedy_cooks_repeat_themselves_under_the_same_seeds():
    returns = [
        play(
            games.make_batch("overcooked/coordination_ring_v0", 2), [GreedyCook(3), GreedyCook(4)], 400
        ).episode_returns
        for _ in range(2)
    ]
    assert np.array_equal(*returns)


def test_a_greedy_cook_cooks_alone_and_under_old_dynamics():
    alone = play(games.make_batch("overcooked/cramped_room_v0", 1, layout="cramped_room_single"), [GreedyCook()], 400)
    assert alone.episode_statistics["deliveries"][0] >= 7
    old = games.make_batch("overcooked/cramped_room_v0", 1, old_dynamics=True)
    assert play(old, [GreedyCook(0), GreedyCook(1)], 400).episode_statistics["deliveries"][0] >= 8


def test_random_players_are_uniform_over_legal_actions():
    batch = games.make_batch(
        "matrix/rock_paper_scissors_v0", 30_000, legal_actions=[[True, False, True], [True, True, True]]
    )
    batch.reset()
    first, second = (RandomPlayer(7).act(batch, agent) for agent in batch.agents)
    assert np.bincount(first, minlength=3)[1] == 0
    assert abs(np.bincount(first)[0] - 15_000) < 400  # 4.6 standard deviations
    assert (abs(np.bincount(second) - 10_000) < 400).all()


def test_unknown_agents_are_named():
    batch = games.make_batch("matrix/rock_paper_scissors_v0")
    with pytest.raises(ValueError, match="no agent 'cook_0'; its agents are \\['player_0', 'player_1'\\]"):
        find_agent(batch, "cook_0")
