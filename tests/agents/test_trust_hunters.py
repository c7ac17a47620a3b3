"""Scripted hunters and gatherers: they make the dilemma that the trust world promises."""

import numpy as np
import pytest

import games
from agents.random_player import RandomPlayer
from agents.trust_hunters import PlantGatherer, StagHunter
from games.trust import risk_dominant

EPISODES = 30


def returns(kinds, id="grid/trust_v0", **settings):
    """Mean returns of two players over some episodes."""
    batch = games.make_batch(id, EPISODES, seed=1, autoreset="disabled", **settings)
    batch.reset()
    players = [kind(seed) for seed, kind in enumerate(kinds)]
    done = np.zeros(EPISODES, bool)
    totals = np.zeros((EPISODES, 2))
    while not done.all():
        actions = [player.act(batch, agent) for player, agent in zip(players, batch.agents, strict=True)]
        batch.step(np.stack(actions, axis=1))
        totals[~done] += batch.rewards[~done]
        done |= batch.ended.astype(bool)
        batch.reset(mask=batch.ended.copy())
    return totals.mean(axis=0)


def measured(id="grid/trust_v0", **settings):
    """[2, 2, 2] mean returns of (hunt, gather)^2."""
    kinds = (StagHunter, PlantGatherer)
    game = np.zeros((2, 2, 2))
    for row, column in np.ndindex(2, 2):
        game[:, row, column] = returns((kinds[row], kinds[column]), id, **settings)
    return game


# The table of games/trust/README.md (100 episodes): both hunt, hunts alone, gathers beside a hunter, both gather.
@pytest.mark.parametrize(
    ("settings", "table", "expected"),
    [
        ({"horizon": 100}, [259, -69, 38, 37], "hunt"),
        ({"horizon": 100, "mauling_reward": -20.0}, [259, -285, 38, 37], "gather"),
        ({"horizon": 100, "follow_probability": 0.0}, [119, -17, 38, 38], "hunt"),
        ({"horizon": 100, "follow_probability": 0.0, "mauling_reward": -20.0}, [119, -83, 38, 38], "gather"),
        ({"id": "grid/trust_once_v0"}, [5.1, -4.5, 1.0, 2.9], "gather"),
    ],
)
def test_whole_policies_play_a_stag_hunt(settings, table, expected):
    game = measured(**settings)
    both, alone, tempted, safe = game[0].ravel()
    assert both > 1.3 * max(tempted, safe)  # trust pays
    assert safe > 0 > alone  # and is not safe
    np.testing.assert_allclose(game[0].ravel(), table, rtol=0.15, atol=1.0)
    mean = (game + game.transpose(0, 2, 1)[::-1]) / 2  # the game is symmetric; the means nearly are
    assert np.abs(game - mean).max() < 0.05 * np.abs(game).max()
    assert risk_dominant(mean) == expected


def test_gatherers_are_never_mauled_and_eat_more_than_random_players():
    for follow in (0.0, 0.5, 1.0):
        batch = games.make_batch("grid/trust_v0", 10, horizon=60, follow_probability=follow)
        batch.reset()
        players = [PlantGatherer(0), PlantGatherer(1)]
        for _ in range(60):
            batch.step(np.stack([p.act(batch, a) for p, a in zip(players, batch.agents, strict=True)], axis=1))
        statistics = batch.episode_statistics
        assert statistics["maulings"].sum() == 0
        assert statistics["plants_eaten"].mean() > 30


def test_both_kinds_beat_random_players():
    by_chance = returns((RandomPlayer, RandomPlayer), horizon=100).mean()
    assert returns((StagHunter, StagHunter), horizon=100).min() > by_chance + 200
    assert returns((PlantGatherer, PlantGatherer), horizon=100).min() > by_chance + 50


def test_players_go_on_from_their_state():
    batch = games.make_batch("grid/trust_v0", 50)
    batch.reset()
    first, second = PlantGatherer(3), PlantGatherer(4)
    second.set_state(first.get_state())
    assert np.array_equal(first.act(batch, "hunter_0"), second.act(batch, "hunter_0"))


def test_hunters_and_gatherers_play_on_every_registered_size():
    for id in ("grid/trust_small_v0", "grid/trust_once_v0"):
        assert returns((StagHunter, StagHunter), id).min() > returns((PlantGatherer, PlantGatherer), id).max()


def choices(player, batch, agent="hunter_0"):
    """Actions that a player takes in a state, over many draws."""
    return {int(player.act_rows(batch, agent, np.array([0]))[0]) for _ in range(40)}


@pytest.mark.parametrize("observation", ["grid", "coordinates"])
def test_steps_worked_by_hand(observation):
    batch = games.make_batch("grid/trust_v0", 2, observation=observation)  # 5 x 5 cells, 2 plants
    batch.reset()

    def place(here, other, stag, plants):
        agents = np.array([here, other], np.uint8)
        batch.load_fields(0, {"agents": agents, "stag": np.array(stag, np.uint8), "plants": np.array(plants, np.uint8)})

    left, down, right, _, stand = range(5)
    place((0, 0), (4, 0), (2, 2), [(0, 4), (4, 4)])
    # Both reach (2, 0) in 2 steps, and no other cell as soon.
    assert choices(StagHunter(), batch) == {right}
    assert choices(StagHunter(), batch, "hunter_1") == {left}
    assert choices(PlantGatherer(), batch) == {down}  # (0, 4) is 4 steps away, 5 from (1, 0)
    place((1, 1), (1, 1), (2, 3), [(1, 2), (4, 4)])
    assert choices(StagHunter(), batch) == {down}  # the longer way to the stag first
    # Both agents are as near, so the stag may come to (1, 3) or (2, 2), and the plant at (1, 2) is safe.
    assert choices(PlantGatherer(), batch) == {down}
    place((1, 1), (1, 1), (1, 2), [(1, 2), (4, 4)])
    assert choices(StagHunter(), batch) == {stand}
    # The stag goes to (1, 1): standing there is worst; from (1, 2), where the plant is, it has gone.
    assert choices(PlantGatherer(), batch) == {down}
    place((0, 0), (0, 0), (4, 4), [(0, 2), (2, 0)])
    assert choices(PlantGatherer(), batch) == {right, down}  # plants as near: chance


def test_players_can_be_asked_for_some_envs_alone():
    batch = games.make_batch("grid/trust_v0", 20, follow_probability=0.5)
    batch.reset()
    some = np.array([3, 4, 11])
    for kind in (StagHunter, PlantGatherer):
        first = kind(0)
        assert {tuple(first.act(batch, "hunter_1")[some]) for _ in range(60)} == {
            tuple(first.act_rows(batch, "hunter_1", some)) for _ in range(60)
        }
