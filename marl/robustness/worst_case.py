"""The body in which a policy is worth least: static worst-case search over physical parameters.

As IWOCS finds the body that hurts its policy most (Zouitine et al. 2024, arXiv 2410.06212): by a grid, or by CMA-ES
(Hansen 2016, the library `cma`) in 6 generations of 100 bodies. Searching for a minimum among noisy means finds one
that is too low, so the body that was found is played again from other starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cma
import numpy as np

from agents.protocol import Player
from marl.robustness.arena import Arena, Body
from marl.robustness.grid import Axis, evaluate_grid, make_bodies

FRESH_SEED = 7_919  # added to the arena's for the starts that judge what was found


@dataclass(frozen=True, eq=False)
class WorstCase:
    """What a search found, and what it cost.

    Attributes:
        method: "grid" or "cma_es".
        labels: [A] of the parameters that were searched.
        values: [A] where the lowest mean return was met.
        body: The same as the world takes it.
        found_return: That mean, by which the body was chosen: too low by the noise.
        returns: [K] in that body, from starts that the search did not see.
        bodies: How many were played.
        episodes: How many were, those of `returns` not counted.
        path: [G] lowest mean return after each generation; of a grid, one.
    """

    method: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    body: Body
    found_return: float
    returns: np.ndarray
    bodies: int
    episodes: int
    path: tuple[float, ...]

    @property
    def fresh_return(self) -> float:
        """Mean of `returns`: what the policy is worth in the worst body that was found."""
        return float(self.returns.mean())


def search_grid(arena: Arena, protagonist: Player, axes: Sequence[Axis], adversary: Player | None = None) -> WorstCase:
    """Plays every cell of a grid and takes the worst.

    Raises:
        UnknownNameError: The world has no such parameter.
        ValueError: No axis, or values that the world refuses.
    """
    found = evaluate_grid(arena, protagonist, axes, adversary)
    worst = found.worst_cell
    return _judge("grid", arena, protagonist, adversary, axes, found.worst_values, len(found.returns), (worst,))


def search_cma_es(
    arena: Arena,
    protagonist: Player,
    axes: Sequence[Axis],
    adversary: Player | None = None,
    *,
    generations: int = 6,
    population: int = 100,
    seed: int = 0,
) -> WorstCase:
    """Searches the box that the axes span, their lowest to their highest values.

    Args:
        arena: Where; its episodes are played in every body.
        protagonist: Whose worst body is looked for.
        axes: At least two.
        adversary: Who pushes meanwhile; None: nobody.
        generations: At least 1.
        population: Bodies of a generation, at least 2; a generation is one batch.
        seed: Of the search.

    Raises:
        UnknownNameError: The world has no such parameter.
        ValueError: Fewer than two axes, which CMA-ES needs; an axis with a single value; too small a budget.
    """
    lows, spans = _box(axes)
    if generations < 1 or population < 2:
        raise ValueError(f"at least 1 generation of 2 bodies, got {generations} of {population}")
    rng = np.random.default_rng(seed)
    search = cma.CMAEvolutionStrategy(
        [0.5] * len(axes),
        0.3,  # of the box's sides: the library asks for about a quarter of where the optimum may be
        {
            "bounds": [0, 1],
            "popsize": population,
            "randn": lambda *shape: rng.standard_normal(shape),
            "seed": np.nan,  # none beside this generator's
            "verbose": -9,
        },
    )
    best, place, path = np.inf, np.array(lows), []
    for _ in range(generations):
        points = search.ask()
        places = lows + spans * np.clip(points, 0, 1)
        bodies = [body for own in places for body in make_bodies(arena.config, _points(axes, own))]
        means = arena.play(protagonist, adversary, bodies).mean(axis=1)
        search.tell(points, means.tolist())
        if means.min() < best:
            best, place = float(means.min()), places[int(means.argmin())]
        path.append(best)
    values, played = tuple(place.tolist()), generations * population
    return _judge("cma_es", arena, protagonist, adversary, axes, values, played, tuple(path))


def _box(axes: Sequence[Axis]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest values [A] and how far the highest are from them."""
    if len(axes) < 2:
        raise ValueError(f"CMA-ES needs at least 2 axes, got {len(axes)}; one is searched by a grid")
    lows, highs = (np.array([end(axis.values) for axis in axes]) for end in (min, max))
    if not (lows < highs).all():
        raise ValueError(f"every axis must have two different values, got {[axis.values for axis in axes]}")
    return lows, highs - lows


def _points(axes: Sequence[Axis], values: Sequence[float] | np.ndarray) -> list[Axis]:
    """Returns axes of one value each."""
    return [Axis(axis.parameter, axis.parts, (float(value),)) for axis, value in zip(axes, values, strict=True)]


def _judge(
    method: str,
    arena: Arena,
    protagonist: Player,
    adversary: Player | None,
    axes: Sequence[Axis],
    values: tuple[float, ...],
    bodies: int,
    path: tuple[float, ...],
) -> WorstCase:
    """Plays the body that was found from fresh starts."""
    body: dict[str, Any] = make_bodies(arena.config, _points(axes, values))[0]
    fresh = arena.change(seed=arena.seed + FRESH_SEED).play(protagonist, adversary, [body])[0]
    labels = tuple(axis.label for axis in axes)
    return WorstCase(method, labels, values, body, path[-1], fresh, bodies, bodies * arena.episodes, path)
