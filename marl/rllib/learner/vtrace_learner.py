"""VTraceFragmentLearner: a mixin with which RLlib's asynchronous learners train on fragments; IMPALA and APPO with it.

The losses, V-trace, the learner thread, its queues, target networks and the manual all-reduce of several learners are
RLlib's. Everything private to RLlib that this relies on stands in this file: `_make_batch_if_necessary`,
`_create_iterator_if_necessary`, `_update`, `_learner_connector`, `_learner_thread`, `_learner_thread_in_queue`,
`_model_io_lock`, `_last_update_ts_by_mid`, `_check_component`, `_check_is_built`, of configs `_learner_connector`,
`_train_batch_size_per_learner`, of the circular buffer `_lock`, `_indices`, `_offset`, `_NxK`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

from ray.rllib.algorithms.appo.torch.appo_torch_learner import APPOTorchLearner
from ray.rllib.algorithms.appo.utils import CircularBuffer
from ray.rllib.algorithms.impala.impala import IMPALAConfig
from ray.rllib.algorithms.impala.impala_learner import IMPALALearner
from ray.rllib.algorithms.impala.torch.impala_torch_learner import IMPALATorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from torch import float32

from marl.rllib.errors import answer, check_losses
from marl.rllib.learner.decision_rows import ACTION_MASK
from marl.rllib.learner.fragment_to_trajectories import FragmentToTrajectories
from marl.rllib.learner.global_state import GlobalStateAPI
from marl.rllib.learner.ppo_learner import KL_COEFFS
from marl.rllib.learner.ranks import all_or_none
from marl.rllib.restorable import RestorableLearner

LAST_TARGET_UPDATES = "last_target_updates"
POLL_S = 0.0005  # how often the learner thread's buffer is looked at; an update takes a few milliseconds


class VTraceFragmentLearner(RestorableLearner, IMPALALearner):
    """Lets an asynchronous learner train on fragments. Put it before the learner class.

    A learner that gets no steps (its runner died with them, or only frozen modules played) lets the update pass; among
    several learners, who all wait for each other in every update, it trains on its last batch once more.

    `set_up_vtrace` makes the config that it needs.
    """

    def build(self) -> None:
        """Builds the learner, tells the connector which modules are trained, and starts RLlib's learner thread."""
        if self._check_is_built(error=False):
            return  # RLlib's own would start a second thread
        self._last_batch: MultiAgentBatch | None = None
        self._error: Exception | None = None  # of the learner thread
        super().build()
        for module_id in self.module.keys():  # noqa: SIM118 - a MultiRLModule is no dict
            module = self.module[module_id].unwrapped()
            if module.is_stateful() or isinstance(module, GlobalStateAPI):
                kind = "recurrent" if module.is_stateful() else "with a centralised critic"
                raise ValueError(f"module {module_id!r} is {kind}, which V-trace on fragments cannot train yet")
        if self.config.num_aggregator_actors_per_learner > 0:
            return  # they hold the connectors
        connectors = [piece for piece in self._pieces() if isinstance(piece, FragmentToTrajectories)]
        if not connectors or self.config.add_default_connectors_to_learner_pipeline:
            raise ValueError(
                "a VTraceFragmentLearner needs learners(learner_connector=FragmentToTrajectories, "
                "add_default_connectors_to_learner_pipeline=False)"
            )
        connectors[0].is_trained = self.should_module_be_updated

    def _pieces(self) -> list[Any]:
        pipeline: Any = self._learner_connector
        return pipeline.connectors

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers RLlib's optimizer; none for a module without weights, such as a scripted player's."""
        if self.get_parameters(self.module[module_id]):
            super().configure_optimizers_for_module(module_id=module_id, config=config)  # type: ignore[safe-super]

    def update(  # type: ignore[override]
        self, training_data: TrainingData, *, timesteps: dict[str, Any], return_state: bool = False, **kwargs: Any
    ) -> Any:
        """Makes the train batch and queues it for the learner thread, as RLlib's own.

        Args:
            training_data: References to fragments, or a batch that an aggregator made of them.
            timesteps: What RLlib's schedules go by.
            return_state: Whether the result holds the newest weights that the thread has put out.
            **kwargs: What `Learner.update` takes.

        Raises:
            Exception: Whatever the thread met with since the last call, such as a DivergedError.
        """
        if self._error is not None:
            raise self._error
        training_data.solve_refs()
        batch = self._train_batch(training_data)
        if not batch.policy_batches and self.config.num_learners > 1:
            if self._last_batch is None:
                raise ValueError("the first update brought this learner no steps, and the other learners wait for it")
            batch = self._last_batch
        if not batch.policy_batches:
            return {}
        if self.config.num_learners > 1:
            self._last_batch = batch
        self._wait_for_learner_thread()
        return super().update(TrainingData(batch=batch), timesteps=timesteps, return_state=return_state, **kwargs)

    def _wait_for_learner_thread(self) -> None:
        # RLlib's circular buffer takes a batch at any time and drops its oldest for it, trained on or not; it counts on
        # a learner that waits for samples. Fragments come faster than they can be trained on: the buffer would be full
        # of old ones, and most would go after one of their `circular_buffer_iterations_per_batch` updates.
        buffer = self._learner_thread_in_queue
        if not isinstance(buffer, CircularBuffer):
            return  # a queue that blocks
        while not _takes_without_loss(buffer) and self._learner_thread.is_alive():
            time.sleep(POLL_S)

    def _train_batch(self, training_data: TrainingData) -> MultiAgentBatch:
        # RLlib counts the `len` of everything that runners return for env steps; of a fragment that is E.
        batch: Any = self._make_batch_if_necessary(training_data)
        if training_data.episodes is None:
            env_steps = batch.env_steps() * self.config.get_rollout_fragment_length()
        else:
            env_steps = sum(fragment.env_steps() for fragment in training_data.episodes)
        return MultiAgentBatch(batch.policy_batches, env_steps)

    def _create_iterator_if_necessary(self, **kwargs: Any) -> Any:
        # In the learner thread. Batches wait in the queue in the world's dtype: as float32 small images would take four
        # times the memory. APPO draws a batch several times, so that it has to stay as it is.
        return self._as_modules_see(super()._create_iterator_if_necessary(**kwargs))

    def _as_modules_see(self, parts: Any) -> Iterator[MultiAgentBatch]:
        for part in parts:
            modules = {}
            for module_id, rows in part.policy_batches.items():
                columns = dict(rows)
                for name in (Columns.OBS, ACTION_MASK):
                    if name in columns:
                        columns[name] = columns[name].to(float32)
                modules[module_id] = SampleBatch(columns)
            yield MultiAgentBatch(modules, part.env_steps())

    # The learner thread changes weights, optimizers and coefficients while others ask for them; with this lock, which
    # is RLlib's for the thread's own look at the weights, nobody sees a step half done.

    def _update(self, *args: Any, **kwargs: Any) -> Any:
        with self._model_io_lock:
            try:
                return super()._update(*args, **kwargs)  # type: ignore[safe-super]
            except Exception as error:
                # Raised here it would end the thread, and `update` would wait for ever for a place in its queue.
                self._error = error
                return {}, {}, {}

    def compute_losses(self, *, fwd_out: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
        """Returns the loss of each module.

        Raises:
            DivergedError: A loss is not a number; no weight has been changed by it.
        """
        with all_or_none():
            losses = super().compute_losses(fwd_out=fwd_out, batch=batch)
            check_losses(losses)
        return losses

    def apply(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls a function with this learner for a driver in another process, where a user's error is raised."""
        return answer(partial(func, self, *args, **kwargs))

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        """Changes what RLlib changes after an update: target networks, KL coefficients, learning rates."""
        with self._model_io_lock:
            super().after_gradient_based_update(timesteps=timesteps)

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Returns the learner's state as it is between two steps of the learner thread."""
        with self._model_io_lock:
            return super().get_state(*args, **kwargs)

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        with self._model_io_lock:
            super().set_state(state)


def _takes_without_loss(buffer: CircularBuffer) -> bool:
    """Whether at most one batch waits in the buffer, and the place of the next one is free."""
    with buffer._lock:
        oldest_kept = buffer._offset - buffer._NxK + buffer.iterations_per_batch
        waiting = buffer._indices
        return len(waiting) <= buffer.iterations_per_batch and min(waiting, default=oldest_kept) >= oldest_kept


class IMPALAFragmentLearner(VTraceFragmentLearner, IMPALATorchLearner):  # type: ignore[misc]
    """IMPALA's learner on fragments.

    Its scheduled entropy coefficients need no place in a checkpoint: they follow from the env steps sampled, and RLlib
    sets them before each update.
    """


class APPOFragmentLearner(VTraceFragmentLearner, APPOTorchLearner):  # type: ignore[misc]
    """APPO's learner on fragments.

    Its adaptive KL coefficients, and when each target network was updated, survive a checkpoint. In RLlib's own they do
    not: after a restore the first update would use the first coefficient, and overwrite the target networks at once.
    """

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state, the KL coefficients, and the env steps trained at each target update."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(KL_COEFFS, components, not_components):
            state[KL_COEFFS] = {m: self.curr_kl_coeffs_per_module[m].item() for m in self.module.keys()}  # noqa: SIM118
        if self._check_component(LAST_TARGET_UPDATES, components, not_components):
            state[LAST_TARGET_UPDATES] = dict(self._last_update_ts_by_mid)
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        for module_id, coefficient in state.get(KL_COEFFS, {}).items():
            variable: Any = self.curr_kl_coeffs_per_module[module_id]
            variable.data.fill_(coefficient)
        self._last_update_ts_by_mid.update(state.get(LAST_TARGET_UPDATES, {}))


def set_up_vtrace(config: IMPALAConfig) -> None:
    """Gives an IMPALA or APPO config what training on fragments needs, unless it has something of its own.

    The learner, its connector, and the train batch size: one fragment for each learner. (RLlib puts together the
    fragments of runners until they hold `train_batch_size_per_learner * num_learners` env steps, and deals them out
    whole.)

    Raises:
        TypeError: A learner class that cannot train on fragments.
        ValueError: Settings with which learners would wait for each other for ever, or steps could not be counted.
    """
    config.learners(
        learner_class=_vtrace_learner(config.learner_class), add_default_connectors_to_learner_pipeline=False
    )
    if config._learner_connector is None:
        config.learners(learner_connector=FragmentToTrajectories)
    fragment_steps = config.num_envs_per_env_runner * config.get_rollout_fragment_length()
    if config._train_batch_size_per_learner is None:
        config.training(train_batch_size_per_learner=fragment_steps)
    has_aggregators = config.num_aggregator_actors_per_learner > 0
    if has_aggregators and config.batch_mode == "complete_episodes":
        raise ValueError("aggregators cannot count the steps of whole episodes; use batch_mode='truncate_episodes'")
    if config.num_learners > 1:
        _check_shares(config, fragment_steps, has_aggregators)


def _check_shares(config: IMPALAConfig, fragment_steps: int, has_aggregators: bool) -> None:
    # Learners wait for each other in every minibatch, so all of them need the same number.
    if config.minibatch_size is not None or config.num_epochs > 1:
        raise ValueError(
            f"{config.num_learners} learners would make different numbers of minibatches, because their fragments hold "
            "different numbers of episodes; with several learners use minibatch_size=None and num_epochs=1"
        )
    num_fragments = math.ceil(config.total_train_batch_size / fragment_steps)
    if not has_aggregators and num_fragments % config.num_learners:
        raise ValueError(
            f"a train batch of {config.total_train_batch_size} env steps is {num_fragments} fragments of "
            f"{fragment_steps}, which cannot be dealt out evenly to {config.num_learners} learners; make "
            "train_batch_size_per_learner a multiple of num_envs_per_env_runner * rollout_fragment_length"
        )


def _vtrace_learner(learner_class: type) -> type:
    if issubclass(learner_class, VTraceFragmentLearner):
        return learner_class
    known = {IMPALATorchLearner: IMPALAFragmentLearner, APPOTorchLearner: APPOFragmentLearner}
    if learner_class in known:
        return known[learner_class]
    raise TypeError(
        f"{learner_class.__name__} cannot train on fragments; derive it from marl.rllib.VTraceFragmentLearner "
        "(the mixin before the learner class) and pass it to config.learners(learner_class=...)"
    )
