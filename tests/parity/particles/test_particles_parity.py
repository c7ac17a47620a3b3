"""Whole episodes side by side with mpe2: the same places, the same actions, the same results.

Places and velocities agree to 1e-12: they differ by our own exp and log in the contact force, and nowhere else.
Observations and rewards agree to the rounding of float32.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import games

PLACES = 1e-12  # length units
NUM_EPISODES = 4


@dataclass(frozen=True)
class Pair:
    """One of our ids with settings, and how mpe2 makes the same world."""

    id: str
    peer: str
    settings: dict[str, Any] = field(default_factory=dict)
    peer_settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.peer, *(f"{name}={value}" for name, value in self.settings.items())])


SPREAD, TAG, ADVERSARY = "simple_spread_v3", "simple_tag_v3", "simple_adversary_v3"
NEIGHBORS = ({"num_agent_neighbors": 2, "num_landmark_neighbors": 1}, {"num_agent_neighbors": 7})


def pair(peer: str, settings: dict[str, Any] | None = None, **peer_settings: Any) -> Pair:
    """Our settings are the peer's, but for those given."""
    id = f"particles/{peer.rsplit('_v', 1)[0]}_v0"
    return Pair(id, peer, peer_settings if settings is None else settings, peer_settings)


PAIRS = [
    pair(SPREAD),
    *(pair(SPREAD, {"num_agents": n}, N=n) for n in (1, 2, 5, 10)),
    pair(SPREAD, local_ratio=0.0),
    pair(SPREAD, {"local_ratio": 0.8, "horizon": 60}, local_ratio=0.8, max_cycles=60),
    *(pair(SPREAD, {"num_agents": 4} | some, N=4, **some) for some in NEIGHBORS),
    pair(TAG),
    pair(TAG, {"num_agents": 2, "num_adversaries": 5, "num_obstacles": 4, "horizon": 50},
         num_good=2, num_adversaries=5, num_obstacles=4, max_cycles=50),
    pair(TAG, {"num_obstacles": 0}, num_obstacles=0),
    *(pair(TAG, {"num_agents": 2} | some, num_good=2, **some) for some in NEIGHBORS),
    pair(ADVERSARY),
    pair(ADVERSARY, {"num_agents": 4}, N=4),
    *(pair(ADVERSARY, {"num_agents": 3} | some, N=3, **some) for some in NEIGHBORS),
    pair("simple_v3"),
    pair("simple_push_v3"),
    pair("simple_speaker_listener_v4"),
    pair("simple_reference_v3"),
    pair("simple_reference_v3", local_ratio=0.9),
    pair("simple_crypto_v3"),
    pair("simple_world_comm_v3"),
    pair("simple_world_comm_v3",
         {"num_agents": 3, "num_adversaries": 3, "num_obstacles": 2, "num_food": 1, "num_forests": 3},
         num_good=3, num_adversaries=3, num_obstacles=2, num_food=1, num_forests=3),
]  # fmt: skip


def benchmark_of_spread(agent: Any, infos: dict[str, float]) -> tuple[float, ...]:
    own = -infos["distance"] - infos["collisions"]
    return own, infos["collisions"], infos["distance"], infos["occupied"]


def benchmark_of_tag(agent: Any, infos: dict[str, float]) -> float:
    return infos["collisions"] if agent.adversary else 0


# What mpe2's benchmark_data returns, from our infos; of the agents that flee it says 0, and ours counts.
BENCHMARKS = {SPREAD: benchmark_of_spread, TAG: benchmark_of_tag, "simple_world_comm_v3": benchmark_of_tag}


def load(batch: Any, peer: Any) -> None:
    """Puts the peer's world into our only env."""
    world = peer.aec_env.unwrapped.world
    fields = {
        "agent_positions": np.array([agent.state.p_pos for agent in world.agents]),
        "agent_velocities": np.array([agent.state.p_vel for agent in world.agents]),
    }
    if world.landmarks:
        fields["landmark_positions"] = np.array([landmark.state.p_pos for landmark in world.landmarks])
    goals = goals_of(world)
    if goals:
        fields["goals"] = np.array(goals, np.int32)
    batch.load_fields(0, fields)


def goals_of(world: Any) -> list[int]:
    """Returns the numbers of the landmarks that are the peer's goals."""
    first, last = world.agents[0], world.agents[-1]
    if last.name == "alice_0":
        (key,) = [k for k, landmark in enumerate(world.landmarks) if landmark.color is last.key]
        return [world.landmarks.index(last.goal_a), key]
    if hasattr(first, "_goal_b"):
        return [world.landmarks.index(agent.goal_b) for agent in world.agents if agent._goal_b is not None]
    return [world.landmarks.index(first.goal_a)] if hasattr(first, "_goal_a") else []


def our_rows(batch: Any, name: str) -> list[np.ndarray]:
    """Returns one array's entries of env 0, agent by agent over all groups."""
    return [row for group in batch.groups.values() for row in getattr(group, name)[0]]


def crowd(peer: Any) -> None:
    """Moves everybody near the middle, so that there are contacts from the first step on."""
    for entity in peer.aec_env.unwrapped.world.entities:
        entity.state.p_pos = entity.state.p_pos * 0.3


def assert_same_state(batch: Any, peer: Any) -> None:
    world, fields = peer.aec_env.unwrapped.world, batch.fields(0)
    for name, attribute in (("agent_positions", "p_pos"), ("agent_velocities", "p_vel")):
        expected = np.array([getattr(agent.state, attribute) for agent in world.agents])
        np.testing.assert_allclose(fields[name], expected, rtol=0, atol=PLACES)


def assert_same_observations(batch: Any, peer: Any, observations: dict[str, np.ndarray]) -> None:
    for agent, ours in zip(peer.possible_agents, our_rows(batch, "observations"), strict=True):
        np.testing.assert_allclose(ours, observations[agent], rtol=2e-7, atol=1e-7, err_msg=agent)


def assert_same_rewards(batch: Any, peer: Any, rewards: dict[str, float]) -> None:
    for agent, ours in zip(peer.possible_agents, our_rows(batch, "rewards"), strict=True):
        np.testing.assert_allclose(ours, np.float32(rewards[agent]), rtol=2e-7, atol=1e-7, err_msg=agent)


def assert_same_benchmarks(batch: Any, peer: Any, name: str) -> None:
    world, scenario = peer.aec_env.unwrapped.world, peer.aec_env.unwrapped.scenario
    if name not in BENCHMARKS:
        return
    infos = [
        {info: float(values[0, i]) for info, values in group.infos.items()}
        for group in batch.groups.values()
        for i in range(len(group.agents))
    ]
    for agent, ours in zip(world.agents, infos, strict=True):
        expected = scenario.benchmark_data(agent, world)
        np.testing.assert_allclose(BENCHMARKS[name](agent, ours), expected, rtol=3e-7, atol=1e-6)


def play(pair: Pair, is_continuous: bool) -> None:
    """Plays NUM_EPISODES in both, comparing all the way; in every other one from a crowd, in the last to the end of the
    world: everybody keeps its first action.
    """
    batch = games.make_batch(pair.id, autoreset="disabled", continuous_actions=is_continuous, **pair.settings)
    peer = import_module(f"mpe2.{pair.peer}").parallel_env(continuous_actions=is_continuous, **pair.peer_settings)
    assert list(batch.agents) == peer.possible_agents
    generator = np.random.default_rng(0)
    for episode in range(NUM_EPISODES):
        peer.reset(seed=episode)
        if episode % 2:
            crowd(peer)
        batch.reset()
        load(batch, peer)
        while not batch.ended[0]:
            for agent in peer.possible_agents:
                peer.action_space(agent).seed(int(generator.integers(2**31)))
            if episode < NUM_EPISODES - 1 or batch.fields(0)["steps"] == 0:
                actions = {agent: peer.action_space(agent).sample() for agent in peer.possible_agents}
            for group in batch.groups.values():
                group.actions[0] = [actions[agent] for agent in group.agents]
            batch.step()
            observations, rewards, terminations, truncations, _ = peer.step(actions)
            assert_same_state(batch, peer)
            assert_same_observations(batch, peer, observations)
            assert_same_rewards(batch, peer, rewards)
            assert our_rows(batch, "terminations") == list(terminations.values())
            assert our_rows(batch, "truncations") == list(truncations.values())
            assert_same_benchmarks(batch, peer, pair.peer)


@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_episodes_are_those_of_mpe2(pair, is_continuous):
    play(pair, is_continuous)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("is_continuous", [False, True], ids=["choices", "numbers"])
def test_spaces_are_those_of_mpe2(pair, is_continuous):
    ours = games.parallel_env(pair.id, continuous_actions=is_continuous, **pair.settings)
    peer = import_module(f"mpe2.{pair.peer}").parallel_env(continuous_actions=is_continuous, **pair.peer_settings)
    for agent in peer.possible_agents:
        assert ours.action_space(agent) == peer.action_space(agent)
        assert ours.observation_space(agent).shape == peer.observation_space(agent).shape
