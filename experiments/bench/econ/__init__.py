"""Gather-trade-build: against ai-economist in the same run, and what a step costs against the number of workers."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import econ  # noqa: F401 - registers its worlds
from experiments.bench import Measure, Row, Work, three_digits
from experiments.bench.peer import AI_ECONOMIST, Peer
from experiments.bench.worlds.rounds import size_round, step_batch

ID = "econ/gather_trade_build_v0"
UNIT = "env steps / CPU-s"
ENVS = 256
SIZES = (1, ENVS, 1024)
AIM = 300  # times the package's step
# Costs are measured on one map that has room for everybody.
CROWD: dict[str, Any] = {"layout": "quadrant_40x40_50each_no_water", "starts": "random"}
CROWD_ENVS = 64
NUM_AGENTS = (4, 10, 30, 100)


def run(measure: Measure) -> None:
    """Measures both, in turns."""
    with ExitStack() as stack:
        python = AI_ECONOMIST.find_python()
        peer = stack.enter_context(Peer(python, AI_ECONOMIST)) if python else None
        if peer is None:
            measure.note(f"{AI_ECONOMIST.title} is not installed (make parity): not compared")
        _measure_papers_setting(measure, peer)
        _measure_costs(measure, peer)


def _their_steps(peer: Peer, game: str) -> tuple[float, Work]:
    steps = size_round(partial(peer.play, game, 1))
    return steps, partial(peer.play, game, 1, steps)


def _measure_papers_setting(measure: Measure, peer: Peer | None) -> None:
    """Four workers on the open quadrant, 11 x 11 windows, masks, the planner's vector."""
    works = {f"agora, 4 workers, {size:,} env{'s' * (size > 1)}": step_batch(ID, size) for size in SIZES}
    if peer:
        works[f"{AI_ECONOMIST.title}, 4 workers"] = _their_steps(peer, "quadrant_25x25_20each_30clump:4:corners")
    *ours, last = measure.rates(UNIT, works)
    if peer:
        for row, aim in zip(ours, (None, AIM, None), strict=True):
            measure.compare(f"{row.name} / {AI_ECONOMIST.title}", row, last, aim)


def _measure_costs(measure: Measure, peer: Peer | None) -> None:
    table = [
        ["workers", "agora: env steps / CPU-s", "worker steps / CPU-s", "ai-economist: env steps / CPU-s", "ratio"]
    ]
    for number in NUM_AGENTS:
        works = {f"agora, {number} workers, a large map": step_batch(ID, CROWD_ENVS, num_agents=number, **CROWD)}
        if peer:
            game = f"{CROWD['layout']}:{number}:random"
            works[f"{AI_ECONOMIST.title}, {number} workers, a large map"] = _their_steps(peer, game)
        ours, *theirs = measure.rates(UNIT, works)
        table.append(
            [str(number), three_digits(ours.median), three_digits(number * ours.median), *_against(ours, theirs)]
        )
    measure.tables["costs"] = table


def _against(ours: Row, theirs: list[Row]) -> list[str]:
    if not theirs:
        return ["", ""]
    return [three_digits(theirs[0].median), three_digits(ours.median / theirs[0].median)]
