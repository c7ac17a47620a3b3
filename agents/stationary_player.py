"""A fixed mixed strategy, for matrix games, and a stationary policy, for finite Markov games."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch
from games.markov import MarkovConfig


class StationaryPlayer(GeneratorAlone):
    """Draws every action from the same distribution, or from that of the state.

    What is illegal is never played: the rest keeps its proportions, and is uniform where nothing is left.

    Args:
        policy: [A] probabilities of the actions; or [S, A] for each state of a Markov game, such as a solver of
            `marl.equilibrium` gives.
        seed: Of the player's own generator.

    Raises:
        ValueError: Not distributions.
    """

    def __init__(self, policy: Any, seed: int = 0) -> None:
        self._policy = np.asarray(policy, np.float64)
        if self._policy.ndim not in (1, 2) or not (self._policy >= 0).all():
            raise ValueError(f"a policy must be probabilities [A] or [S, A], got an array {list(self._policy.shape)}")
        sums = self._policy.sum(axis=-1)
        if not np.allclose(sums, 1, atol=1e-6):
            raise ValueError(f"a policy must sum to 1, in each state, got sums from {sums.min():g} to {sums.max():g}")
        self._rng = np.random.default_rng(seed)

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the actions, [E] int32.

        Raises:
            ValueError: The policy is not one of this agent.
        """
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        expected: tuple[int, ...] = (int(getattr(group.action_space, "n", 0)),)
        if self._policy.ndim == 2:
            if not isinstance(batch.config, MarkovConfig):
                raise ValueError(f"a policy [S, A] plays Markov games; {batch.spec.id} is none")
            expected = (batch.config.game.num_states, *expected)
        if self._policy.shape != expected:
            raise ValueError(
                f"{agent} of {batch.spec.id} needs a policy {list(expected)}, got {list(self._policy.shape)}"
            )
        shares = np.broadcast_to(self._policy, (batch.num_envs, *expected))
        if self._policy.ndim == 2:
            shares = self._policy[_states(batch, name, row)]
        if group.action_masks is not None:
            legal = group.action_masks[:, row] * shares
            shares = np.where(legal.any(axis=1, keepdims=True), legal, group.action_masks[:, row])
        cumulative = shares.cumsum(axis=1)
        draws = self._rng.random((batch.num_envs, 1)) * cumulative[:, -1:]
        # The first action whose cumulative share lies above the draw; never one of share 0.
        return (draws >= cumulative).sum(axis=1).clip(max=expected[-1] - 1).astype(np.int32)


def _states(batch: Batch, group: str, row: int) -> np.ndarray:
    """Returns the state of every env, [E]."""
    if getattr(batch.config, "features", None) is None:
        return batch.groups[group].observations[:, row].argmax(axis=1)
    return np.array([batch.fields(env)["state"] for env in range(batch.num_envs)])
