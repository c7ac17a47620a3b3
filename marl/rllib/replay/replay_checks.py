"""What DQN and SAC cannot do, said before they start."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import gymnasium
from ray.rllib.algorithms.sac.sac import SACConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec

import games
from games.batch import Group
from marl.rllib.modules.q_module import QModule
from marl.rllib.runner.batched_runner import MappingArgument

# Settings of RLlib's replay buffers for the new API stack that mean something here.
BUFFER_SETTINGS = {"type", "capacity", "alpha", "beta", "metrics_num_episodes_for_smoothing"}


def is_trained(config: Any, module_id: str) -> bool:
    """Returns whether `policies_to_train` has a module."""
    wanted = config.policies_to_train
    if wanted is None:
        return True
    return bool(wanted(module_id, None)) if callable(wanted) else module_id in wanted


def played_groups(config: Any) -> Iterator[tuple[str, Group]]:
    """Yields what every policy plays, as `policy_mapping_fn` says for the first fragment."""
    batch = games.make_batch(str(config.env), 1, **config.env_config)
    policies = list(config.policies)
    for group in batch.groups.values():
        if len(policies) == 1:
            yield policies[0], group
            continue
        for module_id in dict.fromkeys(config.policy_mapping_fn(agent, MappingArgument(0)) for agent in group.agents):
            yield module_id, group


def check_replay_config(config: Any) -> None:
    """Looks at the settings of DQN or SAC on the batched runner.

    Raises:
        ValueError: They cannot work.
    """
    check_buffer(config.replay_buffer_config)
    check_steps(config)
    check = _check_sac if isinstance(config, SACConfig) else _check_dqn
    for module_id, group in played_groups(config):
        if is_trained(config, module_id):
            check(config, module_id, group)


def check_buffer(settings: dict[str, Any]) -> None:
    """Looks at the `replay_buffer_config`."""
    if not isinstance(settings.get("type"), str) or "EpisodeReplayBuffer" not in settings["type"]:
        raise ValueError(
            "the type of the replay_buffer_config must be the name of one of RLlib's buffers for episodes, such as "
            f"'PrioritizedEpisodeReplayBuffer', got {settings.get('type')!r}"
        )
    unknown = set(settings) - BUFFER_SETTINGS
    if unknown:
        raise ValueError(f"replay_buffer_config has {sorted(unknown)}; known: {sorted(BUFFER_SETTINGS)}")


def check_steps(config: Any) -> None:
    """Looks at n_step: RLlib's DQN compares a tuple with a fragment length and fails."""
    if not isinstance(config.n_step, int) and config.rollout_fragment_length != "auto":
        raise ValueError(f'n_step={config.n_step} needs env_runners(rollout_fragment_length="auto")')


def _check_dqn(config: Any, module_id: str, group: Group) -> None:
    if not isinstance(group.action_space, gymnasium.spaces.Discrete):
        raise ValueError(
            f"DQN needs Discrete actions; policy {module_id!r} plays {group.name!r}, which have {group.action_space}"
        )
    if config.noisy:
        raise ValueError("RLlib's new API stack has no noisy networks and would ignore noisy=True; set it to False")
    if group.action_masks is not None and not _knows_masks(config, module_id):
        raise ValueError(
            f"policy {module_id!r} plays {group.name!r}, which have action masks; RLlib's default module knows none. "
            "Use marl.rllib.QModule (use_batched_runner puts it in where the config names no module)"
        )


def _knows_masks(config: Any, module_id: str) -> bool:
    spec = config._rl_module_spec
    if isinstance(spec, MultiRLModuleSpec):
        specs: Any = spec.rl_module_specs
        spec = specs.get(module_id) if isinstance(specs, dict) else specs
    module_class = None if spec is None else spec.module_class
    # A module of somebody's own may know what to do; RLlib's default surely does not.
    return module_class is not None and (issubclass(module_class, QModule) or not _is_rllibs(module_class))


def _is_rllibs(module_class: type) -> bool:
    return module_class.__module__.startswith("ray.rllib.algorithms")


def _check_sac(config: Any, module_id: str, group: Group) -> None:
    if group.action_masks is not None:
        raise ValueError(f"SAC knows no action masks; policy {module_id!r} plays {group.name!r}, which have them")
    space = group.action_space
    if isinstance(space, gymnasium.spaces.Box):
        return
    if not isinstance(space, gymnasium.spaces.Discrete):
        raise ValueError(
            f"SAC needs Discrete or Box actions; policy {module_id!r} plays {group.name!r}, which have {space}"
        )
    own: Any = config.get_config_for_module(module_id)
    if not own.twin_q:
        raise ValueError("RLlib's SAC for Discrete actions computes with two Q networks in any case; set twin_q=True")
    most, target = math.log(space.n), own.target_entropy
    if not isinstance(target, int | float) or not 0 < target < most:
        raise ValueError(
            f"SAC for Discrete({space.n}) needs a target_entropy between 0 and log({space.n}) = {most:.3f}, got "
            f"{target!r}; 'auto' would be -1, which no policy can reach, so that the temperature falls for ever"
        )
