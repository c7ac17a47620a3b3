"""A cook of two that plans: serves one soup of two onions in the fewest steps.

GreedyCook plays any kitchen for itself. This one plans for both cooks, and is made for kitchens whose time limit leaves
a few steps: `overcooked/read_cramped_room_v0` and `overcooked/read_forced_coordination_v0`.
"""

from __future__ import annotations

import numpy as np

from agents.kitchen_bounds import StepsLeft
from agents.shortest_plans import PlanningPlayer


def see_all(observations: np.ndarray) -> np.ndarray:
    """Returns all that the first cook sees: with "lossless" pictures, the whole state but the time."""
    return observations[:, 0]


class PlannedCook(PlanningPlayer):
    """Two of these take the fewest steps from any state; a state that is met for the first time costs a search.

    Args:
        weight: At 1 plans are shortest; above 1 they are at most so many times as long, and found sooner.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(StepsLeft, see_all, weight)
