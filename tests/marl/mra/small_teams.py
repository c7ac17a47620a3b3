"""Modules and configs of small populations."""

from __future__ import annotations

from typing import Any

import torch

import games
from marl.mra import MRAConfig, MRASettings
from marl.mra.algorithm import module_specs
from marl.mra.losses import Steps
from marl.mra.module import MRAModule

RESOURCES = "particles/resource_occupation_v0"
SMALL = {"batch_steps": 16, "updates_per_round": 2, "learning_starts": 10, "capacity": 400, "num_latents": 3}
WORLD = {"num_agents": 4, "populations": (1, 3, 4), "horizon": 5}


def small_config(id: str = RESOURCES, world: dict[str, Any] | None = None, **training: Any) -> MRAConfig:
    """A config that learns something in a second."""
    config = MRAConfig().environment(id, env_config=WORLD if world is None else world)
    config.training(**{**SMALL, **training}).debugging(seed=5, log_level="ERROR")
    config.env_runners(num_envs_per_env_runner=6)
    return config


def make_module(world: dict[str, Any] | None = None, seed: int = 0, **settings: Any) -> MRAModule:
    """A module with weights at random, biases among them, and targets of its own."""
    torch.manual_seed(seed)
    batch = games.make_batch(RESOURCES, **(WORLD if world is None else world))
    (spec,) = module_specs(batch, MRASettings(**{**SMALL, **settings})).values()
    module: Any = spec.build()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def observe(world: dict[str, Any], num_envs: int = 5, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Observations and who is alive, as episodes begin."""
    batch = games.make_batch(RESOURCES, num_envs, seed=seed, **world)
    batch.reset()
    return torch.from_numpy(batch.observations.copy()), torch.from_numpy(batch.alive > 0)


def make_steps(module: MRAModule, num_steps: int = 24, seed: int = 0, **changes: Any) -> Steps:
    """Steps between observations that have nothing to do with each other."""
    generator = torch.Generator().manual_seed(seed)
    seen, alive = observe(WORLD, num_steps, seed)
    count = alive.sum(dim=-1)
    latents = torch.randint(module.num_latents, alive.shape, generator=generator)
    steps = {
        "views_t": module.views(seen),
        "views_tp1": module.views(seen.flip(0)),
        "mask_t": None,
        "mask_tp1": None,
        "actions": torch.randint(5, alive.shape, generator=generator),
        "rewards": torch.randn(alive.shape, generator=generator),
        "alive": alive,
        "next_alive": alive,
        "latents": torch.eye(module.num_latents)[latents],
        "games": torch.searchsorted(torch.tensor(module.games), count),
        "num_agents": count,
    }
    return Steps(**{**steps, **changes})
