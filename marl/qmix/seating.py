"""Which module plays whom: one for each group of agents, or one for each agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

from games.batch import Group
from marl.qmix.learner import MIXER
from marl.qmix.modules import AgentModule, MixerModule
from marl.qmix.replay import Drawn
from marl.qmix.settings import FactorizationSettings
from marl.rllib.errors import TrainingError
from marl.rllib.learner.global_state import global_state_size
from marl.rllib.runner.observations import module_space
from marl.rllib.seating import Seating

# Names of the stored columns as RLlib has them.
NAMES = {"observations": "obs", "action_masks": "action_mask"}


@dataclass(frozen=True)
class Seat:
    """What a module plays: agents of one group, by their places in it."""

    group: str
    places: tuple[int, ...]


def find_seats(groups: Mapping[str, Group], share_parameters: bool) -> dict[str, Seat]:
    """Returns what each module plays: a module named after each group, or after each agent.

    Raises:
        TrainingError: Actions that are no single choice.
    """
    seats = {}
    for name, group in groups.items():
        if not isinstance(group.action_space, gymnasium.spaces.Discrete):
            raise TrainingError(f"value factorization needs Discrete actions; {name!r} have {group.action_space}")
        if share_parameters:
            seats[name] = Seat(name, tuple(range(len(group.agents))))
        else:
            seats |= {agent: Seat(name, (place,)) for place, agent in enumerate(group.agents)}
    return seats


def map_agents(groups: Mapping[str, Group], seats: Mapping[str, Seat]) -> Seating:
    """Returns the mapping from agents to modules."""
    return Seating(
        {groups[seat.group].agents[place]: module_id for module_id, seat in seats.items() for place in seat.places}
    )


def module_specs(
    groups: Mapping[str, Group], seats: Mapping[str, Seat], settings: FactorizationSettings, num_runners: int
) -> MultiRLModuleSpec:
    """Returns what RLlib builds: the agents' modules, and the mixer where there is one.

    Args:
        groups: Of the world.
        seats: By module.
        settings: Of the training.
        num_runners: Among which the env steps of epsilon's schedule are divided.
    """
    epsilon = [(step / num_runners, chance) for step, chance in settings.epsilon]
    specs = {}
    for module_id, seat in seats.items():
        group, num_agents = groups[seat.group], len(seat.places)
        model = {
            "hidden_sizes": list(settings.hidden_sizes),
            "is_recurrent": settings.is_recurrent,
            "observation_scale": settings.observation_scale,
            "num_agents": num_agents,
            "agent_ids": settings.agent_ids and num_agents > 1,
            "epsilon": epsilon,
        }
        specs[module_id] = RLModuleSpec(AgentModule, module_space(group), group.action_space, model_config=model)
    if settings.mixer != "none":
        sizes = {
            "mixer": settings.mixer,
            "num_agents": sum(len(seat.places) for seat in seats.values()),
            "state_size": global_state_size(groups),
            "mixing_size": settings.mixing_size,
            "hypernet_size": settings.hypernet_size,
        }
        state = gymnasium.spaces.Box(-np.inf, np.inf, (global_state_size(groups),), np.float32)
        value = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float32)
        specs[MIXER] = RLModuleSpec(MixerModule, state, value, learner_only=True, model_config=sizes)
    return MultiRLModuleSpec(rl_module_specs=specs)


def to_batch(drawn: Drawn, seats: Mapping[str, Seat]) -> MultiAgentBatch:
    """Returns episodes as RLlib's rows, one an episode: of each module the agents that it plays."""
    shared = {"mask": drawn.mask, "is_terminal": drawn.is_terminal}
    rows = {}
    for module_id, seat in seats.items():
        columns = drawn.groups[seat.group]
        is_whole = len(seat.places) == columns["alive"].shape[2]
        places: Any = slice(None) if is_whole else list(seat.places)
        rows[module_id] = SampleBatch(
            {NAMES.get(name, name): array[:, :, places] for name, array in columns.items()} | shared
        )
    return MultiAgentBatch(rows, env_steps=int(drawn.mask.sum()))
