"""RLlib's learner of value factorization."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import torch
from ray.rllib.core.learner.torch.torch_learner import TorchLearner

from marl.qmix.modules import AgentModule, MixerModule, TargetedModule
from marl.qmix.settings import FactorizationSettings
from marl.qmix.values import masked_loss, next_values, standardize, td_targets, values_of
from marl.rllib.errors import check_losses
from marl.rllib.restorable import RestorableLearner

MIXER = "mixer"
NUM_UPDATES = "num_updates"

Batch = Mapping[str, Mapping[str, torch.Tensor]]


class Worth(NamedTuple):
    """What a batch of B episodes of T steps and P agents is worth to the networks, and what came of it.

    Attributes:
        q_t: [B, T, P] of what each agent did; 0 for one that is out.
        q_tp1: [B, T, P] of the best that each can do next, as its target has it; 0 for one without a future.
        rewards: [B, T, P].
        alive: [B, T, P] bool.
        next_alive: [B, T, P] bool.
        mask: [B, T] bool.
        is_terminal: [B, T] bool.
        states: [B, T+1, S] of the mixer, scaled; None where there is none.
    """

    q_t: torch.Tensor
    q_tp1: torch.Tensor
    rewards: torch.Tensor
    alive: torch.Tensor
    next_alive: torch.Tensor
    mask: torch.Tensor
    is_terminal: torch.Tensor
    states: torch.Tensor | None


class FactorizationLearner(RestorableLearner, TorchLearner):
    """One loss over the networks of all agents and the mixer.

    A batch has, by module, B whole episodes or single steps (T = 1): "obs" [B, T+1, n, D...] and, where there are
    masks, "action_mask" [B, T+1, n, K]; "actions", "rewards", "alive", "next_alive" [B, T, n]; "mask", "is_terminal"
    [B, T], which are the same in all modules.
    """

    num_updates = 0

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Registers the optimizer of a network; none for a mixer without weights."""
        module: Any = self.module[module_id]
        parameters = list(module.network.parameters())
        if not parameters:
            return
        if config.optimizer_name == "rmsprop":
            optimizer: Any = torch.optim.RMSprop(parameters, alpha=0.99, eps=1e-5)
        else:
            optimizer = torch.optim.Adam(parameters, fused=True)
        self.register_optimizer(
            module_id=module_id, optimizer=optimizer, params=parameters, lr_or_lr_schedule=config.lr
        )

    @cached_property
    def settings(self) -> FactorizationSettings:
        """What the config says."""
        config: Any = self.config
        return config.factorization_settings()

    @property
    def mixes(self) -> bool:
        """Whether the loss is the team's; otherwise each agent has its own."""
        return MIXER in self.module

    def _modules(self) -> dict[str, TargetedModule]:
        modules: Any = self.module
        return dict(modules.items())

    def _update(self, batch: Any, **kwargs: Any) -> tuple[Any, Any, Any]:
        """Does one update of all networks.

        Raises:
            DivergedError: The loss is not a number; no weight has been changed by it.
        """
        loss, numbers = self.factorization_loss(batch)
        check_losses({"agents": loss})
        optimizers = [self.get_optimizer(module_id) for module_id in self._modules() if self._learns(module_id)]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        numbers["gradient_norm"] = self._clip()
        for optimizer in optimizers:
            optimizer.step()
        self.num_updates += 1
        settings = self.settings
        if self.num_updates % settings.target_update_interval == 0:
            for module in self._modules().values():
                module.follow(settings.tau)
        for name, value in numbers.items():
            self.metrics.log_value(("agents", name), value, window=1)
        return {}, {}, {}

    def compute_loss_for_module(self, *, module_id: str, **kwargs: Any) -> torch.Tensor:
        """Refuses: what a module should answer depends on all the others."""
        raise TypeError(f"module {module_id!r} has no loss of its own; factorization_loss is that of all")

    def _learns(self, module_id: str) -> bool:
        return bool(self._module_optimizers.get(module_id))

    def _clip(self) -> torch.Tensor:
        """Returns the norm of all gradients together, and cuts them to `grad_clip`."""
        parameters = [each for module in self._modules().values() for each in module.network.parameters()]
        most: Any = self.config.grad_clip
        return torch.nn.utils.clip_grad_norm_(parameters, torch.inf if most is None else most)

    # ---- the loss ----

    def factorization_loss(self, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss of a batch, and numbers for the log."""
        worth = self._worth(batch)
        return self._team_loss(worth) if self.mixes else self._own_losses(worth)

    def _worth(self, batch: Batch) -> Worth:
        agents = {module_id: module for module_id, module in self._modules().items() if isinstance(module, AgentModule)}
        first = batch[next(iter(agents))]
        values = [self._values(module, batch[module_id]) for module_id, module in agents.items()]
        q_t, q_tp1 = (torch.cat(each, dim=-1) for each in zip(*values, strict=True))
        rewards, alive, next_alive = (
            torch.cat([batch[module_id][name] for module_id in agents], dim=-1)
            for name in ("rewards", "alive", "next_alive")
        )
        states = [_flat(batch[module_id]["obs"]) for module_id in agents] if MIXER in self.module else None
        return Worth(
            q_t * alive,  # who is out is worth nothing
            q_tp1 * next_alive,
            rewards,
            alive,
            next_alive,
            first["mask"],
            first["is_terminal"],
            None if states is None else torch.cat(states, dim=-1) * self.settings.observation_scale,
        )

    def _values(self, module: AgentModule, columns: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns [B, T, n] what was done was worth, and what the best of the next step is."""
        masks = columns.get("action_mask")
        online, target = module.unroll(columns["obs"])
        chooser = online.detach()[:, 1:] if self.settings.double_q else None
        then = next_values(target[:, 1:], chooser, None if masks is None else masks[:, 1:])
        return values_of(online[:, :-1], columns["actions"]), then

    def _team_loss(self, worth: Worth) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss of the mixed values."""
        settings, mixer = self.settings, self.module[MIXER]
        assert isinstance(mixer, MixerModule)
        assert worth.states is not None
        team = worth.rewards.mean(dim=-1) if settings.team_reward == "mean" else worth.rewards.sum(dim=-1)
        team = standardize(team, worth.mask) if settings.standardize_rewards else team
        q_tot = mixer.mix(worth.q_t, worth.states[:, :-1])
        with torch.no_grad():
            q_tot_tp1 = mixer.mix(worth.q_tp1, worth.states[:, 1:], by_target=True)
            targets = td_targets(team, q_tot_tp1, worth.is_terminal, self.config.gamma)
        return self._loss_and_numbers(q_tot, targets, worth.mask)

    def _own_losses(self, worth: Worth) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss of agents that learn by themselves, each until its own end."""
        settings, rewards = self.settings, worth.rewards
        acted = worth.alive & worth.mask.unsqueeze(-1)
        if settings.team_reward != "own":
            team = rewards.mean(dim=-1, keepdim=True) if settings.team_reward == "mean" else rewards.sum(-1, True)
            rewards = team.expand_as(rewards)
        rewards = standardize(rewards, acted) if settings.standardize_rewards else rewards
        targets = td_targets(rewards, worth.q_tp1, ~worth.next_alive, self.config.gamma)
        return self._loss_and_numbers(worth.q_t, targets, acted)

    def _loss_and_numbers(
        self, predicted: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loss = masked_loss(predicted - targets, mask, self.settings.loss)
        count = mask.sum().clamp(min=1)
        with torch.no_grad():
            numbers = {
                "loss": loss.detach(),
                "q_mean": (predicted * mask).sum() / count,
                "target_mean": (targets * mask).sum() / count,
                "td_error_abs": ((predicted - targets).abs() * mask).sum() / count,
            }
        return loss, numbers

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and how many updates it has done, by which target networks follow."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(NUM_UPDATES, components, not_components):
            state[NUM_UPDATES] = self.num_updates
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        self.num_updates = state.get(NUM_UPDATES, self.num_updates)


def _flat(observations: torch.Tensor) -> torch.Tensor:
    """Returns [B, T+1, S] what n agents see, side by side, for [B, T+1, n, D...]."""
    return observations.flatten(2).to(torch.float32)
