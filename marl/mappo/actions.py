"""What a team's loss and its graph need of actions beside their log-probability: entropy, and what a child sees.

B rows, N agents, L distribution inputs, F numbers that say what an action was.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from marl.rllib.runner.actions import ActionKind, Categorical, MultiCategorical


def entropy(kind: ActionKind, inputs: torch.Tensor) -> torch.Tensor:
    """Returns [...] for inputs [..., L]; of a normal distribution the differential one."""
    if isinstance(kind, Categorical | MultiCategorical):
        parts = inputs.split(_choices(kind), dim=-1)
        log_probs = [torch.log_softmax(part, dim=-1) for part in parts]
        return -torch.stack([(each.exp() * each).sum(dim=-1) for each in log_probs]).sum(dim=0)
    log_deviation = inputs.chunk(2, dim=-1)[1]
    return (log_deviation + 0.5 * math.log(2 * math.pi * math.e)).sum(dim=-1)


def num_features(kind: ActionKind) -> int:
    """Returns F: the choices of all parts, or the numbers of a continuous action."""
    return kind.num_inputs if isinstance(kind, Categorical | MultiCategorical) else kind.shape[0]


def features(kind: ActionKind, actions: torch.Tensor) -> torch.Tensor:
    """Returns [..., F] float32 for actions [..., A]: one-hots side by side, or the numbers themselves."""
    if isinstance(kind, Categorical):
        return nn.functional.one_hot(actions, kind.num_inputs).to(torch.float32)
    if isinstance(kind, MultiCategorical):
        parts = zip(actions.unbind(dim=-1), _choices(kind), strict=True)
        return torch.cat([nn.functional.one_hot(part, count) for part, count in parts], dim=-1).to(torch.float32)
    return actions.to(torch.float32)


def _choices(kind: Categorical | MultiCategorical) -> list[int]:
    return [kind.num_inputs] if isinstance(kind, Categorical) else kind.num_choices
