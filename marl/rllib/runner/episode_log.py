"""Metrics of a batched runner under RLlib's names, from arrays instead of episode by episode."""

from __future__ import annotations

import numpy as np
from ray.rllib.utils import metrics as names
from ray.rllib.utils.metrics.metrics_logger import MetricsLogger

from games.batch import Batch
from marl.rllib.runner.fragment import Fragment


def log_steps(metrics: MetricsLogger, fragment: Fragment) -> None:
    """Counts the steps of a fragment, for envs, agents and modules."""
    _count(metrics, (names.NUM_ENV_STEPS_SAMPLED,), fragment.env_steps())
    metrics.log_value(
        names.NUM_ENV_STEPS_SAMPLED_LIFETIME, fragment.env_steps(), reduce="lifetime_sum", with_throughput=True
    )
    module_steps: dict[str, int] = {}
    for group in fragment.groups.values():
        agent_steps = group.alive[:-1].sum(axis=(0, 1)).tolist()
        for agent, module_id, steps in zip(group.agents, group.modules, agent_steps, strict=True):
            module_steps[module_id] = module_steps.get(module_id, 0) + steps
            _count(metrics, (names.NUM_AGENT_STEPS_SAMPLED, agent), steps)
            _count_lifetime(metrics, (names.NUM_AGENT_STEPS_SAMPLED_LIFETIME, agent), steps)
    for module_id, steps in module_steps.items():
        _count(metrics, (names.NUM_MODULE_STEPS_SAMPLED, module_id), steps)
        _count_lifetime(metrics, (names.NUM_MODULE_STEPS_SAMPLED_LIFETIME, module_id), steps)


class EpisodeLog:
    """Totals over the episodes that a batch ended, until they are logged.

    The batch forgets the oldest of too many, so `note` takes them out of it in the step they end. However many there
    are, they cost no memory beyond the fragment: `fold` merges them into means, squared deviations and extremes (Chan,
    Golub and LeVeque 1979).

    Args:
        batch: A new one; nothing holds on to it.
    """

    def __init__(self, batch: Batch) -> None:
        self._agents, self._statistic_names = batch.agents, tuple(batch.episode_statistics)
        self.forget()

    def forget(self) -> None:
        """Starts anew, with no episode."""
        self._rows: list[np.ndarray] = []
        self._count = 0
        # As the rows of `_read`, and the sum of all returns.
        num_columns = len(self._agents) + len(self._statistic_names) + 2
        self._mean, self._squares = np.zeros(num_columns), np.zeros(num_columns)
        self._low, self._high = np.full(num_columns, np.inf), np.full(num_columns, -np.inf)

    def skip(self, batch: Batch) -> None:
        """Leaves out what ended in the batch since the last `note`: steps of somebody else."""
        _read(batch)

    def note(self, batch: Batch, counts: np.ndarray) -> np.ndarray:
        """Takes the episodes that ended in this step.

        Args:
            batch: Where they ended.
            counts: [n] bool, which of them count.

        Returns:
            [m, N + S + 1] of those that count: returns of N agents, S statistics, length.
        """
        rows = _read(batch)[counts]
        if len(rows):
            self._rows.append(rows)
        return rows

    def fold(self) -> None:
        """Merges the episodes noted since the last fold; once a fragment, as one costs as much as a thousand."""
        if not self._rows:
            return
        rows = np.concatenate(self._rows)
        self._rows.clear()
        values = np.column_stack([rows, rows[:, : len(self._agents)].sum(axis=1)])
        count, mean = self._count + len(values), values.mean(axis=0)
        shift = mean - self._mean
        self._squares += ((values - mean) ** 2).sum(axis=0) + shift**2 * (self._count * len(values) / count)
        self._mean += shift * (len(values) / count)
        self._low, self._high = np.minimum(self._low, values.min(axis=0)), np.maximum(self._high, values.max(axis=0))
        self._count = count

    def log(self, metrics: MetricsLogger, modules: dict[str, str]) -> None:
        """Logs the episodes noted since the last call, and forgets them.

        Every number is the mean (or extreme) over these episodes, all of them: RLlib's smoothing window would look at
        the last hundred only. The return of an episode is the sum over agents, as RLlib has it.

        Args:
            metrics: Of the runner.
            modules: Module of each agent.
        """
        self.fold()
        _count(metrics, (names.NUM_EPISODES,), self._count)
        _count_lifetime(metrics, (names.NUM_EPISODES_LIFETIME,), self._count)
        if self._count == 0:
            return
        mean, low, high = self._mean.tolist(), self._low.tolist(), self._high.tolist()
        for column, keys in (
            (-1, (names.EPISODE_RETURN_MEAN, names.EPISODE_RETURN_MIN, names.EPISODE_RETURN_MAX)),
            (-2, (names.EPISODE_LEN_MEAN, names.EPISODE_LEN_MIN, names.EPISODE_LEN_MAX)),
        ):
            metrics.log_value(keys[0], mean[column], window=1)
            metrics.log_value(keys[1], low[column], reduce="min", window=1)
            metrics.log_value(keys[2], high[column], reduce="max", window=1)
        module_returns: dict[str, float] = {}
        for agent, value in zip(self._agents, mean, strict=False):
            metrics.log_value((names.EPISODE_AGENT_RETURN_MEAN, agent), value, window=1)
            module_returns[modules[agent]] = module_returns.get(modules[agent], 0.0) + value
        for module_id, value in module_returns.items():
            metrics.log_value((names.EPISODE_MODULE_RETURN_MEAN, module_id), value, window=1)
        deviation = np.sqrt(self._squares / self._count).tolist()
        for i, name in enumerate(self._statistic_names, start=len(self._agents)):
            metrics.log_value(f"{name}_mean", mean[i], window=1)
            metrics.log_value(f"{name}_std", deviation[i], window=1)
        self.forget()


def _read(batch: Batch) -> np.ndarray:
    """Returns [n, N + S + 1]: the returns of N agents, S statistics, and the length of each episode."""
    return np.column_stack([batch.episode_returns, *batch.episode_statistics.values(), batch.episode_lengths])


def _count(metrics: MetricsLogger, key: tuple[str, ...], amount: int) -> None:
    metrics.log_value(key, amount, reduce="sum")


def _count_lifetime(metrics: MetricsLogger, key: tuple[str, ...], amount: int) -> None:
    metrics.log_value(key, amount, reduce="lifetime_sum")
