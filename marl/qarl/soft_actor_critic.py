"""Soft actor-critic (Haarnoja et al. 2018) for many seeds at once, with temperatures that are learned or given.

Each seed has an actor, two critics with targets, and a temperature. Squashed Gaussian actions a = tanh(u), u ~ N(m, s):

    critics      (Q_i(s, a) - r - discount (1 - end) (min_j Q'_j(s', a') - temperature log pi(a' | s')))^2
    actor        temperature log pi(a | s) - min_i Q_i(s, a)
    temperature  -log temperature (log pi(a | s) + target entropy), unless it is given

A temperature that is given is the last number of the observation, sample by sample, in the actor's loss and in the
critics' targets alike: the adversary of bounded rationality (Reddi et al. 2024).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from agents.trained import LEAST_LOG_DEVIATION, MOST_LOG_DEVIATION
from marl.checks import check_number, check_widths
from marl.qarl.stacked import StackedMLP


@dataclass(frozen=True)
class SacSettings:
    """How each seed learns.

    Attributes:
        hidden_sizes: Of actor and critics.
        actor_rate: Of Adam.
        critic_rate: Of Adam.
        temperature_rate: Of Adam, where the temperature is learned.
        first_temperature: Where it is learned.
        discount: Per step.
        smoothing: Share of the critics that the targets take over in an update.
        gives_temperature: Whether the last number of an observation is the temperature.
        fixed_temperature: Of all samples, always; None where it is learned or given.

    Raises:
        ValueError: A number out of range.
    """

    hidden_sizes: Sequence[int] = (64, 64)
    actor_rate: float = 1e-4
    critic_rate: float = 3e-4
    temperature_rate: float = 3e-4
    first_temperature: float = 0.005
    discount: float = 0.99
    smoothing: float = 0.005
    gives_temperature: bool = False
    fixed_temperature: float | None = None

    def __post_init__(self) -> None:
        """Checks ranges."""
        check_widths("hidden_sizes", self.hidden_sizes)
        for name in ("actor_rate", "critic_rate", "temperature_rate"):
            check_number(name, getattr(self, name), least=0)
        for name in ("discount", "smoothing"):
            check_number(name, getattr(self, name), least=0, most=1)
        for name in ("first_temperature", "fixed_temperature"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), above=0)

    @property
    def learns_temperature(self) -> bool:
        """Whether there is anything to learn."""
        return not self.gives_temperature and self.fixed_temperature is None


@dataclass(frozen=True, eq=False)
class Transitions:
    """What is learned from, [S, n, ...] float32.

    Attributes:
        observations: [S, n, D].
        actions: [S, n, A] in [-1, 1].
        rewards: [S, n].
        nexts: [S, n, D] observations after the step.
        ends: [S, n] 1 where the episode terminated.
    """

    observations: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    nexts: torch.Tensor
    ends: torch.Tensor


class SoftActorCritics:
    """Learners of S seeds.

    Args:
        observation_size: D.
        action_size: A.
        settings: Of all.
        seeds: One a learner: of its first weights and of its noise. A learner does the same whoever is beside it.
    """

    def __init__(self, observation_size: int, action_size: int, settings: SacSettings, seeds: Sequence[int]) -> None:
        self.settings, self.action_size, self.count = settings, action_size, len(seeds)
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        hidden = list(settings.hidden_sizes)
        self.actor = StackedMLP([observation_size, *hidden, 2 * action_size], self.generators)
        sizes = [observation_size + action_size, *hidden, 1]
        self.critics = StackedMLP(sizes, [own for own in self.generators for _ in range(2)])
        self.targets = copy.deepcopy(self.critics).requires_grad_(False)
        fixed = settings.fixed_temperature
        first = math.log(settings.first_temperature if fixed is None else fixed)
        self.log_temperature = torch.full((self.count, 1), first, requires_grad=settings.learns_temperature)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), settings.actor_rate, fused=True)
        self.critic_optimizer = torch.optim.Adam(self.critics.parameters(), settings.critic_rate, fused=True)
        self.temperature_optimizer = torch.optim.Adam([self.log_temperature], settings.temperature_rate, fused=True)

    # ---- what a learner is made of ----

    def networks(self) -> dict[str, StackedMLP]:
        """Returns what is learned or follows what is learned, by name."""
        return {"actor": self.actor, "critics": self.critics, "targets": self.targets}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Returns what moves them, by name."""
        return {
            "actor": self.actor_optimizer,
            "critics": self.critic_optimizer,
            "temperature": self.temperature_optimizer,
        }

    # ---- acting ----

    @torch.no_grad()
    def act(self, observations: torch.Tensor, is_greedy: bool = False) -> torch.Tensor:
        """Returns actions [S, n, A] in [-1, 1] for observations [S, n, D]."""
        mean, deviation = self.distribution(observations)
        return torch.tanh(mean if is_greedy else mean + deviation * self._noise(mean.shape[1]))

    def _noise(self, count: int) -> torch.Tensor:
        return torch.stack([torch.randn(count, self.action_size, generator=own) for own in self.generators])

    def distribution(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mean and deviation [S, n, A] of the actions before tanh."""
        return self._split(self.actor(observations))

    @staticmethod
    def _split(raw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_deviation = raw.chunk(2, dim=-1)
        return mean, log_deviation.clamp(LEAST_LOG_DEVIATION, MOST_LOG_DEVIATION).exp()

    def sample(self, observations: torch.Tensor, actor: StackedMLP | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns actions [S, n, A] and their log densities [S, n], through which gradients flow.

        Args:
            observations: [S, n, D].
            actor: Whose actions; None: the learners' own.
        """
        mean, deviation = self._split((self.actor if actor is None else actor)(observations))
        noise = self._noise(mean.shape[1])
        raw = mean + deviation * noise
        of_raw = -0.5 * noise**2 - deviation.log() - 0.5 * math.log(2 * math.pi)
        # log(1 - tanh(u)^2) without loss of digits
        squash = 2 * (math.log(2) - raw - functional.softplus(-2 * raw))
        return torch.tanh(raw), (of_raw - squash).sum(dim=-1)

    def judged_actor(self) -> StackedMLP:
        """Returns the actor whose greedy actions are judged."""
        return self.actor

    # ---- learning ----

    def update(self, batch: Transitions) -> dict[str, torch.Tensor]:
        """Does one step of critics, actor and temperature; returns losses and temperatures, [S] each."""
        critic_loss = self._update_critics(batch)
        actor_loss, log_density = self._update_actor(batch)
        if self.settings.learns_temperature:
            self._update_temperature(log_density)
        self._move_targets()
        return {
            "critic_loss": critic_loss,
            "actor_loss": actor_loss,
            "entropy": -log_density.mean(dim=1),
            "temperature": self.temperature(batch.observations).mean(dim=1),
        }

    def temperature(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [S, n], or [S, 1] where all samples share it; no gradient."""
        if self.settings.gives_temperature:
            return observations[..., -1]
        return self.log_temperature.detach().exp()

    def _twin(self, network: StackedMLP, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns both critics' values, [S, 2, n]."""
        inputs = torch.cat([observations, actions], dim=-1).repeat_interleave(2, dim=0)
        values: torch.Tensor = network(inputs)
        return values.reshape(self.count, 2, -1)

    def worth(self, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns [S, n] the lower of both critics' values."""
        return self._twin(self.critics, observations, actions).min(dim=1).values

    def next_actions(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns actions [S, n, A] that the critics' targets expect, and their log densities [S, n]."""
        return self.sample(observations)

    def critic_losses(self, batch: Transitions) -> torch.Tensor:
        """Returns [S] the critics' loss: half the mean squared error of each, added."""
        with torch.no_grad():
            actions, log_density = self.next_actions(batch.nexts)
            future = self._twin(self.targets, batch.nexts, actions).min(dim=1).values
            future = future - self.temperature(batch.nexts) * log_density
            wanted = batch.rewards + self.settings.discount * (1 - batch.ends) * future
        errors = self._twin(self.critics, batch.observations, batch.actions) - wanted[:, None]
        return 0.5 * errors.pow(2).mean(dim=2).sum(dim=1)

    def actor_losses(self, batch: Transitions) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns [S] the actors' loss, and [S, n] log densities of the actions drawn for it."""
        actions, log_density = self.sample(batch.observations)
        worth = self.worth(batch.observations, actions)
        return (self.temperature(batch.observations) * log_density - worth).mean(dim=1), log_density

    def _update_critics(self, batch: Transitions) -> torch.Tensor:
        losses = self.critic_losses(batch)
        self.critic_optimizer.zero_grad()
        losses.sum().backward()  # no number of one seed is in another's loss
        self.critic_optimizer.step()
        return losses.detach()

    def _update_actor(self, batch: Transitions) -> tuple[torch.Tensor, torch.Tensor]:
        for parameter in self.critics.parameters():
            parameter.requires_grad_(False)
        losses, log_density = self.step_actors(batch)
        for parameter in self.critics.parameters():
            parameter.requires_grad_(True)
        return losses.detach(), log_density.detach()

    def step_actors(self, batch: Transitions) -> tuple[torch.Tensor, torch.Tensor]:
        """Moves the actors; returns their losses [S] and log densities [S, n]."""
        losses, log_density = self.actor_losses(batch)
        self.actor_optimizer.zero_grad()
        losses.sum().backward()
        self.actor_optimizer.step()
        return losses, log_density

    def _update_temperature(self, log_density: torch.Tensor) -> None:
        surplus = log_density.mean(dim=1, keepdim=True) - self.action_size  # the target entropy is -A
        self.temperature_optimizer.zero_grad()
        (-self.log_temperature * surplus).sum().backward()
        self.temperature_optimizer.step()

    @torch.no_grad()
    def _move_targets(self) -> None:
        for target, own in zip(self.targets.parameters(), self.critics.parameters(), strict=True):
            target.lerp_(own, self.settings.smoothing)
