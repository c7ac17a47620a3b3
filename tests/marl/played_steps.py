"""Numbered fragments, and what a reader of them would say follows each step: one agent and one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ray.rllib.algorithms.ppo import PPOConfig

from marl.rllib import BatchedEnvRunner, Fragment


@dataclass
class Step:
    """One step of one agent; `following` is the number of its next one, where that is known."""

    group: str
    module: str
    env: tuple[int, int]
    t: int
    obs: np.ndarray
    mask: np.ndarray | None
    reward: float
    new_obs: np.ndarray
    next_mask: np.ndarray | None
    is_terminal: bool
    following: int | None


def play(config: PPOConfig, lengths: list[int], *, worker_index: int = 0, num_episodes: int = 0) -> list[Fragment]:
    """Returns fragments of these lengths, whose actions say nothing but the number of the step."""
    runner = BatchedEnvRunner(config=config, worker_index=worker_index)
    fragments = []
    for length in lengths:
        steps = length * config.num_envs_per_env_runner
        fragments += runner.sample(num_episodes=num_episodes) if num_episodes else runner.sample(num_timesteps=steps)
    number = 10_000 * worker_index
    for fragment in fragments:
        for group in fragment.groups.values():
            count = group.rewards.size
            numbers = np.arange(number, number + count).reshape(group.rewards.shape)
            group.actions[...] = numbers.reshape(*numbers.shape, *[1] * (group.actions.ndim - 3))
            number += count
    return fragments


def number_of(action: np.ndarray) -> int:
    return int(np.ravel(action)[0])


def _next_mask(mask: np.ndarray | None, is_last: bool) -> np.ndarray | None:
    return np.ones_like(mask) if mask is not None and (is_last or not mask.any()) else mask


def steps_of(fragments: list[Fragment]) -> dict[int, Step]:
    """Returns all steps of consecutive fragments of one runner by number."""
    steps: dict[int, Step] = {}
    offset = 0
    for i, fragment in enumerate(fragments):
        after = fragments[i + 1] if i + 1 < len(fragments) else None
        goes_on = after is not None and not after.starts_fresh and after.source[1] == fragment.source[1] + 1
        for name, group in fragment.groups.items():
            for t, e, p in np.argwhere(group.alive[:-1] & fragment.is_active[:, :, None]):
                final = np.flatnonzero((fragment.final_index == (t, e)).all(axis=1))
                has_ended, is_newest = len(final) == 1, t + 1 == len(fragment.ended)
                is_out_next = not group.alive[t + 1, e, p] and not has_ended and not group.truncations[t, e, p]
                is_terminal = bool(group.terminations[t, e, p] or is_out_next)
                following: Any = None
                if not (is_terminal or has_ended or group.truncations[t, e, p]):
                    if not is_newest:
                        following = number_of(group.actions[t + 1, e, p])
                    elif goes_on:
                        following = number_of(after.groups[name].actions[0, e, p])
                masks = group.action_masks
                steps[number_of(group.actions[t, e, p])] = Step(
                    group=name,
                    module=group.modules[p],
                    env=(fragment.source[0], e),
                    t=offset + t,
                    obs=group.observations[t, e, p],
                    mask=None if masks is None else masks[t, e, p],
                    reward=float(group.rewards[t, e, p]),
                    new_obs=group.final_observations[final[0], p] if has_ended else group.observations[t + 1, e, p],
                    next_mask=None if masks is None else _next_mask(masks[t + 1, e, p], has_ended),
                    is_terminal=is_terminal,
                    following=following,
                )
        offset += len(fragment.ended)
    return steps


def stretch_of(steps: dict[int, Step], number: int, n: int) -> list[Step]:
    """Returns at most n steps of one agent, played by one module, from a step on."""
    stretch = [steps[number]]
    while len(stretch) < n and stretch[-1].following is not None:
        following = steps[stretch[-1].following]
        if following.module != stretch[-1].module:
            break
        stretch.append(following)
    return stretch


MakeConfig = Callable[..., PPOConfig]
