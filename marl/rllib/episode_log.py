"""Metrics of a batched runner under RLlib's names, from arrays instead of episode by episode."""

from __future__ import annotations

import numpy as np
from ray.rllib.utils import metrics as names
from ray.rllib.utils.metrics.metrics_logger import MetricsLogger

from games.batch import Batch
from marl.rllib.fragment import Fragment


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


def log_episodes(metrics: MetricsLogger, batch: Batch, modules: dict[str, str], counts: np.ndarray) -> None:
    """Logs what the batch noted about the episodes that ended since the last call, and forgets it.

    Every number is the mean (or extreme) over these episodes, all of them: RLlib's smoothing window would look at the
    last hundred only. The return of an episode is the sum over agents, as RLlib has it.

    Args:
        metrics: Of the runner.
        batch: Its batch.
        modules: Module of each agent.
        counts: [n] bool, the ended episodes that count.
    """
    returns, lengths = batch.episode_returns[counts], batch.episode_lengths[counts]
    statistics = {name: values[counts] for name, values in batch.episode_statistics.items()}
    _count(metrics, (names.NUM_EPISODES,), len(lengths))
    _count_lifetime(metrics, (names.NUM_EPISODES_LIFETIME,), len(lengths))
    if len(lengths) == 0:
        return
    _log_range(
        metrics, returns.sum(axis=1), names.EPISODE_RETURN_MEAN, names.EPISODE_RETURN_MIN, names.EPISODE_RETURN_MAX
    )
    _log_range(metrics, lengths, names.EPISODE_LEN_MEAN, names.EPISODE_LEN_MIN, names.EPISODE_LEN_MAX)
    module_returns: dict[str, float] = {}
    for agent, value in zip(batch.agents, returns.mean(axis=0).tolist(), strict=True):
        metrics.log_value((names.EPISODE_AGENT_RETURN_MEAN, agent), value, window=1)
        module_returns[modules[agent]] = module_returns.get(modules[agent], 0.0) + value
    for module_id, value in module_returns.items():
        metrics.log_value((names.EPISODE_MODULE_RETURN_MEAN, module_id), value, window=1)
    for name, values in statistics.items():
        metrics.log_value(f"{name}_mean", float(values.mean()), window=1)
        metrics.log_value(f"{name}_std", float(values.std()), window=1)


def forget_episodes(batch: Batch) -> None:
    """Drops what the batch noted about ended episodes."""
    for name in ("episode_returns", "episode_lengths", "episode_statistics"):
        getattr(batch, name)  # reading is what empties them


def _log_range(metrics: MetricsLogger, values: np.ndarray, mean: str, low: str, high: str) -> None:
    metrics.log_value(mean, float(values.mean()), window=1)
    metrics.log_value(low, float(values.min()), reduce="min", window=1)
    metrics.log_value(high, float(values.max()), reduce="max", window=1)


def _count(metrics: MetricsLogger, key: tuple[str, ...], amount: int) -> None:
    metrics.log_value(key, amount, reduce="sum")


def _count_lifetime(metrics: MetricsLogger, key: tuple[str, ...], amount: int) -> None:
    metrics.log_value(key, amount, reduce="lifetime_sum")
