"""Scripted players of the particle worlds with populations: MRA's anchors, and far more than random ones get."""

import numpy as np
import pytest

import games
from agents.grazers import Fighter, Sheep, Wolf
from agents.occupants import AssignmentTaker, BiggestTaker, NearestTaker
from agents.random_player import RandomPlayer
from agents.steering import push, push_all, steer, steer_all
from agents.treasure_hunters import Bank, Collector
from agents.viewers import Viewer


def play(id, players, num_envs=100, **settings):
    """Plays episodes with a player for each group; returns the returns of each group's agents, [n, P]."""
    batch = games.make_batch(f"particles/{id}_v0", num_envs, **settings)
    batch.reset()
    results = []
    while sum(map(len, results)) < num_envs:
        batch.step({name: act(player, batch, name) for (name, player) in players.items()})
        results.append(batch.episode_returns)
    groups = np.split(np.concatenate(results), np.cumsum([len(g.agents) for g in batch.groups.values()])[:-1], axis=1)
    return dict(zip(batch.groups, groups, strict=True))


def returns(id, players, **settings):
    """Returns the mean return of an agent of each group."""
    return {name: rows.mean() for name, rows in play(id, players, **settings).items()}


def act(player, batch, name):
    if isinstance(player, Viewer):
        return player.act_group(batch, name)
    return np.stack([player.act(batch, agent) for agent in batch.groups[name].agents], axis=1)


# Team returns over 20 steps with OpenAI's physics, means of 300 episodes (standard errors up to 1.9), measured before
# and apart from this code, on the released scenario: uniform random, nearest resource, all to the largest, one-to-one
# assignment with spare agents at the largest.
ANCHORS = {
    3: (25.8, 92.9, 64.5, 105.4),
    6: (49.8, 133.9, 77.0, 172.6),
    9: (70.3, 156.6, 83.1, 187.8),
    12: (85.6, 174.6, 88.8, 193.9),
    24: (129.1, 197.1, 102.8, 204.4),
}
ANCHOR_EPISODES = 300
EPISODES = (4000, 1500, 800, 300)  # ours


@pytest.mark.parametrize("num_agents", ANCHORS)
def test_controllers_of_resources_reach_the_anchors(num_agents):
    """Within 3 %, or within the anchor's own standard error where that is larger: few agents at random vary much."""
    settings = {"num_agents": num_agents, "shows_others_views": False}
    players = (RandomPlayer(0), NearestTaker(), BiggestTaker(), AssignmentTaker())
    for player, anchor, num_envs in zip(players, ANCHORS[num_agents], EPISODES, strict=True):
        teams = play("resource_occupation", {"agents": player}, num_envs, **settings)["agents"][:, 0]
        error = teams.std() / ANCHOR_EPISODES**0.5
        assert teams.mean() == pytest.approx(anchor, abs=max(0.03 * anchor, error)), player


def test_an_assignment_is_the_same_in_a_larger_world():
    small, large = (
        games.make_batch("particles/resource_occupation_v0", num_agents=n, populations=p, autoreset="disabled")
        for n, p in ((3, None), (8, (3,)))
    )
    small.reset()
    large.reset()
    fields = large.fields(0)
    small.load_fields(
        0,
        {
            "agent_positions": fields["agent_positions"][:3],
            "landmark_positions": fields["landmark_positions"],
        },
    )
    player = AssignmentTaker()
    np.testing.assert_array_equal(player.act_group(large, "agents")[:, :3], player.act_group(small, "agents"))
    assert player.act(small, "agent_1") == player.act_group(small, "agents")[:, 1]
    with pytest.raises(ValueError, match="num_agent_neighbors"):
        player.act_group(games.make_batch("particles/resource_occupation_v0", num_agent_neighbors=2), "agents")


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_collectors_and_banks_bring_more_than_chance(is_continuous):
    settings = {"continuous_actions": is_continuous, "populations": ((3, 1), (6, 2))}
    random = RandomPlayer(0)
    chance = returns("treasure_collection", {"collectors": random, "banks": random}, **settings)
    fetched = returns("treasure_collection", {"collectors": Collector(), "banks": random}, **settings)
    met = returns("treasure_collection", {"collectors": Collector(), "banks": Bank()}, **settings)
    assert chance["collectors"] + 8 < fetched["collectors"] < met["collectors"]
    assert met["banks"] > fetched["banks"]


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_wolves_hunt_and_sheep_survive(is_continuous):
    settings = {"continuous_actions": is_continuous, "num_wolves": 4, "num_sheep": 6, "populations": ((2, 3), (4, 6))}
    random, hunt = (
        RandomPlayer(1),
        lambda wolf, sheep: returns("grassland", {"wolves": wolf, "sheep": sheep}, **settings),
    )
    chance, hunted, grazed, both = (
        hunt(random, random),
        hunt(Wolf(), random),
        hunt(random, Sheep()),
        hunt(Wolf(), Sheep()),
    )
    assert hunted["wolves"] > chance["wolves"] + 2
    assert grazed["sheep"] > chance["sheep"] + 1
    assert both["wolves"] < hunted["wolves"] - 1
    assert both["sheep"] > hunted["sheep"] + 2


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_fighters_beat_chance_and_are_equal_to_each_other(is_continuous):
    settings = {"continuous_actions": is_continuous, "num_envs": 200}
    against = returns("adversarial", {"reds": Fighter(), "blues": RandomPlayer(1)}, **settings)
    assert against["reds"] > 6 > -2 > against["blues"]
    equal = returns("adversarial", {"reds": Fighter(), "blues": Fighter()}, **settings)
    assert abs(equal["reds"] - equal["blues"]) < 0.3 * (against["reds"] - against["blues"])


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_agents_who_share_out_the_food_get_most(is_continuous):
    settings = {"continuous_actions": is_continuous, "num_agents": 6, "populations": (3, 6)}
    chance, near, shared = (
        returns("food_collection", {"agents": player}, **settings)["agents"]
        for player in (RandomPlayer(0), NearestTaker(), AssignmentTaker())
    )
    assert chance + 30 < near < shared - 20


def test_many_bodies_are_steered_as_each_of_them():
    rng = np.random.default_rng(0)
    missing, velocity = rng.normal(size=(40, 2)) * 0.3, rng.normal(size=(40, 2))
    for is_continuous in (False, True):
        each = [steer(m, v, 5.0, is_continuous) for m, v in zip(missing, velocity, strict=True)]
        np.testing.assert_array_equal(steer_all(missing, velocity, 5.0, is_continuous), each)
        each = [push(m, is_continuous) for m in [*missing, np.zeros(2)]]
        pushed = push_all(np.concatenate([missing, np.zeros((1, 2))]), is_continuous)
        np.testing.assert_allclose(pushed, each, rtol=1e-6)
