"""Whom a response is learned against: mixtures over populations, or a joint distribution over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from agents.mixture import MixturePlayer
from marl.equilibrium.payoffs import joint_distribution
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
        joint: [K_1, ..., K_M] probability of each joint draw, in the order of `mixtures`, which are its marginals;
            None: they draw independently.
    """

    folder: Path
    players: tuple[str, ...]
    mixtures: Mapping[str, Mixture]
    scripted: Mapping[str, MakePlayer] = field(default_factory=lambda: SCRIPTED)
    joint: np.ndarray | None = None

    @property
    def distribution(self) -> np.ndarray:
        """[K_1, ..., K_M] probability of each joint draw, in the order of `mixtures`."""
        if self.joint is not None:
            return self.joint
        return joint_distribution(tuple(mixture.probabilities for mixture in self.mixtures.values()))

    def draws(self) -> Iterator[tuple[float, dict[str, int]]]:
        """Yields every joint draw that there may be: its probability, and the number of each agent's policy."""
        distribution = self.distribution
        for cell in np.argwhere(distribution > 0).tolist():
            yield float(distribution[tuple(cell)]), dict(zip(self.mixtures, cell, strict=True))

    def drawn_policies(self) -> dict[str, list[int]]:
        """Returns the numbers of the policies of each agent that may be drawn."""
        if self.joint is None:
            return {agent: np.flatnonzero(mixture.probabilities).tolist() for agent, mixture in self.mixtures.items()}
        axes = np.nonzero(self.joint)
        return {agent: np.unique(axis).tolist() for agent, axis in zip(self.mixtures, axes, strict=True)}

    def widened(self, share: float) -> Opponents:
        """Returns the same opponents with every joint draw as likely in a share of the episodes."""
        distribution = self.distribution
        joint = (1 - share) * distribution + share / distribution.size
        marginals = (
            joint.sum(axis=tuple(other for other in range(joint.ndim) if other != axis)) for axis in range(joint.ndim)
        )
        mixtures = {
            agent: Mixture(mixture.player, own)
            for (agent, mixture), own in zip(self.mixtures.items(), marginals, strict=True)
        }
        return replace(self, mixtures=mixtures, joint=joint if joint.ndim > 1 else None)

    def population(self) -> Population:
        """Opens the population."""
        return Population(self.folder, self.players, self.scripted)

    def make_player(self, agent: str, words: Sequence[int], *, keeps_log: bool = False) -> MixturePlayer:
        """Returns who plays an agent's part; of joint draws, all agents' players draw the same.

        Args:
            agent: One of the other agents.
            words: From which all seeds come; the same for all agents.
            keeps_log: Whether the player notes its draws: by number of the policy or, of joint draws, by the index in
                the flattened distribution.
        """
        population, mixture = self.population(), self.mixtures[agent]
        axis = list(self.mixtures).index(agent)
        chances = mixture.probabilities if self.joint is None else self.joint.ravel()
        drawn = np.flatnonzero(chances)  # nobody waits for policies that never come
        own = drawn if self.joint is None else np.unravel_index(drawn, self.joint.shape)[axis]
        numbers, plays = np.unique(own, return_inverse=True)
        draw_seed, *seeds = _seeds([*words, axis], len(numbers) + 1)
        if self.joint is not None:
            (draw_seed,) = _seeds([*words, len(self.mixtures)], 1)
        members = [
            population.make_player(mixture.player, int(number), seed)
            for number, seed in zip(numbers, seeds, strict=True)
        ]
        return MixturePlayer(
            members, chances[drawn] / chances[drawn].sum(), draw_seed, numbers=drawn, plays=plays, keeps_log=keeps_log
        )


def _seeds(words: Sequence[int], count: int) -> list[int]:
    return [int(word) for word in np.random.SeedSequence(list(words)).generate_state(count)]
