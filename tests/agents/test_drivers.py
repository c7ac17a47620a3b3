"""Scripted drivers: better than chance, and each what its name says."""

import numpy as np
import pytest

import games
from agents.highway_driver import CautiousDriver, HighwayDriver
from agents.random_player import RandomPlayer


def drive(env_id, make_player, episodes=8):
    """Returns mean return of an agent, crashes and arrivals per episode."""
    batch = games.make_batch(env_id, episodes, seed=5)
    batch.reset()
    players = [make_player(i) for i in range(len(batch.agents))]
    returns, crashes, arrivals = [], [], []
    for _ in range(batch.config.horizon):
        actions = [player.act(batch, agent) for player, agent in zip(players, batch.agents, strict=True)]
        batch.step(np.stack(actions, axis=1))
        statistics = batch.episode_statistics
        returns.append(batch.episode_returns)
        crashes.append(statistics["crashes"])
        arrivals.append(statistics["arrivals"])
    return tuple(np.concatenate(rows).mean() for rows in (returns, crashes, arrivals))


@pytest.mark.parametrize("name", ["highway_fast", "merge", "overtaking"])
def test_a_highway_driver_gets_more_and_crashes_less_than_chance(name):
    reward, crashes, _ = drive(f"driving/{name}_v0", lambda i: HighwayDriver())
    random_reward, random_crashes, _ = drive(f"driving/{name}_v0", RandomPlayer)
    assert reward > 1.3 * random_reward
    assert crashes < 0.6 * random_crashes


def test_a_highway_driver_turns_across_the_intersection_more_often_than_chance():
    reward, _, arrivals = drive("driving/intersection_v0", lambda i: HighwayDriver(), episodes=16)
    random_reward, _, random_arrivals = drive("driving/intersection_v0", RandomPlayer, episodes=16)
    assert reward > random_reward
    assert arrivals > random_arrivals


def test_two_cautious_drivers_never_meet_on_the_wrong_lane_and_get_little():
    bold, _, arrivals = drive("driving/overtaking_v0", lambda i: HighwayDriver())
    shy, crashes, none_arrive = drive("driving/overtaking_v0", lambda i: CautiousDriver())
    assert crashes == 0
    assert shy < bold
    assert none_arrive < arrivals


def test_a_cautious_driver_yields_at_a_crossing():
    _, crashes, _ = drive("driving/two_car_intersection_v0", lambda i: HighwayDriver())
    _, fewer_crashes, arrivals = drive("driving/two_car_intersection_v0", lambda i: CautiousDriver())
    assert fewer_crashes < 0.5 * crashes
    assert arrivals > 1


def test_drivers_refuse_continuous_actions():
    batch = games.make_batch("driving/highway_v0", actions="continuous")
    batch.reset()
    with pytest.raises(ValueError, match="make the batch with actions='meta'"):
        HighwayDriver().act(batch, "car_0")
