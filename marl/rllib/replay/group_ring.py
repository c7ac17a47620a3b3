"""GroupRing: the arrays of one group in a ring."""

from __future__ import annotations

import numpy as np

from marl.rllib.runner.fragment import GroupFragment

# What became of an agent after a step; OUT: it took none. `Transitions` has the meanings.
OUT, GOES_ON, TERMINAL, CUT = range(4)


class GroupRing:
    """The arrays of one group.

    Args:
        examples: Arrays [any, ...] of the same shapes and dtypes.
        num_slots: S.

    Attributes:
        observations: [S, E, P, D...] in the world's dtype.
        action_masks: [S, E, P, K] uint8, or None.
        actions: [S, E, P] or [S, E, P, A].
        rewards: [S, E, P] float32.
        fates: [S, E, P] uint8; OUT, GOES_ON, TERMINAL or CUT.
        seats: [S, P] int16; number of the module that played each agent, in all envs.
    """

    def __init__(self, examples: dict[str, np.ndarray], num_slots: int) -> None:
        self.arrays = {name: np.zeros((num_slots, *a.shape[1:]), a.dtype) for name, a in examples.items()}
        self.observations, self.action_masks = self.arrays["observations"], self.arrays.get("action_masks")
        self.actions, self.rewards = self.arrays["actions"], self.arrays["rewards"]
        self.fates, self.seats = self.arrays["fates"], self.arrays["seats"]


def like_fragment(group: GroupFragment) -> dict[str, np.ndarray]:
    """Returns arrays [any, ...] as a `GroupRing` for such fragments has them."""
    masks = {} if group.action_masks is None else {"action_masks": group.action_masks}
    return {
        "observations": group.observations,
        **masks,
        "actions": group.actions,
        "rewards": group.rewards,
        "fates": group.terminations.astype(np.uint8),
        "seats": np.zeros((1, len(group.agents)), np.int16),
    }
