"""Scripted stations and bit setters reach the anchors of the fact sheet and beat random play."""

import numpy as np
import pytest

import games
from agents.bit_setters import BitSetter
from agents.random_player import RandomPlayer
from agents.senders import CentralSender, QueueSender, StaticSender, TurnTaker, independent_sets
from games.aloha import AlohaConfig

ENVS = 2000


def mean_return(env_id, make_player, num_envs=ENVS, **settings):
    batch = games.make_batch(env_id, num_envs, seed=1, autoreset="disabled", **settings)
    batch.reset()
    players = [make_player(seed) for seed in range(len(batch.agents))]
    total = np.zeros(num_envs)
    while not batch.ended.all():
        batch.step(np.stack([p.act(batch, agent) for p, agent in zip(players, batch.agents, strict=True)], axis=1))
        total += batch.rewards[:, 0]
    return total.mean(), total.std() / np.sqrt(num_envs), batch.episode_statistics


@pytest.mark.parametrize(
    ("player", "expected"), [(StaticSender, 6.21), (TurnTaker, 9.55), (CentralSender, 9.70), (None, 0.0)]
)
def test_scripted_stations_reach_the_anchors_without_a_collision(player, expected):
    """Means of 2,000 episodes against those of 20,000, which are given to 0.005: four standard errors of both."""
    mean, error, statistics = mean_return("coordination/aloha_v0", lambda seed: player() if player else BitSetter(0))
    assert abs(mean - expected) < 4 * 1.05 * error + 0.005
    assert (statistics["collisions"] == 0).all()


def test_returns_of_a_static_set_deviate_by_less_than_half_a_point():
    """0.478 an episode, measured apart; the deviation of 2,000 has a standard error of about 0.478 / 4000^0.5."""
    _, error, _ = mean_return("coordination/aloha_v0", lambda seed: StaticSender())
    assert abs(error * ENVS**0.5 - 0.478) < 4 * 0.478 / (2 * ENVS) ** 0.5


def test_stations_that_queue_reach_what_another_implementation_measured():
    """9.24 over 4,000 episodes, by a rule that decides for all stations at once; given to 0.005. Nobody collides."""
    mean, error, statistics = mean_return("coordination/aloha_v0", lambda seed: QueueSender())
    assert abs(mean - 9.24) < 4 * 1.5**0.5 * error + 0.005
    assert mean > 8, "what policies over a graph can represent passes 8, without memory"
    assert (statistics["collisions"] == 0).all()


def test_a_station_waits_for_neighbours_before_it_that_send_and_for_no_others():
    """In a line the first sends, the second waits, the third is empty, so the fourth sends, and the last waits."""
    settings = {"num_agents": 5, "columns": 5, "autoreset": "disabled"}
    batch = games.make_batch("coordination/aloha_v0", 1, **settings)
    batch.reset()
    batch.load_fields(0, {"backlogs": np.array([1, 2, 0, 1, 3], np.uint8)})
    assert [int(QueueSender().act(batch, agent)[0]) for agent in batch.agents] == [1, 0, 0, 1, 0]


def test_random_stations_lose_what_the_anchor_says():
    mean, error, _ = mean_return("coordination/aloha_v0", RandomPlayer)
    assert abs(mean - -844.0) < 4 * 1.05 * error


def test_stations_agree_on_other_graphs_too():
    """On a ring of five no two colours are enough, and two stations are the largest set."""
    ring = [(i, (i + 1) % 5) for i in range(5)]
    settings = {"num_agents": 5, "conflicts": ring}
    means = {
        player: mean_return("coordination/aloha_v0", lambda seed, p=player: p(), 200, **settings)
        for player in (StaticSender, TurnTaker, CentralSender)
    }
    assert all((statistics["collisions"] == 0).all() for _, _, statistics in means.values())
    assert means[CentralSender][0] > means[TurnTaker][0] > means[StaticSender][0] > 2


def test_independent_sets_are_those_of_the_release():
    """91 independent sets, the empty one among them; the largest have 5 stations (fact sheet 2.2)."""
    sets = independent_sets(AlohaConfig())
    neighbours = AlohaConfig().neighbours()
    assert not (sets @ neighbours * sets).any()
    every = (np.arange(1024)[:, None] >> np.arange(10) & 1).astype(bool)
    inside = (every[:, None] <= sets[None]).all(axis=2).any(axis=1)
    assert inside.sum() == 91
    assert sets.sum(axis=1).max() == 5


def test_all_zeros_is_best_and_all_ones_a_trap():
    best, trap, random = (
        mean_return("coordination/bits_v0", make, 500)[0]
        for make in (lambda seed: BitSetter(0), lambda seed: BitSetter(1), RandomPlayer)
    )
    # With three agents each bit is as set with 0.9: all three with 0.729, one of them turned with 0.243.
    assert best == pytest.approx(25 * (3 * 0.729 + 1 * 0.027 + 2 * 0.001), rel=0.02)
    assert trap == pytest.approx(25 * (2 * 0.729 + 1 * 0.243 + 3 * 0.001), rel=0.02)
    assert best > trap > random + 5


def test_a_bit_is_0_or_1():
    with pytest.raises(ValueError, match="bit must be 0 or 1, got 2"):
        BitSetter(2)
