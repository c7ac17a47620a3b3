"""Two actors that share every action, sampled by Langevin dynamics: MixedNE-LD (Kamalaruban et al. 2020) on SAC.

What acts is (1 - mixing) a + mixing b, with a of the protagonist's actor, which wants the critics' values, and b of a
second one, which wants the opposite (the noisy action robust MDP of Tessler et al. 2019). Both actors move by
stochastic gradient Langevin dynamics with RMSprop as preconditioner,

    v <- 0.99 v + 0.01 g^2,   C = 1 / (sqrt(v) + 1e-8),   w <- w - rate C g + sqrt(2 rate C) sigma noise,

sigma falling by a factor at every step. What is judged is the running mean of the protagonist's weights, unmixed.
Noise, averages and rates are those of the release of Reddi et al. 2024; losses are soft actor-critic's for both actors.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics, Transitions
from marl.qarl.stacked import StackedMLP

NOISE, NOISE_DECAY, AVERAGING = 1e-3, 5e-5, 0.999
SQUARES_KEPT, LEAST_SCALE = 0.99, 1e-8


class LangevinOptimizer(torch.optim.Optimizer):
    """Moves the networks of many seeds by preconditioned Langevin steps.

    Args:
        network: Whose numbers move.
        rate: Of a step.
        generators: One a seed.
    """

    def __init__(self, network: StackedMLP, rate: float, generators: Sequence[torch.Generator]) -> None:
        super().__init__(network.parameters(), {"lr": rate})
        self._rate, self._generators = rate, generators

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Moves by the gradients."""
        for parameter in self.param_groups[0]["params"]:
            own = self.state[parameter]
            if not own:
                own["step"], own["squares"] = torch.zeros(()), torch.zeros_like(parameter)
            squares, sigma = own["squares"], NOISE * (1 - NOISE_DECAY) ** float(own["step"])
            squares.mul_(SQUARES_KEPT).addcmul_(parameter.grad, parameter.grad, value=1 - SQUARES_KEPT)
            scale = 1 / (squares.sqrt() + LEAST_SCALE)
            noise = torch.stack([torch.randn(parameter.shape[1:], generator=each) for each in self._generators])
            # Where a gradient was never met the scale has no bound; such a number stays where it is.
            spread = (2 * self._rate * scale).sqrt().where(squares > 0, 0)
            parameter.sub_(self._rate * scale * parameter.grad).add_(sigma * spread * noise)
            own["step"] += 1


class MixedActors(SoftActorCritics):
    """Learners of S seeds, each of two actors and their critics.

    Args:
        observation_size: D.
        action_size: A.
        settings: Of all; `actor_rate` is that of the Langevin steps.
        seeds: One a learner.
        mixing: Share of the second actor.
        is_released: Whether the critics' targets draw both shares from the protagonist's actor, as the release does.
    """

    def __init__(
        self,
        observation_size: int,
        action_size: int,
        settings: SacSettings,
        seeds: Sequence[int],
        mixing: float,
        is_released: bool = False,
    ) -> None:
        super().__init__(observation_size, action_size, settings, seeds)
        self._mixing, self._is_released = mixing, is_released
        self.second = StackedMLP([observation_size, *settings.hidden_sizes, 2 * action_size], self.generators)
        self.mean_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.langevin = LangevinOptimizer(self.actor, settings.actor_rate, self.generators)
        self.second_langevin = LangevinOptimizer(self.second, settings.actor_rate, self.generators)

    def networks(self) -> dict[str, StackedMLP]:
        """Returns what is learned or follows what is learned, by name."""
        return {**super().networks(), "second": self.second, "mean_actor": self.mean_actor}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Returns what moves them, by name."""
        return {**super().optimizers(), "actor": self.langevin, "second": self.second_langevin}

    @torch.no_grad()
    def act(self, observations: torch.Tensor, is_greedy: bool = False) -> torch.Tensor:
        """Returns mixed actions [S, n, A], or those of the mean actor alone."""
        if is_greedy:
            return torch.tanh(self.mean_actor(observations).chunk(2, dim=-1)[0])
        return self._mix(self.sample(observations)[0], self.sample(observations, self.second)[0])

    def judged_actor(self) -> StackedMLP:
        """Returns the running mean of the protagonist's actor."""
        return self.mean_actor

    def _mix(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return (1 - self._mixing) * first + self._mixing * second

    def next_actions(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mixed actions [S, n, A] and the protagonist's log densities [S, n]."""
        first, log_density = self.sample(observations)
        second, _ = self.sample(observations, self.actor if self._is_released else self.second)
        return self._mix(first, second), log_density

    def actor_losses(self, batch: Transitions) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns [S] the protagonists' loss beside a second actor that stays, and [S, n] log densities."""
        first, log_density = self.sample(batch.observations)
        with torch.no_grad():
            second, _ = self.sample(batch.observations, self.second)
        worth = self.worth(batch.observations, self._mix(first, second))
        return (self.temperature(batch.observations) * log_density - worth).mean(dim=1), log_density

    def second_losses(self, batch: Transitions) -> torch.Tensor:
        """Returns [S] the second actors' loss beside a protagonist that stays."""
        with torch.no_grad():
            first, _ = self.sample(batch.observations)
        second, log_density = self.sample(batch.observations, self.second)
        worth = self.worth(batch.observations, self._mix(first, second))
        return (self.temperature(batch.observations) * log_density + worth).mean(dim=1)

    def step_actors(self, batch: Transitions) -> tuple[torch.Tensor, torch.Tensor]:
        """Moves both actors; returns the protagonists' losses [S] and log densities [S, n]."""
        losses, log_density = self.actor_losses(batch)
        self.langevin.zero_grad()
        losses.sum().backward()
        self.langevin.step()
        self.second_langevin.zero_grad()
        self.second_losses(batch).sum().backward()
        self.second_langevin.step()
        with torch.no_grad():
            for mean, own in zip(self.mean_actor.parameters(), self.actor.parameters(), strict=True):
                mean.lerp_(own, 1 - AVERAGING)
        return losses, log_density
