"""FragmentLearner: a mixin with which an RLlib learner trains on fragments, and PPO with it.

Everything private to RLlib that the learning side relies on stands in this file: `_create_iterator_if_necessary`,
`_make_batch_if_necessary`, `_learner_connector`, `_check_component`, `_check_is_built`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

from marl.rllib.fragment_to_batch import ACTION_MASK, Discounts, FragmentToBatch
from marl.rllib.observations import as_features

SHUFFLE_STATE = "shuffle_state"
KL_COEFFS = "kl_coeffs"
ENTROPY_COEFFS = "entropy_coeffs"


def minibatches(
    columns: dict[str, dict[str, torch.Tensor]],
    *,
    num_epochs: int,
    minibatch_size: int | None,
    generator: torch.Generator | None,
) -> Iterator[dict[str, dict[str, torch.Tensor]]]:
    """Yields every row of every module once per epoch.

    An epoch has as many minibatches as the largest module needs, and the rows of each module are spread evenly over
    them. (RLlib's iterator gives every module the same number of rows each time, so that a planner with a ninth of the
    rows makes nine times the passes; it also leaves the first epoch in the order of time.)

    Args:
        columns: By module and name, [B, ...].
        num_epochs: Passes over the data.
        minibatch_size: Rows of the largest module; None: all.
        generator: Shuffles; None: the order is kept.
    """
    sizes = {module_id: len(next(iter(module.values()))) for module_id, module in columns.items()}
    largest = max(sizes.values(), default=0)
    if largest == 0:
        return
    num_parts = 1 if minibatch_size is None else max(1, round(largest / minibatch_size))
    for _ in range(num_epochs):
        parts = {module_id: _split(size, num_parts, generator) for module_id, size in sizes.items()}
        for i in range(num_parts):
            yield {
                module_id: {name: column.index_select(0, parts[module_id][i]) for name, column in module.items()}
                for module_id, module in columns.items()
                if len(parts[module_id][i])
            }


def _split(size: int, num_parts: int, generator: torch.Generator | None) -> list[torch.Tensor]:
    rows = torch.arange(size) if generator is None else torch.randperm(size, generator=generator)
    return list(torch.tensor_split(rows, num_parts))


class FragmentLearner(Learner):
    """Adds `FragmentToBatch`, its own minibatches, and exact resumption to a learner. Put it before the learner class.

    The config needs `learners(add_default_connectors_to_learner_pipeline=False)`; `use_batched_runner` sees to it.
    """

    def build(self) -> None:
        """Builds the learner and gives it the connector."""
        if self._check_is_built(error=False):
            return
        super().build()
        if self.config.num_learners > 1:
            raise ValueError(f"fragments cannot be split over learners yet; num_learners is {self.config.num_learners}")
        if self.config.add_default_connectors_to_learner_pipeline:
            raise ValueError("a FragmentLearner needs learners(add_default_connectors_to_learner_pipeline=False)")
        self._generator = torch.Generator().manual_seed(
            torch.initial_seed() if self.config.seed is None else self.config.seed
        )
        assert self._learner_connector is not None
        self._learner_connector.append(
            FragmentToBatch(discounts=self.discounts, is_trained=self.should_module_be_updated)
        )

    def discounts(self, module_id: str) -> Discounts:
        """Returns gamma and lambda of a module."""
        config: Any = self.config.get_config_for_module(module_id)
        return Discounts(config.gamma, config.lambda_)

    def _create_iterator_if_necessary(
        self,
        *,
        training_data: TrainingData,
        num_epochs: int = 1,
        minibatch_size: int | None = None,
        shuffle_batch_per_epoch: bool = False,
        **kwargs: Any,
    ) -> Any:
        if training_data.episodes is None:
            return super()._create_iterator_if_necessary(
                training_data=training_data,
                num_epochs=num_epochs,
                minibatch_size=minibatch_size,
                shuffle_batch_per_epoch=shuffle_batch_per_epoch,
                **kwargs,
            )
        batch = self._make_batch_if_necessary(training_data)
        parts = minibatches(
            {module_id: dict(columns) for module_id, columns in batch.policy_batches.items()},
            num_epochs=num_epochs,
            minibatch_size=minibatch_size,
            generator=self._generator if shuffle_batch_per_epoch else None,
        )
        return (self._to_device(part, batch.env_steps()) for part in parts)

    def _to_device(self, part: dict[str, dict[str, torch.Tensor]], env_steps: int) -> MultiAgentBatch:
        # Observations become float32 here, a minibatch at a time: a whole train batch of small images as float32 would
        # be four times the memory, and four times the work to shuffle.
        modules = {}
        for module_id, columns in part.items():
            columns = {name: column.to(self._device) for name, column in columns.items()}
            columns[Columns.OBS] = as_features(columns[Columns.OBS])
            if ACTION_MASK in columns:
                columns[ACTION_MASK] = columns[ACTION_MASK].to(torch.float32)
            modules[module_id] = SampleBatch(columns)
        return MultiAgentBatch(modules, env_steps)

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and that of its shuffling."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(SHUFFLE_STATE, components, not_components):
            state[SHUFFLE_STATE] = self._generator.get_state().numpy()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        if SHUFFLE_STATE in state:
            self._generator.set_state(torch.from_numpy(state[SHUFFLE_STATE].copy()))


class PPOFragmentLearner(FragmentLearner, PPOTorchLearner):
    """PPO's learner on fragments.

    Its adaptive KL coefficients and scheduled entropy coefficients survive a checkpoint. RLlib's own do not: after a
    restore the first update would use the coefficient of the first step.
    """

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and the coefficients."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(ENTROPY_COEFFS, components, not_components):
            schedules = self.entropy_coeff_schedulers_per_module.items()
            state[ENTROPY_COEFFS] = {
                module_id: float(schedule.get_current_value()) for module_id, schedule in schedules
            }
        if self._check_component(KL_COEFFS, components, not_components):
            state[KL_COEFFS] = {m: self.curr_kl_coeffs_per_module[m].item() for m in self.module.keys()}  # noqa: SIM118
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        for module_id, coefficient in state.get(KL_COEFFS, {}).items():
            variable: Any = self.curr_kl_coeffs_per_module[module_id]
            variable.data.fill_(coefficient)
        for module_id, coefficient in state.get(ENTROPY_COEFFS, {}).items():
            current = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
            if isinstance(current, torch.Tensor):  # a float: no schedule, the config has it
                current.data.fill_(coefficient)
