"""RLlib's own runner and the batched one: speed, the update, shares of an iteration, what scales, and memory."""

from __future__ import annotations

from experiments.bench import Measure
from experiments.bench.rllib import costs, iteration, memory, runners, update
from marl.rllib import register, start_ray, stop_ray


def run(measure: Measure) -> None:
    """Measures everything."""
    start_ray(num_cpus=3)
    register()
    for part in (runners, update, iteration, costs, memory):
        part.run(measure)
    stop_ray()
