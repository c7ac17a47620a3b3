"""Returns as the adversary's force grows, and the floors: pushes that nobody thought about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import games
from agents.protocol import Player
from agents.random_player import RandomPlayer
from agents.swingers import ConstantPusher
from marl.robustness.arena import ADVERSARY, Arena

SCALES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # of the force that was trained with


@dataclass(frozen=True, eq=False)
class ForceSweep:
    """Returns of one protagonist against one adversary of growing force.

    Attributes:
        scales: [S] of the arena's force.
        forces: [S] N, the adversary's largest.
        returns: [S, K] of K episodes from common starts.
    """

    scales: tuple[float, ...]
    forces: tuple[float, ...]
    returns: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """[S] mean returns."""
        means: np.ndarray = self.returns.mean(axis=1)
        return means


def sweep_force(arena: Arena, protagonist: Player, adversary: Player, scales: Sequence[float] = SCALES) -> ForceSweep:
    """Plays with multiples of the arena's force, which is taken to be the one that was trained with.

    Raises:
        ValueError: No scale, or a negative one.
    """
    if not len(scales) or not all(scale >= 0 for scale in scales):
        raise ValueError(f"scales must be at least one number of at least 0, got {list(scales)}")
    forces = tuple(_own_force(arena) * scale for scale in scales)
    returns = [arena.change(force=force).play(protagonist, adversary)[0] for force in forces]
    return ForceSweep(tuple(scales), forces, np.stack(returns))


def _own_force(arena: Arena) -> float:
    config: Any = arena.config
    return float(config.force)


@dataclass(frozen=True, eq=False)
class ForceFloors:
    """Returns of one protagonist under pushes that no learning went into.

    Attributes:
        names: "none", "random", and "constant +0", "constant -0", ... : along each direction of the adversary's action,
            forwards and backwards.
        returns: [F, K] of K episodes from common starts.
    """

    names: tuple[str, ...]
    returns: np.ndarray

    @property
    def worst(self) -> str:
        """Name of the push with the lowest mean return."""
        return self.names[int(self.returns.mean(axis=1).argmin())]


def play_floors(arena: Arena, protagonist: Player, seed: int = 0) -> ForceFloors:
    """Plays without pushes, with random ones and with constant ones of the arena's whole force.

    Args:
        arena: Where.
        protagonist: Who moves.
        seed: Of the random pushes.
    """
    pushers: dict[str, Player | None] = {"none": None, "random": RandomPlayer(seed)}
    parts = games.make_batch(arena.env_id, **arena.settings).groups[ADVERSARY].actions.shape[2]
    for part in range(parts):
        for sign, share in (("+", 1.0), ("-", -1.0)):
            direction = tuple(share if other == part else 0.0 for other in range(parts))
            pushers[f"constant {sign}{part}"] = ConstantPusher(direction)
    returns = [arena.play(protagonist, pusher)[0] for pusher in pushers.values()]
    return ForceFloors(tuple(pushers), np.stack(returns))
