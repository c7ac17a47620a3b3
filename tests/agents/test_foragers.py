"""Scripted foragers load what random ones leave."""

import numpy as np
import pytest

import games
from agents.foragers import LevelForager
from agents.random_player import RandomPlayer


def share_loaded(kind, id, num_envs=20):
    """Share of the food's worth that all players together load in an episode."""
    batch = games.make_batch(id, num_envs, seed=4, autoreset="disabled")
    batch.reset()
    players = [kind(seed) for seed in range(len(batch.agents))]
    total, done = 0.0, np.zeros(num_envs, bool)
    for _ in range(batch.config.horizon):
        batch.step(np.stack([p.act(batch, agent) for p, agent in zip(players, batch.agents, strict=True)], axis=1))
        total += batch.rewards[~done].sum()
        done |= batch.ended.astype(bool)
        batch.reset(mask=batch.ended.copy())
        if done.all():
            break
    return total / num_envs


@pytest.mark.parametrize(
    "id", ["grid/foraging_8x8_2p_2f_v0", "grid/foraging_8x8_2p_2f_coop_v0", "grid/foraging_10x10_3p_3f_v0"]
)
def test_level_foragers_load_nearly_everything_and_random_ones_hardly_anything(id):
    assert share_loaded(LevelForager, id) > 0.9
    assert share_loaded(RandomPlayer, id) < 0.4


def test_players_go_on_from_their_state():
    batch = games.make_batch("grid/foraging_10x10_3p_3f_v0", 30)
    batch.reset()
    first, second = LevelForager(3), LevelForager(4)
    second.set_state(first.get_state())
    assert np.array_equal(first.act(batch, "player_1"), second.act(batch, "player_1"))
