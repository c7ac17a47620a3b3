"""What a module sees of a group: one flat float32 row an agent, and the action mask beside it."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import torch

from games.batch import Group


def agent_space(group: Group) -> gymnasium.Space:
    """Returns the observation space of one agent as the world has it.

    With action masks it is Dict{"action_mask": [K], "observations": [D...]}, the form that RLlib's own masking module
    asks for.
    """
    return _with_mask(group, group.observation_space)


def module_space(group: Group) -> gymnasium.Space:
    """Returns the observation space that a module of the batched runner is built for: float32 and flat.

    RLlib's default networks have no encoder for small images, and every network has to see float32 in the end; so
    uint8 boards [W, H, C] stay uint8 in the arrays and become rows of W·H·C numbers in `as_features`.
    """
    space = group.observation_space
    flat = gymnasium.spaces.Box(space.low.reshape(-1), space.high.reshape(-1), dtype=np.float32)
    return _with_mask(group, flat)


def _with_mask(group: Group, observations: gymnasium.Space) -> gymnasium.Space:
    if group.action_masks is None:
        return observations
    mask = gymnasium.spaces.Box(0, 1, group.action_masks.shape[-1:], np.float32)
    return gymnasium.spaces.Dict({"action_mask": mask, "observations": observations})


def as_features(observations: torch.Tensor) -> torch.Tensor:
    """Converts observations of any dtype and shape [B, D...] to float32 [B, D]. The only place that does."""
    return observations.flatten(1).to(torch.float32)


def as_rows(observations: np.ndarray) -> np.ndarray:
    """Returns observations [B, D...] as rows [B, D], in their dtype; a view where that is possible."""
    return observations.reshape(len(observations), math.prod(observations.shape[1:]))


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Returns a tensor on the array's memory, or on a copy of it where it is read-only.

    Fragments of remote runners lie in Ray's object store, which nobody may write to; torch has no such tensors.
    """
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def module_input(
    observations: np.ndarray, action_masks: np.ndarray | None, device: torch.device | None = None
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Returns the `Columns.OBS` entry of a forward pass.

    Args:
        observations: [B, D...].
        action_masks: [B, K] uint8, or None.
        device: Of the module; None: the CPU.
    """
    features = as_features(as_tensor(observations).to(device))
    if action_masks is None:
        return features
    return {"observations": features, "action_mask": as_tensor(action_masks).to(device, torch.float32)}
