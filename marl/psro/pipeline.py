"""Pipeline PSRO (McAleer et al. 2020): several policies of a player learn at a time, and higher ones use lower ones.

A chain is a policy that learns for `levels` epochs, its snapshot after each of them a policy of the population. One
starts in every epoch; it learns against the meta-strategy of the finished policies and of the newest snapshots of all
chains that started before it, while those learn on. After its last epoch it is finished. Older snapshots stay on disk,
but are played by nobody and simulated no more. With one level this is PSRO.

    epoch   0    1    2    3           levels = 2
    chain 0 a0 > a1                    a1 is finished: the population of chain 2 and of all later ones has it
    chain 1      b0 > b1               b0 learns against a0, which learns on
    chain 2           c0 > c1          c0 learns against a1 and b0

McAleer et al. finish a policy when it gets no better; here every chain has the same budget, so that what a run does is
known beforehand, and a run that was stopped goes on with the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from marl.equilibrium.payoffs import joint_distribution
from marl.psro.meta_solvers import MetaStrategy
from marl.psro.records import EpochRecord


def learning_chains(epoch: int, levels: int) -> range:
    """Returns the chains that learn in an epoch, the lowest first; a chain is called by the epoch it starts in."""
    return range(max(0, epoch - levels + 1), epoch + 1)


def newest_snapshots(epochs: Sequence[EpochRecord], player: str, levels: int) -> dict[int, int]:
    """Returns the number of each chain's newest policy, by chain.

    Args:
        epochs: All that are complete.
        player: Whose.
        levels: Chains that learn at a time.
    """
    newest: dict[int, int] = {}
    for record in epochs:
        newest |= dict(zip(learning_chains(record.number, levels), record.responses[player], strict=True))
    return newest


def in_play(
    epochs: Sequence[EpochRecord], players: Sequence[str], levels: int, *, first: int = 1, below: int | None = None
) -> list[list[int]]:
    """Returns the numbers of the policies that are played: those that a run begins with, and each chain's newest.

    Args:
        epochs: All that are complete.
        players: Whose, one list each.
        levels: Chains that learn at a time.
        first: Policies that each player begins with.
        below: Only chains that started before this one.
    """
    chosen = []
    for player in players:
        newest = newest_snapshots(epochs, player, levels)
        chosen.append([*range(first), *(number for chain, number in newest.items() if below is None or chain < below)])
    return chosen


def restricted(payoffs: np.ndarray, numbers: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns the payoffs [n, ...] of some policies of each player."""
    return payoffs[np.ix_(range(len(payoffs)), *numbers)]


def widened(meta: MetaStrategy, numbers: Sequence[Sequence[int]], sizes: Sequence[int]) -> MetaStrategy:
    """Returns a meta-strategy over some policies as one over all, the others with probability 0."""
    profile = tuple(np.zeros(size) for size in sizes)
    for own, chosen, chances in zip(profile, numbers, meta.profile, strict=True):
        own[list(chosen)] = chances
    joint = joint_distribution(profile)
    if meta.is_correlated:
        joint = np.zeros(tuple(sizes))
        joint[np.ix_(*numbers)] = meta.joint
    return replace(meta, profile=profile, joint=joint)
