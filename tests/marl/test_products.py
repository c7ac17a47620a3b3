"""Layers with a precision of their own: near the exact ones, and the process keeps its own."""

import pytest
import torch
from torch import nn

from marl.rllib.modules.products import RoundedLinear, set_precision


def make_pair(precision):
    torch.manual_seed(0)
    exact = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 8))
    layers = nn.Sequential(RoundedLinear(64, 32), nn.Tanh(), RoundedLinear(32, 8))
    layers.load_state_dict(exact.state_dict())
    set_precision(layers, precision)
    return exact, layers


@pytest.mark.parametrize(("precision", "tolerance"), [("highest", 0.0), ("high", 0.05), ("medium", 0.05)])
def test_outputs_and_gradients_are_those_of_torchs_layer_but_for_rounding(precision, tolerance):
    """bfloat16 has 8 bits: factors are off by 2^-9 at most, sums of 64 products by a few parts in a hundred."""
    inputs = torch.randn(5, 7, 64)
    found = []
    for network in make_pair(precision):
        given = inputs.clone().requires_grad_()
        output = network(given)
        output.pow(2).sum().backward()
        found.append([output.detach(), given.grad, *(parameter.grad for parameter in network.parameters())])
    for ours, exact in zip(found[1], found[0], strict=True):
        assert (ours - exact).norm() <= tolerance * exact.norm()


def test_the_process_keeps_its_precision():
    _, network = make_pair("medium")
    assert torch.get_float32_matmul_precision() == "highest"
    network(torch.randn(3, 64, requires_grad=True)).sum().backward()
    assert torch.get_float32_matmul_precision() == "highest"


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match=r"matmul_precision must be one of .*, got 'low'"):
        set_precision(RoundedLinear(2, 2), "low")
