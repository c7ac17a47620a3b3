"""Trained protagonists and adversaries as plain policy files, for players that need no learner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.trained import PolicyDescription, save_policy
from marl.qarl.soft_actor_critic import SoftActorCritics


def export_actor(
    learners: SoftActorCritics,
    index: int,
    folder: Path,
    env_id: str,
    settings: Mapping[str, Any],
    *,
    context: float | None = None,
    is_greedy: bool = False,
) -> None:
    """Writes one learner's actor as `policy.json` and `policy.safetensors`; its critics stay behind.

    Args:
        learners: Of one group, all seeds.
        index: Which seed's, in [0, S).
        folder: Exists already.
        env_id: Where it was trained.
        settings: Of the world, beyond the id's.
        context: For an actor that was shown a context: what it is told wherever it plays. None: it plays where worlds
            show one, or where the player is given one.
        is_greedy: Whether it plays its mean.

    Raises:
        ValueError: There is no such learner.
    """
    if not 0 <= index < learners.count:
        raise ValueError(f"index must be in [0, {learners.count}), got {index}")
    layers = learners.judged_actor().take(index)
    description = PolicyDescription(
        env_id=env_id,
        settings=dict(settings),
        observation_size=layers[0][0].shape[0],
        hidden_sizes=[bias.shape[0] for _, bias in layers[:-1]],
        num_actions=learners.action_size,
        is_greedy=is_greedy,
        distribution="squashed_normal",
        context=context,
    )
    save_policy(folder, description, [(weight.T, bias) for weight, bias in layers])
