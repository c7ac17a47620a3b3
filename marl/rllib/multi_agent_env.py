"""BatchMultiAgentEnv: one environment with RLlib's plain MultiAgentEnv face, for evaluation and debugging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from ray.rllib.env.multi_agent_env import MultiAgentEnv

import games
from games.batch import Group
from marl.rllib.observations import agent_space


class BatchMultiAgentEnv(MultiAgentEnv):
    """A batch of one env, shown as dicts by agent name.

    The same seed gives the same trajectory as env 0 of a batched runner. An agent that is out (`alive` 0) is left out
    of the dicts from the step after the one in which it went out.

    Args:
        id: One of `games.env_ids()`.
        settings: Settings of the world that differ from the id's.
    """

    def __init__(self, id: str, settings: Mapping[str, Any] | None = None) -> None:
        self.batch = games.make_batch(id, 1, autoreset="disabled", **dict(settings or {}))
        self._slots = [
            (agent, group, p) for group in self.batch.groups.values() for p, agent in enumerate(group.agents)
        ]
        self.possible_agents = [agent for agent, _, _ in self._slots]
        self.agents = list(self.possible_agents)
        self.observation_spaces: dict[Any, gymnasium.Space] = {a: agent_space(group) for a, group, _ in self._slots}
        self.action_spaces: dict[Any, gymnasium.Space] = {a: group.action_space for a, group, _ in self._slots}
        self._has_started = False
        super().__init__()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Starts an episode: episode 0 of the seed, or the next one of the seed given last."""
        gymnasium.Env.reset(self, seed=seed)
        if seed is None and not self._has_started:
            seed = int(self.np_random.integers(2**63))
        self.batch.reset(seed)
        self._has_started = True
        self.agents = self._alive()
        return self._observations(self.agents), {agent: {} for agent in self.agents}

    def step(self, action_dict: dict[Any, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Steps with the actions of the agents that are alive."""
        acted = self.agents
        for agent, group, p in self._slots:
            if agent in action_dict:
                group.actions[0, p] = action_dict[agent]
        self.batch.step()
        self.agents = self._alive()
        rewards = self._scalars("rewards", float, acted)
        terminations, truncations = (self._scalars(name, bool, acted) for name in ("terminations", "truncations"))
        is_over = bool(self.batch.ended[0])
        terminations["__all__"] = is_over and all(terminations.values())
        truncations["__all__"] = is_over and not terminations["__all__"]
        # An agent that went out in this step is shown once more: RLlib wants a last observation for every action.
        seen = [agent for agent in self.possible_agents if agent in set(acted) | set(self.agents)]
        return self._observations(seen), rewards, terminations, truncations, self._infos(seen)

    def configure(self, **live: Any) -> None:
        """Changes live settings of the world, from the next step on."""
        self.batch.configure(**live)

    def _alive(self) -> list[Any]:
        return [agent for agent, group, p in self._slots if group.alive[0, p]]

    def _observations(self, agents: list[Any]) -> dict[Any, Any]:
        return {agent: _observation(group, p) for agent, group, p in self._slots if agent in agents}

    def _scalars(self, name: str, kind: type, agents: list[Any]) -> dict[str, Any]:
        return {agent: kind(getattr(group, name)[0, p]) for agent, group, p in self._slots if agent in agents}

    def _infos(self, agents: list[Any]) -> dict[str, dict[str, float]]:
        return {
            agent: {name: float(values[0, p]) for name, values in group.infos.items()}
            for agent, group, p in self._slots
            if agent in agents
        }


def _observation(group: Group, p: int) -> Any:
    observation = group.observations[0, p].copy()
    if group.action_masks is None:
        return observation
    return {"action_mask": group.action_masks[0, p].astype(np.float32), "observations": observation}
