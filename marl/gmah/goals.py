"""The arithmetic of subgoals: plain functions from arrays to arrays.

B episodes, T steps, P agents, G subgoals; [...] any leading shape. A cause says why a subgoal was chosen before a step.
"""

from __future__ import annotations

import numpy as np
import torch

GOES_ON, FIRST, COMPLETED, VOID, EXPIRED, NOVEL, SURPRISING = range(7)
CAUSES = ("goes on", "first", "completed", "void", "expired", "novel", "surprising")
"""Why a subgoal was chosen: by its number in `causes`. "void": the preconditions of the one before were gone."""


def allowed_subgoals(choices: torch.Tensor, subgoals: torch.Tensor, causes: torch.Tensor) -> torch.Tensor:
    """Returns [..., G] bool: any of the choices where a subgoal is chosen, the same one where it goes on.

    A step in the middle of a subgoal is so a choice among one, and agents that complete theirs at different times stand
    in one joint action at every step: the argmax of a monotone mixer stays everybody's own.

    Args:
        choices: [..., G] bool (`TaskTree.choices`).
        subgoals: [...], those in force.
        causes: [...].
    """
    same = torch.nn.functional.one_hot(subgoals.long(), choices.shape[-1]).bool()
    return torch.where((causes == GOES_ON).unsqueeze(-1), same, choices)


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


def choose_uniformly(choices: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Returns [...] one of choices [..., G], of which there are some, all as likely, for noise [...] in [0, 1)."""
    counts = choices.sum(dim=-1)
    rank = (noise * counts).long().minimum(counts - 1)
    return (choices.cumsum(dim=-1) > rank.unsqueeze(-1)).to(torch.int8).argmax(dim=-1)


def count_subgoals(causes: np.ndarray, is_idle: np.ndarray) -> np.ndarray:
    """Returns [8] how subgoals of an episode went: by cause how many ended so, and behind them the steps in subgoals.

    What an agent does when it can do nothing is no subgoal, nor is a subgoal counted as ended by the episode.

    Args:
        causes: [T, P], why a subgoal was chosen: its cause is how the one before ended.
        is_idle: [T, P] bool, whether nothing was admissible.
    """
    ended = causes[1:][~is_idle[:-1] & (causes[1:] != GOES_ON)]
    return np.append(np.bincount(ended, minlength=len(CAUSES)), (~is_idle).sum())
