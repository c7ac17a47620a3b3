"""How many steps an update was trained on, under RLlib's names."""

from __future__ import annotations

from typing import Any

from ray.rllib.utils import metrics as names
from ray.rllib.utils.metrics.metrics_logger import MetricsLogger

from marl.rllib.learner.minibatches import ModuleColumns, count_steps


class StepCounts:
    """Counts minibatches while they are trained on, and logs the sums once: one log entry costs as much as a step."""

    def __init__(self) -> None:
        self._steps: dict[str, list[int]] = {}

    def add(self, part: ModuleColumns) -> None:
        """Counts a minibatch."""
        for module_id, columns in part.items():
            self._steps.setdefault(module_id, []).append(count_steps(columns))

    def log(self, metrics: MetricsLogger, env_steps: int, weights_seq_no: int) -> None:
        """Logs what was counted.

        Args:
            metrics: Of the learner.
            env_steps: Of all fragments, times the epochs.
            weights_seq_no: Of the weights that were trained.
        """
        for module_id, steps in self._steps.items():
            mean: Any = sum(steps) / len(steps)
            metrics.log_value((module_id, names.WEIGHTS_SEQ_NO), weights_seq_no, window=1)
            metrics.log_value((module_id, names.MODULE_TRAIN_BATCH_SIZE_MEAN), mean, reduce="mean")
            for key in (module_id, names.ALL_MODULES):
                _count(metrics, key, names.NUM_MODULE_STEPS_TRAINED, sum(steps))
        _count(metrics, names.ALL_MODULES, names.NUM_ENV_STEPS_TRAINED, env_steps)


def _count(metrics: MetricsLogger, key: str, name: str, steps: int) -> None:
    metrics.log_value((key, name), steps, reduce="sum")
    metrics.log_value((key, f"{name}_lifetime"), steps, reduce="lifetime_sum", with_throughput=True)
