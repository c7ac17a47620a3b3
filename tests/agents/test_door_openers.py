"""The scripted door opener takes shortest ways, alone and among others."""

import numpy as np

import games
from agents.door_openers import DoorOpener
from agents.random_player import RandomPlayer
from games.door_key import LOCKED


def play(kind, id, steps, num_envs=4, **settings):
    batch = games.make_batch(id, num_envs, seed=2, **settings)
    batch.reset()
    players = [kind(seed) for seed in range(len(batch.agents))]
    for _ in range(steps):
        batch.step(np.stack([p.act(batch, agent) for p, agent in zip(players, batch.agents, strict=True)], axis=1))
    return batch


def test_a_door_opener_takes_as_many_steps_as_counted_by_hand():
    batch = games.make_batch("grid/door_key_v0", autoreset="disabled")
    batch.reset()
    start = {"split": 4, "door_y": 3, "door": LOCKED, "key": np.array([1, 4], np.uint8)}
    batch.load_fields(0, start | {"positions": np.array([[1, 1]], np.uint8), "directions": np.array([0], np.uint8)})
    player, taken = DoorOpener(), 0
    while not batch.ended[0]:
        batch.step(player.act(batch, "agent_0")[None, :])
        taken += 1
    # South to (1, 3) and the key; east to (3, 3) and the door; through it to (6, 3), and south to (6, 6).
    to_key, to_door, to_goal = 1 + 2 + 1, 1 + 2 + 1, 3 + 1 + 3
    assert taken == to_key + to_door + to_goal


def test_door_openers_arrive_where_random_players_do_not():
    for id in ("grid/door_key_v0", "grid/door_key_2p_v0", "grid/door_key_gmah_v0"):
        scripted, random = (play(kind, id, 64, horizon=64) for kind in (DoorOpener, RandomPlayer))
        assert scripted.episode_statistics["reached"].mean() == 1
        assert scripted.episode_returns.mean() > random.episode_returns.mean() + 0.3


def test_a_crowd_of_door_openers_does_not_block_itself():
    batch = play(DoorOpener, "grid/door_key_v0", 250, size=7, num_agents=3)
    lengths = batch.episode_lengths
    assert len(lengths) > 4 * 5
    assert batch.episode_statistics["reached"].all()


def test_players_go_on_from_their_state():
    batch = games.make_batch("grid/door_key_v0", 10, num_agents=3)
    batch.reset()
    first, second = DoorOpener(3), DoorOpener(4)
    second.set_state(first.get_state())
    assert np.array_equal(first.act(batch, "agent_1"), second.act(batch, "agent_1"))
