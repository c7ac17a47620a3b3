"""One population for all agents, which is right only where their places are alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from marl.psro.payoff_table import Cell

SURE = 6.0  # standard errors; places that are alike differ by as many once in a billion times
FEWEST = 30  # episodes, for standard errors to mean something


class AsymmetryError(ValueError):
    """A policy that all agents play does better in one place than in another."""


def orders(cell: Cell) -> dict[Cell, tuple[int, ...]]:
    """Returns each different order of a cell's policies, with the agents in that order."""
    return {
        tuple(cell[agent] for agent in order): order for order in sorted(permutations(range(len(cell))), reverse=True)
    }


def symmetrized(payoffs: np.ndarray) -> np.ndarray:
    """Returns payoffs [n, K, ..., K] in which agents who play the same policy in a cell get the same: their mean.

    They differ by the noise of the cell's episodes alone, and a meta-strategy of a game that is not symmetric would not
    be either. Cells that are orders of each other are one already.
    """
    even = payoffs.copy()
    for cell in np.ndindex(*payoffs.shape[1:]):
        for policy in set(cell):
            alike = [agent for agent, own in enumerate(cell) if own == policy]
            even[(alike, *cell)] = payoffs[(alike, *cell)].mean()
    return even


def check_places(agents: Sequence[str], number: int, returns: np.ndarray) -> None:
    """Looks whether agents who all play one policy get the same.

    A policy is learned in one agent's place alone. Where it sees another place differently, as in absolute
    coordinates, it does not know what to do there, and the game that is then solved is not the one that is meant.

    Args:
        agents: Names of the places.
        number: Of the policy.
        returns: [m, N] of m episodes.

    Raises:
        AsymmetryError: They do not, for sure.
    """
    if len(returns) < FEWEST:
        return
    apart = returns - returns.mean(axis=1, keepdims=True)
    errors = apart.std(axis=0, ddof=1) / np.sqrt(len(returns))
    if (np.abs(apart.mean(axis=0)) > SURE * errors + 1e-9).any():
        means = ", ".join(f"{mean:.4g} as {agent}" for agent, mean in zip(agents, returns.mean(axis=0), strict=True))
        raise AsymmetryError(
            f"symmetric: agents who all play policy {number} get {means}, so their places are not alike: "
            "give each a population of its own (symmetric=false)"
        )
