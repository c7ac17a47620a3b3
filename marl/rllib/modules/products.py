"""Layers whose products may be rounded, without a word to the rest of the process.

PyTorch has one precision of float32 products for a whole process. Here it is set around the products of a layer,
forward and backward, and set back after them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional

PRECISIONS = ("highest", "high", "medium")


@contextmanager
def matmul_precision(name: str) -> Iterator[None]:
    """Sets the precision of float32 products for a while (`torch.set_float32_matmul_precision`)."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


class _Product(torch.autograd.Function):
    """x W' + b at a precision."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, name: str) -> torch.Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.name = name
        with matmul_precision(name):
            return functional.linear(inputs, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor, None]:
        inputs, weight = ctx.saved_tensors
        rows, features = grads[0].reshape(-1, weight.shape[0]), inputs.reshape(-1, weight.shape[1])
        with matmul_precision(ctx.name):
            of_inputs = (rows @ weight).reshape(inputs.shape) if ctx.needs_input_grad[0] else None
            return of_inputs, rows.T @ features, rows.sum(dim=0), None


class RoundedLinear(nn.Linear):
    """A linear layer with a precision of its own; "highest" is torch's layer as it is."""

    precision = "highest"

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Returns x W' + b."""
        if self.precision == "highest":
            return super().forward(input)
        product: torch.Tensor = _Product.apply(input, self.weight, self.bias, self.precision)
        return product


def set_precision(module: nn.Module, name: str) -> None:
    """Gives all layers of a module a precision.

    Raises:
        ValueError: No such precision.
    """
    if name not in PRECISIONS:
        raise ValueError(f"matmul_precision must be one of {list(PRECISIONS)}, got {name!r}")
    for layer in module.modules():
        if isinstance(layer, RoundedLinear):
            layer.precision = name
