"""Networks of many seeds as one: S multilayer perceptrons of one shape, whose matrices are multiplied in one batch.

Small networks spend much of their time between the multiplications, which many of them share here. Since Adam treats
every number by itself, they learn what each would learn alone.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class StackedMLP(nn.Module):
    """S perceptrons with ReLU between their layers.

    Args:
        sizes: Of the layers, input and output included.
        generators: One a network: where its first weights come from.
    """

    def __init__(self, sizes: Sequence[int], generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            bound = math.sqrt(6 / (fan_in + fan_out))  # Glorot and Bengio 2010
            drawn = [torch.rand(fan_in, fan_out, generator=own) for own in generators]
            self.weights.append(nn.Parameter((2 * torch.stack(drawn) - 1) * bound))
            self.biases.append(nn.Parameter(torch.zeros(len(generators), 1, fan_out)))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns [S, n, out] for [S, n, in]."""
        values, last = inputs, len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = torch.baddbmm(bias, values, weight)
            if layer < last:
                values = torch.relu_(values)
        return values

    def take(self, index: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Returns one network's weights [in, out] and biases [out], layer by layer."""
        return [
            (weight[index].detach().clone(), bias[index, 0].detach().clone())
            for weight, bias in zip(self.weights, self.biases, strict=True)
        ]

    def repeated(self, times: int) -> StackedMLP:
        """Returns a copy in which each network stands `times` times, one after the other; it does not learn."""
        other = copy.deepcopy(self).requires_grad_(False)
        for own in other.parameters():
            own.data = own.data.repeat_interleave(times, dim=0)
        return other
