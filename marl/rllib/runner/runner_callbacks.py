"""RLlib's callbacks of env runners, as far as a runner without episode objects can call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.callbacks.utils import make_callback
from ray.rllib.utils import force_list

from games.batch import Batch
from marl.rllib.runner.fragment import Fragment

# They would be asked for every episode in every step: the Python that a batched runner is there to avoid.
UNSUPPORTED = ("on_episode_created", "on_episode_start", "on_episode_step")


@dataclass(frozen=True)
class EndedEpisode:
    """What `on_episode_end` gets in the place of RLlib's episode, as no steps of a single episode are kept.

    Attributes:
        id_: Number of the episode among those that this runner has ended.
        env_index: Its env.
        length: Env steps.
        agent_returns: Sum of rewards by agent.
        modules: Module of each agent.
        statistics: The world's own, by name.
        custom_data: Empty; for the callback's use.
    """

    id_: int
    env_index: int
    length: int
    agent_returns: dict[str, float]
    modules: dict[str, str]
    statistics: dict[str, float]
    custom_data: dict[str, Any] = field(default_factory=dict)

    def get_return(self) -> float:
        """Returns the sum over agents."""
        return sum(self.agent_returns.values())

    def module_for(self, agent: str) -> str:
        """Returns the module that played an agent."""
        return self.modules[agent]

    def __len__(self) -> int:
        return self.length


def find_unsupported(config: AlgorithmConfig) -> list[str]:
    """Returns the names of callbacks in a config that a batched runner does not call."""
    classes = force_list(config.callbacks_class)
    return [
        name
        for name in UNSUPPORTED
        if getattr(config, f"callbacks_{name}", None)
        or any(getattr(cls, name) is not getattr(RLlibCallback, name) for cls in classes)
    ]


class RunnerCallbacks:
    """Calls what a config wants to be called.

    Args:
        config: Of the algorithm.
    """

    def __init__(self, config: AlgorithmConfig) -> None:
        self._config = config
        self._objects = [cls() for cls in force_list(config.callbacks_class)]
        self._num_episodes = 0
        self.wants_episodes = bool(config.callbacks_on_episode_end) or any(
            type(each).on_episode_end is not RLlibCallback.on_episode_end for each in self._objects
        )

    def _call(self, name: str, runner: Any, **kwargs: Any) -> None:
        make_callback(
            name,
            callbacks_objects=self._objects,
            callbacks_functions=getattr(self._config, f"callbacks_{name}"),
            kwargs={"env_runner": runner, "metrics_logger": runner.metrics, **kwargs},
        )

    def environment_created(self, runner: Any, batch: Batch) -> None:
        """Calls `on_environment_created` with the batch of envs."""
        self._call("on_environment_created", runner, env=batch, env_context=self._config.env_config)

    def sample_ended(self, runner: Any, fragments: list[Fragment]) -> None:
        """Calls `on_sample_end` with the fragments as samples."""
        self._call("on_sample_end", runner, samples=fragments)

    def episodes_ended(
        self, runner: Any, batch: Batch, envs: np.ndarray, rows: np.ndarray, modules: dict[str, str]
    ) -> None:
        """Calls `on_episode_end` for each episode that ended in a step.

        Args:
            runner: The runner.
            batch: Its envs.
            envs: [n] where they ended.
            rows: [n, N + S + 1] returns of N agents, S statistics, and the length, of each.
            modules: Module of each agent.
        """
        names: Sequence[str] = tuple(batch.episode_statistics)
        for env, row in zip(envs.tolist(), rows.tolist(), strict=True):
            returns = dict(zip(batch.agents, row, strict=False))
            statistics = dict(zip(names, row[len(returns) :], strict=False))
            episode = EndedEpisode(self._num_episodes, env, int(row[-1]), returns, modules, statistics)
            self._num_episodes += 1
            self._call(
                "on_episode_end",
                runner,
                episode=episode,
                prev_episode_chunks=[],
                env=batch,
                env_index=env,
                rl_module=runner.module,
            )
