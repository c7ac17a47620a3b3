"""Sampled graphs of agents: `marl/dag.py`, a batch at a time, beside one graph object a sample, in the same run.

"Play" is without gradients, "update" with a backward pass through the graphs. One thread and CPU time; set
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

from functools import partial

from experiments.bench import Measure, Work, cpu_seconds
from experiments.bench.worlds.rounds import size_round
from marl.dag_passes import WAYS, make_pass
from marl.qarl.process import settle_process

UNIT = "graphs / CPU-s"
SIZES = ((3, 32), (10, 32), (10, 640))  # agents, and graphs in a pass: those of 32 envs, and of an update on Aloha


def run(measure: Measure) -> None:
    """Measures both, in turns."""
    settle_process()
    for agents, batch in SIZES:
        for phase, has_gradient in (("play", False), ("update", True)):
            name = f"{phase}, {batch} graphs of {agents} agents"
            works = {f"{name}: {way}": _work(way, agents, batch, has_gradient=has_gradient) for way in WAYS}
            ours, theirs = measure.rates(UNIT, works)
            measure.compare(f"{name}: batched / an object a sample", ours, theirs, None)


def _work(way: str, agents: int, batch: int, *, has_gradient: bool) -> tuple[float, Work]:
    """Returns how many graphs a round has, and the round."""
    make = make_pass(way, agents, batch, has_gradient=has_gradient)

    def repeat(rounds: int) -> float:
        def work() -> None:
            for _ in range(rounds):
                make()

        return cpu_seconds(work)

    rounds = size_round(repeat)
    return rounds * batch, partial(repeat, rounds)
