"""Everybody against everybody: all protagonists with all adversaries, so that none is judged by its own alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.protocol import Player
from marl.robustness.arena import Arena


@dataclass(frozen=True, eq=False)
class CrossPlay:
    """Returns of every pair.

    Attributes:
        protagonists: [P] names.
        adversaries: [Q] names.
        returns: [P, Q, K] of K episodes from common starts.
    """

    protagonists: tuple[str, ...]
    adversaries: tuple[str, ...]
    returns: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """[P, Q] mean returns."""
        means: np.ndarray = self.returns.mean(axis=2)
        return means

    @property
    def worst(self) -> np.ndarray:
        """[P] mean return of each protagonist against the adversary that hurts it most."""
        worst: np.ndarray = self.means.min(axis=1)
        return worst

    @property
    def nemeses(self) -> tuple[str, ...]:
        """[P] names of those adversaries."""
        return tuple(self.adversaries[index] for index in self.means.argmin(axis=1))


def cross_play(arena: Arena, protagonists: Mapping[str, Player], adversaries: Mapping[str, Player | None]) -> CrossPlay:
    """Plays all pairs.

    Args:
        arena: Where.
        protagonists: By name.
        adversaries: By name; None pushes nothing.

    Raises:
        ValueError: Nobody on one side.
    """
    if not protagonists or not adversaries:
        raise ValueError(f"at least 1 protagonist and 1 adversary, got {len(protagonists)} and {len(adversaries)}")
    returns = [[arena.play(own, other)[0] for other in adversaries.values()] for own in protagonists.values()]
    return CrossPlay(tuple(protagonists), tuple(adversaries), np.array(returns))
