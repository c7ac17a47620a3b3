"""BatchedDQN and BatchedSAC: RLlib's algorithms on the batched runner and an array replay buffer.

Everything private to RLlib that they rely on: `_create_local_replay_buffer_if_necessary`, `_check_component`,
`_module_is_stateful`, and the arguments `_uses_new_env_runners` and `_return_metrics`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.dqn.dqn import DQN, calculate_rr_weights
from ray.rllib.algorithms.dqn.torch.dqn_torch_learner import DQNTorchLearner
from ray.rllib.algorithms.sac.sac import SAC, SACConfig
from ray.rllib.algorithms.sac.torch.sac_torch_learner import SACTorchLearner
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.execution.rollout_ops import synchronous_parallel_sample
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils import metrics as names
from ray.rllib.utils.numpy import convert_to_numpy

from marl.rllib.modules.q_module import QModule
from marl.rllib.replay.replay_buffer import ReplayBuffer
from marl.rllib.replay.replay_checks import check_buffer, check_replay_config, check_steps, is_trained, played_groups
from marl.rllib.replay.replay_learners import ReplayDQNLearner, ReplayLearner, ReplaySACLearner

REPLAY_BUFFER = "local_replay_buffer"
TORCH_DRAWS = "torch_draws"


class ReplayAlgorithm(DQN):
    """DQN's training step on fragments and an array replay buffer. `use_batched_runner` puts it in.

    As RLlib's: so many rounds of sampling to so many updates (`training_intensity`), `total_train_batch_size` rows of
    every module that is trained for each update, drawn for each module by itself, priorities from TD errors, metrics.

    Unlike RLlib's: the last n-1 steps of an episode are learned from too; a checkpoint holds the buffer and the state
    of torch's generator, from which exploration and SAC draw here, so that with a local runner and a local learner on
    the CPU a restored algorithm goes on exactly.
    """

    # RLlib has all of these as "or None".
    config: Any
    metrics: Any
    env_runner_group: Any
    learner_group: Any
    local_replay_buffer: Any

    def setup(self, config: Any) -> None:
        """Builds everything, after a look at settings that would fail later or, worse, not at all.

        Raises:
            ValueError: Settings that cannot work, or a recurrent module.
        """
        check_replay_config(self.config)
        super().setup(config)
        if self._module_is_stateful:
            raise ValueError("a replay buffer of single transitions cannot train recurrent modules (use_lstm=False)")
        seed = torch.initial_seed() if self.config.seed is None else self.config.seed
        self._draws = torch.Generator().manual_seed(seed).get_state()

    def _create_local_replay_buffer_if_necessary(self, config: Any) -> Any:
        settings = config.replay_buffer_config
        return ReplayBuffer(
            settings["capacity"],
            num_runners=max(1, config.num_env_runners),
            alpha=settings.get("alpha", 1.0) if "Prioritized" in settings["type"] else None,
            seed=config.seed,
        )

    @contextmanager
    def _own_draws(self) -> Iterator[None]:
        """Lets local modules and learners draw from a generator that nobody else has."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._draws)
            yield
            self._draws = torch.get_rng_state()

    # ---- training ----

    def training_step(self) -> None:
        """Samples, stores, learns, and sends the new weights to the runners once."""
        num_rounds, num_updates = map(int, calculate_rr_weights(self.config))
        with self._own_draws():
            for _ in range(num_rounds):
                self._collect()
            if self._steps_sampled() < self.config.num_steps_sampled_before_learning_starts:
                return
            updated: set[str] = set()
            for _ in range(num_updates):
                updated |= self._learn()
            if updated:
                with self.metrics.log_time((names.TIMERS, names.SYNCH_WORKER_WEIGHTS_TIMER)):
                    self._send_weights(updated)

    def _send_weights(self, policies: set[str]) -> None:
        if self.env_runner_group.num_remote_env_runners():
            self.env_runner_group.sync_weights(
                from_worker_or_learner_group=self.learner_group, policies=policies, inference_only=True
            )
            return
        # RLlib's way leads through the object store, which takes a sixth of a small training step.
        modules = [f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}/{module_id}" for module_id in policies]
        state = self.learner_group.get_state(components=modules, inference_only=True)[COMPONENT_LEARNER]
        self.env_runner.set_state({key: state[key] for key in (COMPONENT_RL_MODULE, names.WEIGHTS_SEQ_NO)})

    def _collect(self) -> None:
        with self.metrics.log_time((names.TIMERS, names.ENV_RUNNER_SAMPLING_TIMER)):
            sampled: Any = synchronous_parallel_sample(
                worker_set=self.env_runner_group,
                sample_timeout_s=self.config.sample_timeout_s,
                _uses_new_env_runners=True,
                _return_metrics=True,
            )
        fragments, results = sampled
        self.metrics.aggregate(results, key=names.ENV_RUNNER_RESULTS)
        with self.metrics.log_time((names.TIMERS, names.REPLAY_BUFFER_ADD_DATA_TIMER)):
            self.local_replay_buffer.add(fragments)
        self.metrics.log_dict(self.local_replay_buffer.metrics(), key=names.REPLAY_BUFFER_RESULTS, window=1)

    def _steps_sampled(self) -> int:
        if self.config.count_steps_by == "agent_steps":
            key = (names.ENV_RUNNER_RESULTS, names.NUM_AGENT_STEPS_SAMPLED_LIFETIME)
            return sum(self.metrics.peek(key, default={}).values())
        return self.metrics.peek((names.ENV_RUNNER_RESULTS, names.NUM_ENV_STEPS_SAMPLED_LIFETIME), default=0)

    def _learn(self) -> set[str]:
        """Does one update, and returns the modules that were trained."""
        with self.metrics.log_time((names.TIMERS, names.REPLAY_BUFFER_SAMPLE_TIMER)):
            rows, leaves = self._draw_rows()
        if not rows:
            return set()
        with self.metrics.log_time((names.TIMERS, names.LEARNER_UPDATE_TIMER)):
            results = self.learner_group.update(
                batch=MultiAgentBatch(rows, sum(len(columns) for columns in rows.values())),
                timesteps=self._timesteps(),
            )
            td_errors = _take_td_errors(results)
            self.metrics.aggregate(results, key=names.LEARNER_RESULTS)
        if self.local_replay_buffer.alpha is not None:
            with self.metrics.log_time((names.TIMERS, names.REPLAY_BUFFER_UPDATE_PRIOS_TIMER)):
                for module_id, errors in td_errors.items():
                    self.local_replay_buffer.update_priorities(module_id, leaves[module_id], errors)
        return set(results[0]) - {names.ALL_MODULES}

    def _draw_rows(self) -> tuple[dict[str, SampleBatch], dict[str, np.ndarray]]:
        rows, leaves = {}, {}
        for module_id in self.local_replay_buffer.module_ids:
            if is_trained(self.config, module_id):
                columns, leaves[module_id] = self.local_replay_buffer.sample(
                    module_id,
                    self.config.total_train_batch_size,
                    n_step=self.config.n_step,
                    gamma=self.config.gamma,
                    beta=self.config.replay_buffer_config.get("beta", 0.0),
                )
                rows[module_id] = SampleBatch(columns)
        return rows, leaves

    def _timesteps(self) -> dict[str, Any]:
        keys = (names.NUM_ENV_STEPS_SAMPLED_LIFETIME, names.NUM_AGENT_STEPS_SAMPLED_LIFETIME)
        return {key: self.metrics.peek((names.ENV_RUNNER_RESULTS, key)) for key in keys}

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the algorithm's state, that of torch's generator, and the buffer where the config wants it."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(TORCH_DRAWS, components, not_components):
            state[TORCH_DRAWS] = self._draws.numpy()
        keeps_buffer = self.config.store_buffer_in_checkpoints
        if keeps_buffer and self._check_component(REPLAY_BUFFER, components, not_components):
            state[REPLAY_BUFFER] = self.local_replay_buffer.get_state()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        if TORCH_DRAWS in state:
            self._draws = torch.from_numpy(state[TORCH_DRAWS].copy())
        if REPLAY_BUFFER in state:
            self.local_replay_buffer.set_state(state[REPLAY_BUFFER])

    def get_checkpointable_components(self) -> list[tuple[str, Any]]:
        """Returns the parts that save themselves, the buffer among them."""
        components = super().get_checkpointable_components()
        if self.config.store_buffer_in_checkpoints:
            components.append((REPLAY_BUFFER, self.local_replay_buffer))
        return components


def _take_td_errors(results: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Takes the TD errors [B] of each module out of the learners' results: no one wants to read them in a log."""
    parts: dict[str, list[np.ndarray]] = {}
    for result in results:
        for module_id, values in result.items():
            if names.TD_ERROR_KEY in values:
                parts.setdefault(module_id, []).extend(convert_to_numpy(values.pop(names.TD_ERROR_KEY).peek()))
    return {module_id: np.concatenate(errors) for module_id, errors in parts.items()}


class BatchedDQN(ReplayAlgorithm):
    """DQN (Mnih et al. 2015) and what Rainbow adds to it, on the batched runner."""


class BatchedSAC(ReplayAlgorithm, SAC):
    """Soft actor-critic (Haarnoja et al. 2018) on the batched runner."""


def set_up_replay(config: Any, *, rllib_module: bool) -> None:
    """Gives the config of DQN or SAC the algorithm, the learner, and a module that knows masks where it needs one.

    Args:
        config: Of DQN or SAC.
        rllib_module: Keeps the algorithm's own default module in any case.

    Raises:
        TypeError: An algorithm or learner class of somebody's own that does not derive from those of this package.
        ValueError: Settings that cannot work; all of them are looked at once more when the algorithm is built.
    """
    is_sac = isinstance(config, SACConfig)
    stock, batched = (SAC, BatchedSAC) if is_sac else (DQN, BatchedDQN)
    config.algo_class = _derived(config.algo_class, stock, batched)
    stock_learner, learner = (SACTorchLearner, ReplaySACLearner) if is_sac else (DQNTorchLearner, ReplayDQNLearner)
    config.learners(learner_class=_derived(config.learner_class, stock_learner, learner))
    # Without the buffer a restored run would start to learn from nothing.
    config.training(store_buffer_in_checkpoints=True)
    is_masked = any(group.action_masks is not None for _, group in played_groups(config))
    if is_masked and not is_sac and not rllib_module and config._rl_module_spec is None:
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=QModule))
    check_buffer(config.replay_buffer_config)
    check_steps(config)
    if config.model_config.get("use_lstm"):
        raise ValueError("a replay buffer of single transitions cannot train recurrent modules (use_lstm=False)")


def _derived(given: Any, stock: type, ours: type) -> type:
    if given is stock:
        return ours
    base = ReplayAlgorithm if issubclass(ours, ReplayAlgorithm) else ReplayLearner
    if not issubclass(given, base):
        raise TypeError(f"{given.__name__} cannot train on fragments; derive it from marl.rllib.{ours.__name__}")
    return given
