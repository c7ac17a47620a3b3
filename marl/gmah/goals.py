"""The arithmetic of subgoals: plain functions from arrays to arrays.

B episodes, T steps, P agents, G subgoals; [...] any leading shape. A cause says why a subgoal was chosen before a step.
"""

from __future__ import annotations

import torch

GOES_ON, FIRST, COMPLETED, VOID, EXPIRED, NOVEL, SURPRISING = range(7)
CAUSES = ("goes on", "first", "completed", "void", "expired", "novel", "surprising")
"""Why a subgoal was chosen: by its number in `causes`. "void": the preconditions of the one before were gone."""


def allowed_subgoals(admissible: torch.Tensor, subgoals: torch.Tensor, causes: torch.Tensor) -> torch.Tensor:
    """Returns [..., G] bool: any admissible subgoal where one is chosen, the same one where it goes on.

    A step in the middle of a subgoal is so a choice among one, and agents that complete theirs at different times stand
    in one joint action at every step: the argmax of a monotone mixer stays everybody's own.

    Args:
        admissible: [..., G] bool.
        subgoals: [...], those in force.
        causes: [...].
    """
    same = torch.nn.functional.one_hot(subgoals.long(), admissible.shape[-1]).bool()
    return torch.where((causes == GOES_ON).unsqueeze(-1), same, admissible)


def next_achievements(achievements: torch.Tensor) -> torch.Tensor:
    """Returns [T, P] the subgoal that an agent completes next, in the same step or later; -1: none any more.

    Args:
        achievements: [T, P, G] bool of an episode; of several at once the first counts.
    """
    steps = len(achievements)
    times = torch.where(achievements.any(dim=-1), torch.arange(steps).unsqueeze(-1), steps)
    upcoming = times.flip(0).cummin(dim=0).values.flip(0)
    which = achievements.to(torch.int8).argmax(dim=-1).gather(0, upcoming.clamp(max=steps - 1))
    return torch.where(upcoming < steps, which, -1)


def intrinsic_rewards(
    is_achieved: torch.Tensor, is_void: torch.Tensor, progress: torch.Tensor, rewards: tuple[float, float, float]
) -> torch.Tensor:
    """Returns [...]: for completion, for each step of progress where the subgoal goes on, less the cost of a step.

    Args:
        is_achieved: [...] bool.
        is_void: [...] bool.
        progress: [...] steps by which the target came nearer.
        rewards: Of completion, of a step of progress, and the cost of a step.
    """
    completion, step, cost = rewards
    return completion * is_achieved + step * progress * ~(is_achieved | is_void) - cost


def choose_uniformly(admissible: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Returns [...] an admissible subgoal, all as likely, for noise [...] in [0, 1); any, where none is admissible."""
    allowed = admissible | ~admissible.any(dim=-1, keepdim=True)
    counts = allowed.sum(dim=-1)
    rank = (noise * counts).long().clamp(max=admissible.shape[-1] - 1).minimum(counts - 1)
    return (allowed.cumsum(dim=-1) > rank.unsqueeze(-1)).to(torch.int8).argmax(dim=-1)
