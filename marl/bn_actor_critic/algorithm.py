"""BN-MAPPO and the auto-regressive policy as algorithms of RLlib: `BNMAPPOConfig().environment(id).build_algo()`.

Chen and Zhang 2023, "Context-aware Bayesian network actor-critic methods for cooperative multi-agent reinforcement
learning". See README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from games.batch import Group
from marl.bn_actor_critic.learner import BayesianTeamLearner
from marl.bn_actor_critic.module import BayesianTeamModule
from marl.bn_actor_critic.settings import GraphSettings
from marl.mappo import MAPPO, MAPPOConfig


class BNMAPPOConfig(MAPPOConfig):
    """MAPPO's settings, and `training(...)` with the names of `GraphSettings`."""

    settings_class = GraphSettings
    module_class = BayesianTeamModule
    learner_type = BayesianTeamLearner

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or BNMAPPO)

    def module_spec(self, settings: Any, group: Group, groups: Mapping[str, Group]) -> RLModuleSpec:
        """Returns the module of a team: MAPPO's with a graph."""
        spec: Any = super().module_spec(settings, group, groups)
        spec.model_config["graph"] = {
            "kind": settings.graph,
            "hidden_size": settings.graph_hidden_size,
            "edge_bias": settings.edge_bias,
            "parent_observations": settings.parent_observations,
            "fixed_order": settings.fixed_order,
            "batch_mean_edges": settings.batch_mean_edges,
            "has_gradient": settings.graph_gradient != "none",
        }
        return spec


class BNMAPPO(MAPPO):
    """MAPPO whose agents see the actions of their parents in a graph that is learned from the context."""

    @classmethod
    def get_default_config(cls) -> PPOConfig:
        """Returns MAPPO's settings with a learned graph, and the corrected update."""
        return BNMAPPOConfig()


class AutoRegressiveMAPPOConfig(BNMAPPOConfig):
    """A complete graph: each agent sees the actions of all with smaller numbers."""

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or AutoRegressiveMAPPO)
        self.training(graph="complete")


class AutoRegressiveMAPPO(BNMAPPO):
    """MAPPO with an auto-regressive joint policy, which can be any there is."""

    @classmethod
    def get_default_config(cls) -> PPOConfig:
        """Returns MAPPO's settings with a complete graph."""
        return AutoRegressiveMAPPOConfig()
