"""Whom a response is learned against: a mixture over a population for each other agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from marl.psro.population import SCRIPTED, MakePlayer, Population


@dataclass(frozen=True)
class Mixture:
    """Whom one of the other agents plays as.

    Attributes:
        player: Whose policies.
        probabilities: Of each of them.
    """

    player: str
    probabilities: np.ndarray


@dataclass(frozen=True)
class Opponents:
    """Whom a response is learned against.

    Attributes:
        folder: Of the population.
        players: Of the population.
        mixtures: By agent, for all agents but the learner.
        scripted: What makes scripted players of the population.
    """

    folder: Path
    players: tuple[str, ...]
    mixtures: Mapping[str, Mixture]
    scripted: Mapping[str, MakePlayer] = field(default_factory=lambda: SCRIPTED)

    @property
    def joint(self) -> np.ndarray:
        """[K_1, ..., K_M] probability of each joint draw, in the order of `mixtures`."""
        draws = [mixture.probabilities for mixture in self.mixtures.values()]
        return np.prod(np.meshgrid(*draws, indexing="ij"), axis=0)

    def population(self) -> Population:
        """Opens the population."""
        return Population(self.folder, self.players, self.scripted)
