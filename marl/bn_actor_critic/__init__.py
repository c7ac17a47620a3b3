"""Policies over a graph of agents that is learned, complete or empty. See README.md."""

from marl.bn_actor_critic.algorithm import (
    BNMAPPO,
    AutoRegressiveMAPPO,
    AutoRegressiveMAPPOConfig,
    BNMAPPOConfig,
)
from marl.bn_actor_critic.annealing import Annealing
from marl.bn_actor_critic.module import BayesianTeamModule
from marl.bn_actor_critic.settings import GraphSettings

__all__ = [
    "BNMAPPO",
    "Annealing",
    "AutoRegressiveMAPPO",
    "AutoRegressiveMAPPOConfig",
    "BNMAPPOConfig",
    "BayesianTeamModule",
    "GraphSettings",
]
