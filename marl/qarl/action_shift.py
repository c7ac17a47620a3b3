"""An attack that shifts a policy's actions to where the policy itself would least likely act, within a budget.

The myopic action-space attack (Tan et al. 2019, "Robustifying reinforcement learning agents via action space
adversarial training") as a curriculum of growing budgets (Sheng et al. 2022, CAT): none in the first fifth of the
training, the largest in the last. The protagonist learns from the actions it chose, not from what became of them.
"""

from __future__ import annotations

import numpy as np
import torch

from marl.qarl.soft_actor_critic import SoftActorCritics

RATE, STEPS, TOLERANCE = 3.0, 25, 1e-3  # of the descent, as in the release of Reddi et al. 2024
QUIET, FULL = 0.2, 0.8  # shares of the training before which there is no attack, after which the budget is whole
INSIDE = 1 - 1e-6  # |action| at which a squashed density is still looked at


class ActionShift:
    """The attack.

    Args:
        budget: Largest Euclidean length of a shift, in actions of [-1, 1].
        is_released: Whether the density is that of the Gaussian before tanh, though actions are those after it. This is
            what the release of Reddi et al. 2024 does; otherwise both are after it.
    """

    def __init__(self, budget: float, is_released: bool = False) -> None:
        self._budget, self._is_released = budget, is_released

    def share(self, progress: float) -> float:
        """Returns which share of the budget there is after a share of the training."""
        return float(np.clip((progress - QUIET) / (FULL - QUIET), 0, 1))

    def apply(self, learners: SoftActorCritics, seen: np.ndarray, actions: np.ndarray, share: float) -> np.ndarray:
        """Returns shifted actions [S, n, A] in [-1, 1].

        Args:
            learners: Whose policies are descended.
            seen: [S, n, D].
            actions: [S, n, A] that they chose.
            share: Of the budget.
        """
        budget = share * self._budget
        if budget == 0:
            return actions
        with torch.no_grad():
            mean, deviation = learners.distribution(torch.from_numpy(seen))
        start = torch.from_numpy(actions)
        shift = torch.zeros_like(start)
        for _ in range(STEPS):
            moved = _within(shift - RATE * self._slope(start + shift, mean, deviation), budget)
            moved = (start + moved).clamp(-1, 1) - start
            is_done = (moved - shift).abs().max() < TOLERANCE
            shift = moved
            if is_done:
                break
        return (start + shift).numpy()

    def _slope(self, actions: torch.Tensor, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """Returns the gradient of the log density by the action."""
        if self._is_released:
            return (mean - actions) / deviation**2
        inside = actions.clamp(-INSIDE, INSIDE)
        # log density of a = tanh(u): that of u, less log(1 - a^2)
        return ((mean - inside.atanh()) / deviation**2 + 2 * inside) / (1 - inside**2)


def _within(shift: torch.Tensor, budget: float) -> torch.Tensor:
    """Returns shifts [S, n, A] that are no longer than the budget."""
    length = shift.norm(dim=-1, keepdim=True)
    return shift * (budget / length.clamp(min=budget))
