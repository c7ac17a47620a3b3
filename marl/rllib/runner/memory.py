"""Memory: what recurrent modules remember between the steps of a batched runner."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import tree
from ray.rllib.core.columns import Columns as Cols

from marl.rllib.runner.recorder import Place, Seating

# RLlib's own default for `model_config["max_seq_len"]`.
DEFAULT_MAX_SEQ_LEN = 20


def max_seq_len(module: Any) -> int:
    """Returns how many steps of a trajectory the learner unrolls a recurrent module for."""
    return int(module.model_config.get("max_seq_len", DEFAULT_MAX_SEQ_LEN))


def initial_leaves(module: Any) -> list[torch.Tensor]:
    """Returns the leaves of the state in which a module starts an episode."""
    return [torch.as_tensor(leaf, dtype=torch.float32) for leaf in tree.flatten(module.get_initial_state())]


class _State:
    """The state of one recurrent module: leaves [B, ...], rows ordered by place, env and agent."""

    def __init__(self, module: Any, places: list[Place], num_envs: int) -> None:
        self.structure = module.get_initial_state()
        self.start = initial_leaves(module)
        self.agents = [agent for place in places for _ in range(num_envs) for agent in place.agents]
        self.envs = np.array([e for place in places for e in range(num_envs) for _ in place.agents], np.int64)
        self.leaves = [leaf.repeat(len(self.envs), *[1] * leaf.ndim) for leaf in self.start]

    def carry_over(self, previous: _State) -> None:
        """Takes the memory of the agents that the module played already."""
        rows = {key: row for row, key in enumerate(zip(previous.agents, previous.envs.tolist(), strict=True))}
        for row, key in enumerate(zip(self.agents, self.envs.tolist(), strict=True)):
            if key in rows:
                for leaf, old in zip(self.leaves, previous.leaves, strict=True):
                    leaf[row] = old[rows[key]]


class Memory:
    """The states of all recurrent modules of a runner."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}

    def seat(self, modules: Any, seating: Seating, num_envs: int) -> None:
        """Makes room for all recurrent modules; an agent that changes its module starts with an empty memory.

        Args:
            modules: The runner's MultiRLModule.
            seating: Who plays what from now on.
            num_envs: E.
        """
        states = {}
        for module_id, places in seating.items():
            if not modules[module_id].is_stateful():
                continue
            previous = self._states.get(module_id)
            state = _State(modules[module_id], places, num_envs)
            if previous is not None and previous.agents == state.agents:
                state = previous
            elif previous is not None:
                state.carry_over(previous)
            states[module_id] = state
        self._states = states

    def recalls(self, module_id: str) -> bool:
        """Returns whether a module is recurrent."""
        return module_id in self._states

    def leaves(self, module_id: str) -> list[np.ndarray]:
        """Returns the leaves [B, ...] of a module's state."""
        return [leaf.numpy() for leaf in self._states[module_id].leaves]

    def add_to(self, batch: dict[str, Any], module_id: str) -> dict[str, Any]:
        """Returns a batch of one time step, [B, 1, ...], with the module's state."""
        state = self._states[module_id]
        timed = tree.map_structure(lambda rows: rows.unsqueeze(1), batch)
        return {**timed, Cols.STATE_IN: tree.unflatten_as(state.structure, state.leaves)}

    def keep(self, output: dict[str, Any], module_id: str) -> dict[str, Any]:
        """Remembers the state that a module returned, and returns the rest of its output without the time axis."""
        output = dict(output)
        self._states[module_id].leaves = [leaf.clone() for leaf in tree.flatten(output.pop(Cols.STATE_OUT))]
        return {name: value.squeeze(1) for name, value in output.items() if isinstance(value, torch.Tensor)}

    def forget(self, envs: np.ndarray) -> None:
        """Empties the memory in envs [n] whose episodes are over."""
        for state in self._states.values():
            rows = np.flatnonzero(np.isin(state.envs, envs))
            for leaf, start in zip(state.leaves, state.start, strict=True):
                leaf[rows] = start

    def get_state(self) -> dict[str, list[np.ndarray]]:
        """Returns the leaves of every module."""
        return {module_id: self.leaves(module_id) for module_id in self._states}

    def set_state(self, state: dict[str, list[np.ndarray]]) -> None:
        """Restores what `get_state` returned; the same modules must be seated."""
        for module_id, leaves in state.items():
            self._states[module_id].leaves = [torch.from_numpy(leaf.copy()) for leaf in leaves]
