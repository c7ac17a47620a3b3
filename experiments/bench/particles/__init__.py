"""Particles: simple_spread against mpe2 in the same run, and what a step costs against the number of agents."""

from __future__ import annotations

from functools import partial
from typing import Any

from experiments.bench import Measure, Row, Work, three_digits
from experiments.bench.peer import MPE2, Peer
from experiments.bench.worlds.rounds import size_round, step_batch

UNIT = "env steps / CPU-s"
NUM_ENVS = 64
AIM = 500  # times mpe2's step
NUM_AGENTS = (3, 6, 12, 24, 48)
SPREAD = "particles/simple_spread_v0"
CROWDS: dict[str, tuple[str, dict[str, Any]]] = {
    "simple_spread": (SPREAD, {}),
    "the same, three neighbors seen": (SPREAD, {"num_agent_neighbors": 3, "num_landmark_neighbors": 3}),
    "resource_occupation": ("particles/resource_occupation_v0", {}),
    "the same, without others' views": ("particles/resource_occupation_v0", {"shows_others_views": False}),
    "food_collection": ("particles/food_collection_v0", {}),
}


def run(measure: Measure) -> None:
    """Measures us and mpe2 in turns, then the crowds, and adds the table of costs."""
    _measure_peer(measure)
    table = [["agents: µs of an env step", *CROWDS]]
    for number in NUM_AGENTS:
        works = {
            f"{name}, {number} agents": step_batch(id, NUM_ENVS, num_agents=number, **settings)
            for name, (id, settings) in CROWDS.items()
        }
        table.append([str(number), *map(_cost, measure.rates(UNIT, works))])
    mixed = {"resource_occupation, 3 to 48 agents in one batch": _mixed()}
    table.append(["3 to 48 in one batch", "", "", *map(_cost, measure.rates(UNIT, mixed)), "", ""])
    measure.tables["crowds"] = table


def _measure_peer(measure: Measure) -> None:
    """Three agents in simple_spread, as `agora bench worlds` measures them."""
    python = MPE2.find_python()
    if python is None:
        measure.note(f"{MPE2.title} is not installed: not compared")
        return
    with Peer(python, MPE2) as peer:
        steps = size_round(partial(peer.play, "simple_spread_v3", 1))
        works: dict[str, tuple[float, Work]] = {
            "agora simple_spread, 3 agents": step_batch(SPREAD, NUM_ENVS),
            f"{MPE2.title} simple_spread_v3, 3 agents": (steps, partial(peer.play, "simple_spread_v3", 1, steps)),
        }
        ours, theirs = measure.rates(UNIT, works)
    measure.compare(f"simple_spread, 3 agents, {NUM_ENVS} envs / {MPE2.title}", ours, theirs, AIM)


def _mixed() -> tuple[float, Work]:
    populations = tuple(range(NUM_AGENTS[0], NUM_AGENTS[-1] + 1))
    return step_batch("particles/resource_occupation_v0", NUM_ENVS, num_agents=NUM_AGENTS[-1], populations=populations)


def _cost(row: Row) -> str:
    return three_digits(1e6 / row.median)
