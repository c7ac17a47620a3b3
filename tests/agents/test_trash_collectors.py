"""The scripted collector clears the field, in as many steps as counted by hand where it is alone."""

import numpy as np

import games
from agents.random_player import RandomPlayer
from agents.trash_collectors import TrashCollector
from games.trash import BIG


def play(kind, num_envs=4, **settings):
    batch = games.make_batch("grid/trash_v0", num_envs, seed=2, **settings)
    batch.reset()
    players = [kind(seed) for seed in range(len(batch.agents))]
    for _ in range(batch.config.horizon):
        batch.step(np.stack([p.act(batch, agent) for p, agent in zip(players, batch.agents, strict=True)], axis=1))
    return batch


def test_a_collector_takes_as_many_steps_as_counted_by_hand(monkeypatch):
    monkeypatch.setattr("agents.trash_collectors.SIDESTEP_PROBABILITY", 0.0)
    batch = games.make_batch("grid/trash_v0", autoreset="disabled", num_agents=1, num_small=0, num_big=1)
    batch.reset()
    batch.load_fields(0, {"pieces": np.array([[3, 0, BIG]], np.uint8)})
    player, taken = TrashCollector(), 0
    while not batch.ended[0]:
        batch.step(player.act(batch, "agent_0")[None, :])
        taken += 1
    # Down to (2, 0), split, pick up; down to (8, 0), a turn, right to (8, 5), put down.
    to_piece, to_area = 2 + 1 + 1, 6 + 1 + 5 + 1
    assert taken == to_piece + to_area
    assert batch.terminations.all()


def test_collectors_clear_the_field_where_random_players_deliver_nothing():
    scripted, random = (play(kind) for kind in (TrashCollector, RandomPlayer))
    assert (scripted.episode_statistics["delivered"] == 10).all()
    assert scripted.episode_lengths.mean() < 50
    assert random.episode_statistics["delivered"].mean() < 1


def test_a_crowd_with_one_hand_each_clears_the_field_too():
    batch = play(TrashCollector, num_agents=5, capacity=1, num_small=6, num_big=14, horizon=200)
    assert (batch.episode_statistics["delivered"] == 20).all()


def test_late_collectors_deliver_what_they_have():
    batch = play(TrashCollector, num_agents=1, capacity=9, num_big=0, num_small=9, horizon=40)
    assert (batch.episode_statistics["delivered"] > 0).all()


def test_players_go_on_from_their_state():
    batch = games.make_batch("grid/trash_v0", 10)
    batch.reset()
    first, second = TrashCollector(3), TrashCollector(4)
    second.set_state(first.get_state())
    assert np.array_equal(first.act(batch, "agent_1"), second.act(batch, "agent_1"))
