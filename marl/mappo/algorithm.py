"""MAPPO and IPPO as algorithms of RLlib: `MAPPOConfig().environment(id).build_algo().train()`.

Yu et al. 2022, "The surprising effectiveness of PPO in cooperative multi-agent games"; de Witt et al. 2020, "Is
independent learning all you need in the StarCraft multi-agent challenge?". See README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec

import games
from games.batch import Group
from games.names import unknown_name
from marl.checks import check_count, check_number
from marl.mappo.learner import TeamLearner
from marl.mappo.module import TeamModule
from marl.mappo.settings import TeamSettings
from marl.rllib import register, use_batched_runner
from marl.rllib.learner.global_state import global_state_size
from marl.rllib.runner.player_module import MakePlayer
from marl.rllib.seating import seat_by_group


class MAPPOConfig(PPOConfig):
    """PPO's settings, and `training(...)` with the names of `TeamSettings`; puts itself on the batched runner.

    Each group of agents of the world is a team with a module of the group's name. Minibatches are counted in steps of
    an env, all agents of which stay together; by default there is one, of all that was sampled.

    Attributes:
        seated: By group, what makes the player of `agents/` that plays its agents instead of a learner.
    """

    settings_class: type[TeamSettings] = TeamSettings
    module_class: type[RLModule] = TeamModule
    learner_type: type[Learner] = TeamLearner

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or MAPPO)
        for name in self.own_names():
            setattr(self, name, getattr(self.settings_class(), name))
        self.seated: dict[str, MakePlayer] = {}
        self.env_runners(num_env_runners=0, num_envs_per_env_runner=32, rollout_fragment_length=128)
        self.learners(num_learners=0)
        self.training(lr=7e-4, gamma=0.99, lambda_=0.95, clip_param=0.2, entropy_coeff=0.01, vf_loss_coeff=1.0)
        self.training(num_epochs=5, minibatch_size=None, grad_clip=10.0, use_kl_loss=False)
        self.minibatch_size = None  # PPOConfig.training takes None for "as it was"

    @classmethod
    def own_names(cls) -> tuple[str, ...]:
        """Returns the settings that PPO does not have."""
        return tuple(field.name for field in fields(cls.settings_class))

    def training(self, **settings: Any) -> MAPPOConfig:
        """Sets fields of `TeamSettings` (`sharing`, `credit`, ...) and of PPO (`lr`, `clip_param`, ...).

        Raises:
            UnknownNameError: No such setting.
        """
        own = {name: settings.pop(name) for name in self.own_names() if name in settings}
        # What PPO lists, or any algorithm; "model" and "optimizer" come when RLlib reads a dict.
        known = [name.lstrip("_") for name in vars(self)]
        for name in settings:
            if name not in known and name not in ("model", "optimizer", "learner_config_dict"):
                raise unknown_name(f"setting of {type(self).__name__.removesuffix('Config')}", name, known)
        super().training(**settings)
        for name, value in own.items():
            setattr(self, name, value)
        return self

    def players(self, seated: Mapping[str, MakePlayer]) -> MAPPOConfig:
        """Lets players of `agents/` play groups that are not to learn.

        Args:
            seated: By group, what makes its player from a seed (`marl.rllib.use_batched_runner`).
        """
        self.seated = dict(seated)
        return self

    def team_settings(self) -> TeamSettings:
        """Returns the settings that PPO does not have, checked.

        Raises:
            ValueError: One is out of range.
        """
        return self.settings_class(**{name: getattr(self, name) for name in self.own_names()})

    def validate(self) -> None:
        """Checks the settings, and puts teams on the batched runner.

        Raises:
            ValueError: A setting out of range, or something that the batched runner cannot do.
            UnknownNameError: No such world, or no such group to seat a player in.
        """
        if self.in_evaluation:
            register()
        else:
            self._check_ppos()
            self._seat(self.team_settings())
        super().validate()

    def _check_ppos(self) -> None:
        """Checks those of PPO's settings that a mistake in would only show in what is learned."""
        for name in ("gamma", "lambda_"):
            check_number(name, getattr(self, name), least=0, most=1)
        check_number("clip_param", self.clip_param, above=0)
        check_number("vf_loss_coeff", self.vf_loss_coeff, least=0)
        for name in ("lr", "entropy_coeff"):
            given = getattr(self, name)
            for value in [point[1] for point in given] if isinstance(given, list | tuple) else [given]:
                check_number(name, value, least=0)
        if not isinstance(self.lr, list | tuple):
            check_number("lr", self.lr, above=0)
        if self.grad_clip is not None:
            check_number("grad_clip", self.grad_clip, above=0)
        check_count("num_epochs", self.num_epochs)
        if self.minibatch_size is not None:
            check_count("minibatch_size", self.minibatch_size)

    def _seat(self, settings: TeamSettings) -> None:
        groups = games.make_batch(str(self.env), **self.env_config).groups
        for name in self.seated:
            if name not in groups:
                raise unknown_name(f"group of {self.env}", name, tuple(groups))
        self.multi_agent(policies=set(groups), policy_mapping_fn=seat_by_group(groups))
        specs = {name: self.module_spec(settings, group, groups) for name, group in groups.items()}
        self.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))
        use_batched_runner(self, players=self.seated)

    def module_spec(self, settings: Any, group: Group, groups: Mapping[str, Group]) -> RLModuleSpec:
        """Returns the module of a team.

        Args:
            settings: Checked.
            group: Whose agents it plays.
            groups: Of the world.
        """
        model = {
            "num_agents": len(group.agents),
            "state_size": global_state_size(groups),
            "hidden_sizes": list(settings.hidden_sizes),
            "observation_scale": settings.observation_scale,
            "critic": settings.critic,
            "has_team_value": settings.critic == "central" and settings.credit == "team",
            "critic_network": {"head_gain": 1.0, "normalizes_layers": settings.critic_layer_norms},
            "network": {
                "sharing": settings.sharing,
                "has_ids": settings.agent_ids,
                "activation": settings.activation,
                "head_gain": settings.head_gain,
                "normalizes_input": settings.obs_layernorm,
                "normalizes_layers": settings.layer_norms,
            },
        }
        return RLModuleSpec(module_class=self.module_class, model_config=model)

    def get_default_learner_class(self) -> type[Learner]:
        """Returns the learner that trains teams."""
        return self.learner_type

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """Returns the module that a team has."""
        return RLModuleSpec(module_class=self.module_class)


class MAPPO(PPO):
    """PPO of a team: decentralised policies, a critic that sees what all see, one advantage for all."""

    @classmethod
    def get_default_config(cls) -> PPOConfig:
        """Returns the paper's settings."""
        return MAPPOConfig()


class IPPOConfig(MAPPOConfig):
    """Independent learners: each agent's values are of what it sees, and of its own rewards."""

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or IPPO)
        self.training(critic="own", credit="own")


class IPPO(MAPPO):
    """PPO of agents that share weights and nothing else (de Witt et al. 2020)."""

    @classmethod
    def get_default_config(cls) -> PPOConfig:
        """Returns MAPPO's settings with critics and rewards of the agents' own."""
        return IPPOConfig()
