"""What scripted players come to in each population, between which returns are placed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import games
from agents.occupants import AssignmentTaker
from agents.random_player import RandomPlayer
from agents.treasure_hunters import Bank, Collector
from experiments.studies.mra_populations.settings import WORLDS
from games.batch import Batch

ANCHOR_SEED = 77
SCRIPTED_SHARE = 5
AT_A_TIME = 250  # episodes

Act = Callable[[Batch, str], np.ndarray]


def anchors_of(world: str, size: int, episodes: int) -> dict[str, float]:
    """Returns mean returns of random play, and of the scripted players that come nearest to the best, and their errors.

    Returns are as `cells.judge` has them, errors the standard ones of means. In resource_occupation the better ones are
    assigned, one agent to each resource; in treasure_collection collectors fetch and deliver, and banks come towards
    them.

    Args:
        world: A key of WORLDS.
        size: Of the population.
        episodes: Of random play; scripted players, who think for longer, play a fifth.
    """
    players: dict[str, Any] = (
        {"agents": AssignmentTaker()} if world == "resources" else {"collectors": Collector(), "banks": Bank()}
    )
    chance = RandomPlayer(ANCHOR_SEED)

    def act_by_chance(batch: Batch, name: str) -> np.ndarray:
        return np.stack([chance.act(batch, agent) for agent in batch.groups[name].agents], axis=1)

    def act_by_script(batch: Batch, name: str) -> np.ndarray:
        actions: np.ndarray = players[name].act_group(batch, name)
        return actions

    random = _play(world, size, episodes, act_by_chance)
    scripted = _play(world, size, -(-episodes // SCRIPTED_SHARE), act_by_script)
    named = {"random": random, "scripted": scripted}
    errors = {f"{name}_error": float(own.std() / len(own) ** 0.5) for name, own in named.items()}
    return {name: float(own.mean()) for name, own in named.items()} | errors


def _play(world: str, size: int, episodes: int, act: Act) -> np.ndarray:
    """Returns the returns [n] of episodes, some hundreds at a time, for observations of many agents are large."""
    counts = [min(AT_A_TIME, episodes - first) for first in range(0, episodes, AT_A_TIME)]
    return np.concatenate([_play_batch(world, size, count, ANCHOR_SEED + i, act) for i, count in enumerate(counts)])


def _play_batch(world: str, size: int, episodes: int, seed: int, act: Act) -> np.ndarray:
    own = WORLDS[world]
    batch = games.make_batch(own.env_id, episodes, seed=seed, autoreset="disabled", **own.of(size))
    batch.reset()
    returns = np.zeros(episodes)
    while not batch.ended.all():  # all end together, at the time limit
        batch.step({name: act(batch, name).astype(np.int32) for name in batch.groups})
        returns += np.mean([group.rewards.mean(axis=1) for group in batch.groups.values()], axis=0)
    return returns
