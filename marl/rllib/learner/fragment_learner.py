"""FragmentLearner: a mixin with which an RLlib learner trains on fragments.

Everything private to RLlib that the learning side relies on stands in this file: `_weights_seq_no`, `_update`,
`_learner_connector`, `_check_component`, `_check_is_built`, `_compute_off_policyness`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

import torch
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.policy.sample_batch import MultiAgentBatch
from ray.rllib.utils.metrics import WEIGHTS_SEQ_NO

from marl.rllib.errors import TrainingError, answer, check_losses
from marl.rllib.learner.advantages import Discounts
from marl.rllib.learner.decision_rows import ACTION_MASK
from marl.rllib.learner.fragment_to_batch import FragmentToBatch
from marl.rllib.learner.global_state import GlobalStateAPI
from marl.rllib.learner.minibatches import ModuleColumns, map_columns, minibatches
from marl.rllib.learner.ranks import all_or_none
from marl.rllib.learner.step_counts import StepCounts
from marl.rllib.restorable import RestorableLearner
from marl.rllib.runner.fragment import Fragment

SHUFFLE_STATE = "shuffle_state"


class FragmentLearner(RestorableLearner, TorchLearner):
    """Adds `FragmentToBatch`, its own minibatches, and exact resumption to a learner. Put it before the learner class.

    The config needs `learners(add_default_connectors_to_learner_pipeline=False)`; `use_batched_runner` sees to it.
    """

    # Whether the loss that is being computed is the update's last: RLlib keeps nothing of what others log.
    is_last_minibatch = True

    def build(self) -> None:
        """Builds the learner and gives it the connector."""
        if self._check_is_built(error=False):
            return
        super().build()
        if self.config.add_default_connectors_to_learner_pipeline:
            raise ValueError("a FragmentLearner needs learners(add_default_connectors_to_learner_pipeline=False)")
        self._has_overrides = bool(self.config.algorithm_config_overrides_per_module)
        self._generator = torch.Generator().manual_seed(
            torch.initial_seed() if self.config.seed is None else self.config.seed
        )
        assert self._learner_connector is not None
        self._learner_connector.append(self.make_rows())
        for module_id in self.module.keys():  # noqa: SIM118 - a MultiRLModule is no dict
            module = self.module[module_id].unwrapped()
            if isinstance(module, GlobalStateAPI) and module.is_stateful():
                raise ValueError(f"module {module_id!r} has a centralised critic and is recurrent; it can be either")

    def make_rows(self) -> ConnectorV2:
        """Returns the connector from fragments to the columns of the loss."""
        return FragmentToBatch(discounts=self.discounts, is_trained=self.should_module_be_updated)

    def discounts(self, module_id: str) -> Discounts:
        """Returns gamma and lambda of a module."""
        config: Any = self.config.get_config_for_module(module_id)
        return Discounts(config.gamma, config.lambda_)

    def update(  # type: ignore[override]
        self,
        batch: MultiAgentBatch | None = None,
        training_data: TrainingData | None = None,
        *,
        timesteps: dict[str, Any] | None = None,
        num_epochs: int = 1,
        minibatch_size: int | None = None,
        shuffle_batch_per_epoch: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Trains on the fragments of `training_data`; anything else goes RLlib's way.

        As RLlib's own, but a step counts as trained once in every epoch, not in every minibatch.
        """
        if training_data is not None:
            training_data.solve_refs()
        if training_data is None or training_data.episodes is None:
            arguments = {"num_epochs": num_epochs, "minibatch_size": minibatch_size, **kwargs}
            arguments["shuffle_batch_per_epoch"] = shuffle_batch_per_epoch
            return super().update(batch=batch, training_data=training_data, timesteps=timesteps, **arguments)
        self._check_is_built()
        self.before_gradient_based_update(timesteps=timesteps or {})
        self._weights_seq_no += 1
        fragments: Any = training_data.episodes
        with all_or_none():
            if not fragments:
                raise TrainingError(
                    "a learner got no envs to learn from: give all runners together at least num_learners "
                    f"({self.config.num_learners}) envs"
                )
        parts = minibatches(
            self._columns(fragments),
            module_ids=[m for m in sorted(self.module.keys()) if self.should_module_be_updated(m)],
            num_epochs=num_epochs,
            minibatch_size=minibatch_size,
            generator=self._generator if shuffle_batch_per_epoch else None,
        )
        env_steps = sum(fragment.env_steps() for fragment in fragments)
        self._take_steps(parts, env_steps * num_epochs)
        self.after_gradient_based_update(timesteps=timesteps or {})
        return self.metrics.reduce()

    def _columns(self, fragments: list[Fragment]) -> ModuleColumns:
        connector: Any = self._learner_connector
        return connector(rl_module=self.module, batch={}, episodes=fragments, shared_data={}, metrics=self.metrics)

    def _take_steps(self, parts: Iterator[ModuleColumns], env_steps: int) -> None:
        losses: dict[str, torch.Tensor] = {}
        counts = StepCounts()
        part = next(parts, None)
        while part is not None:
            following = next(parts, None)
            self.is_last_minibatch = following is None
            on_device = {module_id: self._to_device(columns) for module_id, columns in part.items()}
            _, part_losses, _ = self._update(on_device)
            losses.update(part_losses)
            counts.add(part)
            part = following
        for module_id, loss in losses.items():
            self.metrics.log_value((module_id, self.TOTAL_LOSS_KEY), loss, window=1)
        if losses:
            counts.log(self.metrics, env_steps, self._weights_seq_no)

    def _to_device(self, columns: dict[str, Any]) -> dict[str, Any]:
        # Observations become float32 here, a minibatch at a time: a whole train batch of small images as float32 would
        # be four times the memory, and four times the work to shuffle.
        columns = map_columns(lambda column: column.to(self._device), columns)
        for name in (Columns.OBS, ACTION_MASK):
            if name in columns:
                columns[name] = columns[name].to(torch.float32)
        return columns

    def _compute_off_policyness(self, batch: dict[str, Any]) -> None:
        # Rows say nothing of the weights that chose their actions, and logging nothing takes as long as two layers.
        if any(WEIGHTS_SEQ_NO in columns for columns in batch.values()):
            super()._compute_off_policyness(batch)

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers Adam, in one fused kernel; none for a module without weights."""
        parameters = self.get_parameters(self.module[module_id])
        if parameters:
            optimizer = torch.optim.Adam(parameters, fused=True)
            self.register_optimizer(
                module_id=module_id, optimizer=optimizer, params=parameters, lr_or_lr_schedule=config.lr
            )

    def postprocess_gradients(self, gradients_dict: dict[Any, Any]) -> dict[Any, Any]:
        """Clips gradients where the config asks for it, and leaves them in peace otherwise."""
        if self.config.grad_clip is None and not self.config.log_gradients and not self._has_overrides:
            return gradients_dict
        return super().postprocess_gradients(gradients_dict)

    def apply_gradients(self, gradients_dict: dict[Any, Any]) -> None:
        """Steps the optimizers.

        RLlib looks twice at every gradient for one that is not finite, which for small networks takes longer than the
        step. Here their sum is looked at; where it is not finite, RLlib's own way decides what happens.
        """
        # Modules that had no rows in this minibatch have no gradients.
        gradients_dict = {name: gradient for name, gradient in gradients_dict.items() if gradient is not None}
        is_plain = self._lr_scheduler_classes is None and self._grad_scalers is None
        if not (is_plain and gradients_dict and _is_finite(gradients_dict.values())):
            super().apply_gradients(gradients_dict)
            return
        for parameter, gradient in gradients_dict.items():
            self._params[parameter].grad = gradient
        for module_id, names in self._module_optimizers.items():
            for name in names:
                self.get_optimizer(module_id, name).step()

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


def _is_finite(gradients: Collection[torch.Tensor]) -> bool:
    """Returns whether all gradients are finite, and may say no of very large ones; waits once for their device."""
    return math.isfinite(torch.cat([gradient.flatten() for gradient in gradients]).sum().item())
