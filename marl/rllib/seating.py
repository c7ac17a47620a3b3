"""Seating: which policy plays an agent, where that hangs on the agent alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from games.batch import Group


class Seating:
    """Maps agents to policies, as RLlib's `policy_mapping_fn`; picklable, for runners in other processes.

    Args:
        policies: By agent.
    """

    def __init__(self, policies: dict[str, str]) -> None:
        self._policies = policies

    def __call__(self, agent: Any, *args: Any, **kwargs: Any) -> str:
        """Returns the policy of an agent."""
        return self._policies[agent]


def seat_by_group(groups: Mapping[str, Group]) -> Seating:
    """Returns the mapping with a policy for each group, of its name."""
    return Seating({agent: name for name, group in groups.items() for agent in group.agents})
