"""A population in an exact game: every policy is read once and every joint policy is worth something once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from marl.psro.exact import ExactGame
from marl.psro.payoff_table import Cell
from marl.psro.population import Population


class ExactPopulation:
    """What the policies of a growing population are worth, to rounding.

    Args:
        game: The world.
        population: Its policies, which never change once they are there.
        names: Of each agent of the world, whose policies it plays.
    """

    def __init__(self, game: ExactGame, population: Population, names: Sequence[str]) -> None:
        self.game, self._population, self._names = game, population, tuple(names)
        self._strategies: list[dict[int, np.ndarray]] = [{} for _ in names]
        self._reaches: list[dict[int, np.ndarray]] = [{} for _ in names]
        self._cells: dict[Cell, np.ndarray] = {}

    def strategy(self, player: int, number: int) -> np.ndarray:
        """Returns [S] the behaviour strategy of a policy of a player's."""
        known = self._strategies[player]
        if number not in known:
            known[number] = self.game.read(player, self._population, self._names[player], number)
        return known[number]

    def reach(self, player: int, number: int) -> np.ndarray:
        """Returns [S] the realisation plan of a policy of a player's."""
        known = self._reaches[player]
        if number not in known:
            known[number] = self.game.flat.players[player].reach(self.strategy(player, number))
        return known[number]

    def cell(self, cell: Cell) -> np.ndarray:
        """Returns [P] what the players get under a joint policy."""
        if cell not in self._cells:
            self._cells[cell] = self.game.payoffs([self.reach(*policy) for policy in enumerate(cell)])
        return self._cells[cell]

    def payoffs(self, numbers: Sequence[Sequence[int]]) -> np.ndarray:
        """Returns [P, K_1, ..., K_P] what the players get under every joint policy of some of each player."""
        cells = np.array([self.cell(cell) for cell in product(*numbers)])
        return np.moveaxis(cells.reshape(*(len(own) for own in numbers), len(numbers)), -1, 0)

    def nash_conv(self, profile: Sequence[np.ndarray]) -> float:
        """Returns what the players could gain in the whole world against mixtures [K_i], in sum, each alone."""
        return self.game.nash_conv([self._mixed(player, own) for player, own in enumerate(profile)])

    def joint_gain(self, joint: np.ndarray) -> float:
        """Returns the same for joint draws [K_1, ..., K_P], in sum, of each player that ignores its own.

        It is 0 for a coarse correlated equilibrium of the whole world, and the NashConv where draws are independent.
        """
        drawn = [(float(joint[tuple(cell)]), tuple(cell)) for cell in np.argwhere(joint > 0).tolist()]
        plans = [(p, [self.reach(*policy) for policy in enumerate(cell)]) for p, cell in drawn]
        values = np.sum([p * self.cell(cell) for p, cell in drawn], axis=0)
        best = np.array([self.game.respond(player, plans)[1] for player in range(joint.ndim)])
        return float((best - values).sum())

    def _mixed(self, player: int, probabilities: np.ndarray) -> np.ndarray:
        drawn = np.flatnonzero(probabilities).tolist()
        own = [self.strategy(player, number) for number in drawn]
        return self.game.mixed(player, own, np.asarray(probabilities)[drawn])
