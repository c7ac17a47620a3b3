"""Networks for all agents of a team at once, which share all weights, all but the last layer's, or none.

B rows of a batch, N agents, D numbers in an observation, H in a hidden layer, L distribution inputs. Every pass takes
either all agents of B rows, [B, N, ...], or R pairs of a row and an agent, [R, ...], with the agents [R] beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from games.names import unknown_name

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}
SHARING = ("full", "heads", "none")


class AgentLinear(nn.Module):
    """A linear layer that all agents share, or one for each of them; orthogonal weights, biases of 0.

    Args:
        inputs: Numbers that go in.
        outputs: Numbers that come out.
        num_copies: N; 1: all share it.
        gain: Of the weights.
        has_bias: Whether something is added.
    """

    def __init__(self, inputs: int, outputs: int, num_copies: int, gain: float, has_bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_copies, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(num_copies, outputs)) if has_bias else None
        for own in self.weight.data:
            nn.init.orthogonal_(own, gain)

    def forward(self, inputs: torch.Tensor, agents: torch.Tensor | None = None) -> torch.Tensor:
        """Returns [B, N, outputs] for [B, N, inputs], or [R, outputs] for [R, inputs] and agents [R]."""
        if len(self.weight) == 1:
            return nn.functional.linear(inputs, self.weight[0], None if self.bias is None else self.bias[0])
        if agents is None:
            sums = torch.einsum("bni,noi->bno", inputs, self.weight)
            return sums if self.bias is None else sums + self.bias
        # All copies for all rows, and one of each taken: a copy of the weights for each row would be far larger.
        sums = torch.einsum("ri,noi->rno", inputs, self.weight)[torch.arange(len(inputs)), agents]
        return sums if self.bias is None else sums + self.bias[agents]


class AgentNetwork(nn.Module):
    """A multi-layer perceptron for N agents, in two halves: sums of the first layer, and what follows them.

    Between the halves a policy may add what an agent sees of others.

    Args:
        sizes: Numbers in an observation, widths of the hidden layers (one at least), numbers that come out.
        num_agents: N.
        sharing: Which weights all agents share: "full", "heads" (all but the last layer's), or "none".
        has_ids: Whether the first layer knows who an agent is, as a one-hot of it beside the observation would say.
        activation: "relu", "tanh" or "silu".
        head_gain: Of the last layer's weights.
        normalizes_input: Layer normalisation of the observation, as the release of BN-MAPPO has it. It makes a constant
            of a single number.
        normalizes_layers: Layer normalisation after every hidden layer.

    Raises:
        UnknownNameError: No such sharing or activation.
        ValueError: No hidden layer.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        num_agents: int,
        *,
        sharing: str = "full",
        has_ids: bool = True,
        activation: str = "relu",
        head_gain: float = 0.01,
        normalizes_input: bool = False,
        normalizes_layers: bool = False,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise unknown_name("activation", activation, tuple(ACTIVATIONS))
        if sharing not in SHARING:
            raise unknown_name("sharing", sharing, SHARING)
        if len(sizes) < 3:
            raise ValueError(f"a team's network needs a hidden layer at least, got hidden_sizes={list(sizes[1:-1])}")
        copies = num_agents if sharing == "none" else 1
        self.normalization = nn.LayerNorm(sizes[0]) if normalizes_input else None
        widths = list(pairwise(sizes[:-1]))
        self.hidden = nn.ModuleList(AgentLinear(*each, copies, gain=2**0.5) for each in widths)
        self.ids = nn.Parameter(torch.empty(num_agents, sizes[1])) if has_ids and sharing != "none" else None
        if self.ids is not None:
            nn.init.orthogonal_(self.ids, 2**0.5)
        self.norms = nn.ModuleList(nn.LayerNorm(out) if normalizes_layers else nn.Identity() for _, out in widths)
        self.head = AgentLinear(sizes[-2], sizes[-1], 1 if sharing == "full" else num_agents, gain=head_gain)
        self.activation = ACTIVATIONS[activation]()

    def begin(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [B, N, H] the sums of the first layer, for observations [B, N, D]."""
        if self.normalization is not None:
            observations = self.normalization(observations)
        sums: torch.Tensor = self.hidden[0](observations)
        return sums if self.ids is None else sums + self.ids

    def finish(self, sums: torch.Tensor, agents: torch.Tensor | None = None) -> torch.Tensor:
        """Returns what comes out, [B, N, L] for sums [B, N, H], or [R, L] for [R, H] and agents [R]."""
        first, *norms = self.norms
        _, *layers = self.hidden  # a slice would be a new module, in every call
        features = first(self.activation(sums))
        for layer, norm in zip(layers, norms, strict=True):
            features = norm(self.activation(layer(features, agents)))
        out: torch.Tensor = self.head(features, agents)
        return out

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [B, N, L] for observations [B, N, D]."""
        return self.finish(self.begin(observations))
