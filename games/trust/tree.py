"""The hunt as a game tree: what chance may do at the start and in a step, worked out apart from the C."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from games.config import ChanceOutcome, TreeRules

if TYPE_CHECKING:
    from games.trust import TrustConfig

Cell = tuple[int, int]  # x, y
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))


def tree_rules(config: TrustConfig) -> TreeRules:
    """Returns the tree of a hunt. It is finite, but small only on small grids and for a few steps."""

    def list_chance(before: Any, actions: Any, after: Any) -> list[ChanceOutcome]:
        outcomes = list(_starts(config, after) if before is None else _steps(config, before, after))
        return outcomes if len(outcomes) > 1 else []

    cells = config.width * config.height
    return TreeRules(list_chance, max(math.comb(cells - 3, config.num_plants), 4 * cells**2))


def _cells(places: np.ndarray) -> list[Cell]:
    return [(int(x), int(y)) for x, y in np.reshape(places, (-1, 2))]


def _free_cells(config: TrustConfig, taken: list[Cell]) -> list[Cell]:
    return [cell for cell in product(range(config.width), range(config.height)) if cell not in taken]


def _starts(config: TrustConfig, start: Any) -> Iterator[ChanceOutcome]:
    """Plants are alike: one of their orders stands for all."""
    free = _free_cells(config, _cells(start["agents"]) + _cells(start["stag"]))
    places = list(combinations(free, config.num_plants))
    for plants in places:
        yield ChanceOutcome(1 / len(places), {"plants": np.array(plants, np.uint8).reshape(-1, 2)})


def _stag_moves(config: TrustConfig, agents: list[Cell], stag: Cell) -> dict[Cell, float]:
    """Returns where the stag may step, with probabilities."""
    inside = [(stag[0] + dx, stag[1] + dy) for dx, dy in STEPS]
    inside = [(x, y) for x, y in inside if 0 <= x < config.width and 0 <= y < config.height]
    moves = dict.fromkeys(inside, (1 - config.follow_probability) / len(inside))
    nearest = min(math.dist(agent, stag) for agent in agents)
    followed = [agent for agent in agents if math.dist(agent, stag) == nearest]
    for agent in followed:
        closer = [cell for cell in inside if sum(map(_gap, cell, agent)) < sum(map(_gap, stag, agent))] or inside
        for cell in closer:
            moves[cell] += config.follow_probability / len(followed) / len(closer)
    return {cell: share for cell, share in moves.items() if share > 0}


def _gap(a: int, b: int) -> int:
    return abs(a - b)


def _steps(config: TrustConfig, before: Any, after: Any) -> Iterator[ChanceOutcome]:
    agents, plants = _cells(after["agents"]), _cells(before["plants"])
    for stag, share in _stag_moves(config, _cells(before["agents"]), _cells(before["stag"])[0]).items():
        on_stag = [agent == stag for agent in agents]
        is_caught, is_mauled = all(on_stag), any(on_stag) and not all(on_stag)
        eats = [agent in plants and not on for agent, on in zip(agents, on_stag, strict=True)]
        alone = [
            config.mauling_reward if on else config.plant_reward * eat for on, eat in zip(on_stag, eats, strict=True)
        ]
        rewards = [config.stag_reward] * 2 if is_caught else alone
        ends = (is_caught and config.ends_at_catch) or (is_mauled and config.ends_at_mauling)
        counted = {
            "catches": int(before["catches"]) + is_caught,
            "maulings": before["maulings"] + np.array([on and is_mauled for on in on_stag], np.int32),
            "plants_eaten": before["plants_eaten"] + np.array(eats, np.int32),
        }
        flees = is_caught or (is_mauled and config.runs_after_mauling)
        eaten = list(dict.fromkeys(plants.index(agent) for agent, eat in zip(agents, eats, strict=True) if eat))
        for place, weight in _new_places(config, agents, stag, plants, flees, eaten):
            fields = {"stag": np.array(place[0], np.uint8), "plants": np.array(place[1], np.uint8).reshape(-1, 2)}
            is_over = bool(ends or after["timestep"] >= config.horizon)
            yield ChanceOutcome(
                share * weight, {**fields, **counted}, tuple(np.array(rewards, np.float32).tolist()), is_over
            )


def _new_places(
    config: TrustConfig, agents: list[Cell], stag: Cell, plants: list[Cell], flees: bool, eaten: list[int]
) -> Iterator[tuple[tuple[Cell, list[Cell]], float]]:
    """Yields where the stag and the plants are after what is gone has appeared elsewhere, one after the other."""
    if flees:
        free = _free_cells(config, [*agents, stag, *plants])
        for cell in free:
            for place, weight in _new_places(config, agents, cell, plants, False, eaten):
                yield place, weight / len(free)
    elif eaten:
        free = _free_cells(config, [*agents, stag, *plants])
        for cell in free:
            grown = [cell if index == eaten[0] else plant for index, plant in enumerate(plants)]
            for place, weight in _new_places(config, agents, stag, grown, False, eaten[1:]):
                yield place, weight / len(free)
    else:
        yield (stag, plants), 1.0
