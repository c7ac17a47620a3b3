"""GoalNetworks: all that a team knows of its subgoals, as one network with one target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from marl.qmix.networks import AgentNetwork

MEMORY = 0.9  # of the running quantiles of errors, an update: an autoencoder that improves must not outrun them


class GoalNetworks(nn.Module):
    """High level, low level, autoencoder and successor features.

    D numbers in an observation, F in a subgoal's features, K actions, G subgoals, C numbers in a code.

    Args:
        num_inputs: Of the high level (`GoalModule.add_ids`).
        observation_size: D.
        num_features: F.
        num_subgoals: G.
        num_actions: K.
        hidden_sizes: Of the high level.
        low_hidden_sizes: Of the low level.
        code_size: C; 0: no autoencoder, and the observation is its own code.

    Attributes:
        novelty_limit: Error of the autoencoder beyond which an observation is novel; infinite: there is none yet.
        surprise_limit: Of the successor features, beyond which what they foretold is missed.
    """

    novelty_limit: torch.Tensor
    surprise_limit: torch.Tensor

    def __init__(
        self,
        num_inputs: int,
        observation_size: int,
        num_features: int,
        num_subgoals: int,
        num_actions: int,
        hidden_sizes: Sequence[int],
        low_hidden_sizes: Sequence[int],
        code_size: int,
    ) -> None:
        super().__init__()
        self.high = AgentNetwork(num_inputs, hidden_sizes, num_subgoals, is_recurrent=False)
        self.low = AgentNetwork(num_features, low_hidden_sizes, num_actions, is_recurrent=False)
        self.has_autoencoder = code_size > 0
        self.code_size = code_size or observation_size
        if self.has_autoencoder:
            self.encoder = nn.Sequential(nn.Linear(observation_size, 32), nn.ReLU(), nn.Linear(32, code_size))
            self.decoder = nn.Sequential(nn.Linear(code_size, 32), nn.ReLU(), nn.Linear(32, observation_size))
        seen = observation_size + num_features
        self.successor = nn.Sequential(nn.Linear(seen, 32), nn.ReLU(), nn.Linear(32, self.code_size))
        self.register_buffer("novelty_limit", torch.tensor(torch.inf))
        self.register_buffer("surprise_limit", torch.tensor(torch.inf))

    def forward(
        self, observations: torch.Tensor, memory: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Returns the high level's values [R, T, G] for [R, T, num_inputs], as `AgentNetwork` does."""
        values: tuple[torch.Tensor, torch.Tensor | None] = self.high(observations, memory)
        return values

    def act(self, features: torch.Tensor) -> torch.Tensor:
        """Returns the low level's values [..., K] for features [..., F]."""
        values: torch.Tensor = self.low(features)[0]
        return values

    def encode(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns codes [..., C] of observations [..., D], scaled."""
        codes: torch.Tensor = self.encoder(observations) if self.has_autoencoder else observations
        return codes

    def novelty(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [...] how badly the autoencoder knows observations [..., D] again: a mean square; 0 without one."""
        if not self.has_autoencoder:
            return torch.zeros(observations.shape[:-1])
        return (self.decoder(self.encode(observations)) - observations).square().mean(dim=-1)

    def foretell(self, observations: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Returns [..., C] the discounted sum of codes that follow, on the way to a subgoal."""
        sums: torch.Tensor = self.successor(torch.cat([observations, features], dim=-1))
        return sums

    @torch.no_grad()
    def note_errors(self, novelty: torch.Tensor, surprise: torch.Tensor, rates: tuple[float, float]) -> None:
        """Moves both limits towards what a share of a batch exceeds.

        Args:
            novelty: [R] errors of the autoencoder.
            surprise: [R] errors of the successor features.
            rates: These shares, of each; 0: its limit stays infinite.
        """
        for limit, errors, rate in zip(
            (self.novelty_limit, self.surprise_limit), (novelty, surprise), rates, strict=True
        ):
            if rate > 0:
                now = errors.quantile(1 - rate)
                limit.copy_(now if limit.isinf() else torch.lerp(now, limit, MEMORY))
