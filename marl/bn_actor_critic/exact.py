"""The joint policy of a trained team as a table, for exact values by `marl/bayesian_network`.

S states, N agents with K actions each, A = K^N joint actions, agent 0's the first digit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns

from marl.mappo.module import TeamModule
from marl.rllib.runner.actions import Categorical
from marl.rllib.runner.team import ALIVE


def joint_table(module: TeamModule, observations: np.ndarray, graphs: int = 0, seed: int = 0) -> np.ndarray:
    """Returns [S, A] float64, the probability of each joint action in each state.

    Args:
        module: With discrete actions.
        observations: [S, N, D] of the states.
        graphs: Draws of graphs to take the mean of, as the module plays in training; 0: the one without noise, as it
            plays in evaluation.
        seed: Of these draws.

    Raises:
        ValueError: Actions are not discrete.
    """
    if not isinstance(module.kind, Categorical):
        raise ValueError("a table of joint actions needs discrete ones")
    num_states, num_agents = observations.shape[:2]
    shape = (module.kind.num_inputs,) * num_agents
    actions = np.indices(shape).reshape(num_agents, -1).T
    rng = np.random.default_rng(seed)
    total = np.zeros((num_states, len(actions)))
    for _ in range(max(graphs, 1)):
        drawn = {name: array[0] * (graphs > 0) for name, array in module.draw_noise(rng, 1, num_states).items()}
        total += _table(module, observations, actions, drawn)
    return total / max(graphs, 1)


def _table(module: TeamModule, observations: np.ndarray, actions: np.ndarray, noise: dict[str, Any]) -> np.ndarray:
    num_states, size = len(observations), len(actions)
    batch = {
        Columns.OBS: torch.from_numpy(observations.astype(np.float32)).repeat_interleave(size, dim=0),
        Columns.ACTIONS: torch.from_numpy(actions).repeat(num_states, 1),
        ALIVE: torch.ones(num_states * size, actions.shape[1], dtype=torch.bool),
        **{name: torch.from_numpy(array).repeat_interleave(size, dim=0) for name, array in noise.items()},
    }
    with torch.no_grad():
        inputs = module.forward_train(batch)[Columns.ACTION_DIST_INPUTS]
    logp = module.kind.log_prob(inputs.flatten(0, 1), batch[Columns.ACTIONS].flatten())
    sums = logp.to(torch.float64).reshape(num_states, size, -1).sum(dim=2)
    return np.asarray(sums.exp().numpy())
