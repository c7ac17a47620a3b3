"""The players of the iterated prisoner's dilemma (Axelrod 1984), for any two-player matrix game with memory.

Action 0 cooperates and action 1 defects. They read the last round off the observation, so the world needs `memory` of
at least one round.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agents.memory import GeneratorAlone, Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.matrix import MatrixConfig

COOPERATE, DEFECT = 0, 1
FIRST_ROUND = -1


def _last_round(batch: Batch, agent: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the last actions of the agent and of the other player, [E] each; FIRST_ROUND before the first.

    Raises:
        ValueError: Not a matrix game of two players with memory.
    """
    name, row = find_agent(batch, agent)
    if not isinstance(batch.config, MatrixConfig) or len(batch.agents) != 2 or batch.config.memory < 1:
        raise ValueError(
            f"this player reads the last round of a matrix game of two players with memory of at least 1 round; "
            f"{batch.spec.id} has {len(batch.agents)} players and memory {getattr(batch.config, 'memory', 'none')}"
        )
    observations = batch.groups[name].observations[:, row]
    own_actions = batch.config.payoff_array().shape[1 + batch.agents.index(agent)]
    other_actions = batch.config.payoff_array().shape[2 - batch.agents.index(agent)]
    own = observations[:, 1 : 1 + own_actions]
    other = observations[:, 1 + own_actions : 1 + own_actions + other_actions]
    is_first = ~own.any(axis=1)
    return tuple(np.where(is_first, FIRST_ROUND, flags.argmax(axis=1)) for flags in (own, other))  # type: ignore[return-value]


class Always(Memoryless):
    """Plays one action in every round, in any world of discrete actions.

    Args:
        action: COOPERATE, DEFECT or any other.
    """

    def __init__(self, action: int) -> None:
        self._action = action

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the action, [E] int32."""
        find_agent(batch, agent)
        return np.full(batch.num_envs, self._action, np.int32)


class TitForTat(GeneratorAlone):
    """Begins with cooperation and then does what the other did last (Rapoport's entry in Axelrod's tournament).

    Args:
        generosity: Probability of cooperating after a defection: 0 for tit for tat, 1/3 for generous tit for tat in the
            dilemma of 5, 3, 1, 0 (Nowak and Sigmund 1992: min(1 - (T - R) / (R - S), (R - P) / (T - P))).
        first: The first action.
        seed: Of the player's own generator.
    """

    def __init__(self, generosity: float = 0.0, first: int = COOPERATE, seed: int = 0) -> None:
        if not 0 <= generosity <= 1:
            raise ValueError(f"generosity must be in [0, 1], got {generosity!r}")
        self._generosity, self._first = generosity, first
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the actions, [E] int32."""
        _, other = _last_round(batch, agent)
        actions = np.where(other == FIRST_ROUND, self._first, other)
        if self._generosity > 0:
            forgives = self._rng.random(batch.num_envs) < self._generosity
            actions = np.where((other == DEFECT) & forgives, COOPERATE, actions)
        return actions.astype(np.int32)


class WinStayLoseShift(Memoryless):
    """Repeats an action that paid enough, and takes the next one otherwise (Pavlov; Nowak and Sigmund 1993).

    Args:
        aspiration: What is enough; None: more than the mean of the own payoffs. In the dilemma of 5, 3, 1, 0 that is
            2.25, so it cooperates exactly when both did the same in the last round.
        first: The first action.
    """

    def __init__(self, aspiration: float | None = None, first: int = COOPERATE) -> None:
        self._aspiration, self._first = aspiration, first

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the actions, [E] int32."""
        own, other = _last_round(batch, agent)
        player = batch.agents.index(agent)
        payoffs = cast(MatrixConfig, batch.config).payoff_array()[player]
        payoffs = payoffs if player == 0 else payoffs.T  # [own action, other's action]
        wins = payoffs[own, other] > (payoffs.mean() if self._aspiration is None else self._aspiration)
        actions = np.where(wins, own, (own + 1) % len(payoffs))
        return np.where(own == FIRST_ROUND, self._first, actions).astype(np.int32)


class GrimTrigger:
    """Cooperates until the other has defected once, and then defects to the end (Friedman 1971)."""

    def __init__(self) -> None:
        self._triggered: dict[str, np.ndarray] = {}

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the actions, [E] int32."""
        _, other = _last_round(batch, agent)
        before = self._triggered.get(agent, np.zeros(batch.num_envs, bool))
        self._triggered[agent] = (before & (other != FIRST_ROUND)) | (other == DEFECT)
        return np.where(self._triggered[agent], DEFECT, COOPERATE).astype(np.int32)

    def get_state(self) -> dict[str, Any]:
        """Returns by agent in which envs it has been provoked."""
        return {"triggered": {agent: flags.tolist() for agent, flags in self._triggered.items()}}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over who has been provoked."""
        self._triggered = {agent: np.array(flags, bool) for agent, flags in state["triggered"].items()}
