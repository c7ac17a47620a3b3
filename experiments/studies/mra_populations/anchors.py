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

Act = Callable[[Batch, str], np.ndarray]


def anchors_of(world: str, size: int, episodes: int) -> tuple[float, float]:
    """Returns the mean returns of random play, and of the scripted players that come nearest to the best.

    Returns are as `cells.judge` has them. In resource_occupation the better ones are assigned, one agent to each
    resource; in treasure_collection collectors fetch and deliver, and banks come towards them.
    """
    scripted: dict[str, Any] = (
        {"agents": AssignmentTaker()} if world == "resources" else {"collectors": Collector(), "banks": Bank()}
    )
    chance = RandomPlayer(ANCHOR_SEED)

    def act_by_chance(batch: Batch, name: str) -> np.ndarray:
        return np.stack([chance.act(batch, agent) for agent in batch.groups[name].agents], axis=1)

    def act_by_script(batch: Batch, name: str) -> np.ndarray:
        actions: np.ndarray = scripted[name].act_group(batch, name)
        return actions

    return _play(world, size, episodes, act_by_chance), _play(world, size, episodes, act_by_script)


def _play(world: str, size: int, episodes: int, act: Act) -> float:
    own = WORLDS[world]
    batch = games.make_batch(own.env_id, episodes, seed=ANCHOR_SEED, autoreset="disabled", **own.of(size))
    batch.reset()
    returns = {name: 0.0 for name in batch.groups}
    while not batch.ended.all():  # all end together, at the time limit
        batch.step({name: act(batch, name).astype(np.int32) for name in batch.groups})
        for name, group in batch.groups.items():
            returns[name] += float(group.rewards.mean())
    return float(np.mean(list(returns.values())))
