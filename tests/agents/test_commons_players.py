"""Scripted foragers and cleaners: they show the dilemmas that harvest and cleanup promise."""

import numpy as np
import pytest

import games
from agents.commons_players import Cleaner, GreedyForager, SustainableForager
from agents.random_player import RandomPlayer

EPISODES = 6


def play(id, kinds, steps, num_envs=EPISODES, **settings):
    """Returns [E, P] returns of one episode, and its statistics."""
    batch = games.make_batch(id, num_envs, seed=1, num_agents=len(kinds), horizon=steps, **settings)
    batch.reset()
    players = [kind(seed) for seed, kind in enumerate(kinds)]
    for _ in range(steps):
        actions = [player.act(batch, agent) for player, agent in zip(players, batch.agents, strict=True)]
        batch.step(np.stack(actions, axis=1))
    return batch.episode_returns, batch.episode_statistics


# Four agents, 400 steps of harvest on the shipped map "orchard".
@pytest.fixture(scope="module")
def orchard():
    groups = {
        "greedy": [GreedyForager] * 4,
        "sustainable": [SustainableForager] * 4,
        "one greedy": [GreedyForager] + [SustainableForager] * 3,
    }
    return {name: play("grid/harvest_v0", kinds, 400, map="orchard") for name, kinds in groups.items()}


def test_groups_earn_what_the_readme_says(orchard):
    totals = [orchard[name][0].sum(axis=1).mean() for name in ("greedy", "sustainable")]
    np.testing.assert_allclose(totals, [33, 126], rtol=0.15)
    one, *others = orchard["one greedy"][0].mean(axis=0)
    np.testing.assert_allclose([one, np.mean(others)], [18, 7], rtol=0.15)


def test_a_sustainable_group_earns_more_than_a_greedy_one(orchard):
    assert orchard["sustainable"][0].sum(axis=1).min() > 2 * orchard["greedy"][0].sum(axis=1).max()


def test_one_greedy_among_sustainable_earns_more_than_they_do(orchard):
    returns = orchard["one greedy"][0].mean(axis=0)
    assert returns[0] > 1.5 * returns[1:].max()


def test_one_greedy_costs_the_group_most_of_what_it_had(orchard):
    assert orchard["one greedy"][0].sum(axis=1).mean() < 0.5 * orchard["sustainable"][0].sum(axis=1).mean()


def test_sustainability_tells_the_groups_apart(orchard):
    assert orchard["sustainable"][1]["sustainability"].min() > 100 > 50 > orchard["greedy"][1]["sustainability"].max()


def test_who_cleans_earns_less_than_who_does_not_and_the_group_more():
    # Cleaners and foragers on the shipped map "creek": the more of four clean (up to two), the more the group has.
    totals = []
    for cleaners, each_forager in enumerate((0, 19, 72, 125)):  # games/commons/README.md
        kinds = [Cleaner] * cleaners + [GreedyForager] * (4 - cleaners)
        returns, statistics = play("grid/cleanup_v0", kinds, 200, map="creek")
        totals.append(returns.sum(axis=1).mean())
        assert statistics["cleaned"].mean() == 0 if cleaners == 0 else statistics["cleaned"].mean() > 100
        np.testing.assert_allclose(returns[:, cleaners:].mean(), each_forager, rtol=0.15)
        if cleaners:
            assert returns[:, cleaners:].mean() > 5 * returns[:, :cleaners].mean() + 5
    assert totals[0] == 0
    assert totals[2] > 1.5 * totals[1] > 30


def test_players_beat_random_ones():
    by_chance = play("grid/harvest_v0", [RandomPlayer] * 4, 100, map="orchard", fire_reward=0.0, hit_reward=0.0)[0]
    for kind in (GreedyForager, SustainableForager):
        returns = play("grid/harvest_v0", [kind] * 4, 100, map="orchard")[0]
        assert returns.sum(axis=1).mean() > 1.3 * by_chance.sum(axis=1).mean()
    by_chance = play("grid/cleanup_v0", [RandomPlayer] * 4, 100, map="creek")[1]["cleaned"].mean()
    assert play("grid/cleanup_v0", [Cleaner] * 4, 100, map="creek")[1]["cleaned"].mean() > 3 * by_chance


def test_players_play_on_the_published_maps_and_through_time_outs():
    returns, _ = play("grid/cleanup_v0", [Cleaner, Cleaner, GreedyForager, GreedyForager], 150, num_envs=1)
    assert returns[0, 2:].sum() > 10
    returns, statistics = play("grid/commons_v0", [GreedyForager] * 3 + [RandomPlayer] * 2, 120, num_envs=1)
    assert statistics["peace"][0] < 5
    assert returns[0, :3].mean() > returns[0, 3:].mean()


def test_players_go_on_from_their_state():
    batch = games.make_batch("grid/cleanup_v0", 20, map="creek", num_agents=4)
    batch.reset()
    for kind in (GreedyForager, SustainableForager, Cleaner):
        first, second = kind(3), kind(4)
        second.set_state(first.get_state())
        assert np.array_equal(first.act(batch, "agent_1"), second.act(batch, "agent_1"))
