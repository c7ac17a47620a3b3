"""Scripted stations of slotted Aloha: a fixed set of senders, a queue, sets that take turns, the best set of a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast

import networkx as nx
import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.aloha import AlohaConfig
from games.batch import Batch

MAX_SETS = 100_000  # independent sets that are listed before a graph is called too large


def _graph(config: AlohaConfig) -> nx.Graph:
    return nx.from_numpy_array(config.neighbours())


def independent_sets(config: AlohaConfig) -> np.ndarray:
    """Returns [k, N] bool: the maximal sets of stations of which no two disturb each other, in a fixed order.

    Raises:
        ValueError: More than `MAX_SETS`.
    """
    rows: list[tuple[int, ...]] = []
    for members in nx.find_cliques(nx.complement(_graph(config))):
        if len(rows) == MAX_SETS:
            raise ValueError(f"{config.num_agents} stations have more than {MAX_SETS} independent sets")
        rows.append(tuple(sorted(members)))
    flags = np.zeros((len(rows), config.num_agents), bool)
    for k, members in enumerate(sorted(rows)):
        flags[k, list(members)] = True
    return flags


class _Planner(Memoryless, ABC):
    """Works out what never changes once for a config."""

    def __init__(self) -> None:
        self._planned: tuple[AlohaConfig, np.ndarray] | None = None

    @abstractmethod
    def _plan(self, config: AlohaConfig) -> np.ndarray:
        """Returns what never changes."""

    def _plan_of(self, batch: Batch) -> np.ndarray:
        config = cast(AlohaConfig, batch.config)
        if self._planned is None or self._planned[0] is not config:
            self._planned = (config, self._plan(config))
        return self._planned[1]


class StaticSender(_Planner):
    """Sends always if it is in the largest independent set (the first of them), else never.

    Nobody fails, and stations outside never get a packet through: as much as stations can reach that neither remember
    nor agree.
    """

    def _plan(self, config: AlohaConfig) -> np.ndarray:
        sets = independent_sets(config)
        return sets[np.argmax(sets.sum(axis=1))]

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the station's actions, [E] int32."""
        _, me = find_agent(batch, agent)
        return np.full(batch.num_envs, self._plan_of(batch)[me], np.int32)


class QueueSender(_Planner):
    """Sends if it has a packet and no neighbour with a smaller number sends in this step.

    A memoryless policy of a complete graph: each station sees its own backlog and what those before it are about to do.
    """

    def _plan(self, config: AlohaConfig) -> np.ndarray:
        return config.neighbours().astype(bool)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the station's actions, [E] int32."""
        name, me = find_agent(batch, agent)
        neighbours, has_packet = self._plan_of(batch), batch.groups[name].observations[:, :, 0] > 0
        sends = np.zeros_like(has_packet)
        for i in range(me + 1):
            sends[:, i] = has_packet[:, i] & ~sends[:, neighbours[i]].any(axis=1)
        return sends[:, me].astype(np.int32)


class TurnTaker(_Planner):
    """Sends when it is its set's turn: the sets are the colours of the graph, two where that is possible."""

    def _plan(self, config: AlohaConfig) -> np.ndarray:
        # DSATUR finds a colouring with two colours wherever there is one (Brelaz 1979).
        colors = nx.greedy_color(_graph(config), strategy="DSATUR")
        return np.array([colors[i] for i in range(config.num_agents)])

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the station's actions, [E] int32."""
        _, me = find_agent(batch, agent)
        colors = self._plan_of(batch)
        steps = np.array([batch.fields(env)["timestep"] for env in range(batch.num_envs)])
        return (steps % (colors.max() + 1) == colors[me]).astype(np.int32)


class CentralSender(_Planner):
    """Sends if it is in the best independent set of this step: all stations know all backlogs and agree.

    The best is the one with the most stations that have a packet, among those the one with the most packets, then the
    first. Stations without a packet stay silent.
    """

    def _plan(self, config: AlohaConfig) -> np.ndarray:
        return independent_sets(config)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the station's actions, [E] int32."""
        name, me = find_agent(batch, agent)
        sets, backlogs = self._plan_of(batch), batch.groups[name].observations[:, :, 0].astype(np.float64)
        more_than_all = cast(AlohaConfig, batch.config).capacity * backlogs.shape[1] + 1
        worth = backlogs + more_than_all * (backlogs > 0)
        best = np.argmax(worth @ sets.T, axis=1)
        return (sets[best, me] & (backlogs[:, me] > 0)).astype(np.int32)
