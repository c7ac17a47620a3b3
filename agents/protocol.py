"""What every player is: something that looks at a batch and chooses the actions of one agent."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

from games.batch import Batch


class Player(Protocol):
    """Chooses the actions of one agent in all envs of a batch.

    A player may keep a memory per env; it learns from `batch.ended` that an episode is over.
    """

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the agent's actions, [E] or [E, A], in the dtype of its group's actions.

        Args:
            batch: As the last reset or step left it.
            agent: One of `batch.agents`.
        """
        ...

    def get_state(self) -> dict[str, Any]:
        """Returns the memory and the generator, so that an equal player goes on in the same way after `set_state`."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` of an equal player returned."""
        ...


@runtime_checkable
class RowPlayer(Player, Protocol):
    """A player that looks at nothing but what a step shows, so that it can be asked for some envs alone."""

    def act_rows(self, batch: Batch, agent: str, envs: np.ndarray) -> np.ndarray:
        """Returns the agent's actions in some envs, [n] or [n, A].

        Args:
            batch: As the last reset or step left it.
            agent: One of `batch.agents`.
            envs: [n] int64, which.
        """
        ...


def find_agent(batch: Batch, agent: str) -> tuple[str, int]:
    """Returns the group of an agent and its row there.

    Raises:
        ValueError: The batch has no such agent.
    """
    for name, group in batch.groups.items():
        if agent in group.agents:
            return name, group.agents.index(agent)
    raise ValueError(f"{batch.spec.id} has no agent {agent!r}; its agents are {list(batch.agents)}")
