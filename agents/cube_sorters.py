"""A scripted robot for sorting cubes: does its part of a shortest plan, which it searches for."""

from __future__ import annotations

import numpy as np

from agents.shortest_plans import Fields, PlanningPlayer
from games.sort import CUBES

TARGETS = np.array(list(CUBES.values())) - 1
REACH = 2  # panels from one end of a robot's reach to the other


def steps_left(fields: Fields) -> float:
    """Returns the fewest steps that any one cube still needs, were the others not there."""
    ways = np.abs(fields["panels"].astype(int) - TARGETS)
    return int(np.max((ways + REACH - 1) // REACH))


class CubeSorter(PlanningPlayer):
    """Three of these take the fewest steps from any state."""

    def __init__(self) -> None:
        super().__init__(lambda config: steps_left)
