"""Episodes of single cells of the payoff table, in whichever process has time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import games
from marl.psro.match import DEFAULT_ENVS, Episodes, play_episodes
from marl.psro.payoff_table import Cell, PayoffTable
from marl.psro.population import MakePlayer, Population

LENGTH = "length"  # the number that every world has: steps of an episode


@dataclass(frozen=True)
class Arena:
    """Where the policies of a population meet.

    Attributes:
        env_id: The world.
        settings: Of the world, beyond the id's.
        seats: By agent, from whose population it is played.
        folder: Of the population.
        players: Of the population.
        scripted: What makes scripted players of the population.
        num_envs: At most, at a time.
    """

    env_id: str
    settings: Mapping[str, Any]
    seats: Mapping[str, str]
    folder: Path
    players: tuple[str, ...]
    scripted: Mapping[str, MakePlayer]
    num_envs: int = DEFAULT_ENVS

    def population(self) -> Population:
        """Opens the population."""
        return Population(self.folder, self.players, self.scripted)

    def numbers(self) -> tuple[str, ...]:
        """Returns the names of what a payoff table keeps beside returns: the world's statistics and the length."""
        batch = games.make_batch(self.env_id, 1, **self.settings)
        return (*batch.episode_statistics, LENGTH)

    def play(self, cell: Cell, episodes: int, seed: Sequence[int]) -> Episodes:
        """Plays episodes of one joint policy.

        Args:
            cell: Number of each agent's policy.
            episodes: How many.
            seed: Words from which the seeds of the envs and of all players come.
        """
        population = self.population()
        words = [int(word) for word in np.random.SeedSequence(list(seed)).generate_state(len(cell) + 1)]
        seated = zip(self.seats.items(), cell, words[1:], strict=True)
        players = {agent: population.make_player(name, number, word) for (agent, name), number, word in seated}
        return play_episodes(
            self.env_id, players, episodes, seed=words[0], settings=self.settings, num_envs=self.num_envs
        )


def add_episodes(table: PayoffTable, cell: Cell, played: Episodes) -> None:
    """Adds what became of a cell's episodes to a table whose numbers are `Arena.numbers`."""
    table.add(cell, played.returns, {**played.statistics, LENGTH: played.lengths})
