"""Small PettingZoo environments, each with one of the things that trouble RLlib. All pass PettingZoo's own API test."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

Dicts = tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]


class Toy(ParallelEnv):
    """Every agent sees the time and its last action, both of a float64 box, and is paid its action.

    Subclasses say with `population(t)` who lives at time t. An agent that is not in the next population ends in the
    step that leads there: by rule, or by the time limit where that is the horizon.

    Args:
        horizon: Steps of an episode.
    """

    possible_agents = ["a", "b", "c"]  # noqa: RUF012
    observed: spaces.Space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
    acted: spaces.Space = spaces.Discrete(3)

    def __init__(self, horizon: int = 6) -> None:
        self.horizon = horizon
        self.metadata = {"name": type(self).__name__, "render_modes": ["ansi"]}
        self.render_mode = "ansi"
        self.agents: list[str] = []
        self.is_closed = False
        self.seeds: list[tuple[int | None, dict | None]] = []
        self._observation_spaces = dict.fromkeys(self.possible_agents, self.observed)
        self._action_spaces = dict.fromkeys(self.possible_agents, self.acted)

    def observation_space(self, agent: str) -> spaces.Space:
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        return self._action_spaces[agent]

    def population(self, t: int) -> list[str]:
        return list(self.possible_agents)

    def observe(self, agent: str, action: Any) -> Any:
        return np.array([self.t, action], np.float64)

    def inform(self, agent: str) -> dict[str, Any]:
        return {"time": self.t}

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.seeds.append((seed, options))
        self.t = 0
        self.agents = self.population(0)
        return {a: self.observe(a, -1) for a in self.agents}, {a: self.inform(a) for a in self.agents}

    def step(self, actions: dict[str, Any]) -> Dicts:
        expected = [agent for agent in self.possible_agents if agent in self.agents]
        assert list(actions) == expected, f"actions of {list(actions)}, expected of {expected}"
        assert all(self.action_space(agent).contains(action) for agent, action in actions.items()), actions
        self.t += 1
        is_over = self.t == self.horizon
        after = [] if is_over else self.population(self.t)
        told = [a for a in self.possible_agents if a in actions or a in after]
        gone = [a for a in told if a not in after]
        self.agents = after
        return (
            {a: self.observe(a, actions.get(a, -1)) for a in told},
            {a: float(actions.get(a, 0)) for a in told},
            {a: a in gone and not is_over for a in told},
            {a: a in gone and is_over for a in told},
            {a: self.inform(a) for a in told},
        )

    def render(self) -> str:
        return f"time {self.t}"

    def close(self) -> None:
        self.is_closed = True


class LateJoiners(Toy):
    """b joins at time 2; c joins at time 3."""

    def population(self, t: int) -> list[str]:
        return ["a"] + ["b"] * (t >= 2) + ["c"] * (t >= 3)


class DyingAgents(Toy):
    """c dies in the first step, a in the third; b is cut by the time limit."""

    def population(self, t: int) -> list[str]:
        return ["a"] * (t < 3) + ["b"] + ["c"] * (t < 1)


class MixedEnd(Toy):
    """In the last step a terminates and the others are truncated."""

    def step(self, actions: dict[str, Any]) -> Dicts:
        observations, rewards, terminations, truncations, infos = super().step(actions)
        if not self.agents:
            terminations["a"], truncations["a"] = True, False
        return observations, rewards, terminations, truncations, infos


class IllegalMoveError(Exception):
    """An agent did what its mask forbids."""


class Masked(Toy):
    """Each agent may do at time t only what leaves the remainder t when divided by 3; anything else raises."""

    observed = spaces.Dict(
        {"observation": spaces.Box(-np.inf, np.inf, (2,), np.float64), "action_mask": spaces.Box(0, 1, (3,), np.int8)}
    )

    def mask(self) -> np.ndarray:
        return (np.arange(3) == self.t % 3).astype(np.int8)

    def observe(self, agent: str, action: Any) -> Any:
        return {"observation": super().observe(agent, action), "action_mask": self.mask()}

    def step(self, actions: dict[str, Any]) -> Dicts:
        for agent, action in actions.items():
            if not self.mask()[action]:
                raise IllegalMoveError(f"{agent} did {action} at time {self.t}")
        return super().step(actions)


class MaskedInInfos(Masked):
    """The same, told in infos."""

    observed = Toy.observed

    def observe(self, agent: str, action: Any) -> Any:
        return Toy.observe(self, agent, action)

    def inform(self, agent: str) -> dict[str, Any]:
        return {"action_mask": self.mask()}
