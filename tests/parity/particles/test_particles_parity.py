"""Whole episodes side by side with mpe2: the same places, the same actions, the same results.

Places and velocities agree to 1e-11: they differ by our own exp and log in the contact force, and nowhere else.
Observations and rewards agree to the rounding of float32.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import games

PLACES = 1e-11  # length units
NUM_EPISODES = 6


@dataclass(frozen=True)
class Pair:
    """One of our ids with settings, and how mpe2 makes the same world."""

    id: str
    peer: str
    settings: dict[str, Any] = field(default_factory=dict)
    peer_settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.peer, *(f"{name}={value}" for name, value in self.settings.items())])


PAIRS = [
    Pair("particles/simple_spread_v0", "simple_spread_v3"),
    *(
        Pair("particles/simple_spread_v0", "simple_spread_v3", {"num_agents": n}, {"N": n})
        for n in (1, 2, 5, 10)
    ),
    Pair("particles/simple_spread_v0", "simple_spread_v3", {"local_ratio": 0.0}, {"local_ratio": 0.0}),
    Pair("particles/simple_spread_v0", "simple_spread_v3", {"local_ratio": 0.8, "horizon": 60},
         {"local_ratio": 0.8, "max_cycles": 60}),
    Pair("particles/simple_spread_v0", "simple_spread_v3",
         {"num_agents": 4, "num_agent_neighbors": 2, "num_landmark_neighbors": 3},
         {"N": 4, "num_agent_neighbors": 2, "num_landmark_neighbors": 3}),
    Pair("particles/simple_spread_v0", "simple_spread_v3",
         {"num_agents": 2, "num_agent_neighbors": 3, "num_landmark_neighbors": 4},
         {"N": 2, "num_agent_neighbors": 3, "num_landmark_neighbors": 4}),
]  # fmt: skip


def benchmark_of_spread(infos: dict[str, float]) -> tuple:
    own = -infos["distance"] - infos["collisions"]
    return own, infos["collisions"], infos["distance"], infos["occupied"]


# What mpe2's benchmark_data returns, from our infos.
BENCHMARKS = {"simple_spread_v3": benchmark_of_spread}


def load(batch: Any, peer: Any) -> None:
    """Puts the peer's world into our only env."""
    world = peer.aec_env.unwrapped.world
    fields = {
        "agent_positions": np.array([agent.state.p_pos for agent in world.agents]),
        "landmark_positions": np.array([landmark.state.p_pos for landmark in world.landmarks]),
        "agent_velocities": np.array([agent.state.p_vel for agent in world.agents]),
    }
    batch.load_fields(0, fields)


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
    infos = [
        {info: float(values[0, i]) for info, values in group.infos.items()}
        for group in batch.groups.values()
        for i in range(len(group.agents))
    ]
    for agent, ours in zip(world.agents, infos, strict=True):
        expected = scenario.benchmark_data(agent, world)
        np.testing.assert_allclose(BENCHMARKS[name](ours), expected, rtol=3e-7, atol=1e-6)


def play(pair: Pair, is_continuous: bool) -> None:
    """Plays NUM_EPISODES in both, comparing all the way."""
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
