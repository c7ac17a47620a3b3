"""Networks: what an agent's actions are worth to it, and what all agents' choices are worth together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from marl.qmix.values import monotonic_mix


class AgentNetwork(nn.Module):
    """Hidden layers with ReLU, then a GRU if it is to remember, then a value for each action.

    Args:
        num_inputs: D, observation and whatever stands behind it.
        hidden_sizes: Of the layers; H is the last.
        num_actions: K.
        is_recurrent: Whether there is a GRU of H units.
    """

    def __init__(self, num_inputs: int, hidden_sizes: Sequence[int], num_actions: int, is_recurrent: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([num_inputs, *hidden_sizes]):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.torso = nn.Sequential(*layers)
        self.memory_size = hidden_sizes[-1] if is_recurrent else 0
        self.gru = nn.GRU(hidden_sizes[-1], hidden_sizes[-1], batch_first=True) if is_recurrent else None
        self.head = nn.Linear(hidden_sizes[-1], num_actions)

    def forward(
        self, observations: torch.Tensor, memory: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Returns values [R, T, K], and the memory [R, H] after the last step where there is one.

        Args:
            observations: [R, T, D] of R agents.
            memory: [R, H] before the first step; None: empty.
        """
        features = self.torso(observations)
        if self.gru is None:
            return self.head(features), None
        features, after = self.gru(features, None if memory is None else memory.unsqueeze(0).contiguous())
        return self.head(features), after.squeeze(0)


class SumMixer(nn.Module):
    """VDN: the sum (Sunehag et al. 2018). It has no weights and looks at no state."""

    def forward(self, local_q: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """Returns q_tot [B] for local_q [B, P]; the state [B, S] does not matter."""
        return local_q.sum(dim=-1)


class MonotonicMixer(nn.Module):
    """QMIX: a network in the agents' values whose weights are made from the state (Rashid et al. 2018, section 4).

    Args:
        num_agents: P.
        state_size: S.
        mixing_size: M, its hidden units.
        hypernet_size: Hidden units of what makes its weights; 0: that is linear.
    """

    def __init__(self, num_agents: int, state_size: int, mixing_size: int, hypernet_size: int) -> None:
        super().__init__()
        self.num_agents, self.mixing_size = num_agents, mixing_size
        self.make_w1 = _hypernet(state_size, hypernet_size, num_agents * mixing_size)
        self.make_b1 = nn.Linear(state_size, mixing_size)
        self.make_w2 = _hypernet(state_size, hypernet_size, mixing_size)
        self.make_b2 = nn.Sequential(nn.Linear(state_size, mixing_size), nn.ReLU(), nn.Linear(mixing_size, 1))

    def forward(self, local_q: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """Returns q_tot [B] for local_q [B, P] in states [B, S]."""
        w1 = self.make_w1(state).view(-1, self.num_agents, self.mixing_size)
        return monotonic_mix(local_q, w1, self.make_b1(state), self.make_w2(state), self.make_b2(state).squeeze(-1))


def _hypernet(state_size: int, hidden_size: int, num_outputs: int) -> nn.Module:
    if hidden_size == 0:
        return nn.Linear(state_size, num_outputs)
    return nn.Sequential(nn.Linear(state_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, num_outputs))
