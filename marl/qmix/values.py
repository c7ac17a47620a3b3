"""The arithmetic of value factorization: plain functions from arrays to arrays.

Rashid et al. 2018 (QMIX), Sunehag et al. 2018 (VDN), van Hasselt et al. 2016 (double Q).

    symbol            variable            shape
    Q_a(tau_a, u_a)   local_q             [..., P], one number an agent
    Q_tot             q_tot               [...]
    f_s               monotonic_mix       weights from the state s
    y^tot             td_targets          [...]                      (QMIX eq. 6: r + gamma max_u' Q_tot(tau', u', s'))

An agent that is out is worth exactly 0, whatever its network says: it adds nothing to a sum, and a monotone mixer gives
it no weight, because it multiplies what it mixes.
"""

from __future__ import annotations

import torch
from torch.nn import functional

FORBIDDEN_VALUE = -1e9
"""Stands for the value of a forbidden action: no argmax takes it, and arithmetic stays finite."""


def forbid(values: torch.Tensor, masks: torch.Tensor | None) -> torch.Tensor:
    """Returns values [..., K] in which forbidden actions are worth FORBIDDEN_VALUE.

    Args:
        values: [..., K].
        masks: [..., K], 1 = legal; None: everything is. A row without a 1 belongs to nobody, and stays as it is.
    """
    if masks is None:
        return values
    legal = masks > 0
    return values.masked_fill(~legal & legal.any(dim=-1, keepdim=True), FORBIDDEN_VALUE)


def values_of(values: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """Returns [...] the values [..., K] of actions [...]."""
    return values.gather(-1, actions.unsqueeze(-1).long()).squeeze(-1)


def next_values(
    target_values: torch.Tensor, online_values: torch.Tensor | None, masks: torch.Tensor | None
) -> torch.Tensor:
    """Returns [...] what the best legal next action of every agent is worth.

    Args:
        target_values: [..., K] of the target network, which judges.
        online_values: [..., K] of the online network, which chooses (double Q); None: the target network does.
        masks: [..., K] of the next step, or None.
    """
    chooser = target_values if online_values is None else online_values
    return values_of(target_values, forbid(chooser, masks).argmax(dim=-1))


def monotonic_mix(
    local_q: torch.Tensor, w1: torch.Tensor, b1: torch.Tensor, w2: torch.Tensor, b2: torch.Tensor
) -> torch.Tensor:
    """Returns q_tot [B] = |w2| elu(|w1| local_q + b1) + b2, never falling in any agent's value (QMIX section 4).

    Args:
        local_q: [B, P].
        w1: [B, P, M] of any sign.
        b1: [B, M].
        w2: [B, M] of any sign.
        b2: [B].
    """
    hidden = functional.elu(torch.bmm(local_q.unsqueeze(1), w1.abs()).squeeze(1) + b1)
    return (hidden * w2.abs()).sum(dim=-1) + b2


def td_targets(rewards: torch.Tensor, q_tp1: torch.Tensor, is_terminal: torch.Tensor, discount: float) -> torch.Tensor:
    """Returns r_t + discount * q_tp1, without the second part where nothing follows. All [...].

    A time limit is no end: `is_terminal` is False there, and q_tp1 is that of the last observation.
    """
    return rewards + discount * torch.where(is_terminal, torch.zeros_like(q_tp1), q_tp1)


def masked_loss(errors: torch.Tensor, mask: torch.Tensor, kind: str) -> torch.Tensor:
    """Returns the mean over the steps that are there.

    Args:
        errors: [...] predicted less target.
        mask: [...] bool.
        kind: "squared": e^2; "huber": e^2 / 2 up to |e| = 1, |e| - 1/2 beyond.
    """
    each = (
        errors.square()
        if kind == "squared"
        else functional.huber_loss(errors, torch.zeros_like(errors), reduction="none")
    )
    return (each * mask).sum() / mask.sum().clamp(min=1)


def standardize(rewards: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Returns rewards [...] less their mean, over their deviation, both over the steps that are there."""
    count = mask.sum().clamp(min=1)
    mean = (rewards * mask).sum() / count
    deviation = (((rewards - mean) * mask).square().sum() / count).sqrt()
    return (rewards - mean) / (deviation + 1e-5)


def explore(values: torch.Tensor, masks: torch.Tensor | None, epsilon: float) -> torch.Tensor:
    """Returns logits [..., K] of: the best legal action, or with chance epsilon any legal one, all as likely.

    Args:
        values: [..., K].
        masks: [..., K] or None. Without a legal action, all are.
        epsilon: In [0, 1].
    """
    legal = torch.ones_like(values) if masks is None else (masks > 0).to(values.dtype)
    legal = torch.where(legal.any(dim=-1, keepdim=True), legal, torch.ones_like(legal))
    best = functional.one_hot(forbid(values, legal).argmax(dim=-1), values.shape[-1])
    chances = epsilon * legal / legal.sum(dim=-1, keepdim=True) + (1 - epsilon) * best
    return torch.where(chances > 0, chances.clamp(min=1e-30).log(), torch.full_like(chances, FORBIDDEN_VALUE))
