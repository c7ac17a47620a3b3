"""QModule: RLlib's Q network for worlds with action masks."""

from __future__ import annotations

from typing import Any

import gymnasium
import torch
from ray.rllib.algorithms.dqn.default_dqn_rl_module import QF_PREDS
from ray.rllib.algorithms.dqn.torch.default_dqn_torch_rl_module import DefaultDQNTorchRLModule
from ray.rllib.core.columns import Columns


class QModule(DefaultDQNTorchRLModule):
    """RLlib's default DQN module, to which a forbidden action is worth -inf.

    So the argmax of the bootstrap and the greedy action pass it over, and RLlib's loss turns the -inf of a row that
    nothing is taken from into 0. Dueling, double, n-step and distributional networks are RLlib's.

    Observations are flat, or Dict{"observations", "action_mask"}; its networks see the observations only, times
    `observation_scale` of the `model_config` (1.0).

    Args:
        observation_space: A flat Box, or the Dict.
        **kwargs: RLlib's.
    """

    def __init__(self, *, observation_space: gymnasium.Space, **kwargs: Any) -> None:
        is_masked = isinstance(observation_space, gymnasium.spaces.Dict)
        seen: Any = observation_space["observations"] if is_masked else observation_space  # type: ignore[index]
        super().__init__(observation_space=seen, **kwargs)
        settings: Any = self.model_config
        self._scale = float(settings.get("observation_scale", 1.0))

    def _qf_forward_helper(self, batch: dict[str, Any], encoder: Any, head: Any) -> dict[str, Any]:
        observations, mask = _split(batch[Columns.OBS])
        output: dict[str, Any] = super()._qf_forward_helper(
            {**batch, Columns.OBS: observations * self._scale}, encoder, head
        )
        if mask is not None:
            output[QF_PREDS] = output[QF_PREDS].masked_fill(~mask, -torch.inf)
        return output

    def _forward_exploration(self, batch: dict[str, Any], t: int) -> dict[str, Any]:  # type: ignore[override]
        # RLlib's own takes every action worth exactly 0 for a forbidden one.
        values: Any = self.compute_q_values(batch)[QF_PREDS]
        _, mask = _split(batch[Columns.OBS])
        legal = torch.ones_like(values) if mask is None else mask.to(torch.float32)
        self.epsilon_schedule.update(t)
        epsilon: Any = self.epsilon_schedule.get_current_value()
        explores = torch.rand(len(values), device=values.device) < epsilon
        drawn = torch.multinomial(legal, num_samples=1).squeeze(1)
        return {Columns.ACTIONS: torch.where(explores, drawn, values.argmax(dim=-1))}


def _split(observations: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Returns the observations [B, D], and the mask [B, K] bool; all is legal to an agent that is out."""
    if not isinstance(observations, dict):
        return observations, None
    mask = observations["action_mask"] > 0
    return observations["observations"], mask | ~mask.any(dim=-1, keepdim=True)
