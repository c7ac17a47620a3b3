"""RLlib's learner of MRA: one call does the updates of a round."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

import torch
from ray.rllib.core.learner.torch.torch_learner import TorchLearner

from marl.mra.losses import (
    Numbers,
    Steps,
    critic_loss,
    game_loss,
    information_bound,
    information_numbers,
    latent_usage,
    policy_loss,
    steps_of,
)
from marl.mra.module import MRAModule
from marl.mra.settings import MRASettings
from marl.rllib.errors import check_losses
from marl.rllib.restorable import RestorableLearner

# The optimizers of a module; relations have one where they do not learn together with the policy.
POLICY, RELATION, CRITIC, TASK = "policy", "relation", "critic", "task"
DRAWS = "draws"

Batch = Mapping[str, Mapping[str, torch.Tensor]]


def parameters_of(module: MRAModule, is_joint: bool) -> dict[str, list[torch.nn.Parameter]]:
    """Returns the parameters of each optimizer.

    Args:
        module: Whose.
        is_joint: Whether policy and relations have one optimizer: a factor says what information weighs beside values
            only where both go into the same step, since Adam divides by the size of gradients.
    """
    actor = module.actor
    policy, relation = list(actor.policy.parameters()), list(actor.relation.parameters())
    actors = {POLICY: [*policy, *relation]} if is_joint else {POLICY: policy, RELATION: relation}
    critic, task = list(module.critic.parameters()), [*actor.prior.parameters(), *module.predictor.parameters()]
    return actors | {CRITIC: critic, TASK: task}


class Round:
    """The updates of one module that follow a round of play.

    Args:
        module: Is trained.
        settings: Of the training.
        discount: Gamma.
        generator: Draws.
        take: Takes a step down a loss, with the optimizers of these names.
    """

    def __init__(
        self,
        module: MRAModule,
        settings: MRASettings,
        discount: float,
        generator: torch.Generator,
        take: Callable[[torch.Tensor, tuple[str, ...]], None],
    ) -> None:
        self._module, self._settings, self._discount = module, settings, discount
        self._generator, self._take = generator, take

    def update(self, steps: Steps) -> Numbers:
        """Does one update of the critic, then one of policy and relations; returns numbers for the log."""
        module, settings, generator = self._module, self._settings, self._generator
        loss, numbers = critic_loss(module, steps, settings, self._discount, generator)
        self._take(loss, (CRITIC,))
        loss, further = policy_loss(module, steps, settings, generator)
        self._take(loss, (POLICY,))
        return numbers | further

    def update_prior(self, steps: Steps) -> Numbers:
        """Does one update of prior and predictor."""
        loss, numbers = game_loss(self._module, steps, self._settings, self._generator)
        self._take(loss, (TASK,))
        return numbers

    def end(self, steps: Steps) -> Numbers:
        """Does one update of the targets, after one of relations that learn apart."""
        module, settings = self._module, self._settings
        numbers: Numbers = {}
        if module.num_latents > 1:
            bound = information_bound(module, steps, settings, self._generator)
            if not settings.relation_follows_policy and settings.information_coeff > 0:
                self._take(-bound, (RELATION,))
            numbers = {"information_bound": bound} | information_numbers(module, steps)
        module.follow(settings.tau)
        return numbers | latent_usage(module)


class MRALearner(RestorableLearner, TorchLearner):
    """Trains `MRAModule`s, each on its group's steps.

    A batch has, by module, U · B steps: "obs" and "new_obs" [U·B, N, D], perhaps "action_mask" and "new_action_mask",
    "actions", "rewards", "alive", "next_alive" [U·B, N], "latents" [U·B, N, H], "games" and "num_agents" [U·B].
    """

    def build(self) -> None:
        """Builds the learner and its generator."""
        super().build()
        seed = self.config.seed
        self._generator = torch.Generator().manual_seed(torch.initial_seed() if seed is None else seed)

    @cached_property
    def settings(self) -> MRASettings:
        """What the config says."""
        config: Any = self.config
        return config.mra_settings()

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers Adam for policy and relations, together or apart, the critic, and prior and predictor."""
        module: Any = self.module[module_id]
        make = torch.optim.AdamW if config.decouples_decay else torch.optim.Adam
        for name, parameters in parameters_of(module, config.relation_follows_policy).items():
            self.register_optimizer(
                module_id=module_id,
                optimizer_name=name,
                optimizer=make(parameters, weight_decay=config.weight_decay, fused=True),
                params=parameters,
                lr_or_lr_schedule=config.lr,
            )

    def _update(self, batch: Batch, **kwargs: Any) -> tuple[Any, Any, Any]:
        """Does the updates of a round.

        Raises:
            DivergedError: A loss is not a number; no weight has been changed by it.
        """
        settings = self.settings
        for module_id, columns in batch.items():
            module: Any = self.module[module_id]

            def take(loss: torch.Tensor, names: tuple[str, ...], module_id: str = module_id) -> None:
                self._take(module_id, loss, names)

            a_round = Round(module, settings, self.config.gamma, self._generator, take)
            numbers: Numbers = {}
            parts = {name: values.split(settings.batch_steps) for name, values in columns.items()}
            count = len(parts["rewards"])
            for u in range(count):
                own = {name: values[u] for name, values in parts.items()}
                steps = steps_of(module, own)
                numbers |= a_round.update(steps)
                if u >= count - settings.prior_updates:
                    few = {name: values[: settings.prior_steps] for name, values in own.items()}
                    numbers |= a_round.update_prior(steps_of(module, few))
            numbers |= a_round.end(steps)
            for name, value in numbers.items():
                self.metrics.log_value((module_id, name), value.detach(), window=1)
        return {}, {}, {}

    def _take(self, module_id: str, loss: torch.Tensor, names: tuple[str, ...]) -> None:
        check_losses({module_id: loss})
        optimizers = [self.get_optimizer(module_id, name) for name in names]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        parameters = [each for optimizer in optimizers for group in optimizer.param_groups for each in group["params"]]
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        most: Any = self.config.grad_clip
        torch.nn.utils.clip_grad_norm_(parameters, torch.inf if most is None else most)
        for optimizer in optimizers:
            optimizer.step()

    def compute_loss_for_module(self, *, module_id: str, **kwargs: Any) -> torch.Tensor:
        """Refuses: a module has several losses, each with an optimizer of its own."""
        raise TypeError(f"module {module_id!r} has no single loss; marl.mra.losses has them")

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state, and that of its draws."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(DRAWS, components, not_components):
            state[DRAWS] = self._generator.get_state().numpy()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        if DRAWS in state:
            self._generator.set_state(torch.from_numpy(state[DRAWS].copy()))
