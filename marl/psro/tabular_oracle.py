"""The best response that tabular Q-learning finds (Watkins and Dayan 1992), for worlds of few different observations.

An observation is a state: exact where it tells all that the learner ever saw, as in the card games. Steps of a fragment
are learned from the last to the first, so that what an episode's end pays reaches its beginning at once.

    symbol    variable    shape
    Q(s, a)   values      [S, K]; -inf for illegal actions
    n(s, a)   counts      [S, K] updates
    H         horizon     step sizes are (H + 1) / (H + n) (Jin et al. 2018, eq. 1)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.special import gammaln

import games
from agents.mixture import MixturePlayer
from agents.protocol import find_agent
from agents.tabular import save_table
from games.batch import Batch, Group
from marl.psro.diversity import Diversity
from marl.psro.opponents import Opponents
from marl.psro.oracles import TabularSettings
from marl.psro.population import Kind
from marl.psro.risk_rewards import RiskAversion


class ActionValues:
    """Action values of the states that have been seen.

    Args:
        num_actions: K.
        horizon: H.
    """

    def __init__(self, num_actions: int, horizon: float) -> None:
        self._horizon, self._index = horizon, dict[bytes, int]()
        self.observations: list[np.ndarray] = []
        self.values, self.counts = np.zeros((0, num_actions)), np.zeros((0, num_actions), np.int64)

    def look_up(self, observations: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        """Returns the number [n] of each state, new ones added.

        Args:
            observations: [n, D] float64.
            masks: [n, K]; None: all is legal.
        """
        rows, first, inverse = np.unique(observations, axis=0, return_index=True, return_inverse=True)
        numbers = np.empty(len(rows), np.int64)
        for place, row in enumerate(rows):
            numbers[place] = self._index.setdefault(row.tobytes(), len(self._index))
            if numbers[place] == len(self.observations):
                self.observations.append(row)
        if len(self.observations) > len(self.values):
            room = ((0, len(self.observations) + len(self.values)), (0, 0))
            self.values, self.counts = np.pad(self.values, room), np.pad(self.counts, room)
        if masks is not None:  # of states that were seen as the last of an episode, nobody knew them before
            self.values[numbers] = np.where(masks[first], self.values[numbers], -np.inf)
        return numbers[inverse.ravel()]

    def learn(self, states: np.ndarray, actions: np.ndarray, targets: np.ndarray) -> None:
        """Moves values towards targets [n]: those of one state and action together, as if one came after the other."""
        size = self.values.shape[1]
        pairs, place, times = np.unique(states * size + actions, return_inverse=True, return_counts=True)
        mean = np.bincount(place, targets) / times
        rows, columns = pairs // size, pairs % size
        before, horizon = self.counts[rows, columns], self._horizon
        # What is left of the old value after steps n + 1, ..., n + m: the product of (i - 1) / (H + i).
        left = np.zeros(len(pairs))
        seen = before > 0
        n, m = before[seen].astype(float), times[seen]
        left[seen] = np.exp(gammaln(n + m) - gammaln(n) + gammaln(horizon + n + 1) - gammaln(horizon + n + m + 1))
        self.values[rows, columns] = left * self.values[rows, columns] + (1 - left) * mean
        self.counts[rows, columns] += times

    def greedy(self) -> np.ndarray:
        """Returns [S, K] the policy that takes the best action of those that were tried; uniform where none was."""
        num_states = len(self.observations)
        values, tried = self.values[:num_states], self.counts[:num_states] > 0
        best = np.eye(values.shape[1])[np.where(tried, values, -np.inf).argmax(axis=1)]
        legal = np.isfinite(values)
        return np.where(tried.any(axis=1, keepdims=True), best, legal / legal.sum(axis=1, keepdims=True))


class TabularOracle:
    """Q-learning.

    Args:
        env_id: The world.
        world_settings: Of the world, beyond the id's.
        settings: Of the learner.
    """

    kind: ClassVar[Kind] = "tabular"

    def __init__(self, env_id: str, world_settings: Mapping[str, Any], settings: TabularSettings) -> None:
        self._env_id, self._world_settings, self._settings = env_id, dict(world_settings), settings

    def respond(
        self,
        agent: str,
        opponents: Opponents,
        out: Path,
        *,
        seed: int,
        risk: RiskAversion | None = None,
        diversity: Diversity | None = None,
        start: Path | None = None,
    ) -> dict[str, Any]:
        """Learns a response and writes the greedy policy as a table; it does not grow from an earlier one."""
        if risk is not None or diversity is not None:
            raise ValueError("the tabular oracle knows no aversion to risk and no diversity; oracle ppo does")
        own = self._settings
        batch = games.make_batch(self._env_id, own.num_envs, seed=seed, **self._world_settings)
        players = {other: opponents.make_player(other, (seed, 0)) for other in opponents.mixtures}
        batch.reset()
        name, _ = find_agent(batch, agent)
        table = ActionValues(int(batch.groups[name].action_space.n), own.horizon)  # type: ignore[union-attr]
        generator, steps = np.random.default_rng(seed), 0
        while steps < own.env_steps:
            exploration = 1 + (own.exploration - 1) * steps / own.env_steps
            self._play_and_learn(batch, agent, players, table, exploration, generator)
            steps += own.num_envs * own.fragment_steps
        save_table(out, self._env_id, np.array(table.observations), table.greedy())
        return {"oracle": "tabular", "env_steps": steps, "seed": seed, "states": len(table.observations)}

    def _play_and_learn(
        self,
        batch: Batch,
        agent: str,
        players: Mapping[str, MixturePlayer],
        table: ActionValues,
        exploration: float,
        generator: np.random.Generator,
    ) -> None:
        """Plays a fragment, then learns from its steps, the last one first."""
        name, row = find_agent(batch, agent)
        group, steps = batch.groups[name], []
        states = _look(table, *_shown(group, row))
        for _ in range(self._settings.fragment_steps):
            actions = _explore(table.values[states], exploration, generator)
            for each in batch.groups.values():
                for column, other in enumerate(each.agents):
                    each.actions[:, column] = actions if other == agent else players[other].act(batch, other)
            batch.step()
            after = _look(table, *_shown(group, row))
            followed, goes_on = after.copy(), group.terminations[:, row] == 0
            cut = np.flatnonzero((batch.ended > 0) & goes_on)
            if len(cut):
                assert group.final_observations is not None
                followed[cut] = _look(table, group.final_observations[cut, row], None)
            steps.append((states, actions, group.rewards[:, row].astype(np.float64), followed, goes_on))
            states = after
        for states, actions, rewards, followed, goes_on in reversed(steps):
            future = np.where(goes_on, table.values[followed].max(axis=1), 0.0)
            table.learn(states, actions, rewards + self._settings.discount * future)


def _shown(group: Group, row: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns what an agent sees, [E, D...], and may do, [E, K]."""
    return group.observations[:, row], None if group.action_masks is None else group.action_masks[:, row]


def _look(table: ActionValues, observations: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
    return table.look_up(observations.reshape(len(observations), -1).astype(np.float64), masks)


def _explore(values: np.ndarray, exploration: float, generator: np.random.Generator) -> np.ndarray:
    """Returns actions [n]: the best of values [n, K], or with the chance `exploration` any legal one."""
    noise = generator.random(values.shape)
    drawn = np.where(np.isfinite(values), noise, -1.0).argmax(axis=1)
    return np.where(generator.random(len(values)) < exploration, drawn, values.argmax(axis=1)).astype(np.int32)
