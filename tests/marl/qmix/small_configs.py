"""Configs of small teams that learn in seconds."""

from __future__ import annotations

from typing import Any

from marl.qmix import IQLConfig, QMIXConfig, VDNConfig

CONFIGS = {"qmix": QMIXConfig, "vdn": VDNConfig, "iql": IQLConfig}


def make_config(
    name: str, id: str, settings: dict[str, Any] | None = None, *, num_envs: int = 4, **training: Any
) -> Any:
    """A small config of an algorithm."""
    small = {"hidden_sizes": (8,), "mixing_size": 4, "hypernet_size": 4, "episodes_per_update": 4, "capacity": 500}
    config = CONFIGS[name]().environment(id, env_config=settings or {}).training(**{**small, **training})
    return config.env_runners(num_envs_per_env_runner=num_envs).debugging(seed=5, log_level="ERROR")
