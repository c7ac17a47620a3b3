"""A scripted player of simple_spread: the agents share out the landmarks and each goes to its own."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from scipy.optimize import linear_sum_assignment

from agents.memory import Memoryless
from agents.protocol import find_agent
from agents.steering import idle, steer
from games.batch import Batch
from games.particles import SpreadConfig

ACCEL = 5.0  # of simple_spread's agents


class LandmarkTaker(Memoryless):
    """Goes to the landmark that the shortest assignment of all agents to all landmarks gives to its agent.

    It knows the whole state; players of several agents agree because they work out the same assignment, and anew in
    every step, so that agents who have been pushed change places. It has no memory and no generator.
    """

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] int32 or [E, 5] float32."""
        name, me = find_agent(batch, agent)
        is_continuous = cast(SpreadConfig, batch.config).continuous_actions
        actions = [idle(batch.groups[name])] * batch.num_envs
        for env in np.flatnonzero(batch.groups[name].alive[:, me]):
            fields = batch.fields(int(env))
            missing = _own_landmark(fields, me) - fields["agent_positions"][me]
            actions[env] = steer(missing, fields["agent_velocities"][me], ACCEL, is_continuous)
        return np.stack(actions)


def _own_landmark(fields: dict[str, Any], me: int) -> np.ndarray:
    """Returns the place of the landmark that is `me`'s."""
    agents = np.flatnonzero(fields["alive"])
    places = fields["landmark_positions"][fields["landmarks_present"] == 1]
    distances = np.linalg.norm(fields["agent_positions"][agents][:, None] - places[None], axis=-1)
    rows, columns = linear_sum_assignment(distances)
    return places[columns[rows == np.searchsorted(agents, me)][0]]
