"""PettingZoo's agent-by-agent face of any game of OpenSpiel."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import pettingzoo
from gymnasium import spaces

from games.names import unknown_name
from games.open_spiel.spiel_batch import SpielBatch
from games.window import warn_no_render_mode

RENDER_MODES = ("ansi",)


class SpielAECEnv(pettingzoo.AECEnv):
    """One game of OpenSpiel, one agent after the other.

    In a game of turns the agent selected is the player to move; where players move at once, they are asked in their
    order and nobody sees the others' choices before all have chosen. Observations are `{"observation": float32,
    "action_mask": int8}`; the mask of an agent that waits is zeros, as in PettingZoo's classic games.

    Args:
        game: The game.
        render_mode: "ansi" or None.

    Attributes:
        batch: The batch of one env that stands behind this face.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "is_parallelizable": False}  # noqa: RUF012

    def __init__(self, game: Any, render_mode: str | None = None) -> None:
        super().__init__()
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise unknown_name("render mode", render_mode, RENDER_MODES)
        self.batch = SpielBatch(game, 1, 0, "disabled", 0)
        self.metadata = {**type(self).metadata, "name": self.batch.spec.id}
        self.render_mode = render_mode
        self.possible_agents = list(self.batch.agents)
        self.agents: list[str] = []
        self._index = {agent: i for i, agent in enumerate(self.possible_agents)}
        choices = game.num_distinct_actions()
        mask = spaces.Box(0, 1, (choices,), np.int8)
        observation = spaces.Dict({"observation": self.batch.only_group.observation_space, "action_mask": mask})
        self.observation_spaces = dict.fromkeys(self.possible_agents, observation)
        self.action_spaces: dict[str, spaces.Space] = {
            agent: spaces.Discrete(choices) for agent in self.possible_agents
        }
        self._has_started = False
        self._chosen: list[str] = []

    def observation_space(self, agent: str) -> spaces.Space:
        """Returns the space of an agent's observations, the same object every time."""
        return self.observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> spaces.Space:
        """Returns the space of an agent's actions, the same object every time."""
        return self.action_spaces[self._known(agent)]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Starts a game.

        Args:
            seed: In [0, 2^64): starts its game 0. None: the next game of the seed in use, at first of a fresh one.
            options: Not read; a game is set up by its parameters.
        """
        if seed is None and not self._has_started:
            seed = secrets.randbits(63)
        self.batch.reset(seed)
        self._has_started = True
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self._chosen = []
        self._forget_waiting_actions()
        self._select()

    def observe(self, agent: str) -> dict[str, np.ndarray]:
        """Returns what an agent sees, as copies, and what it may do if it is its turn."""
        index = self._index[self._known(agent)]
        mask = self._masks()[index].astype(np.int8)
        moves = self.batch.infos["to_move"][0, index] and agent not in self._chosen
        return {"observation": self.batch.observations[0, index].copy(), "action_mask": mask if moves else 0 * mask}

    def step(self, action: Any) -> None:
        """Plays for the agent selected.

        Args:
            action: One of its legal actions; None once its game is over.

        Raises:
            ValueError: Not a legal action. The environment is as it was.
        """
        if not self._has_started:
            raise ValueError(f"{self.batch.spec.id} has no episode yet: call reset() first")
        agent = self.agent_selection
        if self.terminations.get(agent, False):
            self._was_dead_step(action)
            return
        self._choose(agent, action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        self._chosen.append(agent)
        waiting = [i for i in np.flatnonzero(self.batch.infos["to_move"][0]) if self.agents[i] not in self._chosen]
        if not waiting:
            self._chosen = []
            self.batch.step()
            self.rewards = dict(zip(self.agents, map(float, self.batch.rewards[0]), strict=True))
            is_over = bool(self.batch.ended[0])
            self.terminations = dict.fromkeys(self.agents, is_over)
            self._forget_waiting_actions()
        self._select()
        self._accumulate_rewards()

    def render(self) -> str | None:
        """Returns the game as OpenSpiel writes it, with render_mode "ansi"."""
        if self.render_mode is None:
            warn_no_render_mode(self.batch.spec.id)
            return None
        return str(self.batch.state(0))

    def close(self) -> None:
        """Does nothing: there is no window."""

    def _known(self, agent: str) -> str:
        if agent not in self._index:
            raise unknown_name(f"agent of {self.batch.spec.id}", agent, self.possible_agents)
        return agent

    def _masks(self) -> np.ndarray:
        masks = self.batch.action_masks
        assert masks is not None
        return masks[0]

    def _choose(self, agent: str, action: Any) -> None:
        """Writes an agent's action, if it is legal."""
        index, legal = self._index[agent], np.flatnonzero(self._masks()[self._index[agent]])
        value = np.asarray(action)
        if value.size != 1 or value.dtype.kind not in "iu" or int(value.reshape(())) not in legal:
            raise ValueError(f"action {action!r} of {agent} is illegal; legal are {legal.tolist()}")
        self.batch.actions[0, index] = int(value.reshape(()))

    def _forget_waiting_actions(self) -> None:
        """Puts a legal action where agents that wait had their last one."""
        self.batch.actions[0] = self._masks().argmax(axis=-1)

    def _select(self) -> None:
        """Selects the next agent that is to move and has not chosen; after the end, the first that has not left."""
        to_move = [i for i in np.flatnonzero(self.batch.infos["to_move"][0]) if self.agents[i] not in self._chosen]
        self.agent_selection = self.agents[int(to_move[0])] if to_move else self.agents[0]
