"""BatchMultiAgentEnv: one environment with RLlib's plain MultiAgentEnv face, for evaluation and debugging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from ray.rllib.env.multi_agent_env import MultiAgentEnv

import games
from games.batch import Group
from marl.rllib.runner.observations import agent_space


class BatchMultiAgentEnv(MultiAgentEnv):
    """A batch of one env, shown as dicts by agent name.

    The same seed gives the same trajectory as env `first_env` of a batched runner. An agent that is out (`alive` 0) is
    left out of the dicts from the step after the one in which it went out. The end of an episode is told as
    `rllib_flags` says.

    Args:
        id: One of `games.env_ids()`.
        settings: Settings of the world that differ from the id's.
        first_env: Which env of a batch this one plays.

    Attributes:
        agents: Those that the last `reset` or `step` spoke of: the live ones, and those that went out in it.
    """

    def __init__(self, id: str, settings: Mapping[str, Any] | None = None, first_env: int = 0) -> None:
        self.batch = games.make_batch(id, 1, autoreset="disabled", first_env=first_env, **dict(settings or {}))
        self._slots = [
            (agent, group, p) for group in self.batch.groups.values() for p, agent in enumerate(group.agents)
        ]
        self.possible_agents = [agent for agent, _, _ in self._slots]
        self.agents = list(self.possible_agents)
        self.observation_spaces: dict[Any, gymnasium.Space] = {a: agent_space(group) for a, group, _ in self._slots}
        self.action_spaces: dict[Any, gymnasium.Space] = {a: group.action_space for a, group, _ in self._slots}
        self._live: list[Any] = []
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
        self._live = self.agents = self._alive()
        return self._observations(self.agents), self._infos(self.agents)

    def step(self, action_dict: dict[Any, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Steps with the actions of the agents that are alive."""
        acted = self._live
        for agent, group, p in self._slots:
            if agent in action_dict:
                group.actions[0, p] = action_dict[agent]
        self.batch.step()
        self._live = self._alive()
        rewards = self._scalars("rewards", float, acted)
        terminations, truncations = (self._scalars(name, bool, acted) for name in ("terminations", "truncations"))
        flags = rllib_flags(terminations, truncations, is_over=bool(self.batch.ended[0]))
        # An agent that went out in this step is shown once more: RLlib wants a last observation for every action.
        self.agents = [agent for agent in self.possible_agents if agent in set(acted) | set(self._live)]
        return self._observations(self.agents), rewards, *flags, self._infos(self.agents)

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


def rllib_flags(
    terminations: Mapping[Any, bool], truncations: Mapping[Any, bool], is_over: bool
) -> tuple[dict[Any, bool], dict[Any, bool]]:
    """Adds `__all__` to the flags of a step, such that RLlib knows what was cut short from what ended.

    RLlib 2.60 takes an episode for terminated, and bootstraps from none of its last observations, as soon as every
    agent has a flag of its own, truncations included (`MultiAgentEpisode.add_env_step`). So when the episode is over
    and some agent was truncated, `truncations` holds nothing but `__all__`: who did not terminate was truncated.

    Args:
        terminations: Of the agents that acted.
        truncations: Of the agents that acted.
        is_over: Whether the episode ended with this step.
    """
    was_cut = is_over and any(truncations.values())
    left = {} if was_cut else truncations
    return {**terminations, "__all__": is_over and not was_cut}, {**left, "__all__": was_cut}


def _observation(group: Group, p: int) -> Any:
    observation = group.observations[0, p].copy()
    if group.action_masks is None:
        return observation
    return {"action_mask": group.action_masks[0, p].astype(np.float32), "observations": observation}
