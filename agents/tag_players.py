"""Scripted players of simple_tag: adversaries who run at the nearest agent, and agents who look for room.

Both know the whole state, plan for themselves alone, and have neither memory nor generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from agents.steering import DT_S, idle, push
from games.batch import Batch
from games.particles import TagConfig

DAMPING = 0.25
FLEER_ACCEL = 4.0
LOOK_AHEAD = 6  # steps that an agent thinks ahead, and that an adversary leads its target by at most
ROOM = 0.6  # length units; adversaries further away than this frighten nobody
FIELD = 1.0  # agents keep within [-FIELD, FIELD]^2 if they can
OBSTACLE = 0.3  # an agent whose middle is nearer to that of an obstacle is about to be pushed
LEAVING_FEAR = 1.0  # room that a length unit outside is worth

MOVES = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)], float)


class _TagPlayer(Memoryless, ABC):
    """Asks for one move per env where its agent is there, and stays elsewhere."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32 or [E, 5] float32."""
        name, row = find_agent(batch, agent)
        config = cast(TagConfig, batch.config)
        me = row + (config.num_adversaries if name == "agents" else 0)
        actions = [idle(batch.groups[name])] * batch.num_envs
        for env in np.flatnonzero(batch.groups[name].alive[:, row]):
            direction = self._direction(batch.fields(int(env)), me, config)
            actions[env] = push(direction, config.continuous_actions)
        return np.stack(actions)

    @abstractmethod
    def _direction(self, fields: dict[str, Any], me: int, config: TagConfig) -> np.ndarray:
        """Returns where to go, [2]."""


class Chaser(_TagPlayer):
    """Runs to where the nearest agent will be when it gets there."""

    def _direction(self, fields: dict[str, Any], me: int, config: TagConfig) -> np.ndarray:
        places, velocities = fields["agent_positions"], fields["agent_velocities"]
        targets = np.flatnonzero(fields["alive"][config.num_adversaries :]) + config.num_adversaries
        if targets.size == 0:
            return np.zeros(2)
        distances = np.linalg.norm(places[targets] - places[me], axis=1)
        target = targets[np.argmin(distances)]
        lead_s = min(distances.min(), LOOK_AHEAD * DT_S)  # top speed is 1
        return places[target] + lead_s * velocities[target] - places[me] - lead_s * velocities[me]


class Fleer(_TagPlayer):
    """Tries each of the five moves for a while in thought, and takes the one that leaves most room."""

    def _direction(self, fields: dict[str, Any], me: int, config: TagConfig) -> np.ndarray:
        there = np.flatnonzero(fields["alive"][: config.num_adversaries])
        threats, speeds = fields["agent_positions"][there], fields["agent_velocities"][there]
        obstacles = fields.get("landmark_positions", np.zeros((0, 2)))
        place = np.repeat(fields["agent_positions"][me][None], len(MOVES), axis=0)
        velocity = np.repeat(fields["agent_velocities"][me][None], len(MOVES), axis=0)
        room = np.full(len(MOVES), ROOM)
        for step in range(1, LOOK_AHEAD + 1):
            place = place + velocity * DT_S
            velocity = velocity * (1 - DAMPING) + FLEER_ACCEL * DT_S * MOVES
            room = np.minimum(room, _nearest(place, threats + step * DT_S * speeds))
            blocked = _nearest(place, obstacles)
            room = np.where(blocked < OBSTACLE, np.minimum(room, blocked), room)
        outside = np.maximum(np.abs(place) - FIELD, 0).sum(axis=1)
        return MOVES[np.argmax(room - LEAVING_FEAR * outside)]


def _nearest(places: np.ndarray, bodies: np.ndarray) -> np.ndarray:
    """Returns the distance of each place to the nearest body; infinity if there is none."""
    distances = np.linalg.norm(places[:, None] - bodies[None], axis=-1)
    return distances.min(axis=1, initial=np.inf)
