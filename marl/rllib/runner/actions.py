"""From the numbers a module puts out to actions and their log-probabilities, for a whole vector of agents at once.

RLlib builds a distribution object for each module and step. Here the distributions that its modules use are small
classes on arrays. B rows, L distribution inputs, A action parts, K choices.
"""

from __future__ import annotations

from typing import Protocol

import gymnasium
import numpy as np
import torch
from ray.rllib.core.distribution.torch.torch_distribution import TorchSquashedGaussian
from ray.rllib.utils.numpy import MAX_LOG_NN_OUTPUT, MIN_LOG_NN_OUTPUT, SMALL_NUMBER


class ActionKind(Protocol):
    """How actions of one kind of space are drawn.

    Attributes:
        num_inputs: L, distribution inputs of one agent.
        num_noise: Random numbers that one action needs.
        shape: Of one agent's action.
        dtype: Of the actions that the learner sees.
    """

    num_inputs: int
    num_noise: int
    shape: tuple[int, ...]
    dtype: type[np.generic]

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Returns [*shape, num_noise] float32, enough for `sample` to be a plain function."""
        ...

    def sample(self, inputs: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """Returns actions [B, ...] for inputs [B, L]; the most likely ones without noise [B, num_noise]."""
        ...

    def draw_uniform(self, rng: np.random.Generator, num_rows: int, masks: np.ndarray | None) -> np.ndarray:
        """Returns actions [B, ...] that are spread evenly over the space, or over what masks [B, K] allow."""
        ...

    def log_prob(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns [B] for inputs [B, L] and actions [B, ...]."""
        ...

    def for_env(self, actions: np.ndarray) -> np.ndarray:
        """Converts what the learner sees to what the world takes."""
        ...


def action_kind(space: gymnasium.Space, is_normalized: bool = True, distribution: type | None = None) -> ActionKind:
    """Returns how actions of a space are drawn.

    Args:
        space: Discrete, MultiDiscrete or one-dimensional Box.
        is_normalized: Whether [-1, 1] of the learner stands for [low, high] of a Box, as RLlib's `normalize_actions`.
        distribution: RLlib's distribution class of the module; matters for a Box only.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        return Categorical(int(space.n))
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        return MultiCategorical(tuple(int(n) for n in space.nvec))
    if isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1:
        is_squashed = distribution is not None and issubclass(distribution, TorchSquashedGaussian)
        return (SquashedGaussian if is_squashed else Gaussian)(space, is_normalized)
    raise ValueError(f"actions must be Discrete, MultiDiscrete or a Box of one dimension, got {space}")


def _gumbel_max(logits: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
    return np.argmax(logits if noise is None else logits + noise, axis=-1)


def _draw_gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    noise = rng.standard_exponential(shape, dtype=np.float32)
    # An exponential draw is exactly 0 once in about 2^24 times; -log 0 would pick an action that a mask forbids.
    np.maximum(noise, np.finfo(np.float32).tiny, out=noise)
    np.log(noise, out=noise)
    return np.negative(noise, out=noise)


def _draw_legal(rng: np.random.Generator, masks: np.ndarray) -> np.ndarray:
    return np.argmax(np.where(masks, rng.random(masks.shape), -1.0), axis=-1)


def _categorical_log_prob(logits: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(logits, dim=-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)


class Categorical:
    """Discrete(K): the inputs are K logits."""

    dtype: type[np.generic] = np.int64
    shape: tuple[int, ...] = ()

    def __init__(self, num_actions: int) -> None:
        self.num_inputs = self.num_noise = num_actions

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Returns Gumbel noise."""
        return _draw_gumbel(rng, (*shape, self.num_noise))

    def sample(self, inputs: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """Returns [B] (Gumbel-max trick)."""
        return _gumbel_max(inputs, noise)

    def draw_uniform(self, rng: np.random.Generator, num_rows: int, masks: np.ndarray | None) -> np.ndarray:
        """Returns [B]."""
        return _draw_legal(rng, np.ones((num_rows, self.num_inputs)) if masks is None else masks)

    def log_prob(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns [B]."""
        return _categorical_log_prob(inputs, actions)

    def for_env(self, actions: np.ndarray) -> np.ndarray:
        """Returns the actions."""
        return actions


class MultiCategorical:
    """MultiDiscrete(K_0, ..., K_{A-1}): the inputs are the logits of all parts side by side."""

    dtype: type[np.generic] = np.int64

    def __init__(self, num_actions: tuple[int, ...]) -> None:
        self.num_inputs = self.num_noise = sum(num_actions)
        self.shape: tuple[int, ...] = (len(num_actions),)
        self.num_choices = list(num_actions)
        self._splits = np.cumsum(num_actions)[:-1]

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Returns Gumbel noise for all parts."""
        return _draw_gumbel(rng, (*shape, self.num_noise))

    def sample(self, inputs: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """Returns [B, A]."""
        noisy = inputs if noise is None else inputs + noise
        return np.stack([np.argmax(part, axis=-1) for part in np.split(noisy, self._splits, axis=-1)], axis=-1)

    def draw_uniform(self, rng: np.random.Generator, num_rows: int, masks: np.ndarray | None) -> np.ndarray:
        """Returns [B, A]."""
        masks = np.ones((num_rows, self.num_inputs)) if masks is None else masks
        return np.stack([_draw_legal(rng, part) for part in np.split(masks, self._splits, axis=-1)], axis=-1)

    def log_prob(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns [B], the sum over parts."""
        parts = zip(inputs.split(self.num_choices, dim=-1), actions.unbind(-1), strict=True)
        return torch.stack([_categorical_log_prob(logits, part) for logits, part in parts]).sum(0)

    def for_env(self, actions: np.ndarray) -> np.ndarray:
        """Returns the actions."""
        return actions


class Gaussian:
    """Box [A]: the inputs are A means and A logarithms of standard deviations, side by side."""

    dtype: type[np.generic] = np.float32

    def __init__(self, space: gymnasium.spaces.Box, is_normalized: bool) -> None:
        self.num_noise = space.shape[0]
        self.num_inputs = 2 * self.num_noise
        self.shape: tuple[int, ...] = space.shape
        self._low, self._high, self._is_normalized = space.low, space.high, is_normalized

    def draw_noise(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Returns normal noise."""
        return rng.standard_normal((*shape, self.num_noise), dtype=np.float32)

    def sample(self, inputs: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """Returns [B, A]."""
        mean, log_std = np.split(inputs, 2, axis=-1)
        return mean if noise is None else mean + np.exp(log_std) * noise

    def draw_uniform(self, rng: np.random.Generator, num_rows: int, masks: np.ndarray | None) -> np.ndarray:
        """Returns [B, A], in the learner's units."""
        low, high = (-1.0, 1.0) if self._is_normalized else (self._low, self._high)
        return rng.uniform(low, high, (num_rows, self.num_noise)).astype(np.float32)

    def log_prob(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns [B], the sum over parts."""
        mean, log_std = inputs.chunk(2, dim=-1)
        return torch.distributions.Normal(mean, log_std.exp(), validate_args=False).log_prob(actions).sum(-1)

    def for_env(self, actions: np.ndarray) -> np.ndarray:
        """Returns the actions inside [low, high]."""
        if not self._is_normalized:
            return np.clip(actions, self._low, self._high)
        unit = (np.clip(actions, -1, 1) + 1) / 2
        return np.clip(self._low + unit * (self._high - self._low), self._low, self._high)


class SquashedGaussian(Gaussian):
    """Box [A]: tanh of a Gaussian (Haarnoja et al. 2018, "Soft actor-critic", appendix C).

    Without noise it takes tanh of the mean. (RLlib's own runner takes the mean itself and clips it, another action.)
    """

    def sample(self, inputs: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """Returns [B, A] in [-1, 1]."""
        mean, log_std = np.split(inputs, 2, axis=-1)
        log_std = np.clip(log_std, MIN_LOG_NN_OUTPUT, MAX_LOG_NN_OUTPUT)
        return np.tanh(super().sample(np.concatenate([mean, log_std], axis=-1), noise))

    def log_prob(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns [B], the sum over parts."""
        mean, log_std = inputs.chunk(2, dim=-1)
        unsquashed = torch.atanh(actions.clamp(SMALL_NUMBER - 1, 1 - SMALL_NUMBER))
        inputs = torch.cat([mean, log_std.clamp(MIN_LOG_NN_OUTPUT, MAX_LOG_NN_OUTPUT)], dim=-1)
        # log(1 - tanh(x)^2), written so that it does not lose everything where tanh(x) is nearly 1.
        slope = 2 * (np.log(2) - unsquashed - torch.nn.functional.softplus(-2 * unsquashed))
        return super().log_prob(inputs, unsquashed) - slope.sum(-1)
