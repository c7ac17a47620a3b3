"""Overcooked: against overcooked-ai, JaxMARL and the memory's floor; then RLlib's sampling and training on it."""

from __future__ import annotations

from experiments.bench import Measure
from experiments.bench.overcooked import learner, world


def run(measure: Measure) -> None:
    """Measures the world, its faces, and RLlib on it."""
    world.run(measure)
    learner.run(measure)
