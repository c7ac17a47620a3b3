"""What an iteration of PPO on the batched runner spends its CPU time on, part by part."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from ray.rllib.algorithms.algorithm import Algorithm

from experiments.bench import cpu_seconds
from games.batch import Batch
from marl.rllib import ActorCriticModule, PPOFragmentLearner
from marl.rllib.learner import fragment_to_batch
from marl.rllib.runner.recorder import Recorder

PARTS: dict[str, list[tuple[Any, str]]] = {
    "network": [(ActorCriticModule, "forward_exploration")],
    "actions": [(Recorder, "__init__"), (Recorder, "choose"), (Recorder, "finish")],  # their noise and log-probs
    "world": [(Batch, "step")],
    "copies": [(Recorder, "see"), (Recorder, "module_input"), (Recorder, "take"), (Recorder, "note")],
    "value pass": [(fragment_to_batch, "value_pass")],
    "update": [(PPOFragmentLearner, "update")],
}


class _Stopwatch:
    """CPU seconds by part, each without those of the parts that it calls."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inside = [0.0]

    def watch(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            start = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.process_time() - start
                self.spent[part] += whole - self._inside.pop()
                self._inside[-1] += whole

        return watched


def spent_by_part(algorithm: Algorithm, iterations: int) -> dict[str, float]:
    """Returns the mean CPU seconds of an iteration by part of `PARTS`, and "everything else"; their sum is all of it.

    Args:
        algorithm: On a local batched runner and learner, warm.
        iterations: How many to look at.
    """
    stopwatch = _Stopwatch()
    with ExitStack() as stack:
        for part, functions in PARTS.items():
            for owner, name in functions:
                stack.enter_context(patch.object(owner, name, stopwatch.watch(part, getattr(owner, name))))
        total = sum(cpu_seconds(algorithm.train) for _ in range(iterations))
    spent = {part: stopwatch.spent[part] / iterations for part in PARTS}
    return {**spent, "everything else": total / iterations - sum(spent.values())}
