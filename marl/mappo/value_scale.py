"""Running mean and deviation of value targets, in units of which a critic learns.

Yu et al. 2022 ("The surprising effectiveness of PPO in cooperative multi-agent games"), section 5.1. PopArt (van
Hasselt et al. 2016, "Learning values across many orders of magnitude") besides changes the last layer with the scale,
so that what the critic says stays the same.
"""

from __future__ import annotations

import torch
from torch import nn

from marl.mappo.layers import AgentLinear

DECAY = 0.8  # of what earlier train batches weigh, with every further one; chosen: see README.md, "Scales"
LEAST_DEVIATION = 0.1  # as the reference has it (of a variance of 0.01): a game that pays nothing must not blow up


class ValueScale(nn.Module):
    """Mean and standard deviation of targets, exponentially weighted over train batches; 0 and 1 at first."""

    def __init__(self) -> None:
        super().__init__()
        # Sum of weights, weighted mean, weighted variance. In float32, which is what RLlib's checkpoints hold.
        self.register_buffer("moments", torch.zeros(3))
        self.moments: torch.Tensor

    def numbers(self) -> tuple[float, float]:
        """Returns mean and standard deviation."""
        weight, mean, variance = self.moments.tolist()
        return (0.0, 1.0) if weight == 0 else (mean, max(variance, LEAST_DEVIATION**2) ** 0.5)

    def learn(self, mean: float, mean_square: float) -> None:
        """Takes a batch's mean target and mean squared target."""
        weight, old, variance = self.moments.tolist()
        weight = DECAY * weight + 1 - DECAY
        share = (1 - DECAY) / weight  # of the batch
        variance = (1 - share) * (variance + share * (mean - old) ** 2) + share * (mean_square - mean**2)
        self.moments.copy_(torch.tensor([weight, old + share * (mean - old), variance]))


def keep_values(head: AgentLinear, before: tuple[float, float], after: tuple[float, float]) -> None:
    """Changes a last layer so that it says the same values in a new scale as in the one before (PopArt)."""
    assert head.bias is not None
    with torch.no_grad():
        head.weight.mul_(before[1] / after[1])
        head.bias.mul_(before[1] / after[1]).add_((before[0] - after[0]) / after[1])
